"""The figure on the book's first page: every model on one scale, from chance to the ceiling.

book/scale.yml says which numbers belong on it and where the chapters print them. They are read from
the stored outputs whenever the site is built, so the figure can only say what the chapters do. It
is drawn as SVG without a fixed size: distances are percentages, so that it fits any width with text
of a readable size, and its colours are those of the page, light or dark.
"""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tools.chapter import UNCHECKED, Chapter, tags
from tools.reports import BOOK
from tools.site.rendering import render

SPEC = BOOK / "scale.yml"
NUMBER = re.compile(r"(?<![\w.])-?\d*\.\d+(?![\w.])")
ROW, HEAD, FOOT = 25, 52, 44  # heights in pixels
NAMES = 47  # percent of the width that belongs to names and printed numbers


@dataclass(frozen=True)
class Score:
    """A printed number and its place on the scale.

    Attributes:
      name: of the model or baseline.
      printed: the number as the chapter prints it.
      place: 0 at the lower end of its task's scale, 1 at the ceiling.
      baseline: whether it is one.
    """

    name: str
    printed: str
    place: float
    baseline: bool


@dataclass(frozen=True)
class Task:
    """One question with all its scores, from low to high.

    Attributes:
      question: what the models are asked.
      measure: how they are measured.
      chapter: where; a path below book/.
      zero: name and printed number of the lower end.
      one: name and printed number of the ceiling.
      scores: from the lowest place to the highest.
    """

    question: str
    measure: str
    chapter: str
    zero: tuple[str, str]
    one: tuple[str, str]
    scores: tuple[Score, ...]


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
    cells = [cell for cell in chapter.codes if code in cell.source]
    if len(cells) != 1:
        raise ValueError(f"one code cell with the text {code!r} was expected, got {len(cells)}")
    (cell,) = cells
    if UNCHECKED in tags(cell):
        raise ValueError(f"the output of the cell with {code!r} is not checked")
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    lines = "\n".join(texts).splitlines()
    begins = re.compile(rf"\s*{re.escape(row)}(?=\s*:|\s{{2,}}|\s+-?\d*\.\d)")
    found = [
        (n, line, match.end())
        for n, line in enumerate(lines)
        if (match := begins.match(line)) and NUMBER.search(line, match.end())
    ]
    if len(found) != 1:
        raise ValueError(
            f"one line that begins with {row!r} was expected below {code!r}, got {len(found)}"
        )
    ((number, line, end),) = found
    rest = line[end:]
    if column is not None and re.search(rf"(?<!\S){re.escape(column)}(?!\S)", rest):
        rest = rest.split(column, 1)[1]
        column = None
    numbers = NUMBER.findall(rest)
    place = 0
    if column is not None:
        headings = [above.split() for above in lines[:number] if column in above.split()]
        if not headings:
            raise ValueError(f"there is no heading {column!r} above {line!r}")
        place = headings[-1].index(column)
    if place >= len(numbers):
        raise ValueError(f"no number was found for {row!r}, {column or 'first number'}: {line!r}")
    return numbers[place]


def tasks(
    read: Callable[[str], Chapter],
    spec: Sequence[Mapping[str, Any]] | None = None,
) -> list[Task]:
    """All tasks, with their numbers.

    Args:
      read: gives a chapter, named by its path below book/.
      spec: what scale.yml says; read from there if None.

    Raises:
      ValueError: a chapter doesn't print what scale.yml expects of it, or the ends are equal.
    """
    if spec is None:
        spec = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    return [_task(entry, read(entry["chapter"])) for entry in spec]


def _task(entry: Mapping[str, Any], chapter: Chapter) -> Task:
    def number(item: Mapping[str, str]) -> str:
        code = item.get("code", entry["code"])
        try:
            return printed_number(chapter, code, item["row"], item.get("column"))
        except ValueError as error:
            raise ValueError(f"{SPEC.name}, {entry['chapter']}: {error}") from None

    zero, one = number(entry["zero"]), number(entry["one"])
    length = float(one) - float(zero)
    if not length:
        raise ValueError(f"{SPEC.name}, {entry['chapter']}: both ends of the scale are {zero}")
    scores = [
        Score(item["name"], text, (float(text) - float(zero)) / length, kind == "baselines")
        for kind in ("baselines", "models")
        for item in entry[kind]
        for text in [number(item)]
    ]
    return Task(
        entry["task"],
        entry["measure"],
        entry["chapter"],
        (entry["zero"]["name"], zero),
        (entry["one"]["name"], one),
        tuple(sorted(scores, key=lambda score: score.place)),
    )


def alt_text(found: Sequence[Task]) -> str:
    """The figure in words."""
    lines = [
        "Dot plot of models and baselines on one scale, from 0, no model, to 1, the ceiling that "
        "the truth gives."
    ]
    for task in found:
        places = ", ".join(f"{score.name} {_place(score)}" for score in task.scores)
        lines.append(f"{task.question} By {task.measure}: {places}.")
    return " ".join(lines)


def _place(score: Score) -> str:
    return f"{score.place:.2f}".replace("-", "−")


def svg(found: Sequence[Task]) -> str:
    """The figure."""
    lowest = min([0.0, *(score.place for task in found for score in task.scores)])
    left, right = lowest - 0.04, 1.02
    heights = [HEAD + ROW * len(task.scores) + FOOT for task in found]
    *tops, height = itertools.accumulate(heights, initial=0)
    return render(
        "scale.svg",
        tasks=zip(found, tops, strict=True),
        x=lambda place: f"{NAMES + (100 - NAMES) * (place - left) / (right - left):.2f}%",
        alt=alt_text(found),
        height=height - 12,
        head=HEAD,
        row=ROW,
        names=NAMES,
    )
