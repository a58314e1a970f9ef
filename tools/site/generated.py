"""Markdown made from chapters and reports, in place of a marker on a page."""

import datetime
import importlib.metadata
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import yaml
from sphinx.util import logging

from tools import fourfold, mutants, notebooks, perturb, reports, toc
from tools.chapter import UNCHECKED, tags
from tools.compare import WIDENING
from tools.reports import BOOK, REPORTS, ROOT
from tools.site import contents, decisions, measured, offered, scale
from tools.site.contents import link
from tools.site.rendering import render

LOGGER = logging.getLogger(__name__)
# It generates its own data, whatever ratings there are.
OWN_DATA = "dcn/feature_crosses"


def chapter_map() -> str:
    return render("chapters.md", parts=toc.parts(), link=link)


def scale_figure() -> str:
    try:
        found = scale.tasks(lambda name: contents.chapter(f"book/{name}"))
    except ValueError as error:
        # A warning makes a strict build fail; authors in the middle of a change still see the page.
        LOGGER.warning(str(error))
        return "(The figure can’t be drawn at the moment.)"
    links = dict.fromkeys(link(f"book/{task.chapter}") for task in found)
    return render("scale.md", drawing=scale.svg(found), links=links)


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


def pitfall_index() -> str:
    questions = pitfalls_by_question()
    return render("pitfalls.md", questions=questions, label=label, title=contents.title)


def label(text: str) -> str:
    """Text of a link: a role takes no markup inside. Names from code keep their first letter."""
    plain = contents.plain(text)
    return plain if text.startswith("`") else plain[0].upper() + plain[1:]


def name_index() -> str:
    cells = contents.cells_that_teach
    return render("names.md", entries=toc.entries(), link=link, cells=cells)


def last_run(doc: str) -> str:
    """When `make execute` last ran a notebook and its CPU time, if known."""
    path = notebooks.run_record(doc.removeprefix("book/"))
    if not path.is_file():
        return "not timed yet"
    run = reports.read(path)
    changed = run["fingerprint"] != contents.chapter(doc).fingerprint
    return f"ran in {run['cpu_seconds']:.0f} CPU s, {_day(run)}" + (" (changed since)" * changed)


def spread(doc: str, moves: dict[str, Any]) -> str:
    """How many numbers of a notebook moved when `make perturb` changed the conditions.

    Args:
      doc: the notebook.
      moves: what the report of `make perturb` says about each.
    """
    entry = moves.get(doc.removeprefix("book/"))
    if not entry or not entry["conditions"]:
        return "spread not measured"
    changed = entry["fingerprint"] != contents.chapter(doc).fingerprint
    runs = len(entry["conditions"])
    return (
        f"{perturb.moved(entry) or 'none'} of {len(entry['numbers'])} decimals moved in {runs} "
        f"run{'s' * (runs != 1)} under other conditions" + " (changed since)" * changed
    )


def _checked(doc: str) -> str:
    """How many of a notebook's code cells are compared."""
    codes = contents.chapter(doc).codes
    return f"{sum(UNCHECKED not in tags(cell) for cell in codes)} of {len(codes)}"


def _tolerances(doc: str) -> str:
    """Tags that give a notebook's decimals more room, each with the number of its cells."""
    found = Counter(tag for cell in contents.chapter(doc).codes for tag in tags(cell))
    wide = sorted(tag for tag in found if tag.startswith(WIDENING))
    return ", ".join(tag + f" in {found[tag]} cells" * (found[tag] > 1) for tag in wide)


def status() -> str:
    moves = perturb.read()["notebooks"]
    required = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    python = importlib.metadata.metadata("recutils")["Requires-Python"]
    return render(
        "status.md",
        docs=contents.notebook_docs(),
        link=link,
        time=contents.stated_time,
        last_run=last_run,
        checked=_checked,
        tolerances=_tolerances,
        spread=lambda doc: spread(doc, moves),
        changed=lambda doc: contents.in_words(contents.last_change(doc)),
        pins=re.findall(r"^([\w.-]+)==([\w.]+)", required, re.MULTILINE),
        python=", ".join(sorted(python.split(","), reverse=True)),
    )


def ground() -> str:
    """What the tests of the book's foundations found, from the files in reports/."""
    moves = perturb.read()
    entries = moves["notebooks"].values()
    mistakes = mutants.read()
    return render(
        "reports.md",
        day=_day,
        replications=[(report, *_agreements(report)) for report in reports.replications()],
        upstream=reports.read(REPORTS / "upstream.json", libraries={}),
        longer=fourfold.read(),
        same=lambda claims: sum(
            row["as stored"]["verdict"] == row["fourfold"]["verdict"] for row in claims
        ),
        link=link,
        fingerprint=lambda name: contents.chapter(f"book/{name}").fingerprint,
        failures=measured.failures,
        on_record="\n".join([*measured.on_record(), *measured.benchmarks()]),
        moves=moves,
        notebooks=entries,
        tried=[
            name for name in perturb.CONDITIONS if all(name in perturb.tried(e) for e in entries)
        ],
        decimals=sum(len(entry["numbers"]) for entry in entries),
        moved=sum(map(perturb.moved, entries)),
        mistakes=mistakes,
        caught=mutants.caught(mistakes),
        survivors=mutants.survivors(),
    )


def _agreements(report: dict[str, Any]) -> tuple[list[bool], list[bool]]:
    """Whether each main claim, and each other one, has the same verdict on both data sets."""
    found: tuple[list[bool], list[bool]] = [], []
    for name, chapter in report["chapters"].items():
        for row in chapter["claims"]:
            if name != OWN_DATA and row["synthetic"] and row["real"]:
                same = row["synthetic"]["verdict"] == row["real"]["verdict"]
                found[0 if row["synthetic"].get("main") else 1].append(same)
    return found


def _day(report: dict[str, Any]) -> str:
    return contents.in_words(datetime.date.fromisoformat(report["date"]))


def decisions_page() -> str:
    """What to choose when; a strict build fails if a line no longer supports its advice."""
    found = decisions.read()
    evidence = decisions.Evidence(
        lambda name: contents.chapter(f"book/{name}"), reports.replications()
    )
    for problem in decisions.problems(found, evidence):
        LOGGER.warning(f"decisions.yml: {problem}")
    return "\n".join(decisions.page(found, evidence, lambda name: link(f"book/{name}")))


def pdf_link() -> str:
    """A link to the whole book as one file, if there is one."""
    found = offered.pdf()
    if found is None:
        return ""
    size = round(found.stat().st_size / 1e6)
    address = f'<a href="../_downloads/{found.name}" download>the whole book as one PDF</a>'
    # The PDF itself leaves this class out.
    return (
        f'<p class="only-on-the-site">To read offline or on paper: {address} ({size} MB), '
        "solutions included.</p>"
    )


GENERATED: dict[str, Callable[[], str]] = {
    "scale": scale_figure,
    "chapters": chapter_map,
    "pitfalls": pitfall_index,
    "names": name_index,
    "decisions": decisions_page,
    "pdf": pdf_link,
    "status": status,
    "reports": ground,
}
