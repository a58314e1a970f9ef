"""Additions to pages: anchors, tags, dates, and what can only be done with HTML."""

import functools
import html
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from tools import claims, toc
from tools.reports import ROOT
from tools.site import contents
from tools.site.rendering import render

LATE_IMAGE = re.compile(r'<img (?![^>]*\bloading=)[^>]*src="([^"]*_images/[^"]*\.png)"')
CONCLUSION = re.compile(
    rf"(^|<span></span>)( *{claims.VERDICT} +(?:{claims.INTERVAL}|-&gt; {claims.VERDICT}) +)"
    rf"(\S.*?)(?:( +)({claims.TRIALS}))?\n",
    re.MULTILINE,
)
CLAIM = re.compile(r"(^|<span></span>)( *[^\s<][^<\n]*\n)(?= +synthetic )", re.MULTILINE)
DESCRIPTION = re.compile(r'((?:"og:description"|"description") content=")([^"]*)\.\.\.(?=")')
TABLE_CELL = re.compile(r"<td>.*?</td>", re.DOTALL)
CODE = re.compile(r'(?<=<span class="pre">)[^<]+(?=</span>)')
# As wide as a phone, or nearly.
LONG_NAME = re.compile(r'(?<=<span class="pre">)[^<]{25,}(?=</span>)')


def add_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """Gives code cells and pitfalls an id, and a label that other pages can refer to."""
    doc = app.env.docname
    note = app.env.get_domain("std").note_hyperlink_target  # type: ignore[attr-defined]

    def anchor(node: nodes.Element, name: str) -> None:
        node["ids"].append(name)
        note(f"{doc}:{name}".lower(), doc, name, name)

    if (ROOT / f"{doc}.ipynb").is_file():
        cells = contents.chapter(doc).cells
        for node in doctree.findall(nodes.container):
            if node.get("nb_element") == "cell_code":
                anchor(node, f"cell-{cells[node['cell_index']].id}")
    for paragraph in doctree.findall(nodes.paragraph):
        # Markdown leaves an empty text before emphasised text.
        first = next((child for child in paragraph.children if child.astext()), None)
        if isinstance(first, nodes.strong) and first.astext().startswith("Pitfall: "):
            about = " ".join(first.astext().removeprefix("Pitfall: ").rstrip(" .").split())
            quoted = isinstance(paragraph.parent, nodes.block_quote)
            target = paragraph.parent if quoted else paragraph
            target["classes"].append("pitfall")
            anchor(target, f"pitfall-{contents.slug(about)}")


def add_tags(app: Sphinx, doctree: nodes.document) -> None:
    """Puts the chapter's tags under its title."""
    doc = app.env.docname
    entry = next((entry for entry in toc.entries() if entry.doc == doc), None)
    heading = next(iter(doctree.findall(nodes.title)), None)
    if entry is None or heading is None:
        return
    items = [f'<li class="tag">{html.escape(tag)}</li>' for tag in entry.tags]
    text = f'<ul class="tags" aria-label="Tags">{"".join(items)}</ul>'
    heading.parent.insert(heading.parent.index(heading) + 1, nodes.raw("", text, format="html"))


def add_date(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Adds the date of the last change."""
    date = contents.last_change(page)
    if date:
        context["last_updated"] = contents.in_words(date)


def page_not_found(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """404.html, which most hosts serve for any address that doesn't exist."""
    home = app.config.html_baseurl or "/"
    body = render("404.html", home=home)
    # It is shown at any depth, so its relative links need a fixed base.
    context = {"title": "Not found", "body": body, "metatags": f'<base href="{home}">'}
    yield "404", context, "page.html"


def polish(site: Path) -> None:
    """Improves finished pages for phones, screen readers and fast loading.

    Figures load when the reader comes near, conclusions and names in tables break where it makes
    sense, descriptions end with a sentence, and screen readers can follow the list of sources.
    """
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        new = LATE_IMAGE.sub(functools.partial(_lazy, page.parent), text)
        new = end_descriptions(break_names(mark_claims(new)))
        new = re.sub("(Solution to)(<a [^>]+>) ", r"\1 \2", new)
        # docutils nests links directly in a list, which screen readers can't follow.
        new = new.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
        new = new.replace(' role="doc-biblioentry"', "")
        if new != text:
            page.write_text(new, encoding="utf-8")


def mark_claims(page: str) -> str:
    """Marks the parts of each conclusion, so that its line can break between them."""
    marked = CONCLUSION.sub(
        r'\1<span class="conclusion"><span>\2</span>'
        r'<span class="claim">\3\4<span class="seeds">\5</span>\n</span></span>',
        page,
    )
    return CLAIM.sub(r'\1<span class="claim">\2</span>', marked)


def end_descriptions(page: str) -> str:
    """Ends what search engines and previews show with a sentence, or at least with a word.

    The extension that makes it counts letters, and stops within a word.
    """

    def ended(description: re.Match[str]) -> str:
        head, text = description.groups()
        sentences = re.match(r".{60,}[.?!](?= )", text)
        return head + (sentences[0] if sentences else f"{text.rpartition(' ')[0]} …")

    return DESCRIPTION.sub(ended, page)


def break_names(page: str) -> str:
    """Lets a name break after a dot, an underscore or a word in it, if it is long or in a table."""

    def parts(name: re.Match[str]) -> str:
        return re.sub(r"(?<=\w)[._](?=\w)|(?<=[a-z])(?=[A-Z][a-z])", r"\g<0><wbr>", name[0])

    return LONG_NAME.sub(parts, TABLE_CELL.sub(lambda cell: CODE.sub(parts, cell[0]), page))


def _lazy(folder: Path, image: re.Match[str]) -> str:
    """Adds its size, so that a figure that loads late moves nothing."""
    width, height = struct.unpack(">II", (folder / image[1]).read_bytes()[16:24])
    return image[0].replace("<img", f'<img loading="lazy" width="{width}" height="{height}"', 1)
