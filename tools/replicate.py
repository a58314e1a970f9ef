"""Do the book's conclusions hold on real data?

    python tools/replicate.py FOLDER [NOTEBOOK …]

runs every chapter on the MovieLens data in FOLDER (by `RECUTILS_DATA`), takes each line that
`recutils.conclude` prints, and puts it beside the line that the chapter stores for the synthetic
films. The table is printed, and written to reports/replication-<folder's name>.json with the data's
checksums, the versions of the libraries, and the date. A chapter that fails on these data is
reported with its error, beside the conclusions that it still reached. A chapter whose code has not
changed since the report was written on the same data and libraries isn't run again; `--again` does.
"""

import argparse
import hashlib
import importlib.metadata
import json
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbcheck
import nbformat
import notebooks
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

PACKAGES = (
    "tensorflow",
    "tf-keras",
    "tensorflow-recommenders",
    "tensorflow-ranking",
    "scann",
    "numpy",
    "pandas",
)
_SIGNED = r"[+\-−]?(?:[\d.,]+(?:e[+-]?\d+)?|nan|inf)"
_CONCLUSION = re.compile(
    rf"^(?P<verdict>holds|reversed|open) +(?P<effect>{_SIGNED}) +\[(?P<low>{_SIGNED}), "
    rf"*(?P<high>{_SIGNED})\] {{2,}}(?P<claim>\S.*?) {{2,}}\((?P<seeds>\d+) seeds, paired\)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Conclusion:
    """A line of `recutils.conclude`; effect and interval as they were printed."""

    verdict: str
    effect: str
    low: str
    high: str
    seeds: int
    claim: str

    def __str__(self) -> str:
        return f"{self.verdict:<8} {self.effect} [{self.low}, {self.high}]"


def conclusions(text: str) -> list[Conclusion]:
    """Finds the lines of `recutils.conclude` in what cells printed."""
    return [
        Conclusion(
            verdict=match["verdict"],
            effect=match["effect"],
            low=match["low"],
            high=match["high"],
            seeds=int(match["seeds"]),
            claim=match["claim"],
        )
        for match in _CONCLUSION.finditer(text)
    ]


def all_conclusions(notebook: NotebookNode) -> dict[str, Conclusion]:
    """All conclusions among a notebook's outputs, by claim."""
    return {
        conclusion.claim: conclusion
        for cell in notebook.cells
        if cell.cell_type == "code"
        for part in nbcheck.parts(cell.outputs)
        if part.kind == "stdout"
        for conclusion in conclusions(part.text)
    }


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder, by name.

    Raises:
      NotADirectoryError: there is no such folder.
      FileNotFoundError: it holds no file.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"no folder with data: {folder}")
    found = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    if not found:
        raise FileNotFoundError(f"no file in {folder}")
    return found


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def replicate(
    notebook: NotebookNode, place: Path, data: Path, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Runs one chapter on other data, and sets its conclusions beside the stored ones.

    Args:
      notebook: the chapter with its stored outputs.
      place: the chapter's folder, where it runs.
      data: folder with MovieLens data.
      before: this function's result on the same data, which is taken over if it belongs to the
        chapter's code as it is now.

    Returns:
      "fingerprint" of the chapter, "error" (None if all went well), and "claims": each with its
      text and the conclusions "synthetic" and "real" (None where a run doesn't reach it).
    """
    fingerprint = notebooks.fingerprint(notebook)
    if before is not None and before["fingerprint"] == fingerprint:
        return before
    environment = nbcheck.kernel_environment() | {"RECUTILS_DATA": str(data.resolve())}
    error = None
    real: dict[str, Conclusion] = {}
    try:
        ran = notebooks.run(notebook, place, environment, allow_errors=True)
        error = next(iter(notebooks.undeclared_errors(ran)), None)
        real = all_conclusions(ran)
    except (CellTimeoutError, DeadKernelError) as problem:
        error = f"{type(problem).__name__}: {problem}"
    stored = all_conclusions(notebook)
    return {
        "fingerprint": fingerprint,
        "error": error,
        "claims": [
            {
                "claim": claim,
                "synthetic": _without_claim(stored.get(claim)),
                "real": _without_claim(real.get(claim)),
            }
            for claim in dict.fromkeys([*stored, *real])
        ],
    }


def _without_claim(conclusion: Conclusion | None) -> dict[str, Any] | None:
    if conclusion is None:
        return None
    return {key: value for key, value in asdict(conclusion).items() if key != "claim"}


def _chapters_before(path: Path, report: dict[str, Any]) -> dict[str, Any]:
    """The chapters of an earlier report, if it is on the same data and libraries."""
    if not path.exists():
        return {}
    earlier = json.loads(path.read_text(encoding="utf-8"))
    same = all(earlier[key] == report[key] for key in ("data", "versions"))
    return earlier["chapters"] if same else {}


def table(report: dict[str, Any]) -> str:
    """The report as text: one claim a line, synthetic beside real."""
    lines = []
    for name, chapter in report["chapters"].items():
        lines.append(name)
        if chapter["error"]:
            lines.append(f"  FAILED on these data: {chapter['error']}")
        for row in chapter["claims"]:
            sides = [
                str(Conclusion(claim=row["claim"], **row[side])) if row[side] else "not reached"
                for side in ("synthetic", "real")
            ]
            lines.append(f"  {sides[0]:<36} {sides[1]:<36} {row['claim']}")
    title = f"  {'synthetic':<36} {report['data']['folder']:<36} claim"
    return "\n".join([title, *lines])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a chapter fails on the data, whatever it concludes."""
    parser = argparse.ArgumentParser(description="Every conclusion, on real data.")
    parser.add_argument("folder", type=Path, help="an unpacked MovieLens folder")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--again", action="store_true", help="run unchanged chapters, too")
    parser.add_argument("--reports", type=Path, default=notebooks.REPORTS, help=argparse.SUPPRESS)
    options = parser.parse_intermixed_args(arguments)
    files = checksums(options.folder)
    report: dict[str, Any] = {
        "data": {"folder": options.folder.resolve().name, "sha256": files},
        "date": notebooks.today(),
        "versions": versions(),
    }
    path = options.reports / f"replication-{options.folder.resolve().name}.json"
    report["chapters"] = chapters = _chapters_before(path, report)
    for notebook in notebooks.find(options.notebooks):
        name = notebooks.name_of(notebook)
        print(f"running {name}", flush=True)
        stored = nbformat.read(notebook, as_version=4)
        before = None if options.again else chapters.get(name)
        chapters[name] = replicate(stored, notebook.parent, options.folder, before)
        report["chapters"] = dict(sorted(chapters.items()))
        notebooks.write_report(report, path)
    print(table(report))
    print(f"\nwritten to {path}")
    return 1 if any(chapter["error"] for chapter in chapters.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
