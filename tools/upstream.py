"""Do TFRS's and TFR's own tests pass on the versions that this book pins?

    python -m tools.upstream [--tfrs CHECKOUT] [--tfr CHECKOUT]

runs the libraries' own test files against the installed packages, with `recutils` imported first,
as in the chapters. TFRS has test files in its wheel; a checkout (of the tag that
requirements.txt pins) has all of them. TFR's wheel has none, so without a checkout its tests are
left out. Of TFR the Keras part is tested: the Estimator part needs a TensorFlow before 2.16.

The files are copied to a separate folder, because in a checkout Python would import the library
beside them. The counts are printed, and written to reports/upstream.json.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tools import reports

REPORT = reports.REPORTS / "upstream.json"
TFRS, TFR = "tensorflow_recommenders", "tensorflow_ranking/python/keras"


def test_files(checkout: Path, folder: str) -> list[Path]:
    """The test files of a library.

    Args:
      checkout: a folder that holds the package.
      folder: the folder below it to look in.

    Raises:
      FileNotFoundError: there are none.
    """
    found = sorted((checkout / folder).rglob("*_test.py"))
    if not found:
        raise FileNotFoundError(f"no file *_test.py below {checkout / folder}")
    return found


def run(library: str, files: Sequence[Path]) -> dict[str, Any]:
    """Runs test files against what is installed, and counts.

    Returns:
      "files", "passed", "skipped", and "failed": the names of the tests that failed, or of files
      that can't be imported.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            shutil.copy(file, Path(folder) / f"{number:02}_{file.name}")
        results = Path(folder) / "results.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib"]
        command += ["-p", "recutils", "-o", "python_files=*_test.py", f"--junitxml={results}"]
        print(f"{library}: {len(files)} files", flush=True)
        subprocess.run([*command, folder], cwd=folder, check=False)
        return {"files": len(files)} | count(results.read_text(encoding="utf-8"))


def count(junit: str) -> dict[str, Any]:
    """Counts the tests in a report of pytest (JUnit's XML)."""
    passed, skipped, failed = 0, 0, []
    for case in ElementTree.fromstring(junit).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(case.get("name", ""))
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return {"passed": passed, "skipped": skipped, "failed": sorted(failed)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a test fails."""
    parser = argparse.ArgumentParser(description="The libraries' own tests.")
    parser.add_argument("--tfrs", type=Path, help="a checkout of tensorflow/recommenders")
    parser.add_argument("--tfr", type=Path, help="a checkout of tensorflow/ranking")
    options = parser.parse_args(arguments)
    wheel = importlib.util.find_spec(TFRS)
    if options.tfrs is None and wheel is not None and wheel.origin is not None:
        options.tfrs = Path(wheel.origin).parents[1]
    suites = [(TFRS, options.tfrs), (TFR, options.tfr)]
    libraries = {
        folder.partition("/")[0]: run(folder, test_files(checkout, folder))
        for folder, checkout in suites
        if checkout is not None
    }
    report = {
        "date": reports.today(),
        "versions": reports.versions(),
        "libraries": libraries,
    }
    reports.write(report, REPORT)
    for library, result in libraries.items():
        print(f"{library}: {result['passed']} passed, {result['skipped']} skipped", end="")
        print(f", {len(result['failed'])} failed", *result["failed"])
    print(f"written to {REPORT}")
    return 1 if any(result["failed"] for result in libraries.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
