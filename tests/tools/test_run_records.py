"""`make execute` keeps how long a notebook of the book took."""

import json
import os

import notebooks
from nbformat.v4 import new_code_cell, new_notebook


def test_a_run_is_kept_with_its_notebook_s_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "BOOK", tmp_path / "book")
    monkeypatch.setattr(notebooks, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(notebooks.run_record, "__defaults__", (tmp_path / "runs",))
    notebook = new_notebook(cells=[new_code_cell("1 + 1")])
    notebooks.record_run(tmp_path / "book" / "part" / "chapter.ipynb", notebook, os.times())
    record = json.loads((tmp_path / "runs" / "part-chapter.json").read_text(encoding="utf-8"))
    assert record["fingerprint"] == notebooks.fingerprint(notebook)
    assert record["seconds"] >= 0
    assert record["cpu_seconds"] >= 0


def test_notebooks_elsewhere_leave_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "RUNS", tmp_path / "runs")
    notebooks.record_run(tmp_path / "copy.ipynb", new_notebook(), os.times())
    assert not (tmp_path / "runs").exists()
