"""The numeric check of the notebooks: `pytest --nbval`, with numbers compared as numbers.

nbval runs every notebook and compares what it prints, letter by letter, with what is stored. This
plugin (switched on by conftest.py) puts another comparison in that place:

- Text, integers, and the shape of a table (lines, and what stands on each) are exact.
- A decimal may differ by one unit of its last printed digit: 0.123 may become 0.124, not 0.125, and
  1.23e-05 may become 1.24e-05. Where the two print different numbers of digits, the finer unit
  counts. A decimal without a digit behind its point (numpy's `1.`), a whole percentage (`12%`) and
  a power with a whole mantissa (`1e-6`) are exact, as integers are: who rounds to a whole number
  prints a number that either is stable or isn't.
- Whitespace beside a number or inside of a bracket means nothing, for a sign that comes or goes
  moves a whole column. Elsewhere any run of it counts as one space.
- `nan` and `inf` are words. A decimal glued to a letter (`v0.5`), and one with two points (2.20.0),
  is a name.
- Compared are stdout (all of a cell's as one text), the name and message of a declared error, and
  every text form of every output: text/plain, also beside HTML or an image, text/html, and so on.
  Of an image: that it is there, and its type. stderr and tracebacks are not compared.

Tags of a cell: `atol-0.02` and `rtol-0.05` give its decimals more room (in the units in which they
are printed, and as a share of the stored number), `nbval-ignore-output` compares nothing (timings),
`raises-exception` declares an error, which then has to come. `needs-scann` compares nothing where
ScaNN has no wheels (macOS, Windows) and is not installed. Other ways to leave a cell out are
refused: `nbval-skip`, since a cell that doesn't run is a hole in the chapter,
`nbval-raises-exception`, since `jupyter execute` stops there, and nbval's comments in the source.

A cell that has never run, or not in its place, fails: nbval would pass it unseen.

This is neither in `recutils`, whose functions readers call in chapters (nobody calls this), nor in
conftest.py, because `make execute` and `make perturb` use the same kernels and the same comparison.
"""

import difflib
import importlib.util
import json
import os
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import nbformat
import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError, find_comment_markers, find_metadata_tags

IMAGES = ("image/", "application/pdf")
# Random by nature (model ids), and drawn by the browser.
WIDGETS = "application/vnd.jupyter.widget"
REFUSED_TAGS = {
    "nbval-skip": "a cell that doesn't run is a hole in the chapter",
    "nbval-raises-exception": "`jupyter execute` stops there: use the tag raises-exception",
    "nbval-check-output": "every cell's output is checked: remove it",
}
MAX_REPORTED = 8
# How the names of tags begin that give decimals more room.
WIDENING = ("atol", "rtol")


# --- Numbers in text ------------------------------------------------------------------------------

_DECIMAL = re.compile(
    r"""
    [+\-−]?
    (?<![\w.])                              # not inside of a name or a version
    (?:\d{1,3}(?:,\d{3})+\.\d+|\d+\.\d*|\.\d+)
    (?:[eE][+-]?\d+)?
    (?!\.?\d)                               # 2.20.0 is a version
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Number:
    """A printed decimal.

    Attributes:
      text: as printed.
      value: what it says, exactly.
      digits: how many stand behind its point.
      unit: the value of one unit of its last printed digit.
    """

    text: str
    value: Decimal
    digits: int
    unit: Decimal

    @classmethod
    def parse(cls, text: str) -> "Number":
        """Reads a decimal as Python, numpy or pandas print it."""
        value = Decimal(text.replace(",", "").replace("−", "-"))
        mantissa = re.split("[eE]", text)[0]
        digits = len(mantissa.partition(".")[2])
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        return cls(text, value, digits, Decimal(1).scaleb(exponent))


@dataclass(frozen=True)
class Tolerance:
    """How much more room a cell's tags give to its decimals.

    Attributes:
      atol: absolute, in the units in which the number is printed.
      rtol: relative to the stored number.
    """

    atol: Decimal = Decimal(0)
    rtol: Decimal = Decimal(0)

    @classmethod
    def from_tags(cls, tags: Sequence[str]) -> "Tolerance":
        """Reads `atol-0.02` and `rtol-0.05` among a cell's tags.

        Raises:
          ValueError: such a tag holds no positive number, or stands there twice.
        """
        found: dict[str, Decimal] = {}
        for tag in tags:
            if not tag.startswith(WIDENING):
                continue
            match = re.fullmatch(r"([ar]tol)-(\d+(?:\.\d+)?(?:e-?\d+)?)", tag)
            if not match or not Decimal(match[2]):
                raise ValueError(f"tag {tag!r}: expected atol- or rtol- and a number above 0")
            if match[1] in found:
                raise ValueError(f"tag {tag!r}: there is another {match[1]}- on this cell")
            found[match[1]] = Decimal(match[2])
        return cls(**found)

    def room(self, stored: Number, now: Number) -> Decimal:
        """How far the two may lie apart."""
        if stored.digits == now.digits:
            unit = max(stored.unit, now.unit) if stored.digits else Decimal(0)
        else:
            unit = min(n.unit for n in (stored, now) if n.digits)
        return self.widened(unit, stored)

    def widened(self, unit: Decimal, stored: Number) -> Decimal:
        """What the tags make of the room that the printed digits alone give."""
        return max(unit, self.atol, self.rtol * abs(stored.value))


NO_TAGS = Tolerance()


def split_line(line: str) -> list[str | Number]:
    """Splits a line into text and decimals, in turn: text first and last, "" where there is none.

    Integers stay in the text. Whitespace that means nothing is gone.
    """
    line = re.sub(r"\s+", " ", line.strip())
    line = re.sub(r"(?<=[\[({]) | (?=[\])}])", "", line)
    pieces: list[str | Number] = []
    end = 0
    for match in _DECIMAL.finditer(line):
        pieces += [line[end : match.start()].strip(), Number.parse(match[0])]
        end = match.end()
    return [*pieces, line[end:].strip()]


# --- Comparing two texts --------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A stored decimal and the one printed now in its place.

    Attributes:
      line: of the text, from 1.
      position: among the decimals of that line, from 1.
      stored: the one in the notebook.
      now: the one of this run.
      room: how far they may lie apart.
      part: in which of a cell's outputs it stands: "stdout", or "text/plain 2" for the second one.
    """

    line: int
    position: int
    stored: Number
    now: Number
    room: Decimal
    part: str = ""

    @property
    def apart(self) -> Decimal:
        """How far the two lie apart."""
        return abs(self.stored.value - self.now.value)


@dataclass(frozen=True)
class Comparison:
    """What two texts have in common.

    Attributes:
      pairs: every decimal of lines that are otherwise the same.
      problems: what differs by more than it may, in sentences; empty if nothing does.
    """

    pairs: list[Pair]
    problems: list[str]


def compare_text(stored: str, now: str, tolerance: Tolerance = NO_TAGS) -> Comparison:
    """Compares two texts: numbers as numbers, all else exactly.

    Args:
      stored: the text in the notebook.
      now: the text that the cell printed now.
      tolerance: what the cell's tags give.

    Returns:
      The pairs of decimals and the problems.
    """
    stored_lines, now_lines = _lines(stored), _lines(now)
    if len(stored_lines) != len(now_lines):
        diff = difflib.unified_diff(stored_lines, now_lines, "stored", "now", lineterm="", n=1)
        return Comparison(
            [],
            [
                f"{_count(stored_lines, 'line')} stored, {_count(now_lines, 'line')} now\n"
                + _indent("\n".join(list(diff)[:40]))
            ],
        )
    pairs: list[Pair] = []
    problems: list[str] = []
    for number, (old, new) in enumerate(zip(stored_lines, now_lines, strict=True), 1):
        old_pieces, new_pieces = split_line(old), split_line(new)
        problem = _different_text(old_pieces, new_pieces)
        if problem:
            problems.append(f"line {number}: {problem}\n{_both(old, new)}")
            continue
        line_pairs = []
        for position, (a, b) in enumerate(zip(old_pieces[1::2], new_pieces[1::2], strict=True), 1):
            assert isinstance(a, Number)
            assert isinstance(b, Number)
            line_pairs.append(Pair(number, position, a, b, tolerance.room(a, b)))
        off = [pair for pair in line_pairs if pair.apart > pair.room]
        problems += [_off(pair, tolerance) for pair in off[:-1]]
        problems += [f"{_off(off[-1], tolerance)}\n{_both(old, new)}"] if off else []
        pairs += line_pairs
    return Comparison(pairs, problems)


def _different_text(stored: list[str | Number], now: list[str | Number]) -> str:
    """Says what differs apart from the value of decimals, or "" if nothing does."""
    for a, b in zip(stored[::2], now[::2], strict=False):
        if a != b:
            words = [w for w in difflib.ndiff(str(a).split(), str(b).split()) if w[0] in "-+"]
            old = " ".join(w[2:] for w in words if w[0] == "-")
            new = " ".join(w[2:] for w in words if w[0] == "+")
            return (
                f"{old or 'nothing'!r} stored, {new or 'nothing'!r} now; text and integers are "
                "compared exactly"
            )
    if len(stored) != len(now):
        return (
            f"{_count(stored[1::2], 'decimal')} stored, {_count(now[1::2], 'decimal')} now; "
            "the shape is compared exactly"
        )
    for a, b in zip(stored[1::2], now[1::2], strict=True):
        assert isinstance(a, Number)
        assert isinstance(b, Number)
        # A plus that one of them lacks is another format, unless there is a minus in its place.
        signs = {a.text[0], b.text[0]}
        if "+" in signs and not signs <= set("+-−"):
            return f"{a.text!r} stored, {b.text!r} now; a plus sign is compared exactly"
    return ""


def _off(pair: Pair, tolerance: Tolerance) -> str:
    if not pair.room:
        why = "it has no digit behind its point"
    elif pair.room == tolerance.atol:
        why = "the cell's tag atol"
    elif pair.room == tolerance.rtol * abs(pair.stored.value):
        why = "the cell's tag rtol"
    else:
        why = "one unit of its last printed digit"
    return (
        f"line {pair.line}, decimal {pair.position}: {pair.stored.text} stored, "
        f"{pair.now.text} now; they differ by {_plain(pair.apart)}, "
        f"allowed is {_plain(pair.room)} ({why})"
    )


def _plain(value: Decimal) -> str:
    tiny = 0 < abs(value) < Decimal("1e-6")
    return f"{value:.2e}" if tiny else f"{value.normalize():f}"


def _lines(text: str) -> list[str]:
    # What a carriage return wiped out was never seen.
    return re.sub(r"^.*\r(?=[^\n])", "", text, flags=re.MULTILINE).splitlines()


def _count(things: Sequence[Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _both(old: str, new: str) -> str:
    """Both lines, cut to where they differ."""
    same = zip(old, new, strict=False)
    start = max(next((i for i, (a, b) in enumerate(same) if a != b), 0) - 60, 0)
    window = slice(start, start + 140)
    dots = "…" if start else ""
    return _indent(f"stored  {dots}{old[window]}\nnow     {dots}{new[window]}")


# --- Comparing what two runs of a cell put out ----------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One text (or the presence of one image) among a cell's outputs."""

    kind: str
    text: str


def parts(outputs: Sequence[Mapping[str, Any]]) -> list[Part]:
    """Everything that is compared of a cell's outputs, in order.

    Args:
      outputs: of one code cell, as nbformat has them.

    Returns:
      stdout first, as one text; then each form of each output, text/plain before others.
    """
    found = [Part("stdout", "")]
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            if output["name"] == "stdout":
                found[0] = Part("stdout", found[0].text + _joined(output["text"]))
        elif kind == "error":
            found.append(Part("error", f"{output['ename']}: {output['evalue']}"))
        else:
            for mime in sorted(output["data"], key=lambda mime: (mime != "text/plain", mime)):
                silent = mime.startswith((*IMAGES, WIDGETS))
                found.append(Part(mime, "" if silent else _joined(output["data"][mime])))
    return found if found[0].text else found[1:]


def _joined(text: Any) -> str:
    if isinstance(text, list):
        return "".join(text)
    return text if isinstance(text, str) else json.dumps(text, indent=1, sort_keys=True)


def compare_outputs(
    stored: Sequence[Mapping[str, Any]],
    now: Sequence[Mapping[str, Any]],
    tolerance: Tolerance = NO_TAGS,
) -> Comparison:
    """Compares all outputs of a cell.

    Args:
      stored: outputs in the notebook.
      now: outputs of this run.
      tolerance: what the cell's tags give.

    Returns:
      The pairs of decimals and the problems, of all outputs together.
    """
    old_parts, new_parts = parts(stored), parts(now)
    old_kinds, new_kinds = [p.kind for p in old_parts], [p.kind for p in new_parts]
    if old_kinds != new_kinds:
        words = {
            "-": "missing now (it is stored)",
            "+": "additional now (it is not stored)",
        }
        # One line for each: numbers its likes, so that the second of two figures can be missing.
        changes = [
            f"an output is {words[line[0]]}: {line[2:]}"
            for line in difflib.ndiff(old_kinds, new_kinds)
            if line[0] in words
        ]
        texts = [p for p in new_parts if p.kind == "error" and "error" not in old_kinds]
        return Comparison([], changes + [_indent(p.text) for p in texts])
    pairs: list[Pair] = []
    problems: list[str] = []
    seen: Counter[str] = Counter()
    for old, new in zip(old_parts, new_parts, strict=True):
        seen[old.kind] += 1
        part = old.kind if old.kind == "stdout" else f"{old.kind} {seen[old.kind]}"
        result = compare_text(old.text, new.text, tolerance)
        pairs += [replace(pair, part=part) for pair in result.pairs]
        problems += [f"{part}, {problem}" for problem in result.problems]
    return Comparison(pairs, problems)


def stored_problem(cell: Mapping[str, Any], expected_count: int) -> str:
    """Says what is wrong with a code cell as it is stored, or "" if nothing is.

    Args:
      cell: a code cell with some source.
      expected_count: 1 for the first such cell of the notebook, and so on.
    """
    tags = cell["metadata"].get("tags", [])
    count = cell["execution_count"]
    errors = [o["ename"] for o in cell["outputs"] if o["output_type"] == "error"]
    refused = [f"{tag} is not accepted: {REFUSED_TAGS[tag]}" for tag in tags if tag in REFUSED_TAGS]
    problem = ""
    if refused:
        problem = f"the tag {refused[0]}"
    elif dict(find_comment_markers(cell["source"])):
        problem = "a comment that steers nbval is not accepted: use a tag"
    elif count is None:
        problem = "the cell was never executed, or its outputs were stripped: run `make execute`"
    elif count != expected_count:
        problem = (
            f"the notebook was not executed from the top: this cell ran as In [{count}], and is "
            f"number {expected_count}. Run `make execute`"
        )
    elif errors and "raises-exception" not in tags:
        problem = f"{errors[0]} is stored, and no tag raises-exception declares it"
    elif not errors and "raises-exception" in tags:
        problem = "the tag raises-exception declares an error, and none is stored"
    else:
        try:
            Tolerance.from_tags(tags)
        except ValueError as error:
            problem = str(error)
    return problem


# --- Kernels --------------------------------------------------------------------------------------


def kernel_environment() -> dict[str, str]:
    """The environment in which chapters run, here and when `make execute` stores their outputs.

    It is the caller's, except for what would change a chapter's numbers or hide a mistake in it:
    no GPU, the synthetic films, and nothing that pytest or an earlier import of recutils left.
    """
    left_out = {
        "RECUTILS_DATA",  # other films, other numbers
        "TF_USE_LEGACY_KERAS",  # `import recutils` has to set it, in every notebook
        "MPLBACKEND",  # figures go into the notebook
        "PYTEST_CURRENT_TEST",  # ipykernel then doesn't capture what C++ code prints
    }
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    return environment | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def scann_is_impossible() -> bool:
    """Whether ScaNN is missing on a platform for which there are no wheels of it."""
    return sys.platform != "linux" and importlib.util.find_spec("scann") is None


# --- pytest ---------------------------------------------------------------------------------------


class NumericFile(IPyNbFile):
    """A notebook, run in the Python that runs pytest and in the chapters' environment."""

    def setup(self) -> None:
        """Starts the kernel."""
        if not self.config.option.nbval_kernel_name:
            self.config.option.nbval_current_env = True
        with mock.patch.dict(os.environ, kernel_environment(), clear=True):
            super().setup()
        # nbval asks for no history, in which `recutils.records` finds the code that has run.
        execute = self.kernel.kc.execute
        self.kernel.kc.execute = lambda *arguments, **options: execute(
            *arguments, **(options | {"store_history": True})
        )

    def collect(self) -> Iterator["NumericCell"]:
        """Makes a test of each code cell."""
        self.nb = nbformat.read(self.path, as_version=4)
        count = 0
        codes = [cell for cell in self.nb.cells if cell.cell_type == "code"]
        for number, cell in enumerate(codes):
            count += bool(cell.source.strip())
            options: dict[str, bool] = defaultdict(bool, find_metadata_tags(cell.metadata))
            options["skip"] = False
            options.setdefault("check", self.compare_outputs)
            yield NumericCell.from_parent(
                self,
                name=f"Cell {number}",
                cell_num=number,
                cell=cell,
                options=options,
                expected_count=count,
            )


class NumericCell(IPyNbCell):
    """A code cell, whose numbers are compared as numbers."""

    def __init__(self, *, expected_count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_timeout = 60  # seconds; a busy machine may need more than nbval's 5
        self.stored_problem = ""
        self.without_scann = False
        if not self.cell.source.strip():
            return
        self.stored_problem = stored_problem(self.cell, expected_count)
        if "needs-scann" in self.cell.metadata.get("tags", []) and scann_is_impossible():
            self.without_scann = True
            self.options["check"] = False

    def runtest(self) -> None:
        """Runs the cell, and compares."""
        if not self.stored_problem:
            super().runtest()
            return
        # It runs all the same: later cells need it. What it then prints doesn't matter.
        self.options["check"] = False
        self.options["check_exception"] = True
        self.cell.outputs = []
        super().runtest()
        self.raise_cell_error(self.stored_problem)

    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        """Called by nbval: `test` is what came now, `ref` what is stored."""
        tolerance = Tolerance.from_tags(self.cell.metadata.get("tags", []))
        problems = compare_outputs(ref, test, tolerance).problems
        self.comparison_traceback = problems[:MAX_REPORTED]
        if len(problems) > MAX_REPORTED:
            self.comparison_traceback.append(f"and {len(problems) - MAX_REPORTED} more")
        return not problems

    def repr_failure(self, excinfo: Any) -> str:
        """Says which cell, what is wrong, and shows the source."""
        error = excinfo.value
        if not isinstance(error, NbCellError):
            return str(super().repr_failure(excinfo))
        path = os.path.relpath(self.path, self.config.invocation_params.dir)
        counted = self.cell.execution_count
        where = f"{path}, Cell {self.cell_num} (In [{'' if counted is None else counted}])"
        message = {"Cell outputs differ": "what it prints is not what is stored"}
        reason = message.get(str(error), str(error))
        detail = f"\n{_indent(error.inner_traceback.strip())}" if error.inner_traceback else ""
        return f"{where}: {reason}{detail}\n\n  The cell:\n{_indent(error.source)}\n"


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Lets nbval decide which notebooks are collected, and compares them our way."""
    collectors = yield
    return [
        NumericFile.from_parent(parent, path=file_path) if isinstance(c, IPyNbFile) else c
        for c in collectors
    ]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says what the kernels don't see."""
    if config.option.nbval and os.environ.get("RECUTILS_DATA"):
        return ["nbcheck: RECUTILS_DATA is left out; notebooks are checked on the synthetic films"]
    return []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says which cells were not compared for want of ScaNN."""
    items = getattr(terminalreporter._session, "items", [])
    skipped = [i.nodeid for i in items if isinstance(i, NumericCell) and i.without_scann]
    if skipped:
        terminalreporter.section("nbcheck")
        terminalreporter.write_line(
            f"ScaNN has no wheels for {sys.platform}: outputs not compared in {', '.join(skipped)}"
        )
