"""Is the machine quiet? A fixed loop on every core, timed before, between and after the parts.

    python -m benchmarks.quiet

prints the loop's seconds in this process, and its wall time divided by its CPU time. Where another
program wants the same core, the second is above 1; where a neighbour on the same hardware slows the
core down, the first grows.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# On a virtual machine with idle neighbours the loop alone moves by 5 to 10% within a minute.
LOOP_SPREAD = 0.10
# What the core's own speed may drift from part to part.
LOOP_DRIFT = 0.15
WALL_OVER_CPU = 1.05
REPEATS = 9


class Probe(NamedTuple):
    """What the fixed loop took, on the core where it was worst.

    Attributes:
      loop_s: seconds of one loop, the median of its repeats.
      wall_over_cpu: time on the clock divided by the processor's, over all repeats.
    """

    loop_s: float
    wall_over_cpu: float


def loop(steps: int = 400_000) -> int:
    """The fixed work: plain arithmetic, always the same."""
    value = 1
    for _ in range(steps):
        value = (value * 1_103_515_245 + 12_345) & 0x7FFFFFFF
    return value


def time_loop(repeats: int = REPEATS) -> Probe:
    """Times the loop in this process, after one that doesn't count."""
    loop()
    seconds = []
    cpu = time.process_time()
    for _ in range(repeats):
        start = time.perf_counter()
        loop()
        seconds.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    return Probe(statistics.median(seconds), sum(seconds) / cpu)


def cores() -> int:
    return len(os.sched_getaffinity(0))


def probe(processes: int | None = None) -> Probe:
    """Times the loop in so many processes at once: on all cores, so that a single busy one shows.

    The processes are new ones, since threads of this one would slow the loop down themselves.
    """
    command = [sys.executable, "-m", "benchmarks.quiet"]
    timed = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes or cores())]
    found = []
    for process in timed:
        printed, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"the fixed loop ended with code {process.returncode}")
        found.append(Probe(*json.loads(printed)))
    return Probe(max(p.loop_s for p in found), max(p.wall_over_cpu for p in found))


def spread(loops_s: Iterable[float]) -> float:
    """By how much the slowest loop exceeds the fastest, as a share of the fastest."""
    loops_s = list(loops_s)
    return max(loops_s) / min(loops_s) - 1


def complaints(
    probes: Iterable[Probe], ratios: Mapping[str, float], limit: float = LOOP_SPREAD
) -> list[str]:
    """What speaks against a quiet machine; empty if nothing does.

    Args:
      probes: what `probe` returned before, between and after the parts.
      ratios: the name of a single-threaded measurement -> wall time divided by CPU time.
      limit: by what share the slowest loop may exceed the fastest.

    Returns:
      A sentence for each check that failed.
    """
    probes = list(probes)
    found = []
    difference = spread(p.loop_s for p in probes)
    if difference > limit:
        found.append(
            f"the fixed loop took up to {difference:.1%} longer than at best, more than {limit:.0%}"
        )
    worst = max(p.wall_over_cpu for p in probes)
    for name, ratio in [("the fixed loop", worst), *ratios.items()]:
        if ratio > WALL_OVER_CPU:
            found.append(
                f"{name}: wall time {ratio:.2f} times the processor's, more than {WALL_OVER_CPU}"
            )
    return found


if __name__ == "__main__":
    print(json.dumps(time_loop()))
