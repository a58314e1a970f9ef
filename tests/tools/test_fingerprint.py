"""What a notebook's fingerprint takes in."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.chapter import Chapter


def fingerprint(*tags):
    cells = [new_code_cell("1", metadata={"tags": list(tags)})]
    return Chapter("toy", Path("toy.ipynb"), new_notebook(cells=cells)).fingerprint


@pytest.mark.parametrize("tag", ["hide-input", "atol-0.1", "rtol-0.1"])
def test_tags_that_change_no_run_are_not_in_it(tag):
    assert fingerprint(tag) == fingerprint()


def test_other_tags_are():
    assert fingerprint("nbval-ignore-output") != fingerprint()
