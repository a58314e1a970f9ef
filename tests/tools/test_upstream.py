"""`make upstream`: the libraries' own tests on the pinned versions."""

import json

import pytest

from tools import upstream

RESULTS = """<testsuites><testsuite tests="5">
  <testcase name="test_good"/><testcase name="test_better"/>
  <testcase name="test_tpu"><skipped message="no TPU"/></testcase>
  <testcase classname="01_losses_test.LossesTest" name="test_wrong">
    <failure message="1 != 2"/></testcase>
  <testcase name="broken_test"><error message="no attribute 'CalibratedSoftmaxLoss'"/></testcase>
</testsuite></testsuites>"""


def test_results_are_counted():
    assert upstream.count(RESULTS) == {
        "passed": 2,
        "skipped": 1,
        "failed": {
            "broken_test": "tests what came after TF-Ranking 0.5.3",
            "losses_test.LossesTest.test_wrong": "",
        },
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
        "def test_flags():\n    from absl import flags\n    assert flags.FLAGS.is_parsed()\n"
        "def test_old():\n    raise AttributeError('no attribute: estimator')\n"
    )
    monkeypatch.setattr(upstream, "REPORT", tmp_path / "reports" / "upstream.json")
    monkeypatch.setattr(upstream.importlib.util, "find_spec", lambda name: None)
    assert upstream.main(["--tfr", str(tmp_path / "checkout")]) == 1
    report = json.loads(upstream.REPORT.read_text())
    reason = "needs TensorFlow's Estimator, which TensorFlow 2.16 removed"
    assert report["libraries"] == {
        "tensorflow_ranking": {
            "date": report["date"],
            "files": 1,
            "passed": 2,
            "skipped": 0,
            "failed": {"small_test.test_old": reason, "small_test.test_wrong": ""},
        }
    }
    said = capsys.readouterr().out
    assert "2 passed, 0 skipped, 2 failed" in said
    assert "small_test.test_wrong: no reason is known" in said
