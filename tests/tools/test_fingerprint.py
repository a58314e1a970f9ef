"""What a notebook's fingerprint takes in."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools.chapter import Chapter


def fingerprint(*tags, printed="2"):
    output = new_output("stream", name="stdout", text=printed)
    cells = [new_code_cell("print(2)", metadata={"tags": list(tags)}, outputs=[output])]
    return Chapter("toy", Path("toy.ipynb"), new_notebook(cells=cells)).fingerprint


@pytest.mark.parametrize("tag", ["hide-input", "atol-0.1", "rtol-0.1"])
def test_tags_that_change_no_run_are_not_in_it(tag):
    assert fingerprint(tag) == fingerprint()


def test_other_tags_are():
    assert fingerprint("nbval-ignore-output") != fingerprint()


def test_an_output_that_is_compared_is():
    assert fingerprint(printed="3") != fingerprint()


def test_an_output_that_nothing_compares_is_not():
    tag = "nbval-ignore-output"
    assert fingerprint(tag, printed="3") == fingerprint(tag)
