"""Models behave in the synthetic world as they do on MovieLens, whatever its seed."""

import recutils  # isort: skip

from recutils import baselines, datasets, evaluation, listwise, synthetic

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

SEEDS = (42, 7, 20)
ML_100K_STARS = (0.061, 0.114, 0.271, 0.342, 0.212)


class TwoTowers(tfrs.Model):
    """The retrieval model of the tutorials, with logQ and L2 to switch on."""

    def __init__(self, users, films, dim, sampling_probability=None, l2=0.0):
        super().__init__()
        self.film_lookup = tf.keras.layers.StringLookup(vocabulary=films, mask_token=None)
        self.query = tf.keras.Sequential(
            [
                tf.keras.layers.StringLookup(vocabulary=users, mask_token=None),
                tf.keras.layers.Embedding(len(users) + 1, dim),
            ]
        )
        self.candidate = tf.keras.Sequential(
            [self.film_lookup, tf.keras.layers.Embedding(len(films) + 1, dim)]
        )
        self.task = tfrs.tasks.Retrieval()
        self.sampling_probability = sampling_probability
        self.l2 = l2

    def compute_loss(self, features, training=False):
        queries = self.query(features["user_id"])
        candidates = self.candidate(features["movie_id"])
        share = None
        if self.sampling_probability is not None:
            share = tf.gather(self.sampling_probability, self.film_lookup(features["movie_id"]))
        loss = self.task(
            queries, candidates, candidate_sampling_probability=share, compute_metrics=False
        )
        return loss + self.l2 * (tf.reduce_sum(queries**2) + tf.reduce_sum(candidates**2))


@dataclass
class World:
    """A world of MovieLens-100K's size, split at random, and what models reach in it."""

    seed: int

    @cached_property
    def films(self):
        return synthetic.movies(943, 1682, 100_000, self.seed)

    @cached_property
    def parts(self):
        return datasets.split(self.films.ratings, by="random", test_fraction=0.2, seed=self.seed)

    def judge(self, scores, k):
        train, test = self.parts
        return evaluation.retrieval_metrics(scores, test, train, k).mean()

    @cached_property
    def scores(self):
        """Of the models that need no training."""
        train, _ = self.parts
        users, films = self.films.users["user_id"], self.films.movies["movie_id"]
        chances = self.films.truth.watch_probability(users)
        return {
            "popularity": baselines.popularity(train, films),
            "ease": baselines.ease(train, users, films),
            "truth": pd.DataFrame(chances, index=users, columns=films),
        }

    def precision(self, model):
        return self.judge(self.scores[model], 10)["precision"]

    def recall(self, model):
        return self.judge(self.scores[model], 100)["recall"]

    @cached_property
    def biases(self):
        return baselines.ridge_biases(self.parts[0])


@pytest.fixture(scope="module", params=SEEDS)
def world(request):
    return World(request.param)


def gini(counts):
    counts = np.sort(counts)
    rank = np.arange(1, counts.size + 1)
    return (2 * rank - counts.size - 1) @ counts / (counts.size * counts.sum())


def require(row, value, low=-np.inf, high=np.inf):
    """Shows a row of the table (pytest -s), and that it lies where it must."""
    report = f"{row}: {value:.4f}, must be {low:.4f} to {high:.4f}"
    print(report)
    assert low <= value <= high, report


def rmse(predictions, stars):
    return float(np.sqrt(np.mean((np.asarray(predictions) - np.asarray(stars)) ** 2)))


def in_standard_errors(differences):
    """Mean of paired differences, in standard errors."""
    return differences.mean() / (differences.std(ddof=1) / np.sqrt(differences.size))


def test_the_long_tail_is_that_of_movielens(world):
    ratings, films = world.films.ratings, world.films.movies["movie_id"]
    by_film = ratings["movie_id"].value_counts().reindex(films, fill_value=0).to_numpy()
    by_user = ratings["user_id"].value_counts().reindex(world.films.users["user_id"]).to_numpy()
    require("Gini of films", gini(by_film), 0.58, 0.68)
    require("Gini of users", gini(by_user), 0.42, 0.52)
    top = np.sort(by_film)[-17:].sum() / len(ratings)
    require("share of the top 1% of films", top, 0.053, 0.093)


def test_the_stars_are_those_of_movielens(world):
    shares = world.films.ratings["user_rating"].value_counts(normalize=True).sort_index()
    assert shares.index.tolist() == [1, 2, 3, 4, 5]
    for stars, real in enumerate(ML_100K_STARS, 1):
        require(f"share of {stars} stars", shares[stars], real - 0.03, real + 0.03)


def test_ease_finds_about_twice_what_popularity_finds(world):
    require("popularity P@10", world.precision("popularity"), 0.14, 0.22)
    ratio = world.precision("ease") / world.precision("popularity")
    require("EASE P@10 / popularity's", ratio, 1.7, 2.5)


def test_no_model_passes_the_truth(world):
    for model in ("popularity", "ease"):
        require(f"{model} P@10", world.precision(model), high=world.precision("truth"))
        require(f"{model} R@100", world.recall(model), high=world.recall("truth"))


def train_two_towers(world, dim, use_logq, l2=0.0):
    """Precision at 10 and recall at 100 of eight epochs of Adagrad."""
    recutils.set_seed(world.seed)
    train, test = world.parts
    users, films = (world.films.users["user_id"], world.films.movies["movie_id"])
    share = np.append(1e-6, baselines.popularity(train, films) / len(train)).astype(np.float32)
    model = TwoTowers(users.tolist(), films.tolist(), dim, share if use_logq else None, l2)
    model.compile(tf.keras.optimizers.Adagrad(0.1))
    columns = {name: train[name].to_numpy(object) for name in ("user_id", "movie_id")}
    batches = tf.data.Dataset.from_tensor_slices(columns).cache()
    model.fit(batches.shuffle(len(train), seed=world.seed).batch(1024), epochs=8, verbose=0)
    queries = pd.DataFrame(model.query(tf.constant(users.tolist())).numpy(), index=users)
    candidates = pd.DataFrame(model.candidate(tf.constant(films.tolist())).numpy(), index=films)
    return tuple(
        evaluation.precision_recall_at_k(queries, candidates, test, train, k)[metric]
        for k, metric in ((10, "precision_at_k"), (100, "recall_at_k"))
    )


@pytest.mark.slow
def test_two_towers_need_logq_and_l2(world):
    ceiling = world.precision("truth"), world.recall("truth")
    plain = train_two_towers(world, 32, use_logq=False)
    corrected = train_two_towers(world, 32, use_logq=True)
    regularised = train_two_towers(world, 64, use_logq=True, l2=0.05)
    popularity, ease = world.precision("popularity"), world.precision("ease")
    require("two towers without logQ P@10", plain[0], high=popularity)
    require("two towers with logQ P@10 / popularity's", corrected[0] / popularity, 1.3)
    require("two towers with logQ and L2 P@10 / EASE's", regularised[0] / ease, 0.93)
    for model in (plain, corrected, regularised):
        require("two towers P@10", model[0], high=ceiling[0])
        require("two towers R@100", model[1], high=ceiling[1])


def test_stars_leave_room_between_biases_and_the_floor(world):
    train, test = world.parts
    biases = world.biases.predict(test["user_id"], test["movie_id"])
    floor = world.films.truth.bayes_rmse(test)
    require("biases by ridge, RMSE", rmse(biases, test["user_rating"]), 0.90, 0.97)
    require("Bayes floor, RMSE", floor, 0.78, 0.88)
    assert world.films.truth.bayes_rmse(train) == pytest.approx(floor, abs=0.02)


def one_hot(codes, size):
    return np.eye(size, dtype=np.float32)[codes]


def test_crosses_of_features_can_be_found(world):
    """What the residuals of biases make of age × genre and occupation × genre helps on test."""
    train, test = world.parts
    films, people = world.films.movies, world.films.users
    genres = films["movie_genres"].str.join("|").str.get_dummies()
    genres = pd.DataFrame(
        genres.to_numpy() / np.sqrt(genres.to_numpy().sum(axis=1, keepdims=True)),
        index=films["movie_id"],
    )
    groups = [pd.factorize(people[c])[0] for c in ("bucketized_user_age", "user_occupation_text")]
    groups = pd.DataFrame(
        np.hstack([one_hot(codes, codes.max() + 1) for codes in groups]), index=people["user_id"]
    )

    def crosses(part):
        left, right = groups.loc[part["user_id"]], genres.loc[part["movie_id"]]
        table = left.to_numpy(np.float32)[:, :, None] * right.to_numpy(np.float32)[:, None]
        return table.reshape(len(part), -1)

    biases = [
        part["user_rating"] - world.biases.predict(part["user_id"], part["movie_id"])
        for part in (train, test)
    ]
    known = crosses(train)
    weights = np.linalg.solve(
        known.T @ known + 8 * np.eye(known.shape[1]), known.T @ biases[0].to_numpy()
    )
    better = rmse(crosses(test) @ weights, biases[1])
    floor = world.films.truth.bayes_rmse(test)
    require("biases and crosses, RMSE", better, floor, rmse(0, biases[1]) - 0.02)


def fit_factors(world):
    """Biases and a dot product of 16 dimensions, L2 on the tables; expected stars of any pairs."""
    recutils.set_seed(world.seed)
    train, _ = world.parts
    sides = pd.Index(world.films.users["user_id"]), pd.Index(world.films.movies["movie_id"])

    def places(pairs):
        return [
            side.get_indexer(pairs[column])
            for side, column in zip(sides, ("user_id", "movie_id"), strict=True)
        ]

    inputs = [tf.keras.Input([], dtype=tf.int32) for _ in sides]
    tables = [
        [
            tf.keras.layers.Embedding(
                len(side), dim, embeddings_regularizer=tf.keras.regularizers.L2(l2 / len(train))
            )(part)
            for dim, l2 in ((1, 3), (16, 15))
        ]
        for side, part in zip(sides, inputs, strict=True)
    ]
    (person, taste), (film, kind) = tables
    stars = world.biases.mean + person + film + tf.reduce_sum(taste * kind, 1, keepdims=True)
    model = tf.keras.Model(inputs, stars)
    model.compile(tf.keras.optimizers.Adam(0.01), loss="mse")
    model.fit(places(train), train["user_rating"].to_numpy(), 2048, epochs=12, verbose=0)
    return lambda pairs: model.predict(places(pairs), 8192, verbose=0)[:, 0]


def test_embeddings_order_and_predict_better_than_biases(world):
    train, test = world.parts
    predict = fit_factors(world)
    biases = world.biases.predict(test["user_id"], test["movie_id"])
    floor = world.films.truth.bayes_rmse(test)
    ours = rmse(predict(test), test["user_rating"])
    require("biases and embeddings, RMSE", ours, floor, 0.99 * rmse(biases, test["user_rating"]))

    lists = listwise.partition_lists(test, list_size=5, seed=world.seed)
    shape = lists["user_rating"].shape
    pairs = pd.DataFrame(
        {"user_id": np.repeat(lists["user_id"], 5), "movie_id": lists["movie_id"].ravel()}
    )
    means = baselines.film_means(train, world.films.movies["movie_id"])
    ladder = {
        "random": np.random.default_rng(world.seed).random(len(pairs)),
        "film mean": means.loc[pairs["movie_id"]].to_numpy(),
        "biases and embeddings": predict(pairs),
        "ceiling": world.films.truth.expected_gain(pairs["user_id"], pairs["movie_id"]),
    }
    ndcg = {
        name: evaluation.ndcg(lists["user_rating"], scores.reshape(shape))
        for name, scores in ladder.items()
    }
    for worse, better in itertools.pairwise(ndcg):
        row = f"NDCG {ndcg[worse].mean():.4f} of {worse}, {ndcg[better].mean():.4f} of {better}"
        lead = in_standard_errors(ndcg[better] - ndcg[worse])
        require(f"{row}: the gap in standard errors", lead, 2)
