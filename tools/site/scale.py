"""The figure on the book's first page: every model on one scale, from chance to the ceiling.

book/scale.yml says which numbers belong on it and where the chapters print them. They are read from
the stored outputs whenever the site is built, so the figure can only say what the chapters do. It
is drawn as SVG without a fixed size: distances are percentages, so that it fits any width with text
of a readable size, and its colours are those of the page, light or dark.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import yaml

from tools.chapter import UNCHECKED, Chapter, printed, tags
from tools.reports import BOOK
from tools.site.rendering import render

SPEC = BOOK / "scale.yml"
NUMBER = re.compile(r"(?<![\w.])-?\d*\.\d+(?![\w.])")
ROW, HEAD, FOOT = 25, 52, 44  # heights in pixels
NAMES = 47  # percent of the width that belongs to names and printed numbers


def printed_number(chapter: Chapter, code: str, row: str, column: str | None = None) -> str:
    """Finds a number in a stored output.

    Args:
      chapter: with outputs.
      code: text that exactly one code cell has.
      row: the beginning of the line that holds the number.
      column: a word before the number in the same line, or above it in a heading; the
        first number of the line if None.

    Returns:
      The number as it was printed.

    Raises:
      ValueError: there is no such number, more than one such cell, or the cell isn't checked.
    """
    cell = _only(
        [cell for cell in chapter.codes if code in cell.source],
        f"code cell with the text {code!r} in {chapter.name}",
    )
    if UNCHECKED in tags(cell):
        raise ValueError(f"scale.yml: the output of the cell with {code!r} is not checked")
    lines = printed(cell).splitlines()
    begins = re.compile(rf"\s*{re.escape(row)}(?=\s*:|\s{{2,}}|\s+-?\d*\.\d)")
    number, rest = _only(
        [
            (number, line[match.end() :])
            for number, line in enumerate(lines)
            if (match := begins.match(line)) and NUMBER.search(line, match.end())
        ],
        f"line that begins with {row!r} below {code!r} in {chapter.name}",
    )
    place = 0
    if column is not None and column in rest.split():
        rest = rest.split(column, 1)[1]
    elif column is not None:
        headings = [above.split() for above in lines[:number] if column in above.split()]
        if not headings:
            raise ValueError(f"scale.yml: there is no heading {column!r} above {lines[number]!r}")
        place = headings[-1].index(column)
    numbers = NUMBER.findall(rest)
    if place >= len(numbers):
        raise ValueError(f"scale.yml: no number for {column!r} was found in {lines[number]!r}")
    return numbers[place]


def _only(found: Sequence[Any], what: str) -> Any:
    if len(found) != 1:
        raise ValueError(f"scale.yml: one {what} was expected, got {len(found)}")
    return found[0]


def tasks(
    read: Callable[[str], Chapter], spec: Sequence[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """The tasks of scale.yml with their numbers.

    Args:
      read: gives a chapter, named by its path below book/.
      spec: what scale.yml says; read from there if None.

    Returns:
      Its entries. "zero", "one", and each of all "scores" also have the number that is "printed";
      scores have their "place", 0 at the lower end of the scale and 1 at the ceiling, by which they
      are sorted, and say whether each is a "baseline".

    Raises:
      ValueError: a chapter doesn't print what scale.yml expects of it.
    """
    if spec is None:
        spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    return [_with_numbers(entry, read(entry["chapter"])) for entry in spec]


def _with_numbers(entry: dict[str, Any], chapter: Chapter) -> dict[str, Any]:
    def found(item: dict[str, str]) -> dict[str, Any]:
        code = item.get("code", entry["code"])
        return item | {"printed": printed_number(chapter, code, item["row"], item.get("column"))}

    zero, one = found(entry["zero"]), found(entry["one"])
    scores = [found(item) | {"baseline": True} for item in entry["baselines"]]
    scores += [found(item) | {"baseline": False} for item in entry["models"]]
    low, high = float(zero["printed"]), float(one["printed"])
    for score in scores:
        score["place"] = (float(score["printed"]) - low) / (high - low)
    scores.sort(key=lambda score: score["place"])
    return entry | {"zero": zero, "one": one, "scores": scores}


def svg(found: Sequence[dict[str, Any]]) -> str:
    """The figure."""
    lowest = min([0.0, *(score["place"] for task in found for score in task["scores"])])
    left, right = lowest - 0.04, 1.02
    heights = [HEAD + ROW * len(task["scores"]) + FOOT for task in found]
    *tops, height = itertools.accumulate(heights, initial=0)
    return render(
        "scale.svg",
        tasks=list(zip(found, tops, strict=True)),
        x=lambda place: f"{NAMES + (100 - NAMES) * (place - left) / (right - left):.2f}%",
        height=height - 12,
        head=HEAD,
        row=ROW,
        names=NAMES,
    )
