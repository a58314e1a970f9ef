"""Would the book notice a mistake? Makes small ones on purpose, and counts how many are caught.

    python -m tools.mutants [--list]

KINDS in tools/mistakes.py are small meaningful mistakes: a flipped sign, a wrong axis, another
loss, a swapped split … Each place in the chapters' checked cells and in recutils where one could be
made gives a mutant; a fixed sample is drawn, from each kind in turn, over parts and files. Each is
made in a copy of the repository and run against the cheapest test that should notice it: a
chapter's unit tests, where it has some, its own check by `pytest --nbval`, and if it reads records,
one draw or trial of each of them again; or a module's own unit tests and, if these pass, all of
them. What catches a mistake is run once without any, and must pass.

reports/mutants.json keeps the results, and is written after each run: the command can be stopped
and resumed. tools/survivors.yml lists the mutants that survive, each with the reason. Some are
not mistakes at all, because the program does the same with them ("equivalent mutants"). Of the
others, tests/book/test_survivors.py demands that at least 95% are caught.

Tools such as mutmut and cosmic-ray change operators of a package; they know neither notebooks nor
losses, splits and corrections, and they try everything, which takes hours here.
"""

from recutils import sources

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import yaml

from tools import reports
from tools.chapter import UNCHECKED, Chapter, chapters, tags
from tools.mistakes import KINDS, Mutant, mutants_of
from tools.reports import ROOT

REPORT = reports.REPORTS / "mutants.json"
SURVIVORS = Path(__file__).with_name("survivors.yml")
SIZE = 120
# Seconds per mutant; one that hangs counts as caught.
PATIENCE = 900
HANGS = " (does not end)"
# Runs a part of each record of a chapter again. `--stale`: that a mistake changes the code is no
# evidence; it has to change a result.
RECORDS = ["tools.search", "--check", "--stale"]
# What jupyter_client says on a machine that is too busy.
NO_KERNEL = "Kernel didn't respond"
# How many are tried at the same time.
JOBS = 2
# Modules whose tests have another name.
OWN_TESTS = {
    "models": "shared_models",
    "seeding": "compat",
    "_validation": "movies",
    "_film_words": "synthetic",
    "_histories": "ceilings",
    "_people_words": "synthetic",
    "_catalogue": "synthetic",
    "_opinions": "truth",
    "_stars": "synthetic",
    "_tastes": "synthetic",
}


def all_mutants() -> list[Mutant]:
    """Those of the chapters' cells whose output is compared as numbers, and those of recutils."""
    found: list[Mutant] = []
    for chapter in chapters():
        file = chapter.path.relative_to(ROOT).as_posix()
        for cell in chapter.codes:
            if UNCHECKED not in tags(cell) and "mystnb" not in cell.metadata:
                found += mutants_of(cell.source, file, cell.id)
    for path in sorted((ROOT / "recutils").rglob("*.py")):
        found += mutants_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
    return found


def places(mutant: Mutant) -> tuple[str, str]:
    """Its part of the book, or the package; and its file."""
    return mutant.file.removeprefix("book/").partition("/")[0], mutant.file


def sample(candidates: Sequence[Mutant], size: int = SIZE) -> list[Mutant]:
    """A fixed sample: from each kind in turn, the one whose part and file have had fewest.

    Equals are taken by hash. A change in one chapter changes what is drawn there, and little
    elsewhere.
    """
    left = {kind: {m.key: m for m in candidates if m.kind == kind} for kind in KINDS}
    drawn: list[Mutant] = []
    had: Counter[str] = Counter()
    while len(drawn) < size and any(left.values()):
        for rest in left.values():
            if rest and len(drawn) < size:
                key = min(rest, key=lambda key: (*(had[p] for p in places(rest[key])), key))
                had.update(places(rest[key]))
                drawn.append(rest.pop(key))
    return drawn


def write_into(mutant: Mutant, copy: Path) -> None:
    """Makes the mistake in a copy of the repository."""
    path = copy / mutant.file
    if not mutant.cell:
        path.write_text(mutant.source, encoding="utf-8")
        return
    notebook = nbformat.read(path, as_version=4)
    (cell,) = [cell for cell in notebook.cells if cell.id == mutant.cell]
    cell.source = mutant.source
    nbformat.write(notebook, path)


def tests_for(mutant: Mutant) -> list[list[str]]:
    """Arguments of pytest, or a check of records; the cheapest first."""
    module = Path(mutant.file)
    if mutant.cell:
        own = f"tests/book/test_{module.stem}.py"
        cells = [cell.source for cell in Chapter.read(ROOT / module).codes]
        reads_records = any(sources.calls_in(cells, name) for name in ("search", "recorded"))
        return [
            *([[own]] if (ROOT / own).is_file() else []),
            ["--nbval", mutant.file],
            *([[*RECORDS, mutant.file]] if reads_records else []),
        ]
    name = OWN_TESTS.get(module.stem, module.stem.lstrip("_"))
    own = (Path("tests") / module.parent / f"test_{name}.py").as_posix()
    return [[own], ["tests/recutils"]] if (ROOT / own).is_file() else [["tests/recutils"]]


def _passes(arguments: Sequence[str], copy: Path) -> bool | None:
    """Whether tests pass in a copy; None if they hang.

    Raises:
      RuntimeError: no notebook could be started, which says nothing of a mistake.
    """
    pytest = [] if arguments[0] == RECORDS[0] else ["pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", *pytest, *arguments]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            passes = process.wait(PATIENCE) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None
        said.seek(0)
        if not passes and NO_KERNEL in said.read():
            raise RuntimeError(f"{NO_KERNEL} for {arguments}: try again when less is going on here")
        return passes


@contextmanager
def a_copy() -> Iterator[Path]:
    """A temporary copy of the repository as it is, without what is built."""
    with tempfile.TemporaryDirectory() as folder:
        leave = shutil.ignore_patterns(".venv", ".git", "_build", ".*_cache", "__pycache__")
        yield shutil.copytree(ROOT, Path(folder) / "book", ignore=leave)


def try_one(mutant: Mutant) -> dict[str, Any]:
    """Makes one mistake and runs its tests; returns its entry in the report."""
    start = time.perf_counter()
    caught = ""
    with a_copy() as copy:
        write_into(mutant, copy)
        for arguments in tests_for(mutant):
            passes = _passes(arguments, copy)
            if not passes:
                caught = " ".join(arguments) + (HANGS if passes is None else "")
                break
    return {
        "kind": mutant.kind,
        "file": mutant.file,
        "cell": mutant.cell,
        "line": mutant.line,
        "before": mutant.before.strip(),
        "after": mutant.after.strip(),
        "caught by": caught,
        "seconds": round(time.perf_counter() - start),
    }


def try_none(arguments: Sequence[str]) -> bool:
    """Whether tests pass without a mistake."""
    with a_copy() as copy:
        return bool(_passes(arguments, copy))


def read(path: Path = REPORT) -> dict[str, Any]:
    """The report so far; an empty one if there is none."""
    return reports.read(path, without={}, mutants={})


def caught(report: dict[str, Any]) -> int:
    """How many mutants of a report were caught."""
    return sum(bool(result["caught by"]) for result in report["mutants"].values())


def survivors(path: Path = SURVIVORS) -> list[dict[str, Any]]:
    """The mutants that are known to survive.

    Returns:
      Of each: "file", "before", "after", whether it is "equivalent", and the "reason".
    """
    known: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    return known


def controls(report: dict[str, Any]) -> set[str]:
    """The tests that caught a mistake, which therefore must pass without one."""
    found = {result["caught by"].removesuffix(HANGS) for result in report["mutants"].values()}
    return found - {""}


def work(drawn: dict[str, Mutant], report: dict[str, Any]) -> None:
    """Tries what the report lacks, and writes the report after each result."""
    report["mutants"] = {key: report["mutants"][key] for key in drawn if key in report["mutants"]}
    # The cheap ones first: modules, then chapters.
    left = sorted(drawn.keys() - report["mutants"].keys(), key=lambda key: drawn[key].cell)
    for key, result in in_parallel({key: partial(try_one, drawn[key]) for key in left}):
        keep(report, "mutants", key, result)
        word = "caught" if result["caught by"] else "SURVIVES"
        print(f"{result['seconds']:4} s {word:8} {result['kind']}: {result['file']}", flush=True)
    tests, known = sorted(controls(report)), report["without"]
    report["without"] = {test: known[test] for test in tests if test in known}
    left = [test for test in tests if test not in known]
    for test, passes in in_parallel({test: partial(try_none, test.split()) for test in left}):
        keep(report, "without", test, passes)
        print(f"without a mistake: {test} {'passes' if passes else 'FAILS'}", flush=True)


def keep(report: dict[str, Any], part: str, key: str, result: Any) -> None:
    """Adds a result to the report, and writes it."""
    report[part][key] = result
    report |= {"date": reports.today(), "versions": reports.versions()}
    reports.write(report, REPORT)


def in_parallel(calls: dict[str, Callable[[], Any]]) -> Iterator[tuple[str, Any]]:
    """Makes calls, several at a time, and gives the name and the result of each that is done."""
    with ThreadPoolExecutor(JOBS) as pool:
        running = {pool.submit(call): name for name, call in calls.items()}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:  # after an error nothing more is begun
            pool.shutdown(cancel_futures=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if one survives without a reason, or a test fails without any."""
    parser = argparse.ArgumentParser(description="Small mistakes, and whether tests see them.")
    parser.add_argument("--list", action="store_true", help="only list what would be tried")
    options = parser.parse_args(arguments)
    candidates = all_mutants()
    drawn = {mutant.key: mutant for mutant in sample(candidates)}
    print(f"{len(drawn)} of {len(candidates)} possible mutants")
    if options.list:
        for m in drawn.values():
            print(f"{m.kind}: {m.file}:{m.line}\n  - {m.before.strip()}\n  + {m.after.strip()}")
        return 0
    report = read()
    report["possible"] = len(candidates)
    work(drawn, report)
    print(f"{caught(report)} of {len(drawn)} caught; not caught:")
    known = {(s["file"], s["before"], s["after"]): s["reason"] for s in survivors()}
    new = 0
    for m in report["mutants"].values():
        if not m["caught by"]:
            reason = known.get((m["file"], m["before"], m["after"]))
            new += reason is None
            print(f"  {m['file']}:{m['line']}\n    - {m['before']}\n    + {m['after']}")
            print(f"    {reason or 'no reason is known'}")
    return 1 if new or not all(report["without"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
