"""`make execute` keeps how long a notebook of the book took."""

import json
import os

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools import notebooks, reports
from tools.chapter import Chapter


@pytest.fixture(autouse=True)
def _another_book(tmp_path, monkeypatch):
    monkeypatch.setattr(reports, "BOOK", tmp_path / "book")
    monkeypatch.setattr(notebooks, "RUNS", tmp_path / "runs")


def test_a_run_is_kept_with_its_notebook_s_fingerprint(tmp_path):
    path = tmp_path / "book" / "part" / "chapter.ipynb"
    chapter = Chapter("part/chapter", path, new_notebook(cells=[new_code_cell("1 + 1")]))
    notebooks.record_run(chapter, os.times())
    record = json.loads((tmp_path / "runs" / "part-chapter.json").read_text(encoding="utf-8"))
    assert record["fingerprint"] == chapter.fingerprint
    assert record["seconds"] >= 0
    assert record["cpu_seconds"] >= 0


def test_notebooks_elsewhere_leave_no_record(tmp_path):
    chapter = Chapter("copy", tmp_path / "copy.ipynb", new_notebook())
    notebooks.record_run(chapter, os.times())
    assert not (tmp_path / "runs").exists()
