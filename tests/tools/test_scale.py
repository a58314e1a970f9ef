"""The figure on the first page shows what the chapters print, and nothing else."""

import re
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.chapter import Chapter
from tools.site import contents, scale

TABLE = """\
             precision@10  recall@100
random             0.010       0.060
two towers         0.110       0.361
two towers + L2    0.160       0.400
ceiling            0.210       0.666
hinge    L2 3e-04  NDCG 0.910
"""
SPEC = {
    "task": "Which films?",
    "measure": "precision at 10",
    "chapter": "basics/toy",
    "code": "show(table)",
    "zero": {"name": "chance", "row": "random"},
    "one": {"name": "ceiling", "row": "ceiling"},
    "baselines": [],
    "models": [{"name": "towers", "row": "two towers", "column": "precision@10"}],
}


def toy(table=TABLE, source="show(table)", **metadata):
    """A chapter with one cell that printed a table."""
    output = new_output("stream", name="stdout", text=table)
    cell = new_code_cell(source, outputs=[output], metadata=metadata)
    return Chapter("basics/toy", Path("toy.ipynb"), new_notebook(cells=[cell]))


@pytest.mark.parametrize(
    ("row", "column", "number"),
    [
        ("two towers", None, "0.110"),
        ("two towers", "precision@10", "0.110"),
        ("two towers", "recall@100", "0.361"),
        ("two towers + L2", "recall@100", "0.400"),
        ("hinge", "NDCG", "0.910"),
    ],
)
def test_reads_the_number_of_a_row_and_a_column(row, column, number):
    assert scale.printed_number(toy(), "show(", row, column) == number


@pytest.mark.parametrize(
    ("notebook", "row", "column", "message"),
    [
        (toy(source="hide(table)"), "random", None, "one code cell with the text"),
        (toy(TABLE + TABLE), "random", None, "one line that begins with 'random'"),
        (toy(), "towers", None, "one line that begins with 'towers'"),
        (toy(), "random", "recall@10", "no heading 'recall@10'"),
        (toy(tags=["nbval-ignore-output"]), "random", None, "not checked"),
    ],
)
def test_says_what_it_does_not_find(notebook, row, column, message):
    with pytest.raises(ValueError, match=message):
        scale.printed_number(notebook, "show(", row, column)


def test_random_is_0_and_the_ceiling_1():
    spec = {**SPEC, "baselines": [SPEC["zero"], SPEC["one"]]}
    (task,) = scale.tasks(lambda _: toy(), [spec])
    assert [(s["name"], round(s["place"], 6)) for s in task["scores"]] == [
        ("chance", 0.0),
        ("towers", 0.5),
        ("ceiling", 1.0),
    ]


def test_lower_is_better_where_the_ceiling_is_the_lower_end():
    spec = {**SPEC, "zero": SPEC["one"], "one": SPEC["zero"]}
    (task,) = scale.tasks(lambda _: toy(TABLE.replace("0.110", "0.060")), [spec])
    assert task["scores"][0]["place"] == pytest.approx(0.75)


def test_a_changed_number_moves_its_dot():
    def dot(table):
        found = scale.tasks(lambda _: toy(table), [SPEC])
        drawn = scale.svg(found)
        return re.search(r'data-score="(.+?)"', drawn)[1], re.search(r'cx="(.+?)%"', drawn)[1]

    assert dot(TABLE) == dot(TABLE)
    before, after = dot(TABLE), dot(TABLE.replace("0.110", "0.111"))
    assert after[0] == "0.111"
    assert float(after[1]) > float(before[1])


def test_the_chapters_print_what_the_figure_needs():
    """The book's own scale.yml: every entry finds its number."""
    found = scale.tasks(lambda name: contents.chapter(f"book/{name}"))
    assert len(found) >= 3
    for task in found:
        assert len(task["scores"]) >= 3
        assert max(score["place"] for score in task["scores"]) < 1.1, (
            "better than the best possible?"
        )
    alt = re.search(r'aria-label="(.+?)"', scale.svg(found))[1]
    assert all(task["task"] in alt for task in found)
