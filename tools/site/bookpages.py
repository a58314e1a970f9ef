"""Sphinx extension: what the site makes from the chapters themselves, at every build.

A page holds a marker on a line of its own, `<!-- bookpages: NAME -->`; before Sphinx reads the
page, the marker is replaced by Markdown made from the notebooks, the book's ledgers or the history
in git. So no generated text is committed, and none can be out of date.

It also gives every code cell and every pitfall an anchor, loads figures lazily, gives each page its
tags and date of last change, makes a 404 page, and puts a note on top of each notebook that the
site offers: how to get the package it needs, which the site offers, too.
"""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from tools import toc
from tools.site import docstrings, offered, pages
from tools.site.generated import markdown

MARKER = re.compile(r"^<!-- bookpages: (\w+) -->$", re.MULTILINE)
PLACEHOLDER = "https://github.com/YOUR-NAME/YOUR-COPY"


def fill_markers(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = source[0].replace(PLACEHOLDER, offered.repository_of(app) or PLACEHOLDER)
    if MARKER.search(source[0]) and docname.startswith("book/"):
        source[0] = MARKER.sub(lambda match: markdown(match[1]), source[0])
        # Made from many files: read it again at every build.
        app.env.note_reread()


def drop_thebe(app: Sphinx) -> None:
    """Removes what Jupyter Book adds to run cells in the page: it loads from another host."""
    for event in ("env-before-read-docs", "doctree-resolved"):
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == "sphinx_thebe":
                app.disconnect(listener.id)


def address_previews(app: Sphinx, config: Config) -> None:
    """Tells sphinxext.opengraph where the pages will be served: _config.yml says so once."""
    config.ogp_site_url = config.html_baseurl or ""


def finish(app: Sphinx, exception: Exception | None) -> None:
    """After a build of pages that went well."""
    if exception is None and app.builder.format == "html":
        pages.polish(Path(app.outdir))
        offered.offer_notebooks(app)
        offered.offer_pdf(app)


def setup(app: Sphinx) -> dict[str, Any]:
    drop_thebe(app)
    app.connect("config-inited", address_previews)
    # Every page shows the contents, so all pages are rewritten when they change.
    app.add_config_value("contents_of_the_book", toc.docs(), "html")
    app.connect("source-read", fill_markers)
    app.connect("autodoc-process-docstring", docstrings.tidy_docstring)
    app.connect("autodoc-skip-member", docstrings.skip_fields)
    app.connect("missing-reference", docstrings.link_exception)
    app.connect("doctree-read", pages.add_anchors)
    app.connect("doctree-read", pages.add_tags)
    app.connect("html-page-context", pages.add_date)
    app.connect("html-collect-pages", pages.page_not_found)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
