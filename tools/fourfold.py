"""Do a chapter's main claims survive a search that is four times as long?

    python -m tools.fourfold NOTEBOOK … [--folder FOLDER]

takes a copy of the repository in which every search of the chapter asks for four times its draws,
runs the draws that are then missing, repeats the trials with the best settings found, and runs the
chapter up to its last main claim. Draws that are on record count, so this costs three more searches
like the first. Its main claims, before and after, go to reports/fourfold.json, and the longer
records to the folder reports/fourfold. What the chapter itself shows stays as it is: its records
hold the usual number of draws.

With --folder the copy is kept there, and a run that was stopped can be resumed.
"""

from recutils import sources

import argparse
import copy
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools import kernels, reports
from tools.chapter import Chapter, chapters
from tools.claims import Claim

REPORT = reports.REPORTS / "fourfold.json"
RECORDS = reports.REPORTS / "fourfold"
TIMES = 4
_COPIED = ("recutils", "reports/records")


def lengthened(chapter: Chapter) -> Chapter:
    """The chapter up to its last main claim, with four times the draws in every search.

    Raises:
      ValueError: it has no search, or no main claim.
    """
    ends = [n for n, cell in enumerate(chapter.cells) if "main_of=" in cell.source]
    document = copy.deepcopy(chapter.document)
    if not ends or not any("draws=" in cell.source for cell in chapter.codes):
        raise ValueError(f"{chapter.name} has no search, or no main claim")
    document.cells = document.cells[: ends[-1] + 1]
    for cell in document.cells:
        if cell.cell_type == "code":
            cell.source = re.sub(
                r"\bdraws=(\d+)", lambda found: f"draws={TIMES * int(found[1])}", cell.source
            )
    return replace(chapter, document=document)


def prepare(folder: Path) -> None:
    """Copies what a chapter needs to run, except the records of trials, which run again."""
    for part in _COPIED:
        if not (folder / part).exists():
            shutil.copytree(
                reports.ROOT / part,
                folder / part,
                ignore=shutil.ignore_patterns("__pycache__", "trials-*"),
            )


def fourfold(chapter: Chapter, folder: Path) -> dict[str, Any]:
    """Runs one chapter with four times the draws, and puts its main claims beside the stored ones.

    Returns:
      "fingerprint" of the chapter, "draws" (how many there are then, in each search), and "claims":
      each main claim's text with its lines "as stored" and "fourfold".

    Raises:
      CellExecutionError: a cell raised an error.
    """
    changed = {"RECUTILS_RECORD": "make", "PYTHONPATH": str(folder)}
    ran = kernels.run(lengthened(chapter), changed, folder=folder, timeout=10 * 3_600)
    draws = {int(n) for cell in ran.codes for n in re.findall(r"\bdraws=(\d+)", cell.source)}
    return {
        "fingerprint": chapter.fingerprint,
        "draws": sorted(draws),
        "claims": [
            {"claim": text, "as stored": line(claim), "fourfold": line(ran.claims[text])}
            for text, claim in chapter.claims.items()
            if claim.main
        ],
    }


def keep(chapter: Chapter, folder: Path, to: Path = RECORDS) -> None:
    """Copies what a run has recorded, longer searches and new trials, out of its folder."""
    cells = [cell.source for cell in lengthened(chapter).codes]
    calls = [call for f in ("search", "recorded") for call in sources.calls_in(cells, f)]
    names = {call.name for call in calls}
    to.mkdir(parents=True, exist_ok=True)
    for path in sorted((folder / "reports" / "records").glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        if record["name"] in names and not record["data"].startswith("real"):
            shutil.copy(path, to)


def read(path: Path = REPORT) -> dict[str, Any]:
    """The report so far; an empty one if there is none."""
    return reports.read(path, chapters={})


def kept(claims: Sequence[dict[str, Any]]) -> int:
    """How many claims of a chapter have the same verdict after the longer searches."""
    return sum(row["as stored"]["verdict"] == row["fourfold"]["verdict"] for row in claims)


def line(claim: Claim) -> dict[str, str]:
    """What the report says about a conclusion."""
    return claim.shown | {"trials": claim.trials}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a verdict changes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--folder", type=Path, help="where the copy is made and kept")
    options = parser.parse_intermixed_args(arguments)
    report = read() | {"date": reports.today(), "versions": reports.versions()}
    changed = 0
    for chapter in chapters(options.notebooks):
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.folder or Path(temporary)).resolve()
            prepare(folder)
            result = fourfold(chapter, folder)
            keep(chapter, folder)
        report["chapters"][chapter.name] = result
        reports.write(report, REPORT)
        for row in result["claims"]:
            before, after = row["as stored"]["verdict"], row["fourfold"]["verdict"]
            print(f"{chapter.name}: {before} -> {after}   {row['claim']}")
        changed += len(result["claims"]) - kept(result["claims"])
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
