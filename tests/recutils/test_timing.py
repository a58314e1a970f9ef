"""The measurement itself, with a clock that the test turns."""

from recutils import timing

import pytest


def test_takes_quartiles_after_the_warm_up(monkeypatch):
    clock = {"now": 0.0, "calls": 0}
    durations = [100.0, 100.0, 1.0, 2.0, 3.0, 4.0, 50.0]

    def fn():
        clock["now"] += durations[clock["calls"]]
        clock["calls"] += 1

    monkeypatch.setattr("time.perf_counter", lambda: clock["now"])
    assert timing.measure(fn, repeats=5, warmup=2) == (3.0, 2.0, 4.0)
    assert clock["calls"] == 7


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ((2.0, 1.5, 12.34), "2 s (1.5 to 12.3)"),
        ((1.0, 0.5, 1.0), "1 s (0.5 to 1)"),
        ((0.001234, 0.0012, 0.0013), "1.23 ms (1.2 to 1.3)"),
        ((0.0000056, 0.000005, 0.000006), "5.6 µs (5 to 6)"),
        ((0.0000000056, 0.0, 0.000006), "0.0056 µs (0 to 6)"),
    ],
)
def test_prints_in_a_unit_that_fits(seconds, text):
    assert str(timing.Timing(*seconds)) == text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((5,), TypeError, "fn must be a function without arguments, got int"),
        ((print, 0), ValueError, "repeats must be at least 1, got 0"),
        ((print, 1.0), TypeError, "repeats must be an int, got float"),
        ((print, 1, -1), ValueError, "warmup must be at least 0, got -1"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        timing.measure(*arguments)
