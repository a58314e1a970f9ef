"""What a search finds, what it counts, and how long it takes."""

import ctypes
import gc
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import catalogue, quiet

# Seconds that one timing may take; at least two rounds are made, at most ROUNDS.
BUDGET_S = 0.4
ROUNDS = 5


class Setting(NamedTuple):
    """One way to search an index.

    Attributes:
      label: what a reader sees.
      knobs: the same as numbers, such as leaves and reordered.
      one: [dimension] float32 -> ids, on one thread.
      many: [num_queries, dimension] float32 and a number of threads -> [num_queries, k] ids.
      counts: after `many`, codes read and whole vectors scored, per query; None is unknown.
    """

    label: str
    knobs: dict[str, float]
    one: Callable[[np.ndarray], Any]
    many: Callable[[np.ndarray, int], np.ndarray]
    counts: Callable[[], tuple[float | None, float | None]]


class Task(NamedTuple):
    """Candidates, queries and the exact answers."""

    candidates: np.ndarray
    queries: np.ndarray
    ids: np.ndarray
    scores: np.ndarray


class Stopwatch:
    """Adds up wall and CPU time of what runs on one thread."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def run(self, work: Callable[[], object]) -> float:
        """Runs the work, and returns its seconds on the clock."""
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        wall = time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        self.wall += wall
        return wall

    @property
    def ratio(self) -> float:
        return self.wall / self.cpu if self.cpu else 1.0


def threads(number: int) -> AbstractContextManager[Any]:
    """Holds OpenMP and BLAS to so many threads."""
    import threadpoolctl

    return threadpoolctl.threadpool_limits(number)


def one_by_one(setting: Setting, queries: np.ndarray, watch: Stopwatch) -> float:
    """The median milliseconds of a query alone; the best round counts, others only disturb."""
    seconds = np.empty(len(queries))
    number = len(queries)

    def go() -> None:
        for row in range(number):
            start = time.perf_counter()
            setting.one(queries[row])
            seconds[row] = time.perf_counter() - start

    setting.one(queries[0])
    start = time.perf_counter()
    setting.one(queries[1])
    number = int(np.clip(BUDGET_S / 2 / (time.perf_counter() - start), 20, len(queries)))
    best, spent = np.inf, 0.0
    for round_ in range(ROUNDS):
        spent += watch.run(go)
        best = min(best, float(np.median(seconds[:number])))
        if round_ and spent > BUDGET_S:
            break
    return best * 1e3


def batched(
    setting: Setting, queries: np.ndarray, number: int, watch: Stopwatch | None = None
) -> float:
    """Milliseconds a query when all come in one call, on a number of threads; the best round."""
    best, spent = np.inf, 0.0
    watch = watch or Stopwatch()
    for round_ in range(ROUNDS):
        seconds = watch.run(lambda: setting.many(queries, number))
        best, spent = min(best, seconds), spent + seconds
        if (round_ and spent > BUDGET_S) or spent > 3 * BUDGET_S:
            break
    return best * 1e3 / len(queries)


def count(setting: Setting, task: Task, positions: np.ndarray | None = None) -> dict[str, Any]:
    """What a setting finds, and the work it counts; nothing here depends on the machine.

    Args:
      setting: how to search.
      task: what to search, and the exact answers.
      positions: [num_candidates] int, which candidate each id of the index is; None: the same.

    Returns:
      Label, knobs, recall by id and by score, codes read and whole vectors scored per query.
    """
    with threads(quiet.cores()):
        found = np.asarray(setting.many(task.queries, quiet.cores())).astype(int)
    codes, vectors = setting.counts()
    if positions is not None:
        found = np.where(found >= 0, positions[found], -1)
    by_score = catalogue.recall_by_score(task.scores, task.queries, task.candidates, found)
    return {
        "setting": setting.label,
        **setting.knobs,
        "recall": round(catalogue.recall_by_id(task.ids, found), 4),
        "recall_by_score": round(by_score, 4),
        "codes": None if codes is None else round(codes, 1),
        "vectors": None if vectors is None else round(vectors, 1),
    }


def measure(
    setting: Setting, task: Task, watch: Stopwatch, positions: np.ndarray | None = None
) -> dict[str, Any]:
    """What `count` says, and times: alone, in a batch on one thread, in one on all cores."""
    row = count(setting, task, positions)
    with threads(1):
        row["ms_one"] = round(one_by_one(setting, task.queries, watch), 5)
        row["ms_batch"] = round(batched(setting, task.queries, 1, watch), 5)
    with threads(quiet.cores()):
        row["ms_batch_all"] = round(batched(setting, task.queries, quiet.cores()), 5)
    return row


def constants(settings: Sequence[dict[str, Any]]) -> dict[str, float]:
    """A call, a code and a re-scored vector: what explains the times of single queries best.

    Args:
      settings: rows with "codes", "vectors" and "ms_one", at least four.

    Returns:
      "call_us", "code_ns", "vector_ns"; "worst", the largest relative error of an explained time.
    """
    if len(settings) < 4:
        raise ValueError(f"three constants need at least four settings, got {len(settings)}")
    used = np.array([[1, row["codes"], row["vectors"]] for row in settings])
    nanoseconds = 1e6 * np.array([row["ms_one"] for row in settings])
    # Divided by the times: a relative error counts alike in a fast and in a slow setting.
    fitted = np.linalg.lstsq(used / nanoseconds[:, None], np.ones(len(used)), rcond=None)[0]
    worst = np.abs(used @ fitted / nanoseconds - 1).max()
    call, code, vector = (float(value) for value in fitted)
    return {
        "call_us": round(call / 1e3, 2),
        "code_ns": round(code, 4),
        "vector_ns": round(vector, 2),
        "worst": round(float(worst), 4),
    }


def memory_mb() -> float:
    """What the process holds itself, mapped files apart, in MB; Linux only."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1000
