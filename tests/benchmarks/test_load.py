"""The benchmark of the service: what it says of several rounds."""

import pytest

pytest.importorskip("ray")
from benchmarks import load


def row(p99, undelivered=0):
    times = {"answers_per_second": 1000 / p99, "p50_ms": p99 / 4, "p99_ms": p99, "mean_batch": 1.0}
    counts = {"ids": 500, "undelivered": undelivered, "twice": 0}
    return {"index": "exact", "batch": 1, "load": 0.7} | counts | times


def test_one_disturbed_round_moves_the_range_and_not_the_median():
    whole = load.together([row(40.0), row(44.0), row(2000.0)])
    assert (whole["p99_ms"], whole["p50_ms"]) == (44, 11)
    assert whole["p99_ms_range"] == [40, 2000]
    assert whole["answers_per_second_range"] == [0.5, 25]


def test_an_id_that_one_round_lost_is_not_averaged_away():
    whole = load.together([row(40.0), row(40.0, undelivered=1), row(40.0)])
    assert (whole["ids"], whole["undelivered"], whole["twice"]) == (1500, 1, 0)
