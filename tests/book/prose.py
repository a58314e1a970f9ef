"""The prose of a chapter, and the decimals in it.

A reader has to be able to trust each of them, so each has to appear, digit by
digit, in an output that is checked (not in one of a cell tagged nbval-ignore-output) or in code
nearby, or in a formula of the same cell. Prose is the markdown, and the captions and alt texts of
figures. A sign, a leading zero and a unit don't matter: .123, 0.123 and -0.123 are one number, but
0.12 is another, and so is 12.3%. Code, formulas, addresses, and options of directives are no prose;
neither are versions: numbers with two points, or behind the name of a package or of Python. A
number from elsewhere, say from a paper or another page, is named in a comment of the same cell,
with where it is from: `<!-- not printed here: 0.629 (published figures of MovieLens-100K) -->`.
"""

import re

from nbformat import NotebookNode

from tools.chapter import without_code

VERSIONED = (
    r"(?:Python|TensorFlow|TF|TFRS|TFR|Keras|ScaNN|NumPy|pandas|Jupyter Book|version|≥|>=|<)"
)
DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+(?!\.?\d)")


def mystnb(cell: NotebookNode, part: str) -> dict[str, str]:
    return dict(cell.metadata.get("mystnb", {}).get(part, {}))


def figure(cell: NotebookNode) -> dict[str, str]:
    return mystnb(cell, "figure")


def digits(number: str) -> str:
    return "0" + number if number.startswith(".") else number


MATH = r"\$\$.*?\$\$|\$[^$\n]+\$|^`{3}\{math\}.*?^`{3}|\{math\}`[^`]*`"


def formulas(markdown: str) -> list[str]:
    return re.findall(MATH, without_code(markdown), re.DOTALL | re.MULTILINE)


def prose(cell: NotebookNode) -> tuple[str, str]:
    """The prose of a cell, and what its comments say is printed elsewhere."""
    if cell.cell_type == "code":
        return f"{figure(cell).get('caption', '')}\n{mystnb(cell, 'image').get('alt', '')}", ""
    text = without_code(cell.source)
    elsewhere = " ".join(re.findall(r"<!--\s*not printed here:(.*?)-->", text, re.DOTALL))
    for no_prose in (
        r"<!--.*?-->",
        MATH,
        r"`[^`\n]+`",
        r"\]\([^)]*\)",
        r"https?://\S+",
        r"^:[\w-]+:.*$",
        rf"{VERSIONED}\s*\d+(?:\.\d+)+",
    ):
        text = re.sub(no_prose, " ", text, flags=re.DOTALL | re.MULTILINE)
    return text, elsewhere
