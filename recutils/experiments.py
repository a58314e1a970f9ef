"""Trials: the same comparison in several worlds, or on several splits of real ratings."""

from __future__ import annotations

from recutils import _checks, conclusions
from recutils.datasets import split as split_ratings
from recutils.loading import load_movies
from recutils.movies import Movies
from recutils.synthetic import movies as synthetic_movies

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

_FIRST_OF_SEARCHES = 1_001
_SIZES = ("num_users", "num_movies", "num_ratings")


@dataclass(frozen=True)
class Trial:
    """One trial: its data, split, and the seed of everything else that is random in it.

    Attributes:
      movies: people, films, ratings (train and test together) and, in a world, the truth.
      train: ratings to learn from.
      test: ratings to be judged by.
      seen: ratings whose films are left out of a person's list: train, and on real ratings also
        those that are set aside for searches; in a search, all that are not.
      seed: for `recutils.set_seed`, before a model is built.

    See: the chapter basics/ranking.
    """

    movies: Movies
    train: pd.DataFrame
    test: pd.DataFrame
    seen: pd.DataFrame
    seed: int


@dataclass(frozen=True)
class Trials:
    """Several trials of one comparison; iterate over it for each `Trial`.

    Made by `recutils.trials`. Each pass draws the same trials again, one at a time, so that only
    one world is in memory.

    Attributes:
      seeds: one per trial.
      split: "random", "user" or "time".
      test_fraction: share of the rows or people in test.
      test_to_train: size of the test set divided by that of the training set.
      world: sizes and dials of the synthetic films.
      real: whether the ratings are those in RECUTILS_DATA.

    See: the chapter basics/ranking.
    """

    seeds: Sequence[int]
    split: str
    test_fraction: float
    test_to_train: float
    world: Mapping[str, float | None]
    real: bool

    def __len__(self) -> int:
        return len(self.seeds)

    def __iter__(self) -> Iterator[Trial]:
        for seed in self.seeds:
            yield self._real_trial(seed) if self.real else self._trial_in_a_world(seed)

    def __str__(self) -> str:
        if not self.real:
            asked = ", ".join(f"{name}={value}" for name, value in self.world.items())
            return f"{len(self)} worlds of their own" + (f" ({asked})" if asked else "")
        text = f"{len(self)} splits of the real ratings"
        if self.split == "time":
            text = f"one split of the real ratings in time, {len(self)} initialisations"
        sizes = ", ".join(self.world)
        return text + (f"; {sizes}: as the data has it" if sizes else "")

    def searched(self, num_trials: int = 1) -> list[Trial]:
        """The data to choose settings on, which no claim uses.

        Args:
          num_trials: number of worlds, from seed 1001 on. Real ratings have one such trial. Its
            test set is a fifth of the ratings (with split "user" or "time", where trials ask
            about new people: all ratings of a fifth of the people), and no other trial contains
            it. The other trials split the rest. From that rest its training set is chosen in
            the same way as theirs, and has their size, because the best settings depend on how
            many ratings there are.

        Returns:
          The trials.

        Raises:
          TypeError, ValueError: num_trials is not an int of at least 1.
        """
        num_trials = _checks.integer("num_trials", num_trials, low=1)
        if self.real:
            movies, rest, aside = _real(self.split)
            train, left_out = split_ratings(
                rest, self.split, self.test_fraction, _FIRST_OF_SEARCHES
            )
            movies = replace(movies, ratings=movies.ratings.drop(left_out.index))
            return [Trial(movies, train, aside, rest, _FIRST_OF_SEARCHES)]
        return list(replace(self, seeds=range(_FIRST_OF_SEARCHES, _FIRST_OF_SEARCHES + num_trials)))

    def conclude(
        self,
        claim: str,
        ours: Sequence[float | pd.Series] | pd.Series,
        theirs: Sequence[float | pd.Series] | pd.Series,
        *,
        better: str | None = None,
        margin: float | None = None,
        main_of: int | None = None,
        digits: int = 3,
    ) -> None:
        """Closes an argument: prints the paired difference, its interval and the verdict.

        Worlds are independent, so the interval is Student's. Splits of one data set share most of
        their ratings, so their variance is corrected as Nadeau and Bengio do, by a factor of 1/n +
        test/train instead of 1/n. With one split of real ratings in time, trials differ only in
        their initialisation, so each person's score is averaged over the trials, and people are
        resampled.

        Args:
          claim: one line, the same on every data set; it names what is averaged.
          ours: [num_trials] scores, or for each trial a Series of scores by user id, whose mean
            counts; a split in time of real ratings needs Series.
          theirs: the same for the other side. What is printed and judged is the difference: "at
            least half as much again" is `1.5 * theirs`.
          better: "higher" (the default) or "lower".
          margin: makes it a claim of equivalence, which holds if the whole interval is within
            ± margin and is reversed if the whole interval is outside. Not together with `better`.
          main_of: number of main claims of the chapter, if this is one of them: together they hold
            at 95%, so each of their intervals is wider.
          digits: decimals to print; more if rounding would hide the verdict.

        Raises:
          TypeError: claim is not text, scores or margin are not numbers.
          ValueError: the number of scores is not the number of trials, a score is not finite,
            people differ between the sides, or another argument is out of range.

        See: the chapter basics/ranking.
        """
        sides = [_scores(name, s, len(self)) for name, s in (("ours", ours), ("theirs", theirs))]
        _check_same_people(*sides)
        confidence = conclusions.confidence_of(main_of)
        if self.real and self.split == "time":
            left, right = _by_person("ours", sides[0]), _by_person("theirs", sides[1])
            interval = conclusions.bootstrap_interval(left, right, confidence)
            basis = [f"1 split, {len(left)} people resampled"]
        else:
            means = [[float(np.mean(score)) for score in side] for side in sides]
            ratio = self.test_to_train if self.real else 0.0
            interval = conclusions.paired_interval(means[0], means[1], confidence, ratio)
            basis = [f"{len(self)} splits, corrected" if self.real else f"{len(self)} worlds"]
        conclusions.print_conclusion(
            claim, interval, basis, better=better, margin=margin, main=bool(main_of), digits=digits
        )

    def _trial_in_a_world(self, seed: int) -> Trial:
        movies = synthetic_movies(**self.world, seed=seed)  # type: ignore[arg-type]
        train, test = split_ratings(movies.ratings, self.split, self.test_fraction, seed)
        return Trial(movies, train, test, train, seed)

    def _real_trial(self, seed: int) -> Trial:
        movies, rest, aside = _real(self.split)
        train, test = split_ratings(rest, self.split, self.test_fraction, seed)
        return Trial(replace(movies, ratings=rest), train, test, pd.concat([train, aside]), seed)


def trials(
    num_trials: int = 5,
    *,
    split: str = "random",
    test_fraction: float = 0.2,
    test_to_train: float | None = None,
    first_seed: int = 1,
    **world: float | None,
) -> Trials:
    """Draws the trials of a comparison.

    On synthetic films each trial is a new world: people, films, ratings, truth and split. With
    RECUTILS_DATA it is a new split of those ratings, a fifth of which is set aside for searches;
    the sizes are then those of the data.

    Args:
      num_trials: how many; at least 2 for a conclusion, 1 for a first look.
      split: "random", "user" or "time", as `recutils.datasets.split` has them.
      test_fraction: share of the rows (with "user": of the people) in test.
      test_to_train: size of the test set divided by that of the training set, if the chapter splits
        the ratings itself; None: as `test_fraction` says.
      first_seed: seed of the first trial; the others follow. 1 to 99 are for trials, 1001 and
        above for searches.
      **world: sizes and dials of `recutils.synthetic.movies`.

    Returns:
      `Trials`: iterate over it, then `conclude`.

    Raises:
      TypeError: an argument is of the wrong type, or `world` names no argument of the generator.
      ValueError: an argument is out of range, or dials are given for real ratings, which have none.

    See: the chapter basics/ranking.
    """
    num_trials = _checks.integer("num_trials", num_trials, low=1)
    _checks.choice("split", split, ("random", "user", "time"))
    fraction = _checks.number("test_fraction", test_fraction, low=0, strict=True)
    if fraction >= 1:
        raise ValueError(f"test_fraction must be below 1, got {test_fraction}")
    if test_to_train is not None:
        test_to_train = _checks.number("test_to_train", test_to_train, low=0, strict=True)
    first_seed = _checks.integer("first_seed", first_seed, low=0)
    known = _generator_arguments()
    if strange := sorted(set(world) - set(known)):
        raise TypeError(
            f"trials takes sizes and dials of the world, {', '.join(known)}; got {strange}"
        )
    real = bool(os.environ.get("RECUTILS_DATA"))
    dials = [f"{name}={value}" for name, value in world.items() if name not in _SIZES]
    if real and dials:
        raise ValueError(
            f"real ratings have no dials, got {', '.join(dials)}: "
            "only the synthetic films have them"
        )
    seeds = range(first_seed, first_seed + num_trials)
    ratio = test_to_train or fraction / (1 - fraction)
    return Trials(seeds, split, fraction, ratio, world, real)


def _generator_arguments() -> list[str]:
    return [name for name in inspect.signature(synthetic_movies).parameters if name != "seed"]


def _real(split: str) -> tuple[Movies, pd.DataFrame, pd.DataFrame]:
    """The folder in RECUTILS_DATA: everything, what is left for trials, and what for searches."""
    movies = _load_folder(os.environ["RECUTILS_DATA"])
    by = "random" if split == "random" else "user"
    return movies, *split_ratings(movies.ratings, by, 0.2, _FIRST_OF_SEARCHES)


@lru_cache(maxsize=1)
def _load_folder(folder: str) -> Movies:
    del folder  # The key of the cache; `load_movies` reads it from the environment.
    return load_movies()


def _scores(
    name: str, side: Sequence[float | pd.Series] | pd.Series, num_trials: int
) -> list[float | pd.Series]:
    is_list = isinstance(side, Sequence | pd.Series) and not isinstance(side, str)
    if not is_list and not (isinstance(side, np.ndarray) and side.ndim):
        raise TypeError(f"{name} must be a list of scores, got {type(side).__name__}")
    scores = list(side)
    if len(scores) != num_trials:
        raise ValueError(
            f"{name} must have a score for each of the {num_trials} trials, got {len(scores)}"
        )
    for number, score in enumerate(scores):
        if not isinstance(score, pd.Series) and np.ndim(score):
            raise TypeError(f"{name}[{number}] must be a number or a Series by user_id")
        _checks.floats(f"{name}[{number}]", np.atleast_1d(score), ndim=1)
    return scores


def _check_same_people(ours: list[float | pd.Series], theirs: list[float | pd.Series]) -> None:
    """In each trial, both sides must have exactly one score for each of the same people."""
    for number, pair in enumerate(zip(ours, theirs, strict=True)):
        people = [score.index for score in pair if isinstance(score, pd.Series)]
        if not all(index.is_unique for index in people):
            raise ValueError(f"a person has more than one score in trial {number}")
        if len(people) == 2 and not people[0].sort_values().equals(people[1].sort_values()):
            raise ValueError(
                f"ours and theirs must have scores for the same people in trial {number}"
            )


def _by_person(name: str, side: list[float | pd.Series]) -> pd.Series:
    """Each person's mean score over the trials, in order of ids."""
    series = [score for score in side if isinstance(score, pd.Series)]
    if len(series) < len(side):
        raise TypeError(
            f"{name} must hold a Series of scores by user_id for each trial: after a split in time "
            "of real ratings, people are resampled"
        )
    table = pd.concat(series, axis=1)
    if table.isna().to_numpy().any():
        raise ValueError(f"{name} must have a score for every person in every trial")
    return table.mean(axis=1).sort_index()
