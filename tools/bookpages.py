"""Sphinx extension: what the site makes from the chapters themselves, at every build.

A page holds a marker on a line of its own, `<!-- bookpages: NAME -->`; before Sphinx reads the
page, the marker is replaced by Markdown made from the notebooks, `chapters.yml`, `names.yml`, the
package's modules or the history in git. So no generated text is committed, none can be out of date.

It also gives every code cell and every pitfall an anchor, figures lazy loading, each page its Open
Graph description, tags and date of last change, makes a 404 page, and puts a note on top of each
notebook that the site offers: how to get the package that it needs, which the site offers, too.
"""

import builtins
import datetime
import functools
import html
import importlib
import importlib.metadata
import json
import re
import struct
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mutants
import nbformat
import notebooks
import perturb
import scale
import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
MARKER = re.compile(r"^<!-- bookpages: (\w+) -->$", re.MULTILINE)
LATE_IMAGE = re.compile(r'<img (?![^>]*\bloading=)[^>]*src="([^"]*_images/[^"]*\.png)"')
VERDICT = r"(?:holds|reversed|open)"
CONCLUSION = re.compile(
    rf"(^|<span></span>)( *{VERDICT} +(?:\S+ \[\S+, \S+\]|-&gt; {VERDICT}) +)"
    r"(\S.*?)(?:( +)(\(\d+ seeds, paired\)))?\n",
    re.MULTILINE,
)
CLAIM = re.compile(r"(^|<span></span>)([^\s<][^<\n]*\n)(?= +synthetic )", re.MULTILINE)
TABLE_CELL = re.compile(r"<td>.*?</td>", re.DOTALL)
CODE = re.compile(r'(?<=<span class="pre">)[^<]+(?=</span>)')
PLACEHOLDER = "https://github.com/YOUR-NAME/YOUR-COPY"
# What somebody needs who has one notebook and nothing else of this repository.
PACKAGE = ["LICENSE", "constraints.txt", "pyproject.toml", "requirements.txt", "recutils/*.py"]
# What some chapters read or start besides.
PACKAGE += ["requirements-dev.txt", "benchmarks/*.json", "book/beyond/*.py"]
PACKAGE += ["reports/replication-*.json", "reports/records/*.json"]
# It mixes data of its own, whatever ratings there are.
OWN_DATA = "dcn/feature_crosses"
PITFALL = re.compile(r"^>? ?\*\*Pitfall: (.+?)\*\*", re.MULTILINE | re.DOTALL)


# What the repository holds


def toc() -> list[str]:
    """The pages that are built, in order of reading, as docnames."""
    table = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = [entry["file"] for part in table["parts"] for entry in part["chapters"]]
    return [table["root"], *pages]


def chapters() -> list[dict[str, Any]]:
    """Parts with their chapters, as chapters.yml has them; `file` is a docname below book/."""
    parts: list[dict[str, Any]] = yaml.safe_load((BOOK / "chapters.yml").read_text("utf-8"))
    return parts


def notebook_docs() -> list[str]:
    """The docnames of the chapters that are notebooks and are built."""
    return [doc for doc in toc() if (ROOT / f"{doc}.ipynb").is_file()]


@functools.lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def notebook(doc: str) -> nbformat.NotebookNode:
    path = ROOT / f"{doc}.ipynb"
    return _read(path, path.stat().st_mtime_ns)


def title(doc: str) -> str:
    """The first heading of a chapter."""
    for cell in notebook(doc).cells:
        found = re.search(r"^# (.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and found:
            return found[1].strip()
    raise ValueError(f"{doc}.ipynb has no title: a Markdown cell with a line '# …' was expected")


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def pitfalls(doc: str) -> list[tuple[str, str]]:
    """The pitfalls of a chapter, in order: (what it is about, anchor)."""
    found = [
        " ".join(match[1].rstrip(" .").split())
        for cell in notebook(doc).cells
        if cell.cell_type == "markdown"
        for match in PITFALL.finditer(cell.source)
    ]
    plain = [re.sub(r"[`*]", "", about) for about in found]
    return [(about, f"pitfall-{slug(p)}") for about, p in zip(found, plain, strict=True)]


def names() -> list[dict[str, Any]]:
    """The names that the book teaches: topics, each with its chapters and names."""
    topics: list[dict[str, Any]] = yaml.safe_load(
        (BOOK / "reference" / "names.yml").read_text(encoding="utf-8")
    )
    return topics


def pattern(name: str) -> re.Pattern[str]:
    """A name as it stands in code: not in the middle of a longer word.

    `.name` is a method or attribute of anything. A dotted name is found with its usual prefix or
    after an import of its last part, `name=` as an argument, anything else literally.
    """
    core = re.escape(name).replace(r"\ ", r"\s*").replace("…", r"[\s\S]{0,200}?")
    start = "" if not (name[0].isalnum() or name[0] == "_") else r"(?<![\w])"
    end = r"(?!\w)" if name[-1].isalnum() or name[-1] == "_" else ""
    return re.compile(start + core + end)


def cells_that_teach(entry: str | dict[str, Any], docs: list[str]) -> list[tuple[str, str, int]]:
    """The code cells that use a name: (docname, cell id, number of the cell among code cells)."""
    forms = [entry] if isinstance(entry, str) else entry["forms"]
    found = []
    for doc in docs:
        number = 0
        for cell in notebook(doc).cells:
            number += cell.cell_type == "code"
            if cell.cell_type == "code" and any(pattern(f).search(cell.source) for f in forms):
                found.append((doc, cell.id, number))
    return found


@functools.lru_cache(maxsize=1)
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
    for cell in notebook(doc).cells[:4]:
        found = re.search(r"\*\*Time:?\*\*:?\s*(.+?)(?:\n\s*\n|$)", cell.source, re.DOTALL)
        if cell.cell_type == "markdown" and found:
            return " ".join(found[1].split()).rstrip(".")
    return ""


# Markdown for the markers


def chapter_map() -> str:
    built = set(toc())
    lines = ["::::{div} chapter-map"]
    for part in chapters():
        lines += [":::{div} part", f"{{.part-name}}\n{part['part']}", ""]
        for chapter in part["chapters"]:
            doc, name = f"book/{chapter['file']}", chapter["title"]
            link = (
                f"{{doc}}`{name} </{doc}>`" if doc in built else f"[{name} (planned)]{{.planned}}"
            )
            lines.append(f"- {link}<br>{chapter['question']}")
        lines += [":::", ""]
    return "\n".join([*lines, "::::"])


def scale_figure() -> str:
    docs = [doc.removeprefix("book/") for doc in notebook_docs()]
    try:
        found = scale.tasks(lambda chapter: notebook(f"book/{chapter}"), docs)
    except ValueError as error:
        # A warning, which a strict build counts: authors in the middle of a change see their page.
        logging.getLogger(__name__).warning(str(error))
        return "(The figure can’t be drawn at the moment.)"
    return scale.figure(found, lambda chapter: title(f"book/{chapter}"))


def pitfalls_by_question() -> dict[str, list[tuple[str, str, str]]]:
    """Question -> its pitfalls (docname, what it is about, anchor); each pitfall once.

    pitfalls.yml sorts them. What it doesn't mention comes last; what it mentions and a chapter that
    is there doesn't have is warned of.
    """
    questions = yaml.safe_load((BOOK / "reference" / "pitfalls.yml").read_text("utf-8"))
    docs = notebook_docs()
    left = {
        (doc, re.sub(r"[`*]", "", about)): (doc, about, anchor)
        for doc in docs
        for about, anchor in pitfalls(doc)
    }
    found: dict[str, list[tuple[str, str, str]]] = {}
    for entry in questions:
        for chapter, listed in entry["pitfalls"].items():
            for about in listed:
                pitfall = left.pop((f"book/{chapter}", about), None)
                if pitfall:
                    found.setdefault(entry["question"], []).append(pitfall)
                elif f"book/{chapter}" in docs:
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
            lines.append(f"- {name} · [{title(doc)}]{{.where}}")
        lines.append("")
    return "\n".join(lines) or "No chapter has a pitfall yet."


def label(text: str) -> str:
    """Text of a link: a role takes no markup inside. Names from code keep their first letter."""
    plain = re.sub(r"[`*]", "", text)
    return plain if text.startswith("`") else plain[0].upper() + plain[1:]


def name_index() -> str:
    docs = notebook_docs()
    lines: list[str] = []
    for topic in names():
        own = [doc for doc in (f"book/{c}" for c in topic["chapters"]) if doc in docs]
        rows = []
        for entry in topic["names"]:
            shown = entry if isinstance(entry, str) else entry["name"]
            found = [_cell_links(doc, cells_that_teach(entry, [doc]), own) for doc in own]
            if any(found):
                rows.append(f"| `` {shown} `` | {'; '.join(filter(None, found))} |")
        if rows:
            chapters = ", ".join(f"{{doc}}`{title(doc)} </{doc}>`" for doc in own)
            lines += [f"## {topic['topic']}", "", f"{chapters}", ""]
            lines += ["| name | taught in |", "|---|---|", *rows, ""]
    return "\n".join(lines) or "No chapter teaches a name yet."


def _cell_links(doc: str, found: list[tuple[str, str, int]], own: list[str]) -> str:
    links = [f"{{ref}}`cell {number} <{doc}:cell-{cell}>`" for _, cell, number in found[:6]]
    chapter = f"{title(doc)}: " if links and len(own) > 1 else ""
    return chapter + ", ".join(links)


def last_run(doc: str) -> str:
    """When `make execute` last ran a notebook, and its CPU time; or that this isn't known."""
    path = notebooks.run_record(doc.removeprefix("book/"))
    if not path.is_file():
        return "not timed yet"
    run = json.loads(path.read_text(encoding="utf-8"))
    changed = run["fingerprint"] != notebooks.fingerprint(notebook(doc))
    return f"ran in {run['cpu_seconds']:.0f} CPU s, {_day(run)}" + (" (changed since)" * changed)


def spread(doc: str, measured: dict[str, Any]) -> str:
    """How many numbers of a notebook moved when `make perturb` changed the conditions.

    Args:
      doc: the notebook.
      measured: what the report of `make perturb` says of each.
    """
    entry = measured.get(doc.removeprefix("book/"))
    if not entry or not entry["conditions"]:
        return "spread not measured"
    changed = entry["fingerprint"] != notebooks.fingerprint(notebook(doc))
    runs = len(entry["conditions"])
    return (
        f"{perturb.moved(entry) or 'none'} of {len(entry['numbers'])} decimals moved in {runs} "
        f"run{'s' * (runs != 1)} under other conditions" + " (changed since)" * changed
    )


def status() -> str:
    docs = notebook_docs()
    measured = perturb.read(perturb.REPORT)["notebooks"]
    rows = []
    for doc in docs:
        code = [cell for cell in notebook(doc).cells if cell.cell_type == "code"]
        tags = [set(cell.metadata.get("tags", [])) for cell in code]
        free = sum("nbval-ignore-output" in t for t in tags)
        wide = Counter(tag for t in tags for tag in t if tag.startswith(("atol-", "rtol-")))
        own = [tag + f" in {n} cells" * (n > 1) for tag, n in sorted(wide.items())]
        # Each cell of the table can be read by itself: on a phone they stand below each other.
        rows.append(
            f"| {{doc}}`{title(doc)} </{doc}>` | {stated_time(doc) or 'looked up, not read'} | "
            f"{last_run(doc)} | {len(code) - free} of {len(code)} cells compared | "
            f"{', '.join(own) or 'no tolerance of its own'}; {spread(doc, measured)} | "
            f"changed {in_words(last_change(doc))} |"
        )
    head = "| chapter | time, as it says | last timed run | checked | tolerance, spread | changed |"
    lines = ["## Chapters", ""]
    table = ["::::{div} status-table", head, "|---|---|---|---|---|---|", *rows, "::::", ""]
    lines += table if rows else ["No chapter yet.", ""]
    lines += ["## Versions", "", "| package | version |", "|---|---|"]
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        pin = re.match(r"([\w.-]+)==([\w.]+)", line)
        if pin:
            lines.append(f"| {pin[1]} | {pin[2]} |")
    python = importlib.metadata.metadata("recutils")["Requires-Python"]
    lines += [f"| Python | {', '.join(sorted(python.split(','), reverse=True))} |", ""]
    return "\n".join(lines)


def reports() -> str:
    """What the tests of the ground under the book found, from the files in reports/."""
    lines = []
    for path in sorted(notebooks.REPORTS.glob("replication-*.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            row
            for name, chapter in report["chapters"].items()
            for row in chapter["claims"]
            if name != OWN_DATA
        ]
        both = [row for row in rows if row["synthetic"] and row["real"]]
        same = sum(row["synthetic"]["verdict"] == row["real"]["verdict"] for row in both)
        lines.append(
            f"- **Replication on {report['data']['folder']}** ({_day(report)}): of {len(both)} "
            f"conclusions tried on both data sets, {same} have the same verdict on both. "
            "{doc}`Does it hold on real data? </book/beyond/movielens>` discusses the others."
        )
    upstream = notebooks.REPORTS / "upstream.json"
    if upstream.is_file():
        report = json.loads(upstream.read_text(encoding="utf-8"))
        for library, result in report["libraries"].items():
            lines.append(
                f"- **The own tests of {library}** {report['versions'][library.replace('_', '-')]} "
                f"on TensorFlow {report['versions']['tensorflow']} ({_day(report)}): "
                f"{result['passed']} passed, {result['skipped']} skipped, "
                f"{len(result['failed'])} failed."
            )
    return "\n".join([*lines, *trust(), ""])


def trust() -> list[str]:
    """What `make perturb` and `make mutants` found, as items of a list."""
    lines = []
    moves = perturb.read(perturb.REPORT)
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
    return in_words(datetime.date.fromisoformat(report["date"]))


def api() -> str:
    """The package's own functions, then one section a module, in the order of the data's way."""
    order = ["movies", "truth", "synthetic", "movielens", "datasets", "listwise", "evaluation"]
    order += ["baselines", "timing", "plots", "models"]
    package = importlib.import_module("recutils")
    exported = {name: getattr(package, name) for name in package.__all__}
    objects = [n for n, o in exported.items() if callable(o) and not isinstance(o, ModuleType)]
    # What the package offers directly is described there, not again where it is defined.
    homes = {exported[name].__module__.removeprefix("recutils.") for name in objects}
    found = {p.stem for p in (ROOT / "recutils").glob("*.py") if not p.stem.startswith("_")}
    modules = [m for m in order if m in found] + sorted(found - set(order) - homes)
    lines = ["## recutils", "", "```{eval-rst}", ".. currentmodule:: recutils", ""]
    for name in sorted(objects):
        if exported[name].__module__.removeprefix("recutils.") not in modules:
            kind = "class" if isinstance(exported[name], type) else "function"
            lines += [f".. auto{kind}:: {name}", *["   :members:"] * (kind == "class"), ""]
    lines += ["```", ""]
    for module in modules:
        lines += [f"## recutils.{module}", "", "```{eval-rst}"]
        lines += [f".. automodule:: recutils.{module}", "   :members:", "```", ""]
    return "\n".join(lines)


GENERATED: dict[str, Callable[[], str]] = {
    "scale": scale_figure,
    "chapters": chapter_map,
    "pitfalls": pitfall_index,
    "names": name_index,
    "status": status,
    "reports": reports,
    "api": api,
}


# Hooks

# Where other projects describe their objects. An inventory of each would have to be fetched; the
# addresses follow from the names.
ELSEWHERE = {
    "numpy": "https://numpy.org/doc/stable/reference/generated/{name}.html",
    "pandas": "https://pandas.pydata.org/docs/reference/api/{name}.html",
    "matplotlib": "https://matplotlib.org/stable/api/_as_gen/{name}.html",
    "tensorflow": "https://www.tensorflow.org/api_docs/python/tf/{path}",
    "tf": "https://www.tensorflow.org/api_docs/python/tf/{path}",
}
PYTHON_MODULES = {"collections.abc", "pathlib", "typing", "datetime"}


def fill_markers(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = source[0].replace(PLACEHOLDER, _repository(app) or PLACEHOLDER)
    if MARKER.search(source[0]) and docname.startswith("book/"):
        source[0] = MARKER.sub(lambda match: GENERATED[match[1]](), source[0])
        # Made from many files: read it again at every build.
        app.env.note_reread()


def tidy_docstring(*arguments: Any) -> None:
    """After napoleon: makes reStructuredText of what our docstrings mean.

    Napoleon takes what stands before a colon in “Returns” for a type, and Sphinx the first of
    several names that share a description. “See: the chapter basics/retrieval.” becomes a link,
    once that chapter is there.
    """
    lines: list[str] = arguments[-1]
    built = set(toc())

    def link(match: re.Match[str]) -> str:
        doc = f"book/{match[2]}"
        return f"{match[1]} :doc:`{match[2]} </{doc}>`" if doc in built else match[0]

    tidy: list[str] = []
    shared: list[str] = []
    for original in [*lines, ""]:
        # What isn't code is plain text: no substitutions, no mail addresses.
        line = re.sub(r"`[^`]*`|[|@]", lambda m: "\\" * (len(m[0]) == 1) + m[0], original)
        line = re.sub(r"^:returns: \*(.+?)\* -- ", r":returns: \1: ", line)
        line = re.sub(r"\b(chapter|page) (\w+/\w+)", link, line)
        if shared and not line.startswith("  "):
            start, text = shared[0].split(": ", 1)
            field, names = start.split(" ", 1)
            for each in names.split(", "):
                tidy += [f"{field} {each}: {text}", *shared[1:]]
            shared = []
        if re.match(r":(param|ivar) \w+(, \w+)+: ", line):
            shared = [line]
        elif shared:
            shared.append(line)
        else:
            tidy.append(line)
    lines[:] = tidy


def skip_fields(*arguments: Any) -> bool | None:
    """Fields of a named tuple are described with their class; Python's own text says nothing."""
    text = getattr(arguments[3], "__doc__", None) or ""
    return True if text.startswith("Alias for field number") else None


def link_elsewhere(
    app: Sphinx, env: object, node: nodes.Element, content: nodes.Element
) -> nodes.reference | None:
    """Links names of other projects in docstrings and signatures; others stay broken, and fail."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    module = target.rpartition(".")[0]
    if target.split(".")[0] in ELSEWHERE:
        path = "/".join(target.split(".")[1:])
        address = ELSEWHERE[target.split(".")[0]].format(name=target, path=path)
    elif module in PYTHON_MODULES:
        address = f"https://docs.python.org/3/library/{module}.html#{target}"
    elif target in vars(builtins):
        page = "exceptions" if target.endswith("Error") else "functions"
        address = f"https://docs.python.org/3/library/{page}.html#{target}"
    else:
        return None
    return nodes.reference("", "", content, internal=False, refuri=address)


def drop_thebe(app: Sphinx) -> None:
    """Takes out what Jupyter Book adds to run cells in the page: it comes from another host."""
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def _cells(doctree: nodes.document) -> Iterator[nodes.container]:
    for node in doctree.findall(nodes.container):
        if node.get("nb_element") == "cell_code":
            yield node


def add_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Gives code cells and pitfalls an id, and a label that other pages can refer to."""
    doc = app.env.docname
    labels = app.env.get_domain("std").anonlabels  # type: ignore[attr-defined]
    names = app.env.get_domain("std").labels  # type: ignore[attr-defined]

    def anchor(node: nodes.Element, name: str) -> None:
        node["ids"].append(name)
        labels[f"{doc}:{name}".lower()] = doc, name
        names[f"{doc}:{name}".lower()] = doc, name, name

    if (ROOT / f"{doc}.ipynb").is_file():
        cells = notebook(doc).cells
        for node in _cells(doctree):
            anchor(node, f"cell-{cells[node['cell_index']].id}")
    for paragraph in doctree.findall(nodes.paragraph):
        # Markdown leaves an empty text before what is emphasised.
        first = next((child for child in paragraph.children if child.astext()), None)
        if isinstance(first, nodes.strong) and first.astext().startswith("Pitfall: "):
            about = " ".join(first.astext().removeprefix("Pitfall: ").rstrip(" .").split())
            quoted = isinstance(paragraph.parent, nodes.block_quote)
            target = paragraph.parent if quoted else paragraph
            target["classes"].append("pitfall")
            anchor(target, f"pitfall-{slug(about)}")


def add_tags(app: Sphinx, doctree: nodes.document) -> None:
    """Puts the chapter's tags and time under its title."""
    doc = app.env.docname
    chapter = next(
        (c for part in chapters() for c in part["chapters"] if f"book/{c['file']}" == doc), None
    )
    heading = next(iter(doctree.findall(nodes.title)), None)
    if chapter is None or heading is None:
        return
    items = [f'<li class="tag">{html.escape(tag)}</li>' for tag in chapter["tags"]]
    text = f'<ul class="tags" aria-label="Tags">{"".join(items)}</ul>'
    heading.parent.insert(heading.parent.index(heading) + 1, nodes.raw("", text, format="html"))


def add_to_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Adds what social networks show, and the date of the last change."""
    date = last_change(page)
    if date:
        context["last_updated"] = in_words(date)
    if doctree is None:
        return
    heading = re.sub(r"<[^>]+>", "", context.get("title") or "")
    description = html.escape(summary(doctree), quote=True)
    tags = {
        "og:type": "article",
        "og:site_name": html.escape(app.config.html_title, quote=True),
        "og:title": html.escape(html.unescape(heading), quote=True),
        "og:description": description,
    }
    if app.config.html_baseurl:
        tags["og:url"] = app.config.html_baseurl + app.builder.get_target_uri(page)
        tags["og:image"] = app.config.html_baseurl + "_static/card.png"
        tags["og:image:alt"] = "The book’s mark: two towers under a ceiling"
    lines = [f'<meta property="{name}" content="{value}">' for name, value in tags.items()]
    lines.append(f'<meta name="description" content="{description}">')
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)


def summary(doctree: nodes.document, length: int = 200) -> str:
    """The first paragraph, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) > 40:
            return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"
    return ""


def page_not_found(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """404.html, which most hosts serve for whatever address isn't there."""
    home = app.config.html_baseurl or "/"
    body = (
        "<h1>This page isn’t here</h1><p>Perhaps it has moved. "
        f'<a href="{home}index.html">The first page</a> has a map of all chapters, '
        f'and <a href="{home}search.html">the search</a> finds what they say.</p>'
    )
    # It is shown at any depth, so its relative links need a fixed start.
    context = {"title": "Not found", "body": body, "metatags": f'<base href="{home}">'}
    yield "404", context, "page.html"


def polish(app: Sphinx, exception: Exception | None) -> None:
    """Does what can only be done with finished pages: for phones, screen readers, quick loading.

    Figures load when the reader comes near, conclusions and names in tables break where it makes
    sense, and the list of sources is one that can be followed.
    """
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        new = LATE_IMAGE.sub(functools.partial(_lazy, page.parent), text)
        new = CONCLUSION.sub(
            r'\1<span class="conclusion"><span>\2</span>'
            r'<span class="claim">\3\4<span class="seeds">\5</span>\n</span></span>',
            new,
        )
        new = CLAIM.sub(r'\1<span class="claim">\2</span>', new)
        new = break_names(new)
        new = re.sub("(Solution to)(<a [^>]+>) ", r"\1 \2", new)
        # docutils nests links directly in a list, which screen readers can't follow.
        new = new.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
        new = new.replace(' role="doc-biblioentry"', "")
        if new != text:
            page.write_text(new, encoding="utf-8")


def break_names(page: str) -> str:
    """Lets a name in a table go on in the next line after a dot, an underscore or a word in it."""

    def parts(name: re.Match[str]) -> str:
        return re.sub(r"(?<=\w)[._](?=\w)|(?<=[a-z])(?=[A-Z][a-z])", r"\g<0><wbr>", name[0])

    return TABLE_CELL.sub(lambda cell: CODE.sub(parts, cell[0]), page)


def _repository(app: Sphinx) -> str:
    """Where the book's sources can be cloned from, as _config.yml says; empty if it doesn't."""
    address: str = app.config.html_theme_options.get("repository_url") or ""
    return address.rstrip("/")


def note_for(repository: str, address: str, python: str) -> str:
    """The first cell of an offered notebook: what it needs, and how to get that.

    Args:
      repository: address to clone from, or empty.
      address: where the site is served, with a slash at the end, or empty.
      python: versions of Python that do.
    """
    setup_page = f"{address}book/reference/setup.html" if address else ""
    page = f"[Setup]({setup_page})" if address else "*Setup and troubleshooting*"
    archive = f"[recutils.zip]({address}_downloads/recutils.zip)" if address else "`recutils.zip`"
    where = "" if address else f" from the book's page {page}"
    lines = [
        "**This notebook needs the book's package `recutils` and its pinned libraries** (Python "
        f"{python}). Skip this cell where they are installed.",
        "",
        f"Get {archive}{where}, unpack it into the notebook's folder, and run there:",
        "",
        "    python -m pip install -r requirements.txt",
        "",
    ]
    if repository:
        lines += [
            "Or clone the book, and install from the clone:",
            "",
            f"    git clone --depth 1 {repository}.git book_repository",
            "    cd book_repository",
            "    python -m pip install -r requirements.txt",
            "",
        ]
    return "\n".join([*lines, f"In Colab the page {page} has a first cell that does it."])


def offer_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Puts the note on top of each notebook that pages offer, and packs what it tells to get.

    The cell is in the offered copy only: the chapters themselves come with their repository.
    """
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for doc in notebook_docs():
        copy = nbformat.from_dict(notebook(doc))
        address = app.config.html_baseurl or ""
        text = note_for(_repository(app), address, "3.11 to 3.13")
        note = nbformat.v4.new_markdown_cell(text, id="how-to-get-recutils")
        copy.cells = [note, *copy.cells]
        path = out / "_sources" / f"{doc}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(copy) + "\n", encoding="utf-8")
    (out / "_downloads").mkdir(exist_ok=True)
    with zipfile.ZipFile(out / "_downloads" / "recutils.zip", "w") as archive:
        for path in sorted(path for pattern in PACKAGE for path in ROOT.glob(pattern)):
            archive.write(path, path.relative_to(ROOT), zipfile.ZIP_DEFLATED)


def _lazy(folder: Path, image: re.Match[str]) -> str:
    """With its size in the page, a figure that comes late moves nothing."""
    width, height = struct.unpack(">II", (folder / image[1]).read_bytes()[16:24])
    return image[0].replace("<img", f'<img loading="lazy" width="{width}" height="{height}"', 1)


def setup(app: Sphinx) -> dict[str, Any]:
    drop_thebe(app)
    # Every page shows the contents: write all of them again when these change.
    app.add_config_value("contents_of_the_book", toc(), "html")
    app.connect("source-read", fill_markers)
    app.connect("autodoc-process-docstring", tidy_docstring)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("missing-reference", link_elsewhere)
    app.connect("doctree-read", add_anchors)
    app.connect("doctree-read", add_tags)
    app.connect("html-page-context", add_to_page)
    app.connect("html-collect-pages", page_not_found)
    app.connect("build-finished", polish)
    app.connect("build-finished", offer_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
