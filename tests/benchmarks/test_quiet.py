"""benchmarks.quiet: a busy machine is noticed."""

import multiprocessing

import pytest

from benchmarks import quiet
from benchmarks.quiet import Probe

QUIET = [Probe(0.020, 1.0), Probe(0.0205, 1.01), Probe(0.0209, 1.0)]


def test_a_quiet_machine_has_no_complaints():
    assert quiet.complaints(QUIET, {"scann": 1.02}) == []


def test_each_check_complains_alone():
    (slower,) = quiet.complaints([*QUIET, Probe(0.0225, 1.0)], {})
    assert "12.5% longer" in slower
    (shared,) = quiet.complaints([*QUIET, Probe(0.02, 1.4)], {})
    assert shared.startswith("the fixed loop: wall time 1.40")
    (part,) = quiet.complaints(QUIET, {"scann": 1.02, "faiss_hnsw": 1.06})
    assert part.startswith("faiss_hnsw: wall time 1.06")


def test_the_limits_themselves_are_quiet():
    assert quiet.complaints([Probe(1.0, 1.05), Probe(1.0999, 1.0)], {"scann": 1.05}) == []


def test_the_loop_is_fixed_work():
    assert quiet.loop(1000) == quiet.loop(1000) != quiet.loop(999)


def test_spread_is_of_the_fastest():
    assert quiet.spread([2.0, 2.5, 2.2]) == pytest.approx(0.25)


def spin(stop) -> None:
    while not stop.is_set():
        quiet.loop(1000)


@pytest.mark.slow
def test_other_programs_on_all_cores_show():
    stop = multiprocessing.Event()
    others = [multiprocessing.Process(target=spin, args=(stop,)) for _ in range(quiet.cores())]
    for other in others:
        other.start()
    try:
        found = quiet.probe()
    finally:
        stop.set()
        for other in others:
            other.join()
    assert found.wall_over_cpu > quiet.WALL_OVER_CPU
