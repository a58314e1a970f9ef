"""The book as a PDF, tried on a small book of two pages, which Chromium prints."""

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error
from pypdf import PdfReader

from tools import pdf

PAGE = """<!DOCTYPE html><html><head><link rel="stylesheet" href="../_static/x.css"></head><body>
<nav>on every page</nav><article class="bd-article">{}</article></body></html>"""
FIRST = """<section id="count"><h1>Count the films<a class="headerlink" href="#count">#</a></h1>
<p>See <a class="reference internal" href="../more/second.html#hit-rate">the hit rate</a>, a
<a href="../_downloads/x.zip">file</a>, <a href="../index.html">home</a>
and <a href="https://example.org/">elsewhere</a>.</p><p class="only-on-the-site">Download me</p>
<details class="hide"><summary>Show</summary><p>a folded cell</p></details>
<img src="../_images/dot.png" loading="lazy" alt="a dot"></section>"""
SECOND = """<section id="rank"><h1>Rank “them”</h1><section id="hit-rate"><h2>The hit rate</h2>
<div class="admonition solution dropdown"><p>Seven is the answer.</p></div>
<table><tr>{}</tr></table></section></section>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built site of two pages, the second with a table that is much wider than paper."""
    folder = tmp_path_factory.mktemp("site")
    wide = "".join(f"<td>{'wide' * 5}{n}</td>" for n in range(20))
    for name, text in {"book/first": FIRST, "more/second": SECOND.format(wide)}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / f"{name}.html").write_text(PAGE.format(text), encoding="utf-8")
    return folder


PARTS = [("", ["book/first"]), ("Lists", ["more/second"])]


def source_of(site: Path) -> str:
    return pdf.joined(site, "A Small Book", "<p>Of today.</p>", PARTS)


def outline(entries: list[Any], depth: int = 1) -> list[tuple[int, str]]:
    """Depth and title of each line of the outline, in order; what is below one is a list."""
    lines: list[tuple[int, str]] = []
    for entry in entries:
        deeper = isinstance(entry, list)
        lines += outline(entry, depth + 1) if deeper else [(depth, entry.title)]
    return lines


def test_every_link_within_the_book_has_its_place(site: Path) -> None:
    source = source_of(site)
    links = re.findall(r'href="([^"]+)"', source)
    ids = set(re.findall(r' id="([^"]+)"', source))
    within = [link[1:] for link in links if link.startswith("#")]
    assert "more-second--hit-rate" in within
    assert set(within) <= ids
    # Files of the site aren't in the book: their links are plain text. Other hosts stay.
    assert not [link for link in links if "zip" in link or link.endswith(".html")]
    assert "https://example.org/" in links


def test_all_is_open_and_what_only_the_site_needs_is_gone(site: Path) -> None:
    source = source_of(site)
    assert '<details class="hide" open="">' in source
    assert 'src="_images/dot.png"' in source
    # Below the name of their part, headings are one level lower.
    assert "<h1>Count the films" in source
    assert "<h2>Rank" in source
    for gone in ("Download me", "on every page", "headerlink", "loading="):
        assert gone not in source


def test_the_contents_name_parts_and_chapters_in_order(site: Path) -> None:
    contents = source_of(site).split('<ul class="contents">')[1].split("</ul>")[0]
    lines = [line for line in re.sub(r"<[^>]+>", "\n", contents).splitlines() if line]
    assert lines == ["Count the films", "Lists", "Rank “them”"]


@pytest.fixture(scope="module")
def book(site: Path) -> bytes:
    try:
        pdf.write(source_of(site), site / "out" / "book.pdf", site)
    except Error as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Chromium: {error}"[:200])
    return (site / "out" / "book.pdf").read_bytes()


def test_a_book_of_two_pages_is_printed(book: bytes) -> None:
    assert outline(PdfReader(io.BytesIO(book)).outline) == [
        (1, "Contents"),
        (1, "Count the films"),
        (1, "Lists"),
        (2, "Rank “them”"),
        (3, "The hit rate"),
    ]
    places = pdf.destinations(book)
    # The contents, and then each chapter on a page of its own.
    assert places["book-first"] == 2
    assert places["more-second"] == places["more-second--hit-rate"] == 3
    links = re.findall(rb"/Dest /([^\n ]+)", book)
    assert {name.decode() for name in links} <= set(places)
    assert b"/URI (https://example.org/)" in book
    assert b"/Type /StructTreeRoot" in book


def test_it_says_what_the_pages_say(book: bytes) -> None:
    words = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(book)).pages)
    assert "Seven is the answer." in words
    assert "a folded cell" in words
    # The contents, with page numbers; the title on top of a chapter; all of the wide table.
    assert re.search(r"Count the films\s*2", words)
    assert words.count("Count the films") == 3
    assert "wide" * 5 + "19" in words


def test_what_no_size_makes_fit_is_refused(site: Path) -> None:
    far = '<p style="margin-left: 900px">beyond the edge</p>'
    source = source_of(site).replace("<details", f"{far}<details")
    try:
        with pytest.raises(ValueError, match=r"book-first: <p> beyond the edge"):
            pdf.write(source, site / "book.pdf", site)
    except Error as error:
        pytest.skip(f"no Chromium: {error}"[:200])
    assert not (site / "book.pdf").exists()
    assert not (site / "book-on-one-page.html").exists()
