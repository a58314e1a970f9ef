"""A fair search: the same number of random draws for each arm of a comparison, on record."""

from __future__ import annotations

from recutils import _checks, records
from recutils.experiments import Trial, Trials

import numbers
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import comb
from tqdm import tqdm

Settings = dict[str, Any]
# Share of a distribution on either side that counts as its edge.
_EDGE = 0.025


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes:
      name: of the arm.
      settings: the best ones; with `epochs`, if the arm returned a curve.
      score: the best validation score, of the best epoch.
      draws: a row per draw: settings, score, epochs, CPU seconds; row 0 are the published settings.
      better: "higher" or "lower".
      at_edge: settings whose best value lies at the edge of its space.

    See: the chapter basics/retrieval.
    """

    name: str
    settings: Settings
    score: float
    draws: pd.DataFrame
    better: str
    at_edge: list[str]

    @property
    def cpu_seconds(self) -> float:
        """What all draws cost together, in CPU seconds."""
        return float(self.draws["cpu_seconds"].sum())

    def expected_best(self) -> npt.NDArray[np.float64]:
        """The expected best of n draws, for n from 1 to the number of random draws.

        The mean over all ways to choose n of them without replacement (Dodge et al. 2019, “Show
        Your Work”); the published settings stay outside.

        Returns:
          [num_draws] floats.
        """
        return expected_best(self.draws["score"].drop(0, errors="ignore"), self.better)


def search(
    name: str,
    arm: Callable[..., float | Sequence[float]],
    space: Mapping[str, Any],
    trials: Trials,
    *,
    draws: int = 20,
    published: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    better: str = "higher",
    worlds: int = 1,
    bounded: Sequence[str] = (),
) -> Search:
    """Searches an arm's settings, or reads what the search found when it was run.

    `make search` runs it and stores each draw in reports/records. A chapter reads the record, as
    long as the code of the arm and the data are the same; it says so if they are not. Without a
    record, on a reader's own data, it searches at once, behind a progress bar.

    Args:
      name: of the record, unique in the book, such as "retrieval/logQ"; written out in the call.
      arm: called with a trial and the settings by name, returns the validation score on
        `trial.test`, or with `epochs` a score for each epoch.
      space: setting -> a list of values, or a distribution of scipy.stats. Numbers are drawn with
        three significant digits.
      trials: of the comparison. The search uses other worlds, from seed 1001 on, or the ratings
        that are set aside; see `Trials.searched`.
      draws: number of random draws, the same for every arm of a comparison.
      published: settings of the paper or tutorial, tried before the draws; all of `space`.
      epochs: how long each run trains; the best epoch is read off its curve and costs nothing.
      better: "higher" or "lower".
      worlds: number of worlds over which the score of a draw is averaged.
      bounded: settings whose space ends for a reason, so that a best value at the edge is no
        reason to widen it. 0 and values that are not numbers are never edges.

    Returns:
      `Search`: the chosen settings, and all draws.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: an argument is out of range, published doesn't name the settings of space, a
        curve hasn't one score per epoch, or every draw ended without a finite score.

    See: the chapter basics/retrieval.
    """
    draws = _checks.integer("draws", draws, low=1)
    _checks.choice("better", better, ("higher", "lower"))
    if published is not None and set(published) != set(space):
        raise ValueError(f"published must name {sorted(space)}, got {sorted(published)}")
    planned = [dict(published)] if published is not None else []
    planned += draw_settings(space, draws)
    data = records.data_label(trials)
    key = records.source_key(records.code_so_far(), "search", name)
    record = records.read("search", name, data)
    mode = records.mode()
    if record is not None and record["key"] != key and mode != "make":
        records.note(f"{name}: the arm has changed since it was searched; run `make search`")
        done = record["draws"][: len(planned)]
    else:
        done = record["draws"] if record is not None and record["key"] == key else []
        arm_on_worlds = _Arm(arm, trials, worlds, epochs)
        if mode == "check" and done:
            _compare_again(name, arm_on_worlds, done)

        def store(all_draws: list[dict[str, Any]]) -> None:
            records.write("search", name, data, {"key": key, "draws": all_draws})

        store_now = store if mode == "make" else None
        done = _run_missing(name, arm_on_worlds, planned, done, store_now)
    first = 0 if published is not None else 1
    rows = [_row(draw, better, epochs is not None) for draw in done[: len(planned)]]
    best = (max if better == "higher" else min)(rows, key=lambda row: row["score"])
    if not np.isfinite(best["score"]):
        raise ValueError(f"{name}: no draw ended with a finite score")
    settings = {k: v for k, v in best.items() if k not in ("score", "cpu_seconds")}
    edges = [k for k in space if _at_edge(space[k], settings[k])]
    edges += ["epochs"] if epochs is not None and settings["epochs"] == epochs else []
    table = pd.DataFrame(rows, index=pd.RangeIndex(first, first + len(rows), name="draw"))
    at_edge = [k for k in edges if k not in bounded]
    return Search(name, settings, best["score"], table, better, at_edge)


def draw_settings(space: Mapping[str, Any], draws: int) -> list[Settings]:
    """Random settings; the first n are the same however many are drawn.

    Args:
      space: setting -> a list of values, or a distribution of scipy.stats.
      draws: how many.

    Returns:
      [draws] dicts of settings.

    Raises:
      TypeError: a setting is neither a list nor a distribution.
      ValueError: space or a list is empty.
    """
    if not space:
        raise ValueError("space must name at least one setting")
    for name, values in space.items():
        if isinstance(values, str) or not (hasattr(values, "rvs") or isinstance(values, Sequence)):
            raise TypeError(f"space[{name!r}] must be a list or a distribution, got {values!r}")
        if isinstance(values, Sequence) and not values:
            raise ValueError(f"space[{name!r}] must have at least one value")
    rng = np.random.default_rng(1001)
    return [{name: _draw(values, rng) for name, values in space.items()} for _ in range(draws)]


def expected_best(scores: npt.ArrayLike, better: str = "higher") -> npt.NDArray[np.float64]:
    """The expected best of n of these scores, chosen without replacement, for each n.

    Args:
      scores: [num_draws] numbers; infinite where a run failed.
      better: "higher" or "lower".

    Returns:
      [num_draws] floats, for n = 1 to num_draws.

    Raises:
      ValueError: there is no score.

    See: the chapter basics/retrieval.
    """
    sign = 1 if _checks.choice("better", better, ("higher", "lower")) == "higher" else -1
    ranked = np.sort(sign * _checks.floats("scores", scores, ndim=1, allow_infinite=True))
    sizes = np.arange(1, ranked.size + 1)
    # The i-th smallest is the best of those subsets whose other members are all below it.
    chances = comb(sizes - 1, sizes[:, None] - 1) / comb(ranked.size, sizes)[:, None]
    worst = np.min(ranked[np.isfinite(ranked)], initial=0)
    return np.asarray(sign * chances @ np.where(np.isfinite(ranked), ranked, worst), np.float64)


def table(*searches: Search) -> pd.DataFrame:
    """The chosen settings of several arms, for a chapter to show.

    Args:
      *searches: from `search`.

    Returns:
      A row per arm: the settings in words, the validation score, the published settings' score,
      the number of draws and what they cost in CPU seconds.

    See: the chapter basics/retrieval.
    """
    rows = {
        found.name.rpartition("/")[2]: {
            "chosen": ", ".join(f"{name} {value}" for name, value in found.settings.items()),
            "score": round(found.score, 4),
            "published": round(float(found.draws["score"].get(0, np.nan)), 4),
            "draws": len(found.draws.drop(0, errors="ignore")),
            "CPU s": round(found.cpu_seconds),
        }
        for found in searches
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def recorded(
    name: str, run: Callable[[Trial], Mapping[str, float]], trials: Trials, digits: int = 3
) -> pd.DataFrame:
    """Scores of trials that are too long for a chapter: read from a record, the first run again.

    `make search` runs what is missing and stores it. The chapter runs the first trial, compares,
    and prints whether the scores agree. Without a record it runs them all, behind a progress bar.

    Args:
      name: of the record, unique in the book; written out in the call.
      run: called with a trial, returns a score for each name.
      trials: of the comparison.
      digits: decimals to which the first trial must agree.

    Returns:
      A row per trial, a column per score.

    Raises:
      TypeError: a score is not a number.

    See: CONTRIBUTING.md, “Searches”.
    """
    data = records.data_label(trials)
    key = records.source_key(records.code_so_far(), "recorded", name)
    record = records.read("trials", name, data)
    mode = records.mode()
    stale = record is not None and record["key"] != key
    if stale and mode != "make":
        records.note(f"{name}: the code has changed since the trials ran; run `make search`")
    done: dict[str, dict[str, float]] = {}
    if record is not None and not (stale and mode == "make"):
        done = record["trials"]
    missing = [str(seed) for seed in trials.seeds if str(seed) not in done]
    first = str(trials.seeds[0])
    for trial in tqdm(trials, desc=name, leave=False, disable=not missing):
        seed = str(trial.seed)
        if seed in missing:
            done[seed] = {column: _number(name, score) for column, score in run(trial).items()}
            if mode == "make":
                records.write("trials", name, data, {"key": key, "trials": done})
        elif seed == first and mode != "make":
            again = run(trial)
            same = all(abs(again[c] - s) < 10.0**-digits for c, s in done[seed].items())
            words = f"the first of {len(trials)} recorded trials, run again, agrees to 1e-{digits}:"
            print(words, same)
        if not missing:
            break
    return pd.DataFrame([done[str(seed)] for seed in trials.seeds], index=trials.seeds)


class _Arm:
    """Runs an arm with given settings on the data that searches use."""

    def __init__(
        self, arm: Callable[..., Any], trials: Trials, worlds: int, epochs: int | None
    ) -> None:
        self._arm, self._trials, self._worlds, self._epochs = arm, trials, worlds, epochs
        self._searched: list[Trial] | None = None

    def run(self, settings: Settings) -> dict[str, Any]:
        if self._searched is None:
            self._searched = self._trials.searched(self._worlds)
        started = time.process_time()
        more = {} if self._epochs is None else {"epochs": self._epochs}
        curves = [np.atleast_1d(self._arm(t, **settings, **more)) for t in self._searched]
        expected = self._epochs or 1
        if any(curve.shape != (expected,) for curve in curves):
            raise ValueError(f"the arm must return {expected} score(s), got {curves[0].shape}")
        curve = np.mean(curves, axis=0)
        return {
            "settings": settings,
            "curve": [round(float(s), 6) if np.isfinite(s) else None for s in curve],
            "cpu_seconds": round(time.process_time() - started, 1),
        }


def _run_missing(
    name: str,
    arm: _Arm,
    planned: list[Settings],
    done: list[dict[str, Any]],
    store: Callable[[list[dict[str, Any]]], None] | None,
) -> list[dict[str, Any]]:
    done = list(done)
    missing = planned[len(done) :]
    if missing and store is None:
        records.note(f"{name}: {len(missing)} draws are not on record; searching")
    for settings in tqdm(missing, desc=name, leave=False, disable=not missing):
        done.append(arm.run(settings))
        if store is not None:
            store(done)
    return done


def _compare_again(name: str, arm: _Arm, done: list[dict[str, Any]]) -> None:
    """Runs one stored draw again.

    Raises:
      ValueError: its curve differs by more than 2%.
    """
    number = np.random.default_rng().integers(len(done))
    again = arm.run(done[number]["settings"])
    pairs = zip(done[number]["curve"], again["curve"], strict=True)
    worst = max((abs(a - b) / max(abs(a), 1e-9) for a, b in pairs if None not in (a, b)), default=0)
    records.note(f"{name}: draw {number} again, largest difference {worst:.2%}")
    if worst > 0.02:
        raise ValueError(f"{name}: draw {number} differs by {worst:.1%} from its record")


def _row(draw: dict[str, Any], better: str, has_epochs: bool) -> Settings:
    """Settings, score and cost of one draw, at its best epoch."""
    sign = 1 if better == "higher" else -1
    signed = np.array([-np.inf if score is None else sign * score for score in draw["curve"]])
    at = int(np.argmax(signed))
    epochs = {"epochs": at + 1} if has_epochs else {}
    cost = {"score": float(sign * signed[at]), "cpu_seconds": draw["cpu_seconds"]}
    return draw["settings"] | epochs | cost


def _draw(values: Any, rng: np.random.Generator) -> Any:
    if hasattr(values, "rvs"):
        value = values.rvs(random_state=rng)
        return int(value) if isinstance(value, numbers.Integral) else float(f"{value:.3g}")
    return values[rng.integers(len(values))]


def _at_edge(values: Any, chosen: Any) -> bool:
    if isinstance(chosen, bool) or not isinstance(chosen, numbers.Real) or chosen == 0:
        return False
    if hasattr(values, "cdf"):
        return not _EDGE < values.cdf(chosen) < 1 - _EDGE
    numeric = [v for v in values if isinstance(v, numbers.Real) and not isinstance(v, bool)]
    return len(numeric) > 1 and chosen in (min(numeric), max(numeric))


def _number(name: str, score: Any) -> float:
    if isinstance(score, bool) or not isinstance(score, numbers.Real):
        raise TypeError(f"{name}: a recorded score must be a number, got {score!r}")
    return round(float(score), 6)
