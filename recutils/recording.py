"""Trials that take too long for a chapter: recorded, with the first one run again as a check."""

from recutils import _checks, _long_work, records
from recutils.experiments import Trial, Trials

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd


def recorded(
    name: str, run: Callable[[Trial], Mapping[str, float]], trials: Trials, digits: int = 3
) -> pd.DataFrame:
    """Scores of trials that take too long for a chapter: read from a record, the first one rerun.

    `make search` runs what is missing and stores it. The chapter runs the first trial, compares,
    and prints whether the scores agree. Without a record it runs them all and shows a progress bar.

    Args:
      name: of the record, unique in the book; written out in the call.
      run: called with a trial, returns a score for each name.
      trials: of the comparison.
      digits: decimals to which the first trial must agree.

    Returns:
      A row per trial, a column per score.

    Raises:
      TypeError: run doesn't return a dict of numbers, or another argument is of the wrong type.
      ValueError: a score is not finite, trials differ in what they score, or the record is damaged.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    _long_work.check("run", run, trials)
    digits = _checks.integer("digits", digits, low=0, high=15)
    data = records.data_label(trials)
    key = records.key(records.code_so_far(), "recorded", name, trials)
    mode = records.mode()
    record = records.read("trials", name, data) or {"key": key, "trials": {}}
    done: dict[str, dict[str, float]] = record["trials"]
    if record["key"] != key:
        if mode == "make":
            done = {}
        else:
            records.note(f"{name}: the code or the data have changed since; run `make search`")
    fresh = record["key"] == key or not done
    missing = [seed for seed in trials.seeds if str(seed) not in done]
    if missing and mode != "make":
        records.note(f"{name}: {len(missing)} trials are not on record; running them")
    first = trials.seeds[0]
    if first not in missing and mode != "make":
        _run_first_again(name, run, trials, done[str(first)], digits)
    for trial in _long_work.progress(replace(trials, seeds=missing), name):
        scores = _scores(name, run(trial))
        before = next(iter(done.values()), scores)
        if fresh and scores.keys() != before.keys():
            raise ValueError(
                f"{name}: run must return the same scores in each trial, {[*before]}, "
                f"got {[*scores]} in trial {trial.seed}"
            )
        done = {**done, str(trial.seed): scores}
        if mode == "make":
            records.write("trials", name, trials, {"key": key, "trials": done})
    return pd.DataFrame([done[str(seed)] for seed in trials.seeds], index=list(trials.seeds))


def _run_first_again(
    name: str,
    run: Callable[[Trial], Mapping[str, float]],
    trials: Trials,
    before: Mapping[str, float],
    digits: int,
) -> None:
    now = _scores(name, run(next(iter(trials))))
    same = now.keys() == before.keys() and all(
        abs(now[column] - before[column]) < 10.0**-digits for column in before
    )
    words = f"the first of {len(trials)} recorded trials, run again, agrees to 1e-{digits}: {same}"
    print(words)
    if records.mode() == "check":
        records.note(f"{name}: {words}")
        if not same:
            raise ValueError(
                f"{name}: the first trial gives {dict(now)}, but {before} is on record"
            )


def _scores(name: str, returned: Any) -> dict[str, float]:
    """What a trial returned, rounded as it is stored."""
    is_dict = isinstance(returned, Mapping | pd.Series) and len(returned)
    if not is_dict or not all(isinstance(column, str) for column in returned.keys()):  # noqa: SIM118
        raise TypeError(
            f"{name}: run must return a dict with a score for each name, "
            f"got {reprlib.repr(returned)}"
        )
    return {column: _number(name, score) for column, score in returned.items()}


def _number(name: str, score: Any) -> float:
    if not _checks.is_number(score):
        raise TypeError(f"{name}: a recorded score must be a number, got {score!r}")
    if not np.isfinite(float(score)):
        raise ValueError(f"{name}: a recorded score must be finite, got {score}")
    return round(float(score), 6)
