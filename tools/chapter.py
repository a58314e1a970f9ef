"""A notebook of the book, as commands, the site and the tests all see it."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import claims, compare
from tools.reports import BOOK

UNCHECKED = "nbval-ignore-output"
DECLARES_ERROR = "raises-exception"
REFUSED_TAGS = {
    "nbval-skip": "a cell that doesn't run is a hole in the chapter",
    "nbval-raises-exception": "`jupyter execute` stops there: use the tag raises-exception",
    "nbval-check-output": "every cell's output is checked: remove it",
}
# Tags that change what the page shows, and neither what runs nor what is compared.
_ONLY_SHOWN = ("hide-input",)
_STEERS_NBVAL = re.compile(r"^\s*#[#\s]*(?:NBVAL|PYTEST_VALIDATE)_\w+\s*$", re.MULTILINE)
_PITFALL = re.compile(r"^>? ?\*\*Pitfall: (.+?)\*\*", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^(`{3,}|~{3,})(?!\{)[^\n]*\n.*?^\1[ ]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Chapter:
    """A notebook.

    Attributes:
      name: its path below book/ (or just its file's name, elsewhere), without .ipynb.
      path: its file.
      document: its content.
    """

    name: str
    path: Path
    document: NotebookNode

    @classmethod
    def read(cls, path: Path) -> "Chapter":
        """Reads one notebook."""
        full = path.resolve()
        inside = full.relative_to(BOOK) if full.is_relative_to(BOOK) else Path(full.name)
        name = inside.with_suffix("").as_posix()
        return cls(name, path, nbformat.read(path, as_version=4))

    @cached_property
    def cells(self) -> list[NotebookNode]:
        """All cells."""
        return list(self.document.cells)

    @cached_property
    def codes(self) -> list[NotebookNode]:
        """Code cells with something in them."""
        return [c for c in self.cells if c.cell_type == "code" and c.source.strip()]

    @cached_property
    def texts(self) -> list[str]:
        """Markdown of each Markdown cell."""
        return [c.source for c in self.cells if c.cell_type == "markdown"]

    @cached_property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of each heading."""
        return [
            (len(marks), text.strip())
            for source in self.texts
            for marks, text in re.findall(r"^(#{1,6}) +(.+)$", without_code(source), re.MULTILINE)
        ]

    @property
    def title(self) -> str:
        """The first heading of the first level.

        Raises:
          ValueError: there is none.
        """
        for level, text in self.headings:
            if level == 1:
                return text
        raise ValueError(f"{self.path.name} has no title: a line '# …' was expected in Markdown")

    @cached_property
    def pitfalls(self) -> list[str]:
        """What each pitfall is about, in order."""
        return [
            " ".join(about.rstrip(" .").split())
            for text in self.texts
            for about in _PITFALL.findall(text)
        ]

    @cached_property
    def claims(self) -> dict[str, claims.Claim]:
        """What the chapter concludes, by claim."""
        found = [c for cell in self.codes for c in claims.parse(stdout(cell))]
        return {claim.claim: claim for claim in found}

    @property
    def fingerprint(self) -> str:
        """A hash of what the notebook computes and prints: code, tags and compared outputs.

        Neither prose nor tolerances count: they change what a check says, not what a run does. Nor
        do outputs that nothing compares, such as timings: each run prints others.
        """
        content = [
            [
                cell.source,
                [t for t in tags(cell) if not t.startswith((*compare.WIDENING, *_ONLY_SHOWN))],
                [] if UNCHECKED in tags(cell) else compare.parts(cell.outputs),
            ]
            for cell in self.codes
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    @property
    def undeclared_errors(self) -> list[str]:
        """Errors among the outputs that no tag declares, as "cell id: name: message"."""
        return [
            f"cell {cell.id}: {output.ename}: {output.evalue}"
            for cell in self.codes
            if DECLARES_ERROR not in tags(cell)
            for output in cell.outputs
            if output.output_type == "error"
        ]

    @property
    def problems(self) -> list[str]:
        """What fails before any comparison: cells not run, errors not declared."""
        return [
            f"code cell {count}: {problem}"
            for count, cell in enumerate(self.codes, 1)
            if (problem := stored_problem(cell, count))
        ]


def chapters(paths: Sequence[Path] = ()) -> list[Chapter]:
    """The notebooks of the book, or those that were named.

    Raises:
      FileNotFoundError: a named one isn't there.
    """
    hidden = ".ipynb_checkpoints"
    found = paths or sorted(p for p in BOOK.rglob("*.ipynb") if hidden not in p.parts)
    return [Chapter.read(path) for path in found]


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def printed(cell: NotebookNode) -> str:
    """All text that a code cell outputs."""
    return "\n".join(text for _, text in compare.parts(cell.outputs))


def stdout(cell: NotebookNode) -> str:
    """What a code cell prints."""
    return "".join(text for kind, text in compare.parts(cell.outputs) if kind == "stdout")


def without_code(markdown: str) -> str:
    """Markdown without fenced code; fences of directives ({note}, …) keep what is in them."""
    return _FENCED.sub("", markdown)


def stored_problem(cell: NotebookNode, expected_count: int) -> str:
    """Says what is wrong with a stored code cell, or "" if nothing is.

    Args:
      cell: a code cell with some source.
      expected_count: 1 for the first such cell of the notebook, and so on.
    """
    return next(_stored_problems(cell, expected_count), "")


def _stored_problems(cell: NotebookNode, expected_count: int) -> Iterator[str]:
    for tag, why in REFUSED_TAGS.items():
        if tag in tags(cell):
            yield f"the tag {tag} is not accepted: {why}"
    if _STEERS_NBVAL.search(cell.source):
        yield "a comment that steers nbval is not accepted: use a tag"
    count = cell.execution_count
    if count is None:
        yield "the cell was never executed, or its outputs were stripped: run `make execute`"
    if count != expected_count:
        yield (
            f"the notebook was not executed from the top: this cell ran as In [{count}], and is "
            f"number {expected_count}. Run `make execute`"
        )
    errors = [o.ename for o in cell.outputs if o.output_type == "error"]
    declared = DECLARES_ERROR in tags(cell)
    if errors and not declared:
        yield f"{errors[0]} is stored, and no tag raises-exception declares it"
    if declared and not errors:
        yield "the tag raises-exception declares an error, and none is stored"
    try:
        compare.Tolerance.from_tags(tags(cell))
    except ValueError as error:
        yield str(error)
