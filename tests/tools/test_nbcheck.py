"""`pytest --nbval`: what it lets through of a notebook, and what it catches."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import kernels, nbcheck, notebooks
from tools.reports import ROOT


def stdout(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text)


def cell(source: str, count: int | None, *outputs, tags=()) -> nbformat.NotebookNode:
    return new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata={"tags": list(tags)}
    )


def raised(name: str, message: str) -> nbformat.NotebookNode:
    return new_output("error", ename=name, evalue=message, traceback=["…"])


WITHOUT_SCANN = None if kernels.scann_is_impossible() else "'4' stored"
# name of the cell's test -> (cell, words that its failure has to contain, None if it has to pass)
CASES = {
    "same": (cell("print('a', 0.123)", 1, stdout("a 0.123\n")), None),
    "one unit": (cell("print('a', 0.123)", 2, stdout("a 0.124\n")), None),
    "empty cell": (cell("", None), None),
    "two units": (
        cell("print('a', 0.123)", 3, stdout("a 0.125\n")),
        "stdout, line 1, decimal 1: 0.125 stored, 0.123 now",
    ),
    "tag": (cell("print(0.123)", 4, stdout("0.143\n"), tags=["atol-0.02"]), None),
    "word": (cell("print('open')", 5, stdout("holds\n")), "'holds' stored, 'open' now"),
    "integer": (cell("print(7)", 6, stdout("8\n")), "'8' stored, '7' now"),
    "missing": (cell("x = 1", 7, stdout("1\n")), "missing now (it is stored): stdout"),
    "additional": (cell("print(1)", 8), "additional now (it is not stored): stdout"),
    "never executed": (cell("y = 2", None), "never executed"),
    "uses what came before": (cell("print(x + y)", 10, stdout("3\n")), None),
    "executed elsewhere": (cell("print(1)", 4, stdout("1\n")), "ran as In [4], and is number 11"),
    "undeclared error": (cell("1 / 0", 12), "ZeroDivisionError"),
    "undeclared error, stored": (
        cell("1 / 0", 13, raised("ZeroDivisionError", "division by zero")),
        "no tag raises-exception declares it",
    ),
    "declared error": (
        cell(
            "1 / 0", 14, raised("ZeroDivisionError", "division by zero"), tags=["raises-exception"]
        ),
        None,
    ),
    "another error": (
        cell("1 / 0", 15, raised("KeyError", "'a'"), tags=["raises-exception"]),
        "error 1, line 1: ",
    ),
    "an error that doesn't come": (
        cell("x", 16, raised("KeyError", "'a'"), tags=["raises-exception"]),
        "missing now (it is stored): error",
    ),
    "an error that is declared and not stored": (
        cell("x", 17, new_output("execute_result", {"text/plain": "1"}), tags=["raises-exception"]),
        "and none is stored",
    ),
    "nbval's own tag": (
        cell("1 / 0", 18, raised("ZeroDivisionError", ""), tags=["nbval-raises-exception"]),
        "use the tag raises-exception",
    ),
    "timing": (cell("print(3)", 19, stdout("5\n"), tags=["nbval-ignore-output"]), None),
    "skipped": (cell("print(3)", 20, stdout("3\n"), tags=["nbval-skip"]), "is not accepted"),
    "comment": (cell("# NBVAL_IGNORE_OUTPUT\nprint(3)", 21, stdout("4\n")), "use a tag"),
    "bad tag": (cell("print(3)", 22, stdout("3\n"), tags=["atol-big"]), "a number above 0"),
    "stderr": (cell("import sys\nprint('W', file=sys.stderr)", 23), None),
    "without ScaNN": (cell("print(3)", 24, stdout("4\n"), tags=["needs-scann"]), WITHOUT_SCANN),
    "environment": (
        cell(
            "import os\n"
            "print([os.environ.get(k) for k in ('CUDA_VISIBLE_DEVICES', 'RECUTILS_DATA', "
            "'PYTEST_CURRENT_TEST', 'TF_USE_LEGACY_KERAS')], sys.executable)",
            25,
            stdout(f"['-1', None, None, None] {sys.executable}\n"),
        ),
        None,
    ),
    "the code that has run is known": (
        cell(
            "'import sys' in In[-2] or 'import os' in In[-2], In[-1][:3]",
            26,
            new_output("execute_result", {"text/plain": '(True, "\'im")'}),
        ),
        None,
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """Outcome of each cell, of one run of pytest with our conftest.py on two notebooks."""
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    stripped = [cell("import missing_module", None), cell("", None), cell("print(1)", None)]
    for name, cells in {"cases": [c for c, _ in CASES.values()], "stripped": stripped}.items():
        book = new_notebook(cells=cells, metadata=notebooks.METADATA)
        nbformat.write(book, folder / f"{name}.ipynb")
    report = folder / "report.xml"
    environment = kernels.environment() | {"RECUTILS_DATA": "x", "TF_USE_LEGACY_KERAS": "1"}
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider"),
            *("--color=no", f"--junitxml={report}", "-o", "junit_family=xunit1", "."),
        ],
        cwd=folder,
        env=environment | {"CUDA_VISIBLE_DEVICES": "0"},
        check=False,
        capture_output=True,
    )
    return {
        f"{Path(case.get('file')).stem} {case.get('name')}": "".join(
            f"{child.get('message')}\n{child.text}" for child in case if child.tag != "system-out"
        )
        for case in ET.parse(report).getroot().iter("testcase")
    }


@pytest.mark.parametrize("name", CASES)
def test_pytest_nbval(outcomes, name):
    number = list(CASES).index(name)
    outcome = outcomes[f"cases Cell {number}"]
    says = CASES[name][1]
    if says is None:
        assert outcome == ""
    else:
        assert says in outcome
        assert f"cases.ipynb, Cell {number} (In [" in outcome, "it names the cell"
        assert CASES[name][0].source.splitlines()[-1] in outcome, "it shows the cell"


def test_pytest_nbval_fails_a_stripped_notebook(outcomes):
    assert "never executed" in outcomes["stripped Cell 0"]
    assert outcomes["stripped Cell 1"] == "", "there is nothing in it to execute"
    assert "never executed" in outcomes["stripped Cell 2"]


def test_scann_may_be_missing_only_where_it_has_no_wheels(monkeypatch):
    found = {"scann": False}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found[name] or None)
    for platform, impossible in {"linux": False, "darwin": True, "win32": True}.items():
        monkeypatch.setattr(sys, "platform", platform)
        assert kernels.scann_is_impossible() == impossible
    found["scann"] = True
    assert not kernels.scann_is_impossible()


WORKER, ALONE = SimpleNamespace(workerinput={}), SimpleNamespace()


def test_files_that_run_in_parallel_have_one_thread(monkeypatch):
    for name in kernels.threads(1):
        monkeypatch.setenv(name, "4")
    nbcheck.pytest_configure(ALONE)
    assert kernels.environment()["TF_NUM_INTRAOP_THREADS"] == "4"
    nbcheck.pytest_configure(WORKER)
    assert kernels.environment() | kernels.threads(1) == kernels.environment()


def test_the_longest_files_come_first_where_they_run_in_parallel():
    def item(file: str, slow: bool = False) -> SimpleNamespace:
        return SimpleNamespace(path=Path(file), get_closest_marker=lambda _: slow or None)

    items = [item("a.py"), item("b.py"), item("b.py", slow=True), item("c.py")]
    nbcheck.pytest_collection_modifyitems(ALONE, items)
    assert [i.path.stem for i in items] == ["a", "b", "b", "c"]
    nbcheck.pytest_collection_modifyitems(WORKER, items)
    assert [i.path.stem for i in items] == ["b", "b", "a", "c"]
