"""The whole book as one PDF: the built pages, joined into one and printed by Chromium.

    python -m tools.pdf

It needs the built site. Solutions and folded cells are open; links between pages lead to places in
the file, and the contents and the outline give each part, chapter and section.
"""

import datetime
import io
import os
import posixpath
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright
from pypdf import PdfReader

from tools import reports, toc
from tools.reports import ROOT
from tools.site import contents, offered
from tools.site.rendering import TEMPLATES, render

SITE = ROOT / "_build" / "html"
FOUND = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Only the files themselves may be requested.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
]
# The width of the text on A4 with margins of 17 mm, in CSS pixels.
WIDTH = 665
# The first page's figure is taller than a sheet: each of its tasks becomes a drawing of its own.
# What is wider than its column is made smaller; what is still too wide is returned.
FIT = (TEMPLATES / "fit.js").read_text(encoding="utf-8")
NUMBERS = """(numbers) => {
  for (const [anchor, number] of Object.entries(numbers))
    document.querySelector(`[data-page-of="${anchor}"]`).textContent = number;
}"""


def chromium() -> str | None:
    """Chromium or Chrome of this machine."""
    apps = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
    paths = [shutil.which(name) for name in FOUND] + [app for app in apps if Path(app).exists()]
    return next((path for path in paths if path), None)


def browser(playwright: Playwright, path: str | None, *more: str) -> Browser:
    """Starts Chromium.

    Args:
      playwright: that drives it.
      path: of the program; None for Playwright's own.
      *more: switches; of two with one name the last counts.

    Raises:
      playwright.sync_api.Error: there is none.
    """
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return playwright.chromium.launch(
        executable_path=path,
        args=[*FLAGS, *more],
        chromium_sandbox=not root and "CI" not in os.environ,
    )


def place(doc: str, anchor: str = "") -> str:
    """Where a page, or an anchor of it, is in the file."""
    return doc.replace("/", "-") + (f"--{anchor}" if anchor else "")


def article(site: Path, doc: str, docs: Sequence[str], lower: bool) -> Tag:
    """A page's text, ready to be joined with the others.

    Its anchors carry the page's name; links to other pages lead to their anchors, and links to what
    isn't in the book become plain text.

    Args:
      site: the folder of the built site.
      doc: the page's name for Sphinx.
      docs: all pages of the book.
      lower: make headings one level lower, since the name of a part comes above them.
    """
    page = BeautifulSoup((site / f"{doc}.html").read_text(encoding="utf-8"), "html.parser")
    text = page.select_one("article.bd-article")
    assert text is not None, f"no article in {doc}"
    for useless in text.select(".headerlink, script, .only-on-the-site"):
        useless.decompose()
    for tag in text.find_all(True):
        if lower and re.fullmatch("h[1-5]", tag.name):
            tag.name = f"h{int(tag.name[1]) + 1}"
        for name in ("id", "for", "aria-labelledby", "aria-describedby"):
            if name in tag.attrs:
                tag[name] = place(doc, str(tag[name]))
        if "src" in tag.attrs:
            tag["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(doc), str(tag["src"])))
        tag.attrs.pop("loading", None)
    for folded in text.find_all("details"):
        folded["open"] = ""
    for link in text.find_all("a", href=True):
        target = _target(doc, str(link["href"]), docs)
        if target is None:
            link.unwrap()
        else:
            link["href"] = target
    return text


def _target(doc: str, link: str, docs: Sequence[str]) -> str | None:
    """What a link of a page becomes; None if it leads to a file that isn't in the book."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return link
    path = posixpath.normpath(posixpath.join(posixpath.dirname(doc), unquote(parts.path)))
    other = doc if not parts.path else path.removesuffix(".html")
    if other == "index":
        other = docs[0]
    return f"#{place(other, unquote(parts.fragment))}" if other in docs else None


def joined(site: Path, title: str, front: str, parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    """All pages in one, with the contents on top.

    Args:
      site: the folder of the built site.
      title: the book's.
      front: what comes below it, as HTML.
      parts: name of each part ("" for pages that belong to none) and its pages, in order.
    """
    docs = [doc for _, group in parts for doc in group]
    pages = []
    for part, group in parts:
        for number, doc in enumerate(group):
            text = article(site, doc, docs, lower=bool(part))
            heading = " ".join(text.find(["h1", "h2"]).get_text().split())  # type: ignore[union-attr]
            pages.append(
                {
                    "place": place(doc),
                    "part": part,
                    "opens": part and not number,
                    "heading": heading,
                    "text": text.decode_contents(),
                }
            )
    first = BeautifulSoup((site / f"{docs[0]}.html").read_text(encoding="utf-8"), "html.parser")
    head = [
        str(tag)
        for tag in first.head.find_all(["link", "script"])  # type: ignore[union-attr]
        if tag.get("rel") == ["stylesheet"] or "mathjax" in str(tag).lower()
    ]
    up = posixpath.relpath(".", posixpath.dirname(docs[0]) or ".")
    links = "\n".join(head).replace(f'"{up}/_static/', '"_static/')
    return render("pdf.html", title=title, head=links, front=front, pages=pages)


def destinations(pdf: bytes) -> dict[str, int]:
    """Page, from 1, of each place that something in the file links to."""
    reader = PdfReader(io.BytesIO(pdf))
    numbers = {
        name.removeprefix("/"): reader.get_destination_page_number(destination)
        for name, destination in reader.named_destinations.items()
    }
    return {name: number + 1 for name, number in numbers.items() if number is not None}


def printed(page: Page, source: Path) -> bytes:
    """The PDF of a joined page, with the numbers in its contents.

    Raises:
      ValueError: something is wider than the paper, or a line of the contents leads nowhere.
    """
    page.set_default_timeout(600_000)
    page.set_viewport_size({"width": WIDTH, "height": 900})
    page.emulate_media(media="print", color_scheme="light")
    page.goto(source.as_uri(), wait_until="load")
    page.wait_for_function("!window.MathJax || window.MathJax.startup?.promise")
    page.evaluate("window.MathJax?.startup.promise.then(() => document.fonts.ready)")
    too_wide = page.evaluate(FIT)
    if too_wide:
        raise ValueError("wider than the paper:\n" + "\n".join(too_wide[:20]))
    # The numbers don't change where lines break, so they are still right in the second printing.
    found = destinations(_pdf(page))
    wanted = page.eval_on_selector_all("[data-page-of]", "all => all.map((e) => e.dataset.pageOf)")
    if missing := set(wanted) - set(found):
        raise ValueError(f"the contents lead nowhere: {sorted(missing)}")
    page.evaluate(NUMBERS, {name: str(found[name]) for name in wanted})
    return _pdf(page)


def _pdf(page: Page) -> bytes:
    return page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def write(source: str, path: Path, site: Path = SITE) -> None:
    """Prints a joined page into a file.

    The page is put into the site for a moment, so that it finds the pictures, styles and scripts.
    """
    beside = site / "book-on-one-page.html"
    try:
        reports.write_text(source, beside)
        with sync_playwright() as playwright:
            found = browser(playwright, chromium())
            try:
                pdf = printed(found.new_page(), beside)
            finally:
                found.close()
    finally:
        beside.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pdf)


def front(parts: Mapping[str, Sequence[str]]) -> str:
    """What comes below the title: the version and its date."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    days = [contents.last_change(doc) for group in parts.values() for doc in group]
    day = max((day for day in days if day), default=datetime.datetime.now(datetime.UTC).date())
    return (
        f"<p>Version {version['project']['version']}, last changed on {contents.in_words(day)}. "
        "Code: Apache-2.0. Text and figures: CC BY 4.0. The notebooks themselves, their data and "
        "the package <code>recutils</code> come with the book’s repository and its site.</p>"
    )


def main() -> None:
    """The command."""
    parts = {"": [toc.ROOT_PAGE]} | {part.name: part.docs for part in toc.parts()}
    if missing := [
        doc for group in parts.values() for doc in group if not (SITE / f"{doc}.html").is_file()
    ]:
        sys.exit(f"no page {missing[0]} in {SITE}: run `make book` first")
    page = joined(SITE, "Recommenders, Measured", front(parts), list(parts.items()))
    try:
        write(page, offered.PDF)
    except Error as error:
        sys.exit(f"no Chromium: install it, or run `playwright install chromium`\n{error}")
    print(f"The book: {offered.PDF}")


if __name__ == "__main__":
    main()
