"""Compares what a notebook prints with what it stores: numbers as numbers.

- Text, integers, and the shape of a table (lines, and what each contains) are exact.
- A decimal may differ by one unit of its last printed digit: 0.123 may become 0.124, not 0.125, and
  1.23e-05 may become 1.24e-05. Where the two print different numbers of digits, the finer unit
  counts. A decimal without a digit behind its point (numpy's `1.`), a whole percentage (`12%`) and
  a power with a whole mantissa (`1e-6`) are exact, as integers are: a number rounded to a whole one
  either is stable or isn't.
- Whitespace beside a number or inside a bracket is ignored, because a sign that comes or goes
  moves a whole column. Elsewhere any run of it counts as one space.
- `nan` and `inf` are words. A decimal glued to a letter (`v0.5`), and one with two points (2.20.0),
  is a name.
- Compared are stdout (all of a cell's as one text), the name and message of a declared error, and
  every text form of every output: text/plain, also beside HTML or an image, text/html, and so on.
  Of an image: that it is there, and its type. stderr and tracebacks are not compared.

The tags `atol-0.02` and `rtol-0.05` give a cell's decimals more room: in the units in which they
are printed, and as a share of the stored number.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

# Images, and widgets, whose model ids are random by nature.
NO_TEXT = ("image/", "application/pdf", "application/vnd.jupyter.widget")
# How the names of tags begin that give decimals more room.
WIDENING = ("atol", "rtol")


# --- Numbers in text ------------------------------------------------------------------------------

_DECIMAL = re.compile(
    r"""
    [+\-−]?
    (?<![\w.])                              # not inside a name or a version
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
      digits: the number of digits after its decimal point.
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
          ValueError: such a tag holds no positive number, or appears twice.
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
        units = [number.unit for number in (stored, now) if number.digits]
        alike = stored.digits == now.digits
        return self.widened(max(units, default=Decimal(0)) if alike else min(units), stored)

    def widened(self, unit: Decimal, stored: Number) -> Decimal:
        """The room after the tags, given that of the printed digits alone."""
        return max(unit, self.atol, self.rtol * abs(stored.value))


NO_TAGS = Tolerance()


def split_line(line: str) -> tuple[list[str], list[Number]]:
    """The texts of a line and the decimals between them; a text may be "".

    Integers stay in the text. Meaningless whitespace is removed.
    """
    line = re.sub(r"\s+", " ", line.strip())
    line = re.sub(r"(?<=[\[({]) | (?=[\])}])", "", line)
    texts, numbers, end = [], [], 0
    for match in _DECIMAL.finditer(line):
        texts.append(line[end : match.start()].strip())
        numbers.append(Number.parse(match[0]))
        end = match.end()
    return [*texts, line[end:].strip()], numbers


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
      part: the part of the cell's output that holds it: "stdout", or "text/plain 2" for the
        second one.
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
    """How two texts compare.

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
        counts = f"{_count(stored_lines, 'line')} stored, {_count(now_lines, 'line')} now\n"
        return Comparison([], [counts + indent("\n".join(list(diff)[:40]))])
    pairs: list[Pair] = []
    problems: list[str] = []
    for number, (old, new) in enumerate(zip(stored_lines, now_lines, strict=True), 1):
        (old_texts, old_numbers), (new_texts, new_numbers) = split_line(old), split_line(new)
        problem = _different_text(old_texts, new_texts) or _different_format(
            old_numbers, new_numbers
        )
        if problem:
            problems.append(f"line {number}: {problem}\n{_both(old, new)}")
            continue
        line_pairs = [
            Pair(number, position, a, b, tolerance.room(a, b))
            for position, (a, b) in enumerate(zip(old_numbers, new_numbers, strict=True), 1)
        ]
        off = [pair for pair in line_pairs if pair.apart > pair.room]
        problems += [_off(pair, tolerance) for pair in off]
        if off:
            problems[-1] += f"\n{_both(old, new)}"
        pairs += line_pairs
    return Comparison(pairs, problems)


def _different_text(stored: list[str], now: list[str]) -> str:
    """Says which of the texts differ, or "" if none does."""
    for a, b in zip(stored, now, strict=False):
        if a != b:
            words = [w for w in difflib.ndiff(a.split(), b.split()) if w[0] in "-+"]
            old = " ".join(w[2:] for w in words if w[0] == "-")
            new = " ".join(w[2:] for w in words if w[0] == "+")
            return (
                f"{old or 'nothing'!r} stored, {new or 'nothing'!r} now; text and integers are "
                "compared exactly"
            )
    return ""


def _different_format(stored: list[Number], now: list[Number]) -> str:
    """Says how decimals differ apart from their values, or "" if they don't."""
    if len(stored) != len(now):
        return (
            f"{_count(stored, 'decimal')} stored, {_count(now, 'decimal')} now; "
            "the shape is compared exactly"
        )
    for a, b in zip(stored, now, strict=True):
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
        f"{pair.now.text} now; they differ by {pair.apart}, "
        f"allowed is {pair.room} ({why})"
    )


def _lines(text: str) -> list[str]:
    # Nobody sees what a carriage return overwrites.
    return re.sub(r"^.*\r(?=[^\n])", "", text, flags=re.MULTILINE).splitlines()


def _count(things: Sequence[Any], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"


def indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _both(old: str, new: str) -> str:
    """Both lines, cut to where they differ."""
    same = zip(old, new, strict=False)
    start = max(next((i for i, (a, b) in enumerate(same) if a != b), 0) - 60, 0)
    window = slice(start, start + 140)
    dots = "…" if start else ""
    return indent(f"stored  {dots}{old[window]}\nnow     {dots}{new[window]}")


# --- Comparing the outputs of two runs of a cell --------------------------------------------------


def parts(outputs: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Everything in a cell's outputs that is compared, in order.

    Args:
      outputs: of one code cell, as nbformat has them.

    Returns:
      Kind and text: stdout first, as one text; then each form of each output, text/plain before
      others. Of images there is no text.
    """
    stdout = ""
    found = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            stdout += output["text"] if output["name"] == "stdout" else ""
        elif kind == "error":
            found.append((kind, f"{output['ename']}: {output['evalue']}"))
        else:
            for mime in sorted(output["data"], key=lambda mime: (mime != "text/plain", mime)):
                content = "" if mime.startswith(NO_TEXT) else output["data"][mime]
                if not isinstance(content, str):
                    content = json.dumps(content, indent=1, sort_keys=True)
                found.append((mime, content))
    return [("stdout", stdout), *found] if stdout else found


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
    old_kinds, new_kinds = [kind for kind, _ in old_parts], [kind for kind, _ in new_parts]
    if old_kinds != new_kinds:
        words = {
            "-": "missing now (it is stored)",
            "+": "additional now (it is not stored)",
        }
        # A line per output: the second of two figures can be missing, too.
        changes = [
            f"an output is {words[line[0]]}: {line[2:]}"
            for line in difflib.ndiff(old_kinds, new_kinds)
            if line[0] in words
        ]
        raised = [text for kind, text in new_parts if kind == "error" and kind not in old_kinds]
        return Comparison([], changes + [indent(text) for text in raised])
    pairs: list[Pair] = []
    problems: list[str] = []
    seen: Counter[str] = Counter()
    for (kind, old), (_, new) in zip(old_parts, new_parts, strict=True):
        seen[kind] += 1
        part = kind if kind == "stdout" else f"{kind} {seen[kind]}"
        result = compare_text(old, new, tolerance)
        pairs += [replace(pair, part=part) for pair in result.pairs]
        problems += [f"{part}, {problem}" for problem in result.problems]
    return Comparison(pairs, problems)
