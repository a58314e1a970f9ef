"""What the site takes from chapters: titles, pitfalls, names they teach, dates of changes."""

import datetime
import functools
import re
import subprocess
from typing import Any

from tools import toc
from tools.chapter import Chapter
from tools.reports import ROOT


def notebook_docs() -> list[str]:
    """The docnames of the pages that are notebooks."""
    return [doc for doc in toc.docs() if (ROOT / f"{doc}.ipynb").is_file()]


@functools.cache
def chapter(doc: str) -> Chapter:
    """A chapter by its docname."""
    return Chapter.read(ROOT / f"{doc}.ipynb")


def title(doc: str) -> str:
    """The title of a chapter."""
    return chapter(doc).title


def link(doc: str) -> str:
    """A link to a chapter, in Markdown."""
    return f"{{doc}}`{title(doc)} </{doc}>`"


def slug(text: str) -> str:
    """A text as an anchor; docutils' own function would drop an apostrophe if it is curly."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def plain(text: str) -> str:
    """Markdown without its backticks and stars."""
    return re.sub(r"[`*]", "", text)


def label(text: str) -> str:
    """Text of a link: a role takes no markup inside. Names from code keep their first letter."""
    shown = plain(text)
    return shown if text.startswith("`") else shown[0].upper() + shown[1:]


def pitfalls(doc: str) -> list[tuple[str, str]]:
    """The pitfalls of a chapter, in order: (what it is about, anchor)."""
    return [(about, f"pitfall-{slug(plain(about))}") for about in chapter(doc).pitfalls]


def pattern(name: str) -> re.Pattern[str]:
    """Finds a name as it appears in code: not in the middle of a longer word.

    `.name` is a method or attribute of anything. A dotted name is found with its usual prefix or
    after an import of its last part, `name=` as an argument, anything else literally.
    """
    core = re.escape(name).replace(r"\ ", r"\s*").replace("…", r"[\s\S]{0,200}?")
    start = "" if not (name[0].isalnum() or name[0] == "_") else r"(?<![\w])"
    end = r"(?!\w)" if name[-1].isalnum() or name[-1] == "_" else ""
    return re.compile(start + core + end)


def cells_that_teach(entry: str | dict[str, Any], doc: str) -> list[tuple[str, int]]:
    """The code cells of a chapter that use a name: (cell id, number of the cell)."""
    forms = [pattern(form) for form in ([entry] if isinstance(entry, str) else entry["forms"])]
    return [
        (cell.id, number)
        for number, cell in enumerate(chapter(doc).codes, 1)
        if any(form.search(cell.source) for form in forms)
    ]


@functools.cache
def _changes() -> dict[str, datetime.date]:
    """Path below the root -> date of the last commit that changed it; empty without git."""
    command = ["git", "log", "--format=@%cs", "--name-only", "--no-renames"]
    try:
        log = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return {}
    dates: dict[str, datetime.date] = {}
    day = datetime.date.min
    for line in log.splitlines():
        if line.startswith("@"):
            day = datetime.date.fromisoformat(line[1:])
        elif line:
            dates.setdefault(line, day)
    return dates


def last_change(doc: str) -> datetime.date | None:
    dates = [_changes().get(f"{doc}{suffix}") for suffix in (".ipynb", ".md")]
    return max((date for date in dates if date), default=None)


def in_words(date: datetime.date | None) -> str:
    return f"{date.day} {date:%B %Y}" if date else "not committed yet"


def stated_time(doc: str) -> str:
    """What a chapter says about its time, after “Time” in its first cells."""
    for cell in chapter(doc).cells[:4]:
        found = re.search(r"\*\*Time:?\*\*:?\s*(.+?)(?:\n\s*\n|$)", cell.source, re.DOTALL)
        if cell.cell_type == "markdown" and found:
            return " ".join(found[1].split()).rstrip(".")
    return ""
