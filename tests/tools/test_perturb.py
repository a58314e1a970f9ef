"""`make perturb`: what it measures, and that it resumes where it left off."""

import json
from dataclasses import replace
from decimal import Decimal

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import kernels, notebooks, perturb
from tools.chapter import Chapter


def stdout(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text)


def write_notebook(path, *cells: nbformat.NotebookNode) -> Chapter:
    for count, cell in enumerate(cells, 1):
        cell.execution_count = count
    notebook = new_notebook(cells=list(cells), metadata=notebooks.METADATA)
    nbformat.write(notebook, path)
    return Chapter.read(path)


@pytest.fixture
def films(tmp_path):
    """Path of a notebook with one number, which fake runs move."""
    path = tmp_path / "films.ipynb"
    write_notebook(path, new_code_cell("print(x)", outputs=[stdout("a 0.50 b 0.1\n")]))
    return path


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Where the report goes."""
    monkeypatch.setattr(perturb, "REPORT", tmp_path / "reports" / "perturbation.json")
    return perturb.REPORT


@pytest.fixture
def runs(monkeypatch):
    """Lets conditions print what is in `texts`, and collects the names of those that ran."""
    ran = []
    texts = {
        "1 thread": "a 0.52 b 0.1\n",
        "AVX2": "a 0.49 b 0.1\n",
        "another folder": "c 0.50 b 0.1\n",
    }

    def fake(chapter, condition):
        names = {*perturb.CONDITIONS, *perturb.RUNS}
        (name,) = [n for n in names if perturb.conditions(n) == condition]
        ran.append(name)
        changed = nbformat.from_dict(json.loads(json.dumps(chapter.document)))
        changed.cells[0].outputs = [stdout(texts.get(name, "a 0.50 b 0.1\n"))]
        return replace(chapter, document=changed)

    monkeypatch.setattr(perturb, "run", fake)
    return ran


def command(films, *conditions: str) -> int:
    names = [word for name in conditions for word in ("--condition", name)]
    return perturb.main([str(films), *names])


def numbers(report):
    return perturb.read(report)["notebooks"]["films"]["numbers"]


def test_spread_is_the_largest_distance_and_names_its_condition(films, report, runs):
    cell = nbformat.read(films, 4).cells[0].id
    assert command(films, "hash seed 1") == 0
    assert command(films, "AVX2") == 0
    first = perturb.Spread(cell, "stdout", 1, 1, "0.50", Decimal("0.01"), Decimal("0.01"), "AVX2")
    assert numbers(report)[0] == first
    assert command(films, "1 thread") == 1, "0.02 is more than one unit"
    assert numbers(report)[0] == replace(first, spread=Decimal("0.02"), condition="1 thread")
    assert numbers(report)[1] == perturb.Spread(cell, "stdout", 1, 2, "0.1", Decimal("0.1"))


def test_a_tolerance_needs_no_new_measurement(films, report, runs):
    assert command(films, "1 thread") == 1, "0.02 is more than one unit"
    for tag, code in [("atol-0.019", 1), ("atol-0.02", 0), ("rtol-0.03", 1), ("rtol-0.04", 0)]:
        notebook = nbformat.read(films, 4)
        notebook.cells[0].metadata["tags"] = [tag]
        nbformat.write(notebook, films)
        assert command(films, "1 thread") == code, tag
    assert runs == ["1 thread"]


def test_other_differences_are_problems(films, report, runs):
    assert command(films, "another folder") == 1
    conditions = json.loads(report.read_text())["notebooks"]["films"]["conditions"]
    assert "'a' stored, 'c' now" in conditions["another folder"]["problems"][0]
    assert command(films, "hash seed 1") == 1, "the problem is still there"


def test_it_resumes_where_it_left_off(films, report, runs):
    first = list(perturb.RUNS[1:])
    command(films, *first)
    command(films)
    assert runs[:2] == first
    assert sorted(runs) == sorted(perturb.RUNS), "each one once"
    command(films)
    assert len(runs) == len(perturb.RUNS)


def test_a_changed_notebook_is_measured_again_unless_only_its_prose_changed(films, report, runs):
    command(films, "1 thread")
    chapter = Chapter.read(films)
    notebook = nbformat.read(films, 4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("Prose."))
    assert replace(chapter, document=notebook).fingerprint == chapter.fingerprint
    notebook.cells[0].outputs = [stdout("a 0.51 b 0.1\n")]
    nbformat.write(notebook, films)
    command(films, "1 thread")
    assert runs == ["1 thread", "1 thread"]
    assert [(number.stored, str(number.spread)) for number in numbers(report)] == [
        ("0.51", "0.01"),
        ("0.1", "0"),
    ]


def test_the_report_is_read_as_it_was_written(films, report, runs):
    command(films, "1 thread", "another folder")
    table = report.with_suffix(".csv")
    before = report.read_text(), table.read_text()
    assert sum("stdout,1,1,0.50" in line for line in before[1].splitlines()) == 1, (
        "a row per number"
    )
    perturb.write(perturb.read(report), report)
    assert (report.read_text(), table.read_text()) == before


def test_a_table_that_is_cut_off_is_noticed(films, report, runs):
    command(films, "1 thread")
    table = report.with_suffix(".csv")
    table.write_text(table.read_text().rsplit(",0.02,", 1)[0])
    with pytest.raises(ValueError, match=r"perturbation\.csv is damaged"):
        perturb.read(report)
    report.write_text(report.read_text()[:100])
    with pytest.raises(ValueError, match=r"perturbation\.json is damaged: .*; delete it"):
        perturb.read(report)


def test_a_condition_reaches_the_kernel(tmp_path):
    path = tmp_path / "films.ipynb"
    code = (
        "import os\n"
        "print('threads', os.environ.get('OMP_NUM_THREADS'))\n"
        "print('files', len(os.listdir()))\n"
        "print('time', 0.25)"
    )
    chapter = write_notebook(
        path,
        new_code_cell(code, outputs=[stdout("threads None\nfiles 1\ntime 0.20\n")]),
        new_code_cell("1 / 0", outputs=[]),
        new_code_cell("0.1", outputs=[stdout("9.9")], metadata={"tags": ["nbval-ignore-output"]}),
    )
    condition = perturb.Condition({"OMP_NUM_THREADS": "3"}, elsewhere=True, busy=True)
    measured = perturb.measure(chapter, condition)
    ids = [cell.id for cell in chapter.cells]
    assert [str(pair.apart) for pair in measured["pairs"][ids[0]]] == ["0.05"]
    assert ids[2] not in measured["pairs"]
    text = "\n".join(measured["problems"])
    assert f"cell {ids[1]}: ZeroDivisionError" in text
    assert "'None' stored, '3' now" in text
    assert "'1' stored, '0' now" in text


def test_the_runs_try_every_condition_once():
    tried = [name for names in perturb.RUNS for name in names.split(" + ")]
    assert sorted(tried) == sorted(perturb.CONDITIONS)
    assert len(tried) >= 8


def test_conditions_come_together():
    both = perturb.conditions("1 thread + hash seed 1 + another folder")
    assert both.environment["OMP_NUM_THREADS"] == "1"
    assert both.environment["PYTHONHASHSEED"] == "1"
    assert (both.elsewhere, both.busy) == (True, False)
    with pytest.raises(ValueError, match="no condition 3 threads; there are 1 thread, "):
        perturb.conditions("3 threads")


def test_conditions_differ_from_each_other_and_from_the_chapters_own():
    plain = kernels.environment()
    kinds = {
        (*sorted((plain | dict(c.environment)).items()), c.elsewhere, c.busy)
        for c in perturb.CONDITIONS.values()
    }
    assert len(kinds) == len(perturb.CONDITIONS)
