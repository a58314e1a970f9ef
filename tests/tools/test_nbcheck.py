"""The numeric check of notebooks: what it lets through, and what it catches."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path

import nbcheck
import nbformat
import notebooks
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]


def problems(stored: str, now: str, *tags: str) -> list[str]:
    return nbcheck.compare_text(stored, now, nbcheck.Tolerance.from_tags(tags)).problems


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        ("recall 0.123", "recall 0.123"),
        ("recall 0.123", "recall 0.124"),
        ("recall 0.123", "recall 0.122"),
        # 0.3 - 0.2 > 0.1 in binary floating point.
        ("0.2", "0.3"),
        ("9.99", "10.00"),
        ("999.9", "1,000.0"),
        ("-.25", "-.26"),
        ("12.3%", "12.4%"),
        ("1.23e-05", "1.24e-05"),
        ("1.00e-04", "9.99e-05"),
        ("1.00e-04", "9.92e-05"),
        ("(1.5+0.0j)", "(1.5-0.0j)"),
        ("0.123s", "0.124s"),
        ("x=0.123", "x=0.124"),
        ("[0.1,0.2]", "[0.1,0.3]"),
        ("0.1-0.2", "0.1-0.3"),
        ("−0.02", "−0.03"),
        ("ends in 0.5.", "ends in 0.6."),
        # A sign that comes or goes moves what stands beside it.
        ("-0.00", "0.00"),
        ("+0.001 [-0.001, +0.003]", "-0.000 [-0.002, +0.002]"),
        ("[ 0.01 -0.01]", "[0.01 0.00]"),
        ("[nan  0.00]", "[  nan -0.01]"),
        ("   a     b\n0  0.00  x", "   a    b\n0 -0.01  x"),
        # Digits that are not printed are zeros.
        ("[0.5  0.25]", "[0.5   0.251]"),
        ("[1. 2.]", "[0.99999999 2.        ]"),
        ("nan inf", "nan inf"),
        ("a\n", "a"),
        ("10%\r50%\rdone", "20%\rdone"),
    ],
)
def test_lets_through(stored, now):
    assert problems(stored, now) == []
    assert problems(now, stored) == []


@pytest.mark.parametrize(
    ("stored", "now", "says"),
    [
        ("recall 0.123", "recall 0.125", "0.123 stored, 0.125 now; they differ by 0.002"),
        ("recall 0.123", "recall 0.121", "allowed is 0.001 (one unit of its last printed digit)"),
        ("a 0.1 b 0.5", "a 0.1 b 0.9", "decimal 2: 0.5 stored, 0.9 now"),
        ("0.5\n0.5", "0.5\n0.9", "line 2"),
        ("1.23e-05", "1.25e-05", "1.23e-05 stored"),
        ("1.23e-05", "1.23e-06", "1.23e-05 stored"),
        ("0.05", "-0.05", "differ by 0.1"),
        ("943 people", "944 people", "'943' stored, '944' now"),
        ("1,682", "1,683", "'1,682'"),
        ("-1", "1", "'-1'"),
        ("12%", "13%", "'12%'"),
        ("to 1e-6", "to 1e-5", "'1e-6'"),
        ("007", "7", "'007'"),
        ("holds", "open", "'holds' stored, 'open' now"),
        ("agree: True", "agree: False", "'True' stored, 'False' now"),
        ("a b", "ab", "'a b' stored, 'ab' now"),
        ("v0.5", "v0.6", "'v0.5'"),
        ("2.20.0", "2.20.1", "'2.20.0'"),
        ("nan", "0.1", "'nan'"),
        ("0.1", "inf", "'inf' now"),
        ("[1. 0.]", "[1. 1.]", "no digit behind its point"),
        ("1", "1.0", "'1' stored"),
        ("0.5", "0.57", "allowed is 0.01"),
        ("+0.12", "0.12", "a plus sign"),
        ("0.1 0.2", "0.1", "2 decimals stored, 1 decimal now"),
        ("0.1 0.2", "0.1 0.2 0.3", "2 decimals stored, 3 decimals now"),
        ("a\nb", "a", "2 lines stored, 1 line now"),
        ("a", "a\n\n", "1 line stored, 2 lines now"),
        ("", "a", "0 lines stored, 1 line now"),
    ],
)
def test_catches(stored, now, says):
    found = problems(stored, now)
    assert len(found) == 1
    assert says in found[0]


def test_every_number_that_is_off_is_named():
    found = problems("0.1 0.2 0.3", "0.5 0.2 0.7")
    assert [text.splitlines()[0].split(";")[0] for text in found] == [
        "line 1, decimal 1: 0.1 stored, 0.5 now",
        "line 1, decimal 3: 0.3 stored, 0.7 now",
    ]


def test_tags_give_room_to_decimals_only():
    assert problems("0.50", "0.53", "atol-0.03") == []
    assert "the cell's tag atol" in problems("0.50", "0.54", "atol-0.03")[0]
    assert problems("100.0", "104.9", "rtol-0.05") == []
    assert "the cell's tag rtol" in problems("100.0", "105.1", "rtol-0.05")[0]
    assert problems("0.50", "0.51", "atol-1e-9") == [], "a tag never narrows"
    assert problems("[1. 0.]", "[1. 1.]", "atol-1") == []
    assert problems("5 films", "6 films", "atol-2")
    assert problems("12%", "13%", "rtol-0.5")


@pytest.mark.parametrize("tag", ["atol-", "atol-x", "rtol-0", "atol--1", "atol0.1", "rtol_0.1"])
def test_a_tag_that_says_nothing_is_an_error(tag):
    with pytest.raises(ValueError, match=tag):
        nbcheck.Tolerance.from_tags([tag])
    with pytest.raises(ValueError, match="another atol"):
        nbcheck.Tolerance.from_tags(["atol-0.1", "atol-0.2"])


def test_pairs_hold_each_decimal_and_its_room():
    pairs = nbcheck.compare_text("a 0.10 5 0.2\nb", "a 0.11 5 0.2\nb").pairs
    assert [(p.line, p.position, p.apart, p.room) for p in pairs] == [
        (1, 1, Decimal("0.01"), Decimal("0.01")),
        (1, 2, Decimal("0.0"), Decimal("0.1")),
    ]


def stdout(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text)


def shown(**data: str) -> nbformat.NotebookNode:
    return new_output("display_data", {key.replace("_", "/"): text for key, text in data.items()})


def output_problems(stored, now):
    return nbcheck.compare_outputs(stored, now).problems


def test_outputs_are_compared_in_every_text_form():
    table = shown(text_plain="a 0.50", text_html="<td>0.50</td>")
    near = shown(text_plain="a 0.51", text_html="<td>0.51</td>")
    assert output_problems([table], [near]) == []
    off = output_problems([table], [shown(text_plain="a 0.50", text_html="<td>0.53</td>")])
    assert len(off) == 1
    assert off[0].startswith("text/html 1, line 1, decimal 1: 0.50 stored, 0.53 now")
    off = output_problems([table], [shown(text_plain="b 0.50", text_html="<td>0.53</td>")])
    assert off[0].startswith("text/plain 1, line 1: 'a' stored, 'b' now")


def test_of_an_image_presence_and_type_and_its_text_are_compared():
    figure = shown(text_plain="<Figure size 720x340>", image_png="AAAA")
    assert (
        output_problems([figure], [shown(text_plain=figure.data["text/plain"], image_png="B")])
        == []
    )
    assert output_problems([figure], [shown(text_plain="<Figure size 500x340>", image_png="AAAA")])
    missing = output_problems([figure], [shown(text_plain=figure.data["text/plain"])])
    assert missing == ["an output is missing now (it is stored): image/png"]
    another = output_problems([shown(image_png="A")], [shown(image_jpeg="A")])
    assert len(another) == 2


def test_missing_and_additional_outputs():
    assert output_problems([stdout("a")], []) == ["an output is missing now (it is stored): stdout"]
    assert output_problems([], [stdout("a")]) == [
        "an output is additional now (it is not stored): stdout"
    ]
    assert output_problems([shown(text_plain="a")] * 2, [shown(text_plain="a")])


def test_stdout_is_one_text_and_stderr_none():
    warning = new_output("stream", name="stderr", text="W0000")
    assert (
        output_problems([stdout("a 0.1\nb\n")], [stdout("a 0.1\n"), warning, stdout("b\n")]) == []
    )


def test_an_error_is_compared_by_name_and_message_not_by_its_frames():
    def error(name: str, message: str, frame: str) -> nbformat.NotebookNode:
        return new_output("error", ename=name, evalue=message, traceback=[frame])

    stored = error("ValueError", "k must be below 5", "here")
    assert output_problems([stored], [error("ValueError", "k must be below 5", "there")]) == []
    assert output_problems([stored], [error("KeyError", "k must be below 5", "here")])
    assert output_problems([stored], [error("ValueError", "k must be below 6", "here")])


def cell(source: str, count: int | None, *outputs, tags=()) -> nbformat.NotebookNode:
    return new_code_cell(
        source, execution_count=count, outputs=list(outputs), metadata={"tags": list(tags)}
    )


def raised(name: str, message: str) -> nbformat.NotebookNode:
    return new_output("error", ename=name, evalue=message, traceback=["…"])


WITHOUT_SCANN = None if nbcheck.scann_is_impossible() else "'4' stored"
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
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tools'}\n")
    stripped = [cell("import missing_module", None), cell("", None), cell("print(1)", None)]
    for name, cells in {"cases": [c for c, _ in CASES.values()], "stripped": stripped}.items():
        book = new_notebook(cells=cells, metadata=notebooks.METADATA)
        nbformat.write(book, folder / f"{name}.ipynb")
    report = folder / "report.xml"
    environment = nbcheck.kernel_environment() | {"RECUTILS_DATA": "x", "TF_USE_LEGACY_KERAS": "1"}
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
        assert nbcheck.scann_is_impossible() == impossible
    found["scann"] = True
    assert not nbcheck.scann_is_impossible()
