"""`make search`: makes what is missing, once; resumes; checks."""

from recutils import records

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import search
from tools.chapter import Chapter
from tools.notebooks import METADATA

CELLS = [
    "%config InlineBackend.figure_formats = ['png']\nimport recutils\nfrom pathlib import Path\n"
    "from recutils import records\nrecords.FOLDER = Path('records').resolve()",
    "trials = recutils.trials(2, num_users=30, num_movies=60, num_ratings=400)",
    """\
def arm(trial, x):
    with Path("runs.txt").open("a") as file:
        print(x, file=file)
    if Path("stop").exists() and len(Path("runs.txt").read_text().split()) == 3:
        import os
        os.kill(os.getpid(), 9)
    return x * len(trial.test) / 80
""",
    'found = recutils.search("toy/arm", arm, {"x": [1, 2, 3, 4]}, trials, draws=4)',
    'scores = recutils.recorded("toy/run", lambda trial: {"x": arm(trial, 2.0)}, trials)',
    "raise RuntimeError('this cell reads no record')",
]


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    for variable in ("RECUTILS_DATA", "RECUTILS_RECORD"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
    path = tmp_path / "toy.ipynb"
    cells = [new_code_cell(source) for source in CELLS]
    nbformat.write(new_notebook(cells=cells, metadata=METADATA), path)
    return path


def sources(chapter):
    return [cell.source for cell in Chapter.read(chapter).codes]


def runs(chapter):
    return (chapter.parent / "runs.txt").read_text().split()


def edit(chapter, before, after):
    notebook = nbformat.read(chapter, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(before, after)
    nbformat.write(notebook, chapter)


@pytest.mark.slow
def test_killed_resumed_done_checked_and_out_of_date(chapter, capsys):
    assert search.stale_records(sources(chapter)) == ["search toy/arm", "trials toy/run"]
    # The kernel dies in the third draw: two are stored.
    (chapter.parent / "stop").touch()
    assert search.main([str(chapter)]) == 1
    (record,) = records.all_of("search", "toy/arm")
    assert len(record["draws"]) == 2
    assert len(runs(chapter)) == 3
    assert search.stale_records(sources(chapter))[0] == "search toy/arm"
    # It resumes there: two draws and two trials are left.
    (chapter.parent / "stop").unlink()
    assert search.main([str(chapter)]) == 0
    assert len(runs(chapter)) == 3 + 2 + 2
    assert search.stale_records(sources(chapter)) == []
    # The second time there is nothing to do.
    capsys.readouterr()
    assert search.main([str(chapter)]) == 0
    assert capsys.readouterr().out == "toy: nothing to do\n"
    assert len(runs(chapter)) == 7
    # A draw and a trial are run again.
    assert search.main([str(chapter), "--check"]) == 0
    assert len(runs(chapter)) == 9
    out = capsys.readouterr().out
    assert "toy/arm: draw" in out
    assert "run again, differs by 0.0% at most" in out
    assert "agrees to 1e-3: True" in out
    # A record that doesn't agree fails.
    path = next((chapter.parent / "records").glob("search-*.json"))
    whole = json.loads(path.read_text())
    for draw in whole["draws"]:
        draw["curve"] = [draw["curve"][0] * 1.1]
    path.write_text(json.dumps(whole))
    assert search.main([str(chapter), "--check"]) == 1
    assert "differs by 9.1% of its record" in capsys.readouterr().out


def test_what_makes_a_record_stale(chapter, monkeypatch):
    cells = sources(chapter)
    trials = search.experiments.trials(2, num_users=30, num_movies=60, num_ratings=400)
    draw = {"settings": {"x": 1}, "curve": [0.5], "cpu_seconds": 1.0}
    for function, name, parts in (
        ("search", "toy/arm", {"draws": [draw] * 4}),
        ("recorded", "toy/run", {"trials": {"1": {"score": 1}, "2": {"score": 2}}}),
    ):
        key = records.key(cells, function, name, trials)
        records.write(search.KINDS[function], name, trials, {"key": key} | parts)
    assert search.stale_records(cells) == []
    for before, after, stale in (
        ("draws=4", "draws=5", ["search toy/arm"]),
        ("draws=4", "draws=4, published={'x': 2}", ["search toy/arm"]),
        ("trials(2", "trials(3", ["trials toy/run"]),
        ("[1, 2, 3, 4]", "[1, 2, 3]", ["search toy/arm"]),
        ("num_users=30", "num_users=31", ["search toy/arm", "trials toy/run"]),
        ("* len", "+ len", ["search toy/arm", "trials toy/run"]),
        ("draws=4", "draws=3", []),
        ("# ", "", []),
    ):
        assert search.stale_records([c.replace(before, after) for c in cells]) == stale, after
    monkeypatch.setattr(records, "fingerprint", lambda trials: "other data")
    assert search.stale_records(cells) == ["search toy/arm", "trials toy/run"]


def test_real_ratings_lack_no_record_that_needs_the_truth(chapter, monkeypatch):
    monkeypatch.setenv("RECUTILS_DATA", "unused")
    cells = sources(chapter)
    assert search.stale_records(cells, real=True) == ["search toy/arm", "trials toy/run"]
    guarded = [f"if truth is not None:\n    {c}" if "recutils.recorded" in c else c for c in cells]
    assert search.stale_records(guarded, real=True) == ["search toy/arm"]
    monkeypatch.delenv("RECUTILS_DATA")
    assert search.stale_records(guarded) == ["search toy/arm", "trials toy/run"]


def test_a_chapter_that_puts_real_ratings_aside_is_not_searched_on_them(chapter, capsys):
    edit(
        chapter,
        "import recutils\n",
        'import os\nos.environ.pop("RECUTILS_DATA", None)\nimport recutils\n',
    )
    assert search.main([str(chapter), "--data", str(chapter.parent)]) == 0
    assert capsys.readouterr().out == "toy: synthetic films only\n"
    assert not (chapter.parent / "runs.txt").exists()


def test_a_stale_record_is_no_check(chapter, capsys):
    assert search.main([str(chapter), "--check"]) == 1
    assert "toy: first run `make search` for search toy/arm, trials toy/run" in (
        capsys.readouterr().out
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "agrees"), [("x * len", "9 * len", False), ("80", "8e1", True)]
)
def test_whether_a_change_of_the_code_matters(chapter, before, after, agrees, capsys):
    assert search.main([str(chapter)]) == 0
    edit(chapter, before, after)
    assert search.main([str(chapter), "--check"]) == 1
    assert search.main([str(chapter), "--check", "--stale"]) == (0 if agrees else 1)
    assert ("of its record" in capsys.readouterr().out) is not agrees


def test_stale_is_for_a_check(chapter, capsys):
    with pytest.raises(SystemExit):
        search.main([str(chapter), "--stale"])
    assert "--stale needs --check" in capsys.readouterr().err


def test_a_chapter_without_records_is_left_alone(chapter, capsys):
    edit(chapter, "recutils.search", "recutils.look")
    edit(chapter, "recutils.recorded", "recutils.look")
    assert search.main([str(chapter)]) == 0
    assert capsys.readouterr().out == ""
