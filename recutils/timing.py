"""How long does it take? A measurement that can be repeated."""

from recutils import _checks

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Timing(NamedTuple):
    """What `measure` measured; prints itself as "1.23 ms (1.20 to 1.31)".

    Attributes:
      median: seconds per call.
      low: seconds of the call at the first quartile.
      high: seconds of the call at the third quartile.
    """

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        unit, scale = next(
            (unit, scale)
            for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
            if self.median * scale >= 1 or unit == "µs"
        )
        median, low, high = (f"{seconds * scale:.3g}" for seconds in self)
        return f"{median} {unit} ({low} to {high})"


def measure(fn: Callable[[], object], repeats: int = 7, warmup: int = 1) -> Timing:
    """Times a call: median and quartiles of the wall time, after calls that don't count.

    The median, because other processes only ever make a call slower; the warm-up, because the first
    call of a `tf.function` traces it.

    Args:
      fn: a function without arguments; its result is dropped, so it has to wait for that itself.
      repeats: how many calls to time.
      warmup: how many calls to make first.

    Returns:
      The timing, in seconds.

    Raises:
      TypeError: fn can't be called, or a number is not an int.
      ValueError: repeats < 1 or warmup < 0.

    See: the chapter serving/approximate_search.
    """
    if not callable(fn):
        raise TypeError(f"fn must be a function without arguments, got {type(fn).__name__}")
    repeats = _checks.integer("repeats", repeats, low=1)
    for _ in range(_checks.integer("warmup", warmup, low=0)):
        fn()
    seconds = np.empty(repeats)
    for i in range(repeats):
        start = time.perf_counter()
        fn()
        seconds[i] = time.perf_counter() - start
    low, median, high = np.quantile(seconds, [0.25, 0.5, 0.75])
    return Timing(float(median), float(low), float(high))
