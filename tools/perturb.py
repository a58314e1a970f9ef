"""How far does each number of the book move when the conditions change?

    python -m tools.perturb [NOTEBOOK …] [--condition NAME …]

runs each notebook under the conditions below, one run at a time, and compares what it prints with
what is stored: like `pytest --nbval`, but it notes how far every decimal moved and continues.
reports/perturbation.csv has a row per number, with one unit of its last digit and its spread (the
largest distance from the stored number over all conditions); reports/perturbation.json says which
conditions each notebook ran under, and what else differed. tests/book/test_perturbation.py checks
the book's tolerances against them.

It can be stopped and resumed at any time: results are written after each run, and belong to the
notebook's fingerprint (code and outputs). When these change, the notebook is
measured again; when only its prose or a tolerance changes, it is not. Each run goes through all
notebooks before the next one starts.

A run may change several things at once, arithmetic and surroundings: RUNS tries all CONDITIONS in a
third of the time, and a spread is then the largest distance that any of them causes. `--condition`
shows which one it was: it takes one name, or several as "1 thread + hash seed 1".
"""

import argparse
import csv
import io
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from tools import kernels, reports
from tools.chapter import UNCHECKED, Chapter, chapters, tags
from tools.compare import Number, Pair, Tolerance, compare_outputs

REPORT = reports.REPORTS / "perturbation.json"


@dataclass
class Spread:
    """How far one printed decimal moved.

    Attributes:
      cell: id of its cell.
      part: of the cell's output, such as "stdout".
      line: of the part, from 1.
      position: in the line, from 1.
      stored: the number as it is stored.
      unit: one unit of its last digit.
      spread: the largest distance from what is stored.
      condition: under which it was seen; empty if the number never moved.
    """

    cell: str
    part: str
    line: int
    position: int
    stored: str
    unit: Decimal
    spread: Decimal = Decimal(0)
    condition: str = ""


@dataclass(frozen=True)
class Condition:
    """What is different in a run.

    Attributes:
      environment: variables that the kernel sees.
      elsewhere: whether it runs in an empty folder instead of the chapter's.
      busy: half of the cores are also busy with something else.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    elsewhere: bool = False
    busy: bool = False


CONDITIONS: dict[str, Condition] = {
    "1 thread": Condition(kernels.threads(1)),
    "2 threads": Condition(kernels.threads(2)),
    "without oneDNN": Condition({"TF_ENABLE_ONEDNN_OPTS": "0"}),
    # TensorFlow's own kernels can't be limited; oneDNN, OpenBLAS and NumPy can.
    "SSE4.1": Condition(
        {
            "ONEDNN_MAX_CPU_ISA": "SSE41",
            "OPENBLAS_CORETYPE": "Nehalem",
            "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        }
    ),
    "AVX2": Condition(
        {
            "ONEDNN_MAX_CPU_ISA": "AVX2",
            "OPENBLAS_CORETYPE": "Haswell",
            "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        }
    ),
    "hash seed 1": Condition({"PYTHONHASHSEED": "1"}),
    "hash seed 4711": Condition({"PYTHONHASHSEED": "4711"}),
    # Fourteen hours ahead, and a locale without Unicode.
    "time zone and locale": Condition({"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "C"}),
    "another folder": Condition(elsewhere=True),
    "busy machine": Condition(busy=True),
}
RUNS = (
    "1 thread + SSE4.1 + another folder",
    "without oneDNN + hash seed 1 + busy machine",
    "2 threads + AVX2 + hash seed 4711 + time zone and locale",
)


def conditions(names: str) -> Condition:
    """What is different in a run: one condition, or several with " + " between their names.

    Raises:
      ValueError: no condition has such a name.
    """
    parts = names.split(" + ")
    unknown = set(parts) - CONDITIONS.keys()
    if unknown:
        raise ValueError(
            f"no condition {', '.join(sorted(unknown))}; there are {', '.join(CONDITIONS)}"
        )
    chosen = [CONDITIONS[part] for part in parts]
    return Condition(
        {key: value for condition in chosen for key, value in condition.environment.items()},
        any(condition.elsewhere for condition in chosen),
        any(condition.busy for condition in chosen),
    )


@contextmanager
def _load(busy: bool) -> Iterator[None]:
    """Keeps half of the cores busy meanwhile, if asked to."""
    count = ((os.cpu_count() or 1) + 1) // 2 if busy else 0
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def run(chapter: Chapter, condition: Condition) -> Chapter:
    """Runs a notebook under a condition; undeclared errors are then among its outputs."""
    with tempfile.TemporaryDirectory() as empty, _load(condition.busy):
        folder = Path(empty) if condition.elsewhere else None
        return kernels.run(chapter, condition.environment, folder, allow_errors=True)


def measure(chapter: Chapter, condition: Condition) -> dict[str, Any]:
    """Runs a notebook under a condition and compares it with what it stores.

    Returns:
      "problems": what differs besides decimals, in sentences, each with its cell.
      "pairs": cell id -> the pairs of decimals, stored and of this run.
    """
    try:
        ran = run(chapter, condition)
    except kernels.Broken as error:
        return {"problems": [f"{type(error).__name__}: {error}"], "pairs": {}}
    problems = ran.undeclared_errors
    pairs: dict[str, list[Pair]] = {}
    for stored, now in zip(chapter.codes, ran.codes, strict=True):
        if UNCHECKED in tags(stored):
            continue
        result = compare_outputs(stored.outputs, now.outputs)
        # text/html repeats text/plain.
        pairs[stored.id] = [p for p in result.pairs if not p.part.startswith("text/html")]
        others = [p.splitlines()[0] for p in result.problems if "they differ by" not in p]
        problems += [f"cell {stored.id}: {problem}" for problem in others]
    return {"problems": problems, "pairs": pairs}


def merge(entry: dict[str, Any], name: str, measured: dict[str, Any]) -> None:
    """Adds one run to what is known of a notebook.

    Args:
      entry: "conditions" (name -> date and problems) and "numbers", a list of `Spread`; changed in
        place.
      name: of the condition.
      measured: what `measure` has just returned.
    """
    entry["conditions"][name] = {"date": reports.today(), "problems": measured["problems"]}
    known = {(n.cell, n.part, n.line, n.position): n for n in entry["numbers"]}
    for cell, pairs in measured["pairs"].items():
        for pair in pairs:
            place = (cell, pair.part, pair.line, pair.position)
            number = known.setdefault(place, Spread(*place, pair.stored.text, pair.room))
            if pair.apart > number.spread:
                number.unit, number.spread, number.condition = pair.room, pair.apart, name
    entry["numbers"] = list(known.values())


def read(path: Path = REPORT) -> dict[str, Any]:
    """The report so far; an empty one if there is none.

    Raises:
      ValueError: the table of numbers is damaged.
    """
    report = reports.read(path, notebooks={})
    for entry in report["notebooks"].values():
        entry["numbers"] = []
    table = path.with_suffix(".csv")
    rows = csv.reader(table.read_text("utf-8").splitlines()[1:] if table.exists() else [])
    for row in rows:
        try:
            name, cell, part, line, position, stored, unit, spread, condition = row
            place = (cell, part, int(line), int(position))
            number = Spread(*place, stored, Decimal(unit), Decimal(spread), condition)
        except (ValueError, ArithmeticError) as error:
            raise ValueError(
                f"{table.name} is damaged: {error!r} in {row}; delete it and measure again"
            ) from error
        if name in report["notebooks"]:
            report["notebooks"][name]["numbers"].append(number)
    return report


def write(report: dict[str, Any], path: Path) -> None:
    """Writes the report, and the table of numbers beside it, each of them all or nothing."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["notebook", *(column.name for column in fields(Spread))])
    slim = {**report, "notebooks": {}}
    for name, entry in report["notebooks"].items():
        table.writerows([name, *astuple(number)] for number in entry["numbers"])
        slim["notebooks"][name] = {k: v for k, v in entry.items() if k != "numbers"}
    reports.write_text(text.getvalue(), path.with_suffix(".csv"))
    reports.write(slim, path)


def too_far(entry: dict[str, Any], chapter: Chapter) -> list[Spread]:
    """The numbers of a notebook's report whose spread is beyond the tolerance of their cell."""
    tolerances = {cell.id: Tolerance.from_tags(tags(cell)) for cell in chapter.codes}
    return [
        number
        for number in entry["numbers"]
        if number.spread > tolerances[number.cell].widened(number.unit, Number.parse(number.stored))
    ]


def tried(entry: dict[str, Any]) -> set[str]:
    """The conditions under which a notebook ran."""
    return {name for names in entry["conditions"] for name in names.split(" + ")}


def moved(entry: dict[str, Any]) -> int:
    """How many of a notebook's numbers differed from what is stored in any run."""
    return sum(number.spread > 0 for number in entry["numbers"])


def complaints(entry: dict[str, Any], chapter: Chapter) -> list[str]:
    """What of a notebook lies outside its tolerance, and what else differed, in words."""
    return [
        f"{n.stored} ± {n.spread} (unit {n.unit}): cell {n.cell}, {n.part}, {n.condition}"
        for n in too_far(entry, chapter)
    ] + [
        f"{names}: {problem}"
        for names, ran in entry["conditions"].items()
        for problem in ran["problems"]
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a number lies outside its tolerance or anything else differs."""
    parser = argparse.ArgumentParser(description="How far numbers move under other conditions.")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--condition", action="append", metavar="NAME")
    options = parser.parse_intermixed_args(arguments)
    chosen = {names: conditions(names) for names in options.condition or RUNS}
    report = read(REPORT)
    stored = {chapter.name: chapter for chapter in chapters(options.notebooks)}
    entries = report["notebooks"]
    if not options.notebooks:  # those that are no longer in the book
        entries = report["notebooks"] = {k: v for k, v in entries.items() if k in stored}
    for name, chapter in stored.items():
        if entries.get(name, {}).get("fingerprint") != chapter.fingerprint:
            entries[name] = {"fingerprint": chapter.fingerprint, "conditions": {}, "numbers": []}
    for names, (name, chapter) in itertools.product(chosen, stored.items()):
        if names in entries[name]["conditions"]:
            continue
        start = time.perf_counter()
        merge(entries[name], names, measure(chapter, chosen[names]))
        report |= {"date": reports.today(), "versions": reports.versions()}
        report["machine"] = reports.machine()
        write(report, REPORT)
        print(f"{time.perf_counter() - start:6.1f} s  {name}: {names}", flush=True)
    bad = False
    for name, chapter in stored.items():
        wrong = complaints(entries[name], chapter)
        bad |= bool(wrong)
        print(
            f"{name}: {moved(entries[name])} of {len(entries[name]['numbers'])} decimals move in "
            f"{len(entries[name]['conditions'])} runs; {len(wrong)} are too far or differ otherwise"
        )
        for line in wrong:
            print(f"    {line}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
