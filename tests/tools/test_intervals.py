"""95% intervals cover the truth about 95% of the time: counted, and on record."""

from recutils import experiments, records

import json

import numpy as np
import pytest

from tools import intervals

REPORT = json.loads(intervals.REPORT.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def no_real_data(monkeypatch):
    monkeypatch.delenv("RECUTILS_DATA", raising=False)


def test_the_record_belongs_to_these_worlds():
    worlds = experiments.trials(intervals.TRIALS, **intervals.WORLD)
    assert REPORT["fingerprint"] == records.fingerprint(worlds), "make intervals"
    assert REPORT["world"] == intervals.WORLD


def test_the_record_of_worlds():
    worlds = REPORT["worlds"]
    assert worlds["times"] == 2_000
    assert 0.935 <= worlds["covered"] / worlds["times"] <= 0.965


def test_the_record_of_splits():
    splits = REPORT["splits"]
    assert splits["times"] >= 1_000
    assert splits["covered"] / splits["times"] >= 0.9
    assert splits["covered without correction"] < splits["covered"]


@pytest.mark.slow
def test_a_tenth_of_the_worlds_again():
    differences = intervals.differences_over_worlds(200)
    assert 183 <= intervals.coverage(differences, REPORT["worlds"]["mean"]) <= 197


@pytest.mark.slow
def test_a_tenth_of_the_splits_again():
    differences = intervals.differences_over_splits(100)
    corrected = intervals.coverage(differences, REPORT["splits"]["mean"], 0.25)
    assert corrected >= 90
    assert corrected > intervals.coverage(differences, REPORT["splits"]["mean"])


def test_intervals_are_counted():
    """By hand: mean 1, half width 4.30 · 1 / √3 = 2.48."""
    rows = np.array([[0.0, 1.0, 2.0]] * 3)
    assert intervals.coverage(rows, 3.4) == 3
    assert intervals.coverage(rows, 3.5) == 0
    assert intervals.coverage(rows, 3.5, test_to_train=0.25) == 3
