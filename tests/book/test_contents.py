"""One place says what belongs to the book, and what is made from it is up to date."""

from tools import toc
from tools.chapter import chapters
from tools.reports import ROOT

OUT_OF_DATE = "`make chapters` writes it again"


def test_every_page_is_there():
    missing = [
        doc
        for doc in toc.docs()
        if not any((ROOT / f"{doc}{suffix}").is_file() for suffix in (".ipynb", ".md"))
    ]
    assert missing == []


def test_every_notebook_belongs_to_the_book():
    strangers = {f"book/{chapter.name}" for chapter in chapters()} - set(toc.docs())
    assert strangers == set(), "not in book/chapters.yml"


def test_chapters_say_what_they_answer():
    for entry in toc.entries():
        assert entry.question.endswith("?"), entry.file
        assert entry.tags, entry.file


def test_the_table_of_contents_follows():
    assert (ROOT / "_toc.yml").read_text(encoding="utf-8") == toc.table_of_contents(), OUT_OF_DATE


def test_the_map_in_the_readme_follows():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == toc.readme(), OUT_OF_DATE
    assert all(text.count(f"({entry.doc}.ipynb) |") == 1 for entry in toc.entries())
