"""Ours against the libraries' own functions: same input, same run, with agreement of results.

    python benchmarks/bench.py [--data FOLDER] [--growth FACTOR]

FOLDER is an unpacked MovieLens folder; without it the films are synthetic. FACTOR (100) is the
largest of the worlds that show how time grows with the data.
"""

import recutils
from recutils import datasets, evaluation, listwise, movielens, synthetic, timing
from recutils.audience import Audience
from recutils.movies import Movies

import argparse
import datetime
import importlib.metadata
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf
import tensorflow_ranking as tfr
import tensorflow_recommenders as tfrs
from tensorflow_recommenders.examples import movielens as tfrs_movielens

DIM = 32


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="MovieLens folder; default: synthetic films")
    parser.add_argument("--growth", type=int, default=100, help="largest factor, 0 for none")
    arguments = parser.parse_args()
    recutils.set_seed(42)
    print_where()
    if arguments.growth:
        million_lists()
        large_top_k()
        large_world()
    if arguments.data:
        movies, name = movielens.load(arguments.data), arguments.data.name
    else:
        movies, name = synthetic.movies(943, 1682, 100_000), "synthetic films"
    print(
        f"\n{name}: {len(movies.users):,} people, {len(movies.movies):,} films, "
        f"{len(movies.ratings):,} ratings\n"
    )
    compare(movies)
    if arguments.growth:
        growth(arguments.growth)


def print_where() -> None:
    packages = ("tensorflow", "tensorflow-recommenders", "tensorflow-ranking", "numpy", "pandas")
    print(
        f"{datetime.date.today()}, {platform.machine()}, {len(tf.config.list_physical_devices())} "
        f"device(s), Python {platform.python_version()}, "
        + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    )


def compare(movies: Movies) -> None:
    """Prints the table: a row per function, ours against theirs."""
    print(f"{'':34}{'ours':>10}{'theirs':>10}{'ratio':>8}  agreement")
    train, test = datasets.split(movies.ratings)
    rng = np.random.default_rng(0)
    users, films = movies.users["user_id"], movies.movies["movie_id"]
    queries = pd.DataFrame(rng.normal(size=(len(users), DIM)).astype("f"), index=users)
    candidates = pd.DataFrame(rng.normal(size=(len(films), DIM)).astype("f"), index=films)

    row(
        "precision_recall_at_k / evaluate",
        lambda: evaluation.precision_recall_at_k(queries, candidates, test, train),
        tfrs_evaluate(queries, candidates, test, train),
        lambda a, b: ("equal to 1e-12", all(abs(a[key] - b[key]) < 1e-12 for key in b)),
    )
    row(
        "sample_lists / sample_listwise",
        lambda: listwise.sample_lists(movies.ratings, 50, 5),
        tfrs_sample_listwise(movies.ratings),
        lambda a, b: (
            "same people, as many lists",
            a["user_id"].tolist() == [user.decode() for user in b],
        ),
    )
    brute_force = tfrs.layers.factorized_top_k.BruteForce(k=100)
    brute_force.index(tf.constant(candidates.to_numpy()))
    row(
        "top_k / BruteForce",
        lambda: evaluation.top_k(queries, candidates, 100),
        lambda: np.asarray(brute_force(tf.constant(queries.to_numpy()))[1]),
        lambda a, b: ("same films", np.array_equal(a, b)),
    )
    seen = evaluation.positions(train, users, films)
    padded = np.full((len(users), np.bincount(seen[0]).max()), -1)
    place = pd.Series(seen[0]).groupby(seen[0]).cumcount().to_numpy()
    padded[seen[0], place] = seen[1]
    row(
        "top_k / query_with_exclusions",
        lambda: evaluation.top_k(queries, candidates, 10, seen),
        lambda: np.asarray(
            brute_force.query_with_exclusions(
                tf.constant(queries.to_numpy()), tf.constant(padded, tf.int32), 10
            )[1]
        ),
        lambda a, b: ("same films", np.array_equal(a, b)),
    )
    lists = listwise.sample_lists(movies.ratings, 50, 5)["user_rating"]
    scores = rng.normal(size=lists.shape).astype("f")
    row(
        "ndcg / tfr NDCGMetric",
        lambda: evaluation.ndcg(lists, scores).mean(),
        lambda: float(tfr.keras.metrics.NDCGMetric()(lists, scores)),
        lambda a, b: ("equal to 1e-5", abs(a - b) < 1e-5),
    )
    truth, found = (rng.integers(0, 1_000, (20_000, 100)) for _ in range(2))
    row(
        "index_recall / np.intersect1d",
        lambda: evaluation.index_recall(truth, found),
        lambda: (
            np.mean([len(np.intersect1d(*pair)) for pair in zip(truth, found, strict=True)])
            / truth.shape[1]
        ),
        lambda a, b: ("equal to 1e-12", abs(a - b) < 1e-12),
    )


def row(
    name: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    agree: Callable[..., tuple[str, bool]],
) -> None:
    mine = timing.measure(ours, repeats=5).median
    start = time.perf_counter()
    result = theirs()
    other = time.perf_counter() - start
    if other < 2:
        other = timing.measure(theirs, repeats=5).median
    what, true = agree(ours(), result)
    print(f"{name:34}{mine:8.4f} s{other:8.4f} s{other / mine:8.1f}  {what}: {true}", flush=True)


def tfrs_evaluate(
    queries: pd.DataFrame, candidates: pd.DataFrame, test: pd.DataFrame, train: pd.DataFrame
) -> Callable[[], dict[str, float]]:
    def model(table: pd.DataFrame, key: str) -> Callable[[dict], tf.Tensor]:
        index = tf.keras.layers.StringLookup(vocabulary=table.index.to_numpy(str))
        rows = tf.constant(table.to_numpy())
        # 0 is for strings outside of the vocabulary; there are none here.
        return lambda features: tf.gather(rows, index(tf.convert_to_tensor(features[key])) - 1)

    def dataset(ratings: pd.DataFrame) -> tf.data.Dataset:
        columns = ("user_id", "movie_id")
        return tf.data.Dataset.from_tensor_slices({c: ratings[c].to_numpy(str) for c in columns})

    films = tf.data.Dataset.from_tensor_slices({"movie_id": candidates.index.to_numpy(str)})
    parts = dataset(test), films, dataset(train)
    user_model, movie_model = model(queries, "user_id"), model(candidates, "movie_id")
    return lambda: tfrs_movielens.evaluate(user_model, movie_model, *parts, k=10)


def tfrs_sample_listwise(ratings: pd.DataFrame) -> Callable[[], list[bytes]]:
    dataset = tf.data.Dataset.from_tensor_slices(
        {
            "user_id": ratings["user_id"].to_numpy(str),
            "movie_title": ratings["movie_title"].to_numpy(str),
            "user_rating": ratings["user_rating"].to_numpy(np.float32),
        }
    )

    def sample() -> list[bytes]:
        lists = tfrs_movielens.sample_listwise(dataset, 50, 5, seed=0)
        return list(lists.batch(2**20).get_single_element()["user_id"].numpy())

    return sample


def large_top_k() -> None:
    """The shape of MovieLens 20M, whose scores would fill 15 GB; early, to see its memory."""
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(138_000, DIM)).astype("f")
    candidates = rng.normal(size=(27_000, DIM)).astype("f")
    seen = rng.integers(0, 138_000, 16_000_000), rng.integers(0, 27_000, 16_000_000)
    start = time.perf_counter()
    evaluation.top_k(queries, candidates, 100, seen)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"\ntop_k, 138,000 x 27,000 x {DIM}, k = 100, 16 million pairs left out: "
        f"{seconds:.1f} s, peak memory {peak:.1f} GB",
        flush=True,
    )


def large_world() -> None:
    """A world of that shape; after what takes less memory, for the peak is that of the process."""
    seconds, world = clock(lambda: synthetic.movies(138_000, 27_000, 20_000_000))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"\nsynthetic.movies, 138,000 people, 27,000 films, {len(world.ratings):,} ratings: "
        f"{seconds:.1f} s, peak memory {peak:.1f} GB",
        flush=True,
    )


def million_lists() -> None:
    """Lists of ten for a million people: what they answer, and what that is worth on average."""
    truth = synthetic.movies(943, 1682, 100_000).truth
    rng = np.random.default_rng(0)
    people = truth.user_ids.to_numpy(object)[rng.integers(943, size=1_000_000)]
    # Equal steps through the films, short enough never to come round to the first.
    first, step = rng.integers(1682, size=(len(people), 1)), rng.integers(1, 168, (len(people), 1))
    lists = truth.movie_ids.to_numpy(object)[(first + step * np.arange(10)) % 1682]
    print("\na million lists of ten: seconds to answer, and to compute the exact expectations\n")
    print(f"{'Audience':34}{'answer':>10}{'expect':>10}  clicks a list, drawn and expected")
    for looking, trust in (("position", 0), ("cascade", 0), ("position", 0.5)):
        audience = Audience(truth, looking, trust=trust)
        seconds, answers = clock(lambda asked=audience: asked.answer(people, lists, rng))
        exact_seconds, expected = clock(lambda asked=audience: asked.expect(people, lists))
        print(
            f"{f'{looking}, trust = {trust}':34}{seconds:8.2f} s{exact_seconds:8.2f} s  "
            f"{answers.clicked.sum() / len(people):.3f} {expected.clicks.mean():.3f}",
            flush=True,
        )


def growth(largest: int) -> None:
    """Prints how the time of each function grows with the number of ratings."""
    print("\nseconds, and seconds per million ratings, as the world grows\n")
    names = ("synthetic.movies", "split", "precision_recall", "sample_lists", "partition_lists")
    print(f"{'ratings':>12}" + "".join(f"{name:>20}" for name in names))
    factor = 1
    while factor <= largest:
        num_ratings = 100_000 * factor
        # More people, and a catalogue that grows more slowly, as catalogues do.
        size = (943 * factor, round(1_682 * factor**0.5), num_ratings)
        seconds, movies = clock(lambda size=size: synthetic.movies(*size))
        times = [seconds]
        seconds, (train, test) = clock(lambda movies=movies: datasets.split(movies.ratings))
        times.append(seconds)
        rng = np.random.default_rng(0)
        queries, candidates = (
            pd.DataFrame(rng.normal(size=(len(ids), DIM)).astype("f"), index=ids)
            for ids in (movies.users["user_id"], movies.movies["movie_id"])
        )
        for call in (
            lambda q=queries, c=candidates, test=test, train=train: (
                evaluation.precision_recall_at_k(q, c, test, train)
            ),
            lambda movies=movies: listwise.sample_lists(movies.ratings, 50, 5),
            lambda movies=movies: listwise.partition_lists(movies.ratings, 5, 3),
        ):
            times.append(clock(call)[0])
        millions = num_ratings / 1e6
        cells = (f"{seconds:10.2f} ({seconds / millions:6.2f})" for seconds in times)
        print(f"{num_ratings:12,}" + "".join(f"{cell:>20}" for cell in cells), flush=True)
        factor *= 10


def clock(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
