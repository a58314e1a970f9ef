"""The built pages as files: links, headings, texts for pictures, weight, what previews show."""

import itertools
import re
import tomllib
import zipfile
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from visitor import SITE, built_pages, soup

from tools import claims, toc
from tools.chapter import stdout
from tools.reports import BOOK, ROOT
from tools.site import contents, generated, offered, scale

PAGES = built_pages()
OTHERS = ["search.html", "genindex.html", "404.html"]
CHAPTERS = [entry.doc for entry in toc.entries()]


@pytest.mark.parametrize("page", [*PAGES, "genindex.html"])
def test_internal_links_and_anchors_lead_somewhere(page: str) -> None:
    broken = []
    for tag in soup(page).find_all(["a", "img", "link", "script"]):
        link = tag.get("href") or tag.get("src") or ""
        parts = urlsplit(link)
        if not link or parts.scheme or parts.netloc:
            continue
        target = (SITE / page).parent / unquote(parts.path) if parts.path else SITE / page
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            broken.append(link)
        elif parts.fragment and target.suffix == ".html":
            anchors = soup(str(target.resolve().relative_to(SITE.resolve())))
            if not anchors.find(id=unquote(parts.fragment)):
                broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES + OTHERS)
def test_loads_nothing_from_other_hosts(page: str) -> None:
    tags = soup(page).find_all(["script", "img", "link", "iframe", "source", "video"])
    links = [tag.get("src") or (tag.get("href") if tag.name == "link" else None) for tag in tags]
    assert [link for link in links if link and urlsplit(link).netloc] == []


@pytest.mark.parametrize(("button", "way"), [("right-next", PAGES), ("left-prev", PAGES[::-1])])
def test_previous_and_next_lead_through_the_whole_book(button: str, way: list[str]) -> None:
    for page, after in itertools.pairwise(way):
        (link,) = soup(page).select(f"a.{button}")
        assert ((SITE / page).parent / link["href"]).resolve() == (SITE / after).resolve()
    assert not soup(way[-1]).select(f"a.{button}")


@pytest.mark.parametrize("page", PAGES)
def test_headings_in_order(page: str) -> None:
    levels = [
        int(h.name[1]) for h in soup(page).select("article")[0].find_all(re.compile("h[1-6]"))
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("doc", contents.notebook_docs())
def test_offers_its_notebook(doc: str) -> None:
    (link,) = soup(f"{doc}.html").select('a.btn-download-source-button[href$=".ipynb"]')
    offered = nbformat.read((SITE / f"{doc}.html").parent / link["href"], as_version=4)
    source = nbformat.read(ROOT / f"{doc}.ipynb", as_version=4)
    note, *cells = offered.cells
    assert cells == source.cells
    assert note.cell_type == "markdown"
    assert "recutils" in note.source.splitlines()[0]
    nbformat.validate(offered)


def test_the_offered_package_is_the_repository_s() -> None:
    """What the notes in the notebooks tell to unpack: enough to install, and nothing private."""
    with zipfile.ZipFile(SITE / "_downloads" / "recutils.zip") as archive:
        names = archive.namelist()
        for name in names:
            assert archive.read(name) == (ROOT / name).read_bytes()
    modules = {p.relative_to(ROOT).as_posix() for p in (ROOT / "recutils").rglob("*.py")}
    assert {"requirements.txt", "constraints.txt", "pyproject.toml", *modules} <= set(names)
    assert not [name for name in names if name.startswith((".", "/")) or "__pycache__" in name]


@pytest.mark.parametrize("doc", contents.notebook_docs())
def test_the_offered_package_has_what_the_chapter_reads(doc: str) -> None:
    """A file of the book that a cell names is in the archive."""
    with zipfile.ZipFile(SITE / "_downloads" / "recutils.zip") as archive:
        offered = set(archive.namelist())
    code = [cell.source for cell in contents.chapter(doc).codes]
    named = re.findall(r"""["']([\w./-]+\.(?:json|py|txt))\b""", "\n".join(code))
    files = [
        str(path.relative_to(ROOT))
        for folder in ("benchmarks", "book", "reports")
        for name in {name.rpartition("/")[2] for name in named}
        for path in ROOT.glob(f"{folder}/**/{name}")
    ]
    files += [name for name in named if name.startswith("requirements")]
    assert set(files) <= offered


def test_pip_is_told_to_install_from_the_folder_itself() -> None:
    """`-e .` means the folder in which pip runs, wherever the list of requirements lies."""
    setup = soup("book/reference/setup.html").get_text()
    notes = [offered.note_for("https://example.org/book", ""), setup]
    assert "pip install -q -r requirements.txt" in setup
    assert not [n for n in notes if re.search(r"-r \S+/requirements", n)]


@pytest.mark.parametrize("doc", contents.notebook_docs())
def test_no_chapter_looks_for_files_from_its_own_place(doc: str) -> None:
    """A downloaded notebook lies somewhere else."""
    code = [cell.source for cell in contents.chapter(doc).codes]
    assert not re.search(r"""["']\.\./""", "\n".join(code))


@pytest.mark.parametrize("doc", contents.notebook_docs())
def test_conclusions_are_marked_and_otherwise_as_printed(doc: str) -> None:
    printed = [text for cell in contents.chapter(doc).codes if (text := stdout(cell))]
    shown = {pre.get_text().strip() for pre in soup(f"{doc}.html").select(".cell_output pre")}
    assert [text for text in printed if text.strip() not in shown] == []
    lines = claims.parse("\n".join(printed))
    seeds = soup(f"{doc}.html").select(".conclusion .claim .seeds")
    assert len([mark for mark in seeds if mark.get_text().strip()]) == len(lines)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_have_a_text(page: str) -> None:
    for picture in soup(page).select("article img"):
        text = picture.get("alt", "")
        assert len(text.split()) >= 4, f"{picture.get('src')} has the text {text!r}"
        assert not re.search(r"\.(png|svg|jpe?g)$|/|^_images", text)
        assert picture.get("loading") == "lazy"
    for drawing in soup(page).select("article svg[role=img]"):
        assert len(drawing["aria-label"].split()) >= 10


def test_the_first_page_draws_what_the_chapters_print() -> None:
    """Each printed score appears in a chapter that the figure names, digit by digit."""
    drawn = soup("book/intro.html").select(".scale-figure svg [data-score]")
    captions = soup("book/intro.html").select(".scale-caption a")
    docs = [link["href"].removesuffix(".html") for link in captions]
    outputs = " ".join(
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for doc in docs
        for cell in contents.chapter(f"book/{doc}").codes
        for output in cell.outputs
    )
    printed = set(re.findall(r"(?<![\w.])\d*\.\d+", outputs))
    assert len(drawn) >= 10
    assert [dot["data-score"] for dot in drawn if dot["data-score"] not in printed] == []
    now = scale.tasks(
        lambda name: contents.chapter(f"book/{name}"),
    )
    expected = [(s["printed"], f"{s['place']:.4f}") for task in now for s in task["scores"]]
    assert [(dot["data-score"], dot["data-place"]) for dot in drawn] == expected
    assert len(str(soup("book/intro.html").select(".scale-figure")[0]).encode()) < 100_000


@pytest.mark.parametrize("page", PAGES)
def test_weight(page: str) -> None:
    assert (SITE / page).stat().st_size < 1_000_000


@pytest.mark.parametrize("page", PAGES)
def test_previews_have_title_and_description(page: str) -> None:
    head = soup(page).head
    properties = {tag["property"]: tag["content"] for tag in head.select("meta[property]")}
    assert properties["og:title"] == soup(page).select("article h1")[0].get_text().rstrip("#")
    assert len(properties["og:description"]) > 40
    assert len(head.select('meta[name="description"]')) == 1


@pytest.mark.parametrize("page", PAGES)
def test_says_when_it_was_last_changed(page: str) -> None:
    date = contents.last_change(page.removesuffix(".html"))
    if date is None:
        pytest.skip("not committed yet")
    assert contents.in_words(date) in soup(page).select("footer.bd-footer-content")[0].get_text()


@pytest.mark.parametrize("doc", CHAPTERS)
def test_chapter_says_its_tags_and_time(doc: str) -> None:
    assert len(soup(f"{doc}.html").select("ul.tags li")) >= 1
    assert contents.stated_time(doc), "no line **Time** in the first cells"


@pytest.mark.parametrize("doc", contents.notebook_docs())
def test_pitfalls_are_in_the_index(doc: str) -> None:
    shown = len(soup(f"{doc}.html").select(".pitfall"))
    page = re.compile(rf"(^|/){doc.rpartition('/')[2]}\.html#")
    links = soup("book/reference/pitfalls.html").select("article")[0].find_all("a", href=page)
    assert shown == len(contents.pitfalls(doc)) == len(links)


def test_pitfalls_are_sorted_by_question() -> None:
    """The index has a heading per question; what no question names yet comes last, not hidden."""
    found = generated.pitfalls_by_question()
    titles = [
        h.get_text().rstrip("#") for h in soup("book/reference/pitfalls.html").select("article h2")
    ]
    assert titles == list(found)
    assert len(found) >= 8


def test_every_source_carries_an_identifier() -> None:
    text = (BOOK / "references.bib").read_text(encoding="utf-8")
    entries = re.split(r"^@", text, flags=re.MULTILINE)[1:]
    # NeurIPS, ICLR, USENIX and JMLR give their papers no DOI, but an address of their own.
    identifier = r"doi|eprint|MSR-TR|proceedings\.neurips\.cc/\S+/hash/[0-9a-f]{32}"
    identifier += r"|openreview\.net/forum\?id=\w{10}"
    identifier += r"|usenix\.org/conference/\S+|jmlr\.org/papers/v\d+/\w+\.html"
    bare = [e.split("{")[1].split(",")[0] for e in entries if not re.search(identifier, e)]
    assert bare == []


def test_citation_file() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest
    assert project["version"] == citation["version"] == newest[1]
