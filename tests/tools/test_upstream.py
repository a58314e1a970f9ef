"""`make upstream`: the libraries' own tests on the pinned versions."""

import json

import pytest

from tools import upstream

RESULTS = """<testsuites><testsuite tests="5">
  <testcase name="test_good"/><testcase name="test_better"/>
  <testcase name="test_tpu"><skipped message="no TPU"/></testcase>
  <testcase name="test_wrong"><failure message="1 != 2"/></testcase>
  <testcase name="broken_test"><error message="cannot import"/></testcase>
</testsuite></testsuites>"""


def test_results_are_counted():
    assert upstream.count(RESULTS) == {
        "passed": 2,
        "skipped": 1,
        "failed": ["broken_test", "test_wrong"],
    }


def test_a_folder_without_tests_is_refused(tmp_path):
    (tmp_path / upstream.TFR).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"_test\.py below"):
        upstream.test_files(tmp_path, upstream.TFR)


def test_files_of_a_checkout_run_against_what_is_installed(tmp_path, monkeypatch, capsys):
    package = tmp_path / "checkout" / upstream.TFR
    package.mkdir(parents=True)
    # A package beside the tests that must not be imported in place of the installed one.
    (package / "__init__.py").write_text("raise ImportError('the checkout was imported')")
    (package / "small_test.py").write_text(
        "import tensorflow_ranking as tfr\n"
        "def test_there():\n    assert tfr.keras.losses\n"
        "def test_wrong():\n    assert not tfr.keras.losses\n"
    )
    monkeypatch.setattr(upstream, "REPORT", tmp_path / "reports" / "upstream.json")
    monkeypatch.setattr(upstream.importlib.util, "find_spec", lambda name: None)
    assert upstream.main(["--tfr", str(tmp_path / "checkout")]) == 1
    report = json.loads(upstream.REPORT.read_text())
    assert report["libraries"] == {
        "tensorflow_ranking": {"files": 1, "passed": 1, "skipped": 0, "failed": ["test_wrong"]}
    }
    assert "1 passed, 0 skipped, 1 failed test_wrong" in capsys.readouterr().out
