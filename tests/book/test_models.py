"""A class of recutils.models has the exact text of the chapter that derives it."""

import ast
import re
from pathlib import Path

import pytest

from tools.chapter import chapters

MODELS = Path(__file__).resolve().parents[2] / "recutils" / "models.py"


def class_texts(source: str) -> dict[str, str]:
    """The text of each class at the top level of some code."""
    return {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }


PACKAGED = class_texts(MODELS.read_text(encoding="utf-8"))
TAUGHT = [
    (chapter.name, name, text)
    for chapter in chapters()
    for cell in chapter.codes
    if not cell.source.lstrip().startswith(("%", "!"))
    for name, text in class_texts(cell.source).items()
]


@pytest.mark.parametrize("name", PACKAGED)
def test_package_and_chapter_have_the_same_text(name):
    named = re.search(r"See: the chapters? ([\w/]+)", PACKAGED[name])
    assert named, f"recutils.models.{name} doesn't say which chapter derives it"
    taught = [text for chapter, known, text in TAUGHT if (chapter, known) == (named[1], name)]
    assert taught == [PACKAGED[name]], f"recutils.models.{name} differs from that of {named[1]}"
