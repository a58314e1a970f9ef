"""The rules of the frame on a chapter of a page: it keeps them all, and each can be broken."""

import base64
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from frame import RULES
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks
from tools.chapter import Chapter

PROBLEM = """\
You have a thousand ratings and want to know how many films they are about. Counting sounds easy,
and it is, until the same film comes twice under two names."""
OPENING = f"""\
# Find the films

{PROBLEM}

**You will learn**

- to count films,
- to count people,
- to tell them apart.

**You need** [the data](data.ipynb).

**Time** 5 minutes to read, about a minute to run.
"""
EXERCISE = """\
```{{exercise-start}} Count again
:label: count-{number}
```
★☆☆ Predict, then count.
```{{exercise-end}}
```

```{{solution-start}} count-{number}
:class: dropdown
```
"""
SOLUTION_END = "```{solution-end}\n```"
CONCLUSION = "holds     +0.125 [+0.118, +0.132]   counting beats guessing   (5 seeds, paired)\n"
MAIN = "holds     +0.125 [+0.118, +0.132]   counting beats {}   (5 seeds, paired, main)\n"


def stdout(text: str) -> nbformat.NotebookNode:
    return new_output("stream", name="stdout", text=text)


def figure(name: str) -> nbformat.NotebookNode:
    image = base64.b64encode(b"a small picture").decode()
    return new_code_cell(
        f"draw('{name}')",
        outputs=[new_output("display_data", {"image/png": image, "text/plain": "<Figure>"})],
        metadata={
            "mystnb": {
                "figure": {"name": name, "caption": f"The message of {name} in words."},
                "image": {"alt": f"Line chart of {name}: it rises from left to right up to 0.5."},
            }
        },
    )


def chapter_cells() -> dict[str, nbformat.NotebookNode]:
    """The cells of a chapter that keeps the frame, by a name to break them by."""
    cells = {
        "opening": new_markdown_cell(OPENING),
        "imports": new_code_cell(
            "import recutils\n\nimport numpy as np\n\nrecutils.set_seed(1)  # 0.25"
        ),
        "prose": new_markdown_cell(
            "We print .500 of them, as in $0.75 x$, and `0.333` is code {cite}`somebody`.\n"
            "TensorFlow 2.20 printed it, and version 1.2.3 before."
            "<!-- not printed here: 0.629 (published) --> The paper has 0.629."
        ),
        "print": new_code_cell("print(0.500)", outputs=[stdout("0.500 0.5\n")]),
        "more": new_markdown_cell("Now draw it, and see 0.25 from the code."),
        "figure 1": figure("fig-films"),
        "between": new_markdown_cell("And people."),
        "figure 2": figure("fig-people"),
        "claim": new_markdown_cell("## Conclusion\n\nIt holds:"),
        "conclude": new_code_cell(
            "recutils.conclude(…)".replace("…", "1"), outputs=[stdout(CONCLUSION)]
        ),
        "timing text": new_markdown_cell("How long that took is not checked:"),
        "timing": new_code_cell(
            "print(took)", outputs=[stdout("0.777 s\n")], metadata={"tags": ["nbval-ignore-output"]}
        ),
        "pitfalls": new_markdown_cell("## Pitfalls\n\n**Pitfall: counting twice.** Don't."),
        "pitfall shown": new_code_cell("1 + 1", outputs=[]),
        "exercises": new_markdown_cell("## Exercises"),
    }
    for number in (1, 2, 3):
        cells[f"exercise {number}"] = new_markdown_cell(EXERCISE.format(number=number))
        cells[f"solution {number}"] = new_code_cell(f"count = {number}")
        cells[f"solution end {number}"] = new_markdown_cell(SOLUTION_END)
    cells["closing"] = new_markdown_cell("## What you learned\n\nMuch.\n\n## Where next\n\nOn.")
    count = 0
    for cell in cells.values():
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
    return cells


Cells = dict[str, nbformat.NotebookNode]


def written(cells: Cells, folder: Path) -> Chapter:
    notebook = new_notebook(cells=list(cells.values()), metadata=notebooks.METADATA)
    path = folder / "films.ipynb"
    path.write_text(nbformat.writes(notebook) + "\n")
    return Chapter.read(path)


def kept(cells: Cells, folder: Path) -> dict[str, list[str]]:
    """Problems by rule."""
    chapter = written(cells, folder)
    return {name: problems for name, rule in RULES.items() if (problems := rule(chapter))}


def test_the_chapter_keeps_every_rule(tmp_path):
    assert kept(chapter_cells(), tmp_path) == {}


def replace(name: str, old: str, new: str) -> Callable[[Cells], None]:
    def change(cells: Cells) -> None:
        assert old in cells[name].source
        cells[name].source = cells[name].source.replace(old, new)

    return change


def drop(*names: str) -> Callable[[Cells], None]:
    def change(cells: Cells) -> None:
        for name in names:
            del cells[name]

    return change


def put_out(name: str, *outputs: nbformat.NotebookNode) -> Callable[[Cells], None]:
    def change(cells: Cells) -> None:
        cells[name].outputs = list(outputs)

    return change


def describe(name: str, part: str, key: str, text: str) -> Callable[[Cells], None]:
    def change(cells: Cells) -> None:
        cells[name].metadata["mystnb"][part][key] = text

    return change


LARGE = base64.b64encode(bytes(100_001)).decode()
IMAGE = new_output("display_data", {"image/png": "AAAA"})
LONG = "\n".join(f"x{i} = {i}" for i in range(26))
LONG_CLASS = "class A:\n" + "\n".join(f"    x{i} = {i}" for i in range(45))

BROKEN: list[tuple[str, Callable[[Cells], None], str]] = [
    ("title with a verb", replace("opening", "# Find", "# Of"), "verb"),
    ("title with a verb", replace("claim", "## Con", "# Con"), "one title"),
    ("the problem first", replace("opening", PROBLEM, "Count."), "paragraph"),
    ("what you will learn", replace("opening", "- to count films,\n", ""), "got 2"),
    ("what you need", replace("opening", "(data.ipynb)", ""), "link"),
    ("time to read and run", replace("opening", ", about a minute to run", ""), "minutes"),
    ("closing sections", replace("closing", "## Where next", "Where next"), "close with"),
    ("literature", replace("prose", "{cite}`somebody`", ""), "cites nothing"),
    ("imports and seed in the first cell", replace("imports", "import recutils\n", ""), "begin"),
    (
        "imports and seed in the first cell",
        replace("imports", "recutils.set_seed(1)", ""),
        "set_seed",
    ),
    (
        "imports and seed in the first cell",
        replace("print", "print", "import os\nprint"),
        "import os",
    ),
    ("short cells", replace("print", "print(0.500)", LONG), "26 lines"),
    ("short cells", replace("print", "print(0.500)", LONG_CLASS), "46 lines"),
    ("prose between cells", drop("more", "between", "claim"), "recutils.conclude"),
    ("no trailing semicolon", replace("print", ")", ");"), "semicolon"),
    ("partitions are sorted", replace("print", "0.500", "x.argpartition(3)[:3]"), "sort it"),
    (
        "partitions are sorted",
        replace("print", "print(0.500)", "x = y.argpartition(3)\nz.sort(axis=1)"),
        "sort it",
    ),
    ("normal form", put_out("print", new_output("stream", name="stderr", text="W")), "normal form"),
    ("outputs of no machine", put_out("timing", stdout("/home/me/data\n")), "/home/me/data"),
    ("outputs of no machine", put_out("timing", stdout("<A at 0x7f12ab34>")), "0x7f12ab34"),
    ("outputs for every reader", put_out("timing", stdout("10%\r20%\n")), "progress bar"),
    (
        "unchecked outputs say so",
        replace("timing text", "is not checked", "follows"),
        "print(took)",
    ),
    ("two figures", put_out("figure 2"), "got 1"),
    ("figures for every reader", describe("figure 1", "image", "alt", "A chart"), "what one sees"),
    ("figures for every reader", describe("figure 1", "figure", "caption", ""), "caption"),
    ("figures for every reader", describe("figure 1", "figure", "name", "films"), "fig-"),
    ("figures for every reader", describe("figure 1", "figure", "name", "fig-people"), "only one"),
    ("figures for every reader", put_out("figure 1", IMAGE, IMAGE), "one figure"),
    (
        "figures for every reader",
        put_out("figure 1", new_output("display_data", {"image/png": LARGE})),
        "100 kB",
    ),
    ("conclusions", put_out("conclude", stdout(CONCLUSION * 2)), "made twice"),
    (
        "conclusions",
        put_out("conclude", stdout(CONCLUSION.replace("5 seeds", "4 seeds"))),
        "too few trials, 4 seeds",
    ),
    (
        "main claims before their evidence",
        put_out("conclude", stdout(CONCLUSION.replace("paired)", "paired, main)"))),
        "before a cell tests them",
    ),
    (
        "main claims before their evidence",
        put_out("conclude", *(stdout(MAIN.format(of)) for of in "ABCD")),
        "at most three main claims, got 4",
    ),
    ("pitfalls", replace("pitfalls", "## Pitfalls", ""), "heading"),
    ("pitfalls", replace("pitfalls", "**Pitfall:", "**Trap:"), "show a pitfall"),
    ("pitfalls", drop("pitfall shown"), "no code shows it"),
    ("exercises", drop("exercise 3", "solution 3", "solution end 3"), "got 2"),
    ("exercises", replace("exercise 2", "★☆☆", ""), "no stars"),
    ("exercises", replace("exercise 2", "count-2", "count-1"), "of 2 exercises"),
    ("exercises", replace("exercise 2", "} count-2", "} count-9"), "no solution"),
    ("exercises", replace("exercise 2", ":class: dropdown", ""), "not folded"),
    ("exercises", drop("solution 2"), "no code that ran"),
    ("exercises", drop("solution end 2"), "starts inside"),
    ("decimals in the prose", replace("prose", ".500", ".501"), "no cell nearby prints .501"),
    ("decimals in the prose", replace("prose", ".500", "0.777"), "0.777"),
    ("decimals in the prose", replace("closing", "Much.", "It is .500."), "nearby prints .500"),
    ("decimals in the prose", replace("closing", "Much.", "It is 0.75."), "nearby prints 0.75"),
    ("decimals in the prose", replace("prose", "0.629 (pub", "(pub"), "0.629"),
    ("decimals in the prose", replace("prose", "`0.333`", "0.333"), "0.333"),
    ("decimals in the prose", describe("figure 1", "figure", "caption", "It is up to 0.9."), "0.9"),
    ("decimals in the prose", describe("figure 1", "image", "alt", "It is 0.9 " * 5), "0.9"),
]


@pytest.mark.parametrize(("rule", "change", "says"), BROKEN, ids=[r for r, _, _ in BROKEN])
def test_each_rule_can_be_broken(rule, change, says, tmp_path):
    cells = chapter_cells()
    change(cells)
    problems = kept(cells, tmp_path)
    assert rule in problems
    assert any(says in problem for problem in problems[rule])


def test_every_rule_is_broken_above():
    assert {rule for rule, _, _ in BROKEN} == RULES.keys()
