"""Do 95% intervals cover the truth 95% of the time? Counts, for both kinds of trials.

    python -m tools.intervals

Two cheap methods (film means, and biases of people and films) predict stars in very small worlds;
the estimate is the difference of their RMSE.

Worlds: 2,000 times, five worlds are drawn. How often does the interval of `Trials.conclude` cover
the mean difference over all 10,000 worlds?

Splits: the truth of one world is fixed. 1,000 times, choices and stars are drawn from it, and these
ratings are split five times, like a reader's own. How often does the interval cover the mean
over all draws? Nadeau and Bengio's correction is counted beside the plain interval of Student.

reports/coverage.json keeps the counts; tests/tools/test_intervals.py repeats a tenth of them.
"""

from recutils import baselines, conclusions, datasets, experiments, records, synthetic

import json
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from tools import reports

REPORT = reports.REPORTS / "coverage.json"
WORLD: dict[str, Any] = {"num_users": 40, "num_movies": 120, "num_ratings": 600}
TRIALS = 5
FIRST_SEED = 100_001


def difference(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """RMSE of film means minus RMSE of biases, in stars.

    Args:
      train: ratings to fit on.
      test: ratings to predict.

    Returns:
      Above 0 where biases are better.
    """
    films = pd.unique(pd.concat([train["movie_id"], test["movie_id"]]))
    means = baselines.film_means(train, films, shrink=3)[test["movie_id"]].to_numpy()
    biases = baselines.ridge_biases(train).predict(test["user_id"], test["movie_id"])
    stars = test["user_rating"].to_numpy()
    return float(_rmse(stars - means) - _rmse(stars - biases))


def differences_over_worlds(times: int) -> np.ndarray:
    """Five worlds, many times.

    Args:
      times: how often.

    Returns:
      [times, 5] differences.
    """
    worlds = experiments.trials(times * TRIALS, first_seed=FIRST_SEED, **WORLD)
    found = [difference(trial.train, trial.test) for trial in tqdm(worlds, leave=False)]
    return np.reshape(found, (times, TRIALS))


def differences_over_splits(times: int) -> np.ndarray:
    """Choices and stars drawn from one truth, many times, and split five times each.

    Args:
      times: how often.

    Returns:
      [times, 5] differences.
    """
    world = synthetic.movies(**WORLD, seed=FIRST_SEED)
    truth = world.truth
    assert truth is not None
    people = truth.user_ids.get_indexer(pd.Index(world.ratings["user_id"]))
    seconds = world.ratings["timestamp"].to_numpy()
    order = np.lexsort([seconds, people])
    people, seconds = people[order], seconds[order]
    everyone, counts = np.unique(people, return_counts=True)
    found = []
    for seed in tqdm(range(times), leave=False):
        random = np.random.default_rng(FIRST_SEED + seed)
        films = synthetic.choose_films(random, truth, everyone, counts, seconds)
        user_ids, movie_ids = truth.user_ids[people], truth.movie_ids[films]
        stars = synthetic.rate(random, truth, truth.latent_score(user_ids, movie_ids))
        ratings = pd.DataFrame(
            {"user_id": user_ids, "movie_id": movie_ids, "user_rating": stars}, dtype=object
        ).astype({"user_rating": np.float32})
        splits = [datasets.split(ratings, seed=FIRST_SEED + split) for split in range(TRIALS)]
        found.append([difference(train, test) for train, test in splits])
    return np.array(found)


def coverage(differences: np.ndarray, target: float, test_to_train: float = 0.0) -> int:
    """How many intervals cover the truth.

    Args:
      differences: [times, 5].
      target: the true mean.
      test_to_train: of `recutils.conclusions.paired_interval`.

    Returns:
      Their number.
    """
    zeros = np.zeros(differences.shape[1])
    intervals = [
        conclusions.paired_interval(row, zeros, test_to_train=test_to_train) for row in differences
    ]
    return int(sum(interval.low <= target <= interval.high for interval in intervals))


def measure(times_worlds: int = 2_000, times_splits: int = 1_000) -> dict[str, Any]:
    """Counts how many intervals of both kinds cover the mean difference.

    Args:
      times_worlds: how often five worlds are drawn.
      times_splits: how often ratings are drawn from one truth.

    Returns:
      The report, without date and versions.
    """
    report: dict[str, Any] = {"world": WORLD, "trials": TRIALS}
    report["fingerprint"] = records.fingerprint(experiments.trials(TRIALS, **WORLD))
    worlds = differences_over_worlds(times_worlds)
    report["worlds"] = _summary(worlds) | {"covered": coverage(worlds, float(worlds.mean()))}
    splits = differences_over_splits(times_splits)
    ratio = experiments.trials(TRIALS).test_to_train
    report["splits"] = _summary(splits) | {
        "covered": coverage(splits, float(splits.mean()), ratio),
        "covered without correction": coverage(splits, float(splits.mean())),
    }
    return report


def _rmse(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _summary(differences: np.ndarray) -> dict[str, float]:
    skewness = float(stats.skew(differences, axis=None, bias=False))
    return {
        "times": len(differences),
        "mean": round(float(differences.mean()), 6),
        "sd": round(float(differences.std()), 6),
        "skewness": round(skewness, 2),
    }


def main() -> None:
    """The command."""
    report = records.about() | measure()
    reports.write(report, REPORT)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
