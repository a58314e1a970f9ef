"""Markdown made from chapters and reports, in place of a marker on a page."""

import datetime
import importlib.metadata
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import yaml
from sphinx.util import logging

from tools import mutants, notebooks, perturb, reports, toc
from tools.chapter import UNCHECKED, tags
from tools.compare import WIDENING
from tools.reports import BOOK, REPORTS, ROOT
from tools.site import contents, decisions, measured, offered, scale

# It generates its own data, whatever ratings there are.
OWN_DATA = "dcn/feature_crosses"


def chapter_map() -> str:
    lines = ["::::{div} chapter-map"]
    for part in toc.parts():
        if part.chapters:
            links = [f"{_link(entry.doc)}<br>{entry.question}" for entry in part.chapters]
            lines += [":::{div} part", f"{{.part-name}}\n{part.name}", ""]
            lines += [*(f"- {link}" for link in links), ":::", ""]
    return "\n".join([*lines, "::::"])


def _link(doc: str) -> str:
    return f"{{doc}}`{contents.title(doc)} </{doc}>`"


def scale_figure() -> str:
    try:
        found = scale.tasks(lambda name: contents.chapter(f"book/{name}"))
    except ValueError as error:
        # A warning makes a strict build fail; authors in the middle of a change still see the page.
        logging.getLogger(__name__).warning(str(error))
        return "(The figure can’t be drawn at the moment.)"
    return scale.figure(found, lambda chapter: contents.title(f"book/{chapter}"))


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
                    logger = logging.getLogger(__name__)
                    logger.warning(f"pitfalls.yml: {chapter} has no pitfall {about!r}")
    if left:
        found["And what else?"] = list(left.values())
    return found


def pitfall_index() -> str:
    lines: list[str] = []
    for question, found in pitfalls_by_question().items():
        lines += [f"## {question}", ""]
        for doc, about, anchor in found:
            name = f"{{ref}}`{label(about)} <{doc}:{anchor}>`"
            lines.append(f"- {name} · [{contents.title(doc)}]{{.where}}")
        lines.append("")
    return "\n".join(lines)


def label(text: str) -> str:
    """Text of a link: a role takes no markup inside. Names from code keep their first letter."""
    plain = contents.plain(text)
    return plain if text.startswith("`") else plain[0].upper() + plain[1:]


def name_index() -> str:
    lines: list[str] = []
    for entry in toc.entries():
        if entry.names:
            lines += [f"## {_link(entry.doc)}", "", "| name | taught in |", "|---|---|"]
        for name in entry.names:
            found = contents.cells_that_teach(name, entry.doc)[:6]
            cells = [f"{{ref}}`cell {n} <{entry.doc}:cell-{cell}>`" for cell, n in found]
            shown = name if isinstance(name, str) else name["name"]
            lines.append(f"| `` {shown} `` | {', '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


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
      moves: what the report of `make perturb` says of each.
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


def status() -> str:
    docs = contents.notebook_docs()
    moves = perturb.read()["notebooks"]
    rows = []
    for doc in docs:
        found = [tags(cell) for cell in contents.chapter(doc).codes]
        checked = sum(UNCHECKED not in those for those in found)
        wide = Counter(tag for those in found for tag in those if tag.startswith(WIDENING))
        own = [tag + f" in {n} cells" * (n > 1) for tag, n in sorted(wide.items())]
        # Each cell of the table must make sense by itself: on a phone they are stacked.
        rows.append(
            f"| {_link(doc)} | "
            f"{contents.stated_time(doc) or 'looked up, not read'} | "
            f"{last_run(doc)} | {checked} of {len(found)} cells compared | "
            f"{', '.join(own) or 'no tolerance of its own'}; {spread(doc, moves)} | "
            f"changed {contents.in_words(contents.last_change(doc))} |"
        )
    head = "| chapter | time, as it says | last timed run | checked | tolerance, spread | changed |"
    lines = ["## Chapters", "", "::::{div} status-table", head, "|---|---|---|---|---|---|"]
    lines += [*rows, "::::", "", "## Versions", "", "| package | version |", "|---|---|"]
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        pin = re.match(r"([\w.-]+)==([\w.]+)", line)
        if pin:
            lines.append(f"| {pin[1]} | {pin[2]} |")
    python = importlib.metadata.metadata("recutils")["Requires-Python"]
    lines += [f"| Python | {', '.join(sorted(python.split(','), reverse=True))} |", ""]
    return "\n".join(lines)


def ground() -> str:
    """What the tests of the book's foundations found, from the files in reports/."""
    lines = []
    for report in reports.replications():
        rows = [
            row
            for name, chapter in report["chapters"].items()
            for row in chapter["claims"]
            if name != OWN_DATA
        ]
        both = [row for row in rows if row["synthetic"] and row["real"]]
        main = [row for row in both if row["synthetic"].get("main")]
        details = [row for row in both if not row["synthetic"].get("main")]
        lines.append(
            f"- **Replication on {report['data']['folder']}** ({_day(report)}): of the "
            f"{len(main)} main claims tried on both data sets, {_alike(main)} have the same "
            f"verdict on both; of the {len(details)} details, {_alike(details)}. "
            "{doc}`Does it hold on real data? </book/beyond/movielens>` discusses what differs, "
            "and counts how many details to expect wrong."
        )
    upstream = REPORTS / "upstream.json"
    if upstream.is_file():
        report = reports.read(upstream)
        for library, result in report["libraries"].items():
            lines.append(
                f"- **The own tests of {library}** {report['versions'][library.replace('_', '-')]} "
                f"on TensorFlow {report['versions']['tensorflow']} ({_day(result)}): "
                f"{result['passed']} passed, {result['skipped']} skipped, "
                f"{measured.failures(result['failed'])}."
            )
    return "\n".join([*lines, *trust(), ""])


def _alike(rows: list[dict[str, Any]]) -> int:
    """How many claims have the same verdict on both data sets."""
    return sum(row["synthetic"]["verdict"] == row["real"]["verdict"] for row in rows)


def trust() -> list[str]:
    """What `make perturb` and `make mutants` found and records hold, as items of a list."""
    lines = [*measured.on_record(), *measured.benchmarks()]
    moves = perturb.read()
    if moves["notebooks"]:
        entries = moves["notebooks"].values()
        numbers = sum(len(entry["numbers"]) for entry in entries)
        moved = sum(map(perturb.moved, entries))
        all_of_them = set.intersection(*map(perturb.tried, entries))
        tried = ", ".join(name for name in perturb.CONDITIONS if name in all_of_them)
        lines.append(
            f"- **Under other conditions** ({_day(moves)}): {len(entries)} notebooks ran with "
            f"{len(all_of_them)} conditions changed ({tried}). {moved} of their {numbers:,} "
            "decimals moved."
        )
    lies = mutants.read()
    if lies["mutants"]:
        lines.append(
            f"- **Small mistakes made on purpose** ({_day(lies)}): of {len(lies['mutants'])} out "
            f"of {lies['possible']:,} possible ones, the checks caught {mutants.caught(lies)}. "
            "Not caught were:"
        )
        for survivor in mutants.survivors():
            verdict = "No mistake" if survivor["equivalent"] else "**Not seen**"
            lines.append(
                f"  - {survivor['file']}: `{survivor['before']}` became `{survivor['after']}`. "
                f"{verdict}: {survivor['reason']}"
            )
    return lines


def _day(report: dict[str, Any]) -> str:
    return contents.in_words(datetime.date.fromisoformat(report["date"]))


def decisions_page() -> str:
    """What to choose when; a strict build fails if a line no longer supports its advice."""
    found = decisions.read()
    evidence = decisions.Evidence(
        lambda name: contents.chapter(f"book/{name}"), reports.replications()
    )
    for problem in decisions.problems(found, evidence):
        logging.getLogger(__name__).warning(f"decisions.yml: {problem}")
    return "\n".join(decisions.page(found, evidence, lambda name: _link(f"book/{name}")))


def pdf_link() -> str:
    """A link to the whole book as one file, if there is one."""
    found = offered.pdf()
    if found is None:
        return ""
    size = round(found.stat().st_size / 1e6)
    link = f'<a href="../_downloads/{found.name}" download>the whole book as one PDF</a>'
    # The PDF itself leaves this class out.
    return (
        f'<p class="only-on-the-site">To read offline or on paper: {link} ({size} MB), '
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
