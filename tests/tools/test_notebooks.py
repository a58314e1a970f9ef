"""`make execute`: what it stores, and what it refuses to store."""

import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import kernels, notebooks
from tools.chapter import Chapter, chapters


def messy_notebook() -> nbformat.NotebookNode:
    """As an editor leaves it: outputs of another day, metadata, counts out of order."""
    cells = [
        new_markdown_cell("# Count films", metadata={"editable": True}),
        new_code_cell(
            "import os, sys\nprint('folder', os.path.basename(os.getcwd()))\n"
            "print('W0000', file=sys.stderr)\nprint('data', os.environ.get('RECUTILS_DATA'))",
            execution_count=7,
            outputs=[new_output("stream", text="old\n")],
            metadata={"tags": ["keep"], "collapsed": False, "execution": {"start": "now"}},
        ),
        new_code_cell(""),
        new_code_cell("int('films')", metadata={"tags": ["raises-exception"]}),
        new_code_cell("import json\njson.loads('{')", metadata={"tags": ["raises-exception"]}),
        new_code_cell("1 + 1", metadata={"mystnb": {"image": {"alt": "none"}}}),
    ]
    return new_notebook(
        cells=cells, metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.9"}}
    )


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Path of a notebook after `execute`, and its ids before."""
    path = tmp_path_factory.mktemp("chapter") / "films.ipynb"
    notebook = messy_notebook()
    nbformat.write(notebook, path)
    before = os.environ.get("RECUTILS_DATA")
    os.environ["RECUTILS_DATA"] = "elsewhere"
    try:
        assert notebooks.main(["execute", str(path)]) == 0
    finally:
        os.environ.pop("RECUTILS_DATA")
        if before is not None:
            os.environ["RECUTILS_DATA"] = before
    return path, [cell.id for cell in notebook.cells]


def test_outputs_are_those_of_one_run_from_the_top_without_stderr(executed):
    path, _ = executed
    codes = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    assert [c.execution_count for c in codes] == [1, None, 2, 3, 4]
    assert codes[0].outputs == [
        new_output("stream", name="stdout", text=f"folder {path.parent.name}\ndata None\n")
    ]
    assert codes[-1].outputs[0].data["text/plain"] == "2"


def test_only_tags_and_figure_options_are_left_of_the_metadata_and_ids_stay(executed):
    path, ids = executed
    notebook = nbformat.read(path, 4)
    assert notebook.metadata == notebooks.METADATA
    assert [cell.metadata for cell in notebook.cells] == [
        {},
        {"tags": ["keep"]},
        {},
        {"tags": ["raises-exception"]},
        {"tags": ["raises-exception"]},
        {"mystnb": {"image": {"alt": "none"}}},
    ]
    assert [cell.id for cell in notebook.cells] == ids


def test_a_declared_error_shows_no_files_of_this_machine(executed):
    path, _ = executed
    frames = "\n".join(nbformat.read(path, 4).cells[4].outputs[0].traceback)
    assert "JSONDecodeError" in frames
    assert "In[3]" in kernels.without_colours(frames)
    assert "decoder.py" not in frames


def test_what_it_wrote_is_in_normal_form_and_what_an_editor_changed_is_not(executed, tmp_path):
    path, _ = executed
    assert notebooks.check(Chapter.read(path)) == []
    notebook = nbformat.read(path, 4)
    notebook.cells[5].metadata["scrolled"] = True
    other = tmp_path / "other.ipynb"
    nbformat.write(notebook, other)
    (problem,) = notebooks.check(Chapter.read(other))
    assert "not in normal form" in problem
    assert notebooks.main(["tidy", str(other)]) == 0
    assert other.read_bytes() == path.read_bytes()


def test_nothing_is_written_when_a_cell_raises_undeclared(tmp_path, capsys):
    path = tmp_path / "films.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print(1)"), new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    assert notebooks.main(["execute", str(path)]) == 1
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert "never executed" in notebooks.check(Chapter.read(path))[0]


def test_nothing_is_written_when_a_declared_error_does_not_come(tmp_path, monkeypatch):
    path = tmp_path / "films.ipynb"
    cell = new_code_cell("1", metadata={"tags": ["raises-exception"]})
    nbformat.write(new_notebook(cells=[cell]), path)

    def without_kernel(chapter):
        chapter.cells[0].execution_count = 1
        return chapter

    monkeypatch.setattr(kernels, "run", without_kernel)
    assert "none is stored" in notebooks.execute(Chapter.read(path))[0]
    assert nbformat.read(path, 4).cells[0].execution_count is None


def test_cells_of_older_notebooks_get_ids_that_stay():
    notebook = new_notebook(cells=[new_markdown_cell(text) for text in "abb"])
    notebook.nbformat_minor = 4
    for cell in notebook.cells:
        del cell["id"]
    normal = notebooks.normal_form(notebook)
    assert len({cell.id for cell in normal.cells}) == 3
    assert notebooks.normal_form(normal) == normal
    nbformat.validate(normal)


def test_a_notebook_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.ipynb"):
        chapters([tmp_path / "nowhere.ipynb"])
