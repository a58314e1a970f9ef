"""Chapters as documents: what the tests in this folder ask of a notebook."""

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbcheck
import nbformat
from nbformat import NotebookNode

BOOK = Path(__file__).resolve().parents[2] / "book"


@dataclass(frozen=True)
class Exercise:
    """An exercise or a solution, from its gate to its end."""

    kind: str
    label: str
    options: str
    text: str
    codes: tuple[NotebookNode, ...]


@dataclass(frozen=True)
class Chapter:
    """A notebook of the book.

    Attributes:
      name: its path below book/, without .ipynb.
      path: its file.
      notebook: its content.
    """

    name: str
    path: Path
    notebook: NotebookNode

    @classmethod
    def read(cls, path: Path, book: Path = BOOK) -> "Chapter":
        """Reads one notebook."""
        name = path.relative_to(book).with_suffix("").as_posix()
        return cls(name, path, nbformat.read(path, as_version=4))

    @cached_property
    def cells(self) -> list[NotebookNode]:
        """All cells."""
        return list(self.notebook.cells)

    @cached_property
    def codes(self) -> list[NotebookNode]:
        """Code cells with something in them."""
        return [c for c in self.cells if c.cell_type == "code" and c.source.strip()]

    @cached_property
    def texts(self) -> list[str]:
        """Markdown of each markdown cell."""
        return [c.source for c in self.cells if c.cell_type == "markdown"]

    @cached_property
    def opening(self) -> str:
        """Markdown above the first code cell."""
        found = []
        for cell in self.cells:
            if cell.cell_type == "code":
                break
            found.append(cell.source)
        return "\n\n".join(found)

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of each heading."""
        return [
            (len(marks), text.strip())
            for source in self.texts
            for marks, text in re.findall(r"^(#{1,6}) +(.+)$", without_code(source), re.MULTILINE)
        ]

    @cached_property
    def figures(self) -> list[NotebookNode]:
        """Code cells that show an image."""
        return [c for c in self.codes if any(k.startswith("image/") for k in kinds(c))]

    @cached_property
    def gates(self) -> list[Exercise]:
        """Exercises and solutions in their order.

        Raises:
          ValueError: one starts inside of another, or ends without having started.
        """
        found: list[Exercise] = []
        open_gate: tuple[str, str, str] | None = None
        text, codes = "", []
        for event, content in self._events():
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

    def _events(self) -> Iterator[tuple[str, Any]]:
        gate = re.compile(
            r"^(?P<fence>[`:]{3,})\{(?P<kind>exercise|solution)-(?P<edge>start|end)\}"
            r"(?P<argument>[^\n]*)\n(?P<options>.*?)^(?P=fence)[ ]*$",
            re.MULTILINE | re.DOTALL,
        )
        for cell in self.cells:
            if cell.cell_type == "code":
                yield "code", cell
                continue
            end = 0
            for match in gate.finditer(cell.source):
                yield "text", cell.source[end : match.start()]
                end = match.end()
                if match["edge"] == "start":
                    yield "start", (match["kind"], match["argument"], match["options"])
                else:
                    yield "end", match["kind"]
            yield "text", cell.source[end:]


def all_chapters(book: Path = BOOK) -> list[Chapter]:
    """Every notebook of the book."""
    paths = [p for p in book.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    return [Chapter.read(path, book) for path in sorted(paths)]


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def kinds(cell: NotebookNode) -> list[str]:
    """Media types of all that a cell shows."""
    return [kind for output in cell.outputs for kind in output.get("data", {})]


def printed(cell: NotebookNode) -> str:
    """All text that a cell puts out."""
    return "\n".join(part.text for part in nbcheck.parts(cell.outputs))


def without_code(markdown: str) -> str:
    """Markdown without fenced code; fences of directives ({note}, …) keep what stands in them."""
    return re.sub(
        r"^(`{3,}|~{3,})(?!\{)[^\n]*\n.*?^\1[ ]*$", "", markdown, flags=re.MULTILINE | re.DOTALL
    )


def without_comments(source: str) -> str:
    """Python without comments; as it is where it can't be read (magics)."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source
    lines = source.splitlines()
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(lines)
