"""Exercises and solutions of a chapter, as its Markdown marks them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from tools.chapter import Chapter

GATE = re.compile(
    r"^(?P<fence>[`:]{3,})\{(?P<kind>exercise|solution)-(?P<edge>start|end)\}"
    r"(?P<argument>[^\n]*)\n(?P<options>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Exercise:
    """An exercise or a solution, from its gate to its end."""

    kind: str
    label: str
    options: str
    text: str
    codes: tuple[NotebookNode, ...]


def exercises(chapter: Chapter) -> list[Exercise]:
    """Exercises and solutions in their order.

    Raises:
      ValueError: one starts inside of another, or ends without having started.
    """
    found: list[Exercise] = []
    open_gate: tuple[str, str, str] | None = None
    text, codes = "", []
    for event, content in _events(chapter):
        if event == "start":
            kind, argument, options = content
            if open_gate:
                raise ValueError(f"{kind} {argument!r} starts inside of {open_gate[:2]}")
            label = re.search(r"^:label: *(\S+)", options, re.MULTILINE)
            name = argument.strip() if kind == "solution" else label[1] if label else ""
            open_gate, text, codes = (kind, name, options), "", []
        elif event == "end":
            if not open_gate or open_gate[0] != content:
                raise ValueError(f"{content}-end without {content}-start")
            found.append(Exercise(*open_gate, text, tuple(codes)))
            open_gate = None
        elif event == "text":
            text += content
        else:
            codes.append(content)
    if open_gate:
        raise ValueError(f"{open_gate[0]} {open_gate[1]!r} has no end")
    return found


def _events(chapter: Chapter) -> Iterator[tuple[str, Any]]:
    for cell in chapter.cells:
        if cell.cell_type == "code":
            yield "code", cell
            continue
        end = 0
        for match in GATE.finditer(cell.source):
            yield "text", cell.source[end : match.start()]
            end = match.end()
            if match["edge"] == "start":
                yield "start", (match["kind"], match["argument"], match["options"])
            else:
                yield "end", match["kind"]
        yield "text", cell.source[end:]
