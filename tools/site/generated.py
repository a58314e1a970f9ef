"""Markdown made from chapters and reports, in place of a marker on a page."""

from recutils import records

from typing import Any

import yaml
from sphinx.util import logging

from tools import fourfold, mutants, perturb, reports, toc
from tools.reports import BOOK
from tools.site import contents, decisions, measured, offered, scale
from tools.site.rendering import render

LOGGER = logging.getLogger(__name__)


def markdown(name: str) -> str:
    """What a marker of this name stands for: its template sees the modules that know."""
    return render(
        f"{name}.md",
        contents=contents,
        decisions=supported_decisions,
        fourfold=fourfold,
        measured=measured,
        mutants=mutants,
        offered=offered,
        perturb=perturb,
        pitfalls_by_question=pitfalls_by_question,
        records=records,
        reports=reports,
        scale=scale,
        scale_tasks=scale_tasks,
        toc=toc,
    )


def _chapter(name: str) -> Any:
    return contents.chapter(f"book/{name}")


def scale_tasks() -> list[dict[str, Any]]:
    """What the figure on the first page shows; nothing if a chapter doesn't print it.

    A warning makes a strict build fail then; authors in the middle of a change still see the page.
    """
    try:
        return scale.tasks(_chapter)
    except ValueError as error:
        LOGGER.warning(str(error))
        return []


def pitfalls_by_question() -> dict[str, list[tuple[str, str, str]]]:
    """Question -> its pitfalls (docname, what it is about, anchor); each pitfall once.

    pitfalls.yml sorts them. What it doesn't mention comes last; for what it mentions and no chapter
    has, there is a warning.
    """
    questions = yaml.safe_load((BOOK / "reference" / "pitfalls.yml").read_text("utf-8"))
    left = {
        (doc, contents.plain(about)): (doc, about, anchor)
        for doc in contents.notebook_docs()
        for about, anchor in contents.pitfalls(doc)
    }
    found: dict[str, list[tuple[str, str, str]]] = {}
    for entry in questions:
        for chapter, listed in entry["pitfalls"].items():
            for about in listed:
                pitfall = left.pop((f"book/{chapter}", about), None)
                if pitfall:
                    found.setdefault(entry["question"], []).append(pitfall)
                else:
                    LOGGER.warning(f"pitfalls.yml: {chapter} has no pitfall {about!r}")
    if left:
        found["And what else?"] = list(left.values())
    return found


def supported_decisions() -> list[dict[str, Any]]:
    """What to choose when; a strict build fails if a line no longer supports its advice."""
    found = decisions.supported(_chapter, reports.replications())
    for problem in decisions.problems(found):
        LOGGER.warning(f"decisions.yml: {problem}")
    return found
