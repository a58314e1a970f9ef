"""A fair search: the same number of random draws for each arm of a comparison, on record."""

from __future__ import annotations

from recutils import _checks, _long_work, _spaces, records
from recutils._spaces import Settings, draw_settings
from recutils.experiments import Trial, Trials

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import comb

# How far a draw that is run again may differ, as a share of its curve's largest value.
_TOLERANCE = 0.02


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes:
      name: of the arm.
      settings: the best ones; with `epochs`, if the arm returned a curve.
      score: the best validation score, of the best epoch.
      draws: a row per draw: settings, score, epochs, CPU seconds; row 0: the published settings.
      better: "higher" or "lower".
      at_edge: settings whose best value lies at the edge of its space.

    See: the chapter basics/ranking.
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
        Your Work”); the published settings don't count.

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

    `make search` runs it and stores each draw in reports/records. A chapter reads the record, and
    says so if the arm's code or the data have changed since. Without a record, as on a reader's
    own data, it searches at once and shows a progress bar.

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
      bounded: settings whose space ends for a reason, so that a best value at the edge does not
        call for a wider one. 0 and values that are not numbers are never edges.

    Returns:
      `Search`: the chosen settings, and all draws.

    Raises:
      TypeError: an argument is of the wrong type.
      ValueError: an argument is out of range, published doesn't name the settings of space, a
        curve doesn't have one score per epoch, every draw ended without a finite score, or
        the record is damaged or has other settings than are drawn.

    See: the chapter basics/ranking.
    """
    planned = draw_settings(space, draws)
    worlds = _checks.integer("worlds", worlds, low=1)
    epochs = None if epochs is None else _checks.integer("epochs", epochs, low=1)
    _checks.choice("better", better, ("higher", "lower"))
    _long_work.check("arm", arm, trials)
    if published is not None and not isinstance(published, Mapping):
        raise TypeError(f"published must be a dict of settings, got {type(published).__name__}")
    if published is not None and set(published) != set(space):
        raise ValueError(f"published must name {sorted(space)}, got {[*published]}")
    is_list = isinstance(bounded, Sequence) and not isinstance(bounded, str)
    strange = [b for b in bounded if b not in (*space, "epochs")] if is_list else bounded
    if not is_list or strange:
        raise ValueError(f"bounded must be a list of settings of space, got {strange!r}")
    if epochs is not None and "epochs" in space:
        raise ValueError("epochs are read off the curve or searched: not both")
    if published is not None:
        planned.insert(0, {k: _spaces.plain(f"published[{k!r}]", published[k]) for k in space})
    summary = _Summary(name, space, better, epochs, first=0 if published is not None else 1)

    data = records.data_label(trials)
    key = records.key(records.code_so_far(), "search", name, trials)
    mode = records.mode()
    record = records.read("search", name, data) or {"key": key, "draws": []}
    done = record["draws"][: len(planned)]
    run = _Arm(arm, trials, worlds, epochs).run
    if record["key"] != key:
        if mode != "make" and all(draw["settings"].keys() == space.keys() for draw in done):
            records.note(f"{name}: the arm or the data have changed since; run `make search`")
            if mode == "check" and done:
                _compare_again(name, run, done)
            return summary.of(done, bounded)
        done = []
    _spaces.require_planned(name, done, planned)
    if mode == "check" and done:
        _compare_again(name, run, done)
    if mode != "make" and len(done) < len(planned):
        records.note(f"{name}: {len(planned) - len(done)} draws are not on record; searching")
    for settings in _long_work.progress(planned[len(done) :], name):
        done = [*done, run(settings)]
        if mode == "make":
            edges = {"at_edge": summary.edges_of(done)}
            records.write("search", name, trials, {"key": key, **edges, "draws": done})
    return summary.of(done, bounded)


def expected_best(scores: npt.ArrayLike, better: str = "higher") -> npt.NDArray[np.float64]:
    """The expected best of n of these scores, chosen without replacement, for each n.

    Args:
      scores: [num_draws] numbers; infinite where a run failed, which then counts like the worst
        of the others.
      better: "higher" or "lower".

    Returns:
      [num_draws] floats, for n = 1 to num_draws.

    Raises:
      TypeError: scores are not numbers.
      ValueError: there is no finite score, one is NaN, or better is out of range.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    sign = 1 if _checks.choice("better", better, ("higher", "lower")) == "higher" else -1
    signed = sign * _checks.floats("scores", scores, ndim=1, allow_infinite=True).astype(float)
    ended = np.isfinite(signed)
    if not ended.any():
        raise ValueError("scores must hold a finite number, got none")
    ranked = np.sort(np.where(ended, signed, signed[ended].min()))
    sizes = np.arange(1, ranked.size + 1)
    # The i-th smallest is the best of those subsets whose other members are all below it.
    chances = comb(sizes - 1, sizes[:, None] - 1) / comb(ranked.size, sizes)[:, None]
    return np.asarray(sign * chances @ ranked, np.float64)


def table(*searches: Search) -> pd.DataFrame:
    """The chosen settings of several arms, for a chapter to show.

    Args:
      *searches: from `search`.

    Returns:
      A row per arm: the settings in words, the validation score, the published settings' score
      (if any arm has some), the number of draws and what they cost in CPU seconds.

    Raises:
      TypeError: one of them is not a `Search`.
      ValueError: there is none.

    See: the chapter basics/ranking.
    """
    if not searches:
        raise ValueError("table needs at least one search, got none")
    for found in searches:
        if not isinstance(found, Search):
            raise TypeError(
                f"each of searches must come from recutils.search, got {type(found).__name__}"
            )
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
    return pd.DataFrame.from_dict(rows, orient="index").dropna(axis="columns", how="all")


class _Summary:
    """Turns stored draws into what a search found."""

    def __init__(
        self, name: str, space: Mapping[str, Any], better: str, epochs: int | None, first: int
    ) -> None:
        self._name, self._space, self._epochs, self._first = name, space, epochs, first
        self._better, self._sign = better, 1 if better == "higher" else -1

    def of(self, draws: list[dict[str, Any]], bounded: Sequence[str]) -> Search:
        rows = [self._row(draw) for draw in draws]
        best = max(rows, key=lambda row: self._sign * row["score"])
        if not np.isfinite(best["score"]):
            raise ValueError(f"{self._name}: no draw ended with a finite score")
        settings = {k: v for k, v in best.items() if k not in ("score", "cpu_seconds")}
        edges = [name for name in self.edges_of(draws) if name not in bounded]
        table = pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="draw") + self._first)
        return Search(self._name, settings, best["score"], table, self._better, edges)

    def edges_of(self, draws: list[dict[str, Any]]) -> list[str]:
        """Settings whose best value lies at the edge, bounded ones included."""
        best = max(map(self._row, draws), key=lambda row: self._sign * row["score"])
        edges = [
            name for name, values in self._space.items() if _spaces.at_edge(values, best[name])
        ]
        return edges + (["epochs"] if self._epochs and best["epochs"] == self._epochs else [])

    def _row(self, draw: dict[str, Any]) -> dict[str, Any]:
        """Settings, score and cost of one draw, at its best epoch."""
        scores = [-np.inf if s is None else self._sign * s for s in draw["curve"]]
        at = int(np.argmax(scores))
        epochs = {} if self._epochs is None else {"epochs": at + 1}
        cost = {"score": self._sign * float(scores[at]), "cpu_seconds": draw["cpu_seconds"]}
        return draw["settings"] | epochs | cost


class _Arm:
    """Runs an arm with given settings on the data that searches use."""

    def __init__(
        self, arm: Callable[..., Any], trials: Trials, worlds: int, epochs: int | None
    ) -> None:
        self._arm, self._trials, self._worlds, self._epochs = arm, trials, worlds, epochs

    @cached_property
    def _searched(self) -> list[Trial]:
        return self._trials.searched(self._worlds)

    def run(self, settings: Settings) -> dict[str, Any]:
        """What is stored of a draw: its settings, its curve and what it cost."""
        searched = self._searched
        started = time.process_time()
        more = {} if self._epochs is None else {"epochs": self._epochs}
        curves = [self._curve(self._arm(trial, **settings, **more)) for trial in searched]
        # Settings that fail in one world can't be chosen.
        curve = np.mean(curves, axis=0)
        return {
            "settings": settings,
            "curve": [round(float(s), 6) if np.isfinite(s) else None for s in curve],
            "cpu_seconds": round(time.process_time() - started, 2),
        }

    def _curve(self, returned: Any) -> npt.NDArray[np.float64]:
        curve = _checks.array("what the arm returns", returned)
        if curve.dtype.kind not in "fiu":
            raise TypeError(f"the arm must return numbers, got {type(returned).__name__}")
        if curve.shape not in ([(), (1,)] if self._epochs is None else [(self._epochs,)]):
            wanted = (
                "one score" if self._epochs is None else f"{self._epochs} scores, one per epoch"
            )
            raise ValueError(f"the arm must return {wanted}, got shape {curve.shape}")
        return np.atleast_1d(curve).astype(np.float64)


def _compare_again(
    name: str, run: Callable[[Settings], dict[str, Any]], done: list[dict[str, Any]]
) -> None:
    """Runs one stored draw again, picked at random.

    Raises:
      ValueError: its curve has another length, or differs by more than 2% of its largest value.
    """
    number = int(np.random.default_rng().integers(len(done)))
    before = np.array(done[number]["curve"], np.float64)
    now = np.array(run(done[number]["settings"])["curve"], np.float64)
    if len(now) != len(before):
        raise ValueError(
            f"{name}: draw {number}, run again, has {len(now)} scores and its record {len(before)}"
        )
    scale = max(np.nanmax(np.abs(before), initial=0), 1e-9)
    # If only one of them failed, they differ completely.
    apart = np.where(np.isnan(before) & np.isnan(now), 0, np.abs(now - before) / scale)
    worst = float(np.max(np.nan_to_num(apart, nan=np.inf)))
    if worst > _TOLERANCE:
        raise ValueError(f"{name}: draw {number}, run again, differs by {worst:.1%} of its record")
    records.note(f"{name}: draw {number}, run again, differs by {worst:.1%} at most")
