"""Do the book's conclusions hold on real data?

    python -m tools.replicate FOLDER [NOTEBOOK …]

runs every chapter on the MovieLens data in FOLDER (by `RECUTILS_DATA`), takes each line that
`recutils.conclude` prints, and puts it beside the line that the chapter stores for the synthetic
films. The table is printed, and written to reports/replication-<folder's name>.json with the data's
checksums, the versions of the libraries, and the date. A chapter that fails on these data is
reported with its error, beside the conclusions that it still reached. A chapter whose code has not
changed since the report on the same data and libraries isn't run again, except with `--again`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import kernels, reports
from tools.chapter import Chapter, chapters
from tools.claims import Claim


def replicate(chapter: Chapter, data: Path) -> dict[str, Any]:
    """Runs one chapter on other data, and puts its conclusions beside the stored ones.

    Args:
      chapter: with its stored outputs.
      data: folder with MovieLens data.

    Returns:
      "fingerprint" of the chapter, "error" (None if all went well), and "claims": each with its
      text and the conclusions "synthetic" and "real" (None where a run doesn't reach it).
    """
    error, real = None, {}
    try:
        ran = kernels.run(chapter, {"RECUTILS_DATA": str(data.resolve())}, allow_errors=True)
        error, real = next(iter(ran.undeclared_errors), None), ran.claims
    except kernels.Broken as problem:
        error = f"{type(problem).__name__}: {problem}"
    return {
        "fingerprint": chapter.fingerprint,
        "error": error,
        "claims": [
            {
                "claim": claim,
                "synthetic": side(chapter.claims.get(claim)),
                "real": side(real.get(claim)),
            }
            for claim in dict.fromkeys([*chapter.claims, *real])
        ],
    }


def side(claim: Claim | None) -> dict[str, Any] | None:
    """What a report says about a claim on one data set."""
    if claim is None:
        return None
    # The trials of the first edition were always seeds.
    seeds = claim.trials == f"{claim.num_trials} seeds, paired"
    trials = {"seeds": claim.num_trials} if seeds else {"trials": claim.trials}
    return claim.shown | trials | ({"main": True} if claim.main else {})


def table(report: dict[str, Any]) -> str:
    """The report as text: one claim a line, synthetic beside real."""
    lines = [f"  {'synthetic':<36} {report['data']['folder']:<36} claim"]
    for name, chapter in report["chapters"].items():
        lines.append(name)
        if chapter["error"]:
            lines.append(f"  FAILED on these data: {chapter['error']}")
        for row in chapter["claims"]:
            main_claim = (row["synthetic"] or row["real"]).get("main", False)
            lines.append(
                f"  {_shown(row['synthetic']):<36} {_shown(row['real']):<36} {row['claim']}"
                + "  (main)" * main_claim
            )
    return "\n".join(lines)


def _shown(one: dict[str, Any] | None) -> str:
    return "{verdict:<8} {effect} [{low}, {high}]".format(**one) if one else "not reached"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a chapter fails on the data, whatever it concludes."""
    parser = argparse.ArgumentParser(description="Every conclusion, on real data.")
    parser.add_argument("folder", type=Path, help="an unpacked MovieLens folder")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--again", action="store_true", help="run unchanged chapters as well")
    options = parser.parse_intermixed_args(arguments)
    files = reports.checksums(options.folder)
    report: dict[str, Any] = {
        "data": {"folder": options.folder.resolve().name, "sha256": files},
        "date": reports.today(),
        "versions": reports.versions(),
    }
    path = reports.REPORTS / f"replication-{options.folder.resolve().name}.json"
    earlier = reports.read(path)
    same = all(earlier.get(key) == report[key] for key in ("data", "versions"))
    known = earlier["chapters"] if same else {}
    for chapter in chapters(options.notebooks):
        before = known.get(chapter.name, {}).get("fingerprint")
        if options.again or before != chapter.fingerprint:
            print(f"running {chapter.name}", flush=True)
            known[chapter.name] = replicate(chapter, options.folder)
        report["chapters"] = dict(sorted(known.items()))
        reports.write(report, path)
    print(table(report))
    print(f"\nwritten to {path}")
    return 1 if any(result["error"] for result in known.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
