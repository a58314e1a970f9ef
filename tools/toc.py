"""Writes the two tables of contents that can't wait until the site is built.

    python -m tools.toc

_toc.yml, which Jupyter Book reads, and the map in README.md follow from book/chapters.yml, the one
place that says what belongs to the book, and from the titles of the notebooks.
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from tools import reports
from tools.chapter import Chapter
from tools.reports import BOOK, ROOT

LEDGER = BOOK / "chapters.yml"
ROOT_PAGE = "book/intro"
# A table in README.md, below its head.
MAP = re.compile(r"(?<=\|---\|---\|---\|\n)(?:\|.*\n)*")


@dataclass(frozen=True)
class Entry:
    """What the ledger says about a chapter.

    Attributes:
      file: path of the notebook below book/, without .ipynb.
      tags: shown under its title.
      question: what it answers.
      names: of the libraries, taught in its code cells: each a text, or a dict with "name" and
        "forms", the ways in which code may spell it.
    """

    file: str
    tags: list[str]
    question: str
    names: tuple[str | dict[str, Any], ...] = ()

    @property
    def doc(self) -> str:
        """Its name for Sphinx."""
        return f"book/{self.file}"

    @property
    def title(self) -> str:
        """The title of its notebook."""
        return Chapter.read(ROOT / f"{self.doc}.ipynb").title


@dataclass(frozen=True)
class Part:
    """A part of the book, with chapters or reference pages.

    Attributes:
      name: its heading.
      chapters: in the order of reading.
      pages: paths below book/.
    """

    name: str
    chapters: tuple[Entry, ...]
    pages: tuple[str, ...]

    @property
    def docs(self) -> list[str]:
        """Sphinx's names of everything in it."""
        return [*(entry.doc for entry in self.chapters), *(f"book/{page}" for page in self.pages)]


def parts() -> list[Part]:
    """What the ledger says."""
    return [
        Part(
            part["part"],
            tuple(Entry(**entry) for entry in part.get("chapters", ())),
            tuple(part.get("pages", ())),
        )
        for part in yaml.safe_load(LEDGER.read_text(encoding="utf-8"))
    ]


def entries() -> list[Entry]:
    """All chapters, in the order of reading."""
    return [entry for part in parts() for entry in part.chapters]


def docs() -> list[str]:
    """All pages of the site, in the order of reading, by their names for Sphinx."""
    return [ROOT_PAGE, *(doc for part in parts() for doc in part.docs)]


def table_of_contents() -> str:
    """The text of _toc.yml."""
    content = {
        "format": "jb-book",
        "root": ROOT_PAGE,
        "options": {"numbered": False},
        "parts": [
            {"caption": part.name, "chapters": [{"file": doc} for doc in part.docs]}
            for part in parts()
        ],
    }
    made = "# Made from book/chapters.yml by `make chapters`.\n"
    return made + yaml.safe_dump(content, sort_keys=False)


def readme() -> str:
    """The text of README.md, with the map as it should be."""
    rows = []
    for part in parts():
        for number, entry in enumerate(part.chapters):
            name = "" if number else f"{part.name} "
            rows.append(f"| {name}| [{entry.title}]({entry.doc}.ipynb) | {entry.question} |\n")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return MAP.sub(lambda _: "".join(rows), text, count=1)


def main() -> None:
    """The command."""
    reports.write_text(table_of_contents(), ROOT / "_toc.yml")
    reports.write_text(readme(), ROOT / "README.md")


if __name__ == "__main__":
    main()
