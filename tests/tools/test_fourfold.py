"""Tests of the command that searches four times as long."""

import json
from pathlib import Path

import nbformat
import pytest

from tools import fourfold
from tools.chapter import Chapter

CELLS = [
    'found = recutils.search("a", arm, space, trials, draws=10, epochs=8)',
    'trials.conclude("a is above b", a, b, main_of=1)',
    "print(found.draws)",
]


def a_chapter(cells):
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    return Chapter("a", Path("a.ipynb"), document)


def test_every_search_gets_four_times_its_draws():
    chapter = a_chapter(CELLS)
    longer = fourfold.lengthened(chapter)
    assert [c.source for c in longer.cells] == [CELLS[0].replace("10", "40"), CELLS[1]]
    assert [c.source for c in chapter.cells] == CELLS


@pytest.mark.parametrize("cells", [CELLS[:1], CELLS[1:2]])
def test_a_chapter_needs_a_search_and_a_main_claim(cells):
    with pytest.raises(ValueError, match="no search, or no main claim"):
        fourfold.lengthened(a_chapter(cells))


def test_trials_are_run_again(tmp_path):
    fourfold.prepare(tmp_path)
    names = [path.name for path in (tmp_path / "reports" / "records").iterdir()]
    assert names
    assert not any(name.startswith("trials-") for name in names)
    assert (tmp_path / "recutils" / "__init__.py").is_file()


def test_what_the_longer_run_recorded_is_kept(tmp_path):
    made = tmp_path / "reports" / "records"
    made.mkdir(parents=True)
    for name, data in [("a", "synthetic"), ("a", "real-1"), ("another", "synthetic")]:
        record = {"name": name, "data": data}
        (made / f"search-{name}-{data}.json").write_text(json.dumps(record), "utf-8")
    fourfold.keep(a_chapter(CELLS), tmp_path, tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["search-a-synthetic.json"]
