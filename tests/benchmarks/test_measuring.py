"""benchmarks.measuring: constants are found again, and counts are what a setting says."""

import numpy as np
import pytest

from benchmarks import measuring
from benchmarks.measuring import Setting, Stopwatch, Task


def rows(call_us: float, code_ns: float, vector_ns: float) -> list[dict[str, float]]:
    pairs = [(codes, vectors) for codes in (4e3, 9e3, 2e4) for vectors in (50, 100, 300)]
    return [
        {"codes": c, "vectors": v, "ms_one": (1e3 * call_us + code_ns * c + vector_ns * v) / 1e6}
        for c, v in pairs
    ]


def test_constants_are_found_again():
    found = measuring.constants(rows(7.8, 0.67, 68))
    assert found == {"call_us": 7.8, "code_ns": 0.67, "vector_ns": 68.0, "worst": 0.0}


def test_the_worst_error_is_a_share_of_the_time():
    disturbed = rows(7.8, 0.67, 68)
    disturbed[4]["ms_one"] *= 1.5
    assert 0.2 < measuring.constants(disturbed)["worst"] < 0.5


def test_constants_need_settings():
    with pytest.raises(ValueError, match="at least four settings, got 3"):
        measuring.constants(rows(1, 1, 1)[:3])


@pytest.fixture
def task() -> Task:
    candidates = np.arange(12, dtype=np.float32)[:, None]
    queries = np.ones((30, 1), np.float32)
    ids = np.tile([11, 10], (30, 1))
    return Task(candidates, queries, ids, ids.astype(np.float32))


def finds(ids: list[int]) -> Setting:
    return Setting(
        "two",
        {"ef": 2},
        lambda query: ids,
        lambda block, on: np.tile(ids, (len(block), 1)),
        lambda: (3.0, None),
    )


def test_positions_lead_back_to_the_candidates(task):
    assert measuring.count(finds([11, 9]), task)["recall"] == 0.5
    assert measuring.count(finds([0, 1]), task, positions=np.arange(12)[::-1])["recall"] == 1
    row = measuring.count(finds([0, -1]), task, positions=np.arange(12)[::-1])
    assert row == {
        "setting": "two",
        "ef": 2,
        "recall": 0.5,
        "recall_by_score": 0.5,
        "codes": 3.0,
        "vectors": None,
    }


def test_measuring_adds_times_and_watches_them(task):
    watch = Stopwatch()
    row = measuring.measure(finds([11, 10]), task, watch)
    assert all(row[key] > 0 for key in ("ms_one", "ms_batch", "ms_batch_all"))
    assert watch.wall > 0


def test_a_stopwatch_divides_the_clock_s_time_by_the_processor_s():
    watch = Stopwatch()
    assert watch.ratio == 1
    watch.wall, watch.cpu = 3.0, 2.0
    assert watch.ratio == 1.5
