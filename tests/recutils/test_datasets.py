"""Splits lose nothing, vocabularies are stable, and pipelines shuffle after they cache."""

from recutils import datasets

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs
from hypothesis import given, settings
from hypothesis import strategies as st


def ratings(seed, num_rows, num_users=7):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "user_id": rng.integers(0, num_users, num_rows).astype(str).astype(object),
            "movie_id": rng.integers(0, 50, num_rows).astype(str).astype(object),
            "user_rating": rng.integers(1, 6, num_rows).astype(np.float64),
            "timestamp": rng.integers(0, 20, num_rows),
        },
        index=rng.permutation(num_rows) + 100,
    )


class TestSplit:
    @settings(deadline=None, max_examples=60)
    @given(
        st.sampled_from(["time", "random", "user"]),
        st.integers(2, 60),
        st.floats(0.01, 0.99),
        st.integers(0, 2**32 - 1),
    )
    def test_loses_and_doubles_no_row(self, by, num_rows, fraction, seed):
        table = ratings(seed, num_rows)
        table.iloc[:2, 0] = ["0", "1"]  # at least two people
        train, test = datasets.split(table, by, fraction, seed)
        assert len(train)
        assert len(test)
        pd.testing.assert_frame_equal(pd.concat([train, test]).sort_index(), table.sort_index())
        for part in (train, test):
            pd.testing.assert_frame_equal(part, table[table.index.isin(part.index)])
        if by == "user":
            assert not set(train["user_id"]) & set(test["user_id"])
            num_units, num_test = table["user_id"].nunique(), test["user_id"].nunique()
        else:
            num_units, num_test = len(table), len(test)
        assert num_test == np.clip(round(fraction * num_units), 1, num_units - 1)
        if by == "time":
            assert train["timestamp"].max() <= test["timestamp"].min()

    def test_seed_and_chance(self):
        table = ratings(0, 4_000, num_users=400)
        for by in ("random", "user"):
            first, again = (datasets.split(table, by, seed=3)[1] for _ in range(2))
            pd.testing.assert_frame_equal(first, again)
            other = datasets.split(table, by, seed=4)[1]
            # Independent draws of a fifth: a fifth of a fifth is in both, within 5 sd.
            shared = first.index.intersection(other.index)
            assert abs(len(shared) / len(table) - 0.04) < (0.05 if by == "user" else 0.016)
        one, two = (datasets.split(table, "time", seed=seed)[1] for seed in (3, 4))
        pd.testing.assert_frame_equal(one, two)

    def test_of_equal_times_the_later_rows_are_in_test(self):
        table = pd.DataFrame({"timestamp": np.r_[np.full(500, 5), 1]})
        train, test = datasets.split(table, "time", 0.4)
        assert train.index.tolist() == [*range(300), 500]
        assert test.index.tolist() == [*range(300, 500)]

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"by": "day"}, ValueError, "by must be one of 'time', 'random', 'user', got 'day'"),
            ({"by": None}, ValueError, "by must be one of"),
            ({"test_fraction": 0}, ValueError, "test_fraction must be a finite number above 0"),
            ({"test_fraction": -0.1}, ValueError, "above 0, got -0.1"),
            ({"test_fraction": 1}, ValueError, "test_fraction must be below 1, got 1"),
            ({"test_fraction": np.nan}, ValueError, "test_fraction must be a finite number"),
            ({"test_fraction": "0.2"}, TypeError, "test_fraction must be a number, got str"),
            ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
            ({"seed": 0.5}, TypeError, "seed must be an int"),
            ({"ratings": [1, 2]}, TypeError, "ratings must be a pandas DataFrame, got list"),
            ({"ratings": ratings(0, 0)}, ValueError, "ratings must not be empty"),
            ({"ratings": ratings(0, 1)}, ValueError, "at least 2 rows to split, got 1"),
            (
                {"ratings": ratings(0, 9, num_users=1), "by": "user"},
                ValueError,
                "at least 2 people to split, got 1",
            ),
            (
                {"ratings": ratings(0, 9)[["user_id"]], "by": "time"},
                ValueError,
                r"must have the columns \['timestamp'\], got \['user_id'\]",
            ),
            (
                {"ratings": ratings(0, 9).assign(timestamp="1"), "by": "time"},
                TypeError,
                "ratings.timestamp must hold numbers",
            ),
            (
                {"ratings": ratings(0, 9).assign(user_id=None), "by": "user"},
                ValueError,
                "ratings.user_id must have no missing values",
            ),
        ],
    )
    def test_bad_input(self, options, error, message):
        with pytest.raises(error, match=message):
            datasets.split(**({"ratings": ratings(0, 9)} | options))


class TestVocabulary:
    def test_serves_string_lookup_which_adds_oov(self):
        words = ["b", "a", "é", "b", "Z"]
        for column in (
            words,
            pd.Series(words),
            pd.Series(words, dtype=object),
            pd.Series(words, dtype=pd.CategoricalDtype([*words[:3], "Z", "unused"])),
        ):
            vocabulary = datasets.vocabulary(column)
            assert vocabulary.tolist() == ["Z", "a", "b", "é"]
            lookup = tf.keras.layers.StringLookup(vocabulary=vocabulary)
            assert lookup(["Z", "é", "new", "unused"]).numpy().tolist() == [1, 4, 0, 0]
            assert lookup.vocabulary_size() == 5

    @pytest.mark.parametrize(
        ("column", "error", "message"),
        [
            ([], ValueError, "column must not be empty"),
            (["a", None], ValueError, "column must have no missing values"),
            ([1, 2], TypeError, "column must hold strings, got int: 1"),
            (["a", 2], TypeError, "column must hold strings, got int: 2"),
            ([["a"]], TypeError, "column must hold strings, got list"),
        ],
    )
    def test_bad_input(self, column, error, message):
        with pytest.raises(error, match=message):
            datasets.vocabulary(column)


class TestSamplingProbability:
    def test_is_the_share_of_the_rows_by_hand(self):
        for dtype in (object, "str", "category"):
            movie_ids = pd.Series(["x", "y", "x", "z", "x"], index=list("abcde"), dtype=dtype)
            shares = datasets.sampling_probability(movie_ids)
            assert shares.dtype == np.float32
            np.testing.assert_array_equal(shares, np.float32([0.6, 0.2, 0.6, 0.2, 0.6]))
        assert datasets.sampling_probability(["x"]).tolist() == [1]

    @settings(deadline=None)
    @given(st.lists(st.text(max_size=2), min_size=1, max_size=50))
    def test_equals_what_pandas_counts_and_the_films_sum_to_1(self, movie_ids):
        column = pd.Series(movie_ids, dtype=object)
        shares = datasets.sampling_probability(column)
        counted = column.groupby(column).transform("size") / len(column)
        np.testing.assert_array_equal(shares, counted.to_numpy(np.float32))
        assert shares[~column.duplicated()].sum() == pytest.approx(1, abs=1e-5)

    def test_is_what_in_batch_negatives_are_drawn_with(self):
        """Scores that are a film's log share tell it from no other, once they are corrected."""
        movie_ids = ["x"] * 6 + ["y"] * 2
        shares = datasets.sampling_probability(movie_ids)
        task = tfrs.tasks.Retrieval()
        queries, candidates = tf.ones((8, 1)), tf.math.log(shares)[:, None]
        loss = task(queries, candidates, candidate_sampling_probability=shares)
        assert loss.numpy() == pytest.approx(8 * np.log(8), rel=1e-6)

    @pytest.mark.parametrize(
        ("movie_ids", "error", "message"),
        [
            ([], ValueError, "movie_ids must not be empty"),
            (["x", None], ValueError, "movie_ids must have no missing values"),
            ([1, 2], TypeError, "movie_ids must hold strings, got int: 1"),
        ],
    )
    def test_bad_input(self, movie_ids, error, message):
        with pytest.raises(error, match=message):
            datasets.sampling_probability(movie_ids)


class TestToDataset:
    def rows(self, dataset):
        return [batch["user_rating"].numpy().tolist() for batch in dataset]

    def test_types(self):
        table = ratings(0, 5).assign(liked=True)
        columns = ["user_id", "user_rating", "timestamp", "liked"]
        for dtype in ("str", object, "category"):
            dataset = datasets.to_dataset(table.astype({"user_id": dtype}), columns, 3, False)
            batches = list(dataset)
            assert [len(batch["user_id"]) for batch in batches] == [3, 2]
            assert {name: tensor.dtype for name, tensor in batches[0].items()} == {
                "user_id": tf.string,
                "user_rating": tf.float32,
                "timestamp": tf.int64,
                "liked": tf.bool,
            }
            for name in columns:
                values = np.concatenate([batch[name].numpy() for batch in batches])
                values = values.astype(str) if name == "user_id" else values
                assert values.tolist() == table[name].tolist()

    def test_each_pass_has_an_order_of_its_own_and_the_seed_repeats_them(self):
        table = pd.DataFrame({"user_rating": np.arange(64.0)})
        dataset = datasets.to_dataset(table, ["user_rating"], 8, seed=1)
        first, second = self.rows(dataset), self.rows(dataset)
        assert first != second
        assert sorted(np.ravel(first)) == sorted(np.ravel(second)) == list(range(64))
        # The batches have other members too: what caching after batching would prevent.
        assert {frozenset(batch) for batch in first}.isdisjoint(map(frozenset, second))
        again = datasets.to_dataset(table, ["user_rating"], 8, seed=1)
        assert [self.rows(again), self.rows(again)] == [first, second]
        assert self.rows(datasets.to_dataset(table, ["user_rating"], 8, seed=2)) != first
        plain = datasets.to_dataset(table, ["user_rating"], 8, shuffle=False)
        assert np.ravel(self.rows(plain)).tolist() == list(range(64))

    @pytest.mark.parametrize("run_eagerly", [False, True])
    def test_fit_sees_the_batches_of_a_loop(self, run_eagerly):
        table = pd.DataFrame({"user_rating": np.arange(20.0)})
        seen = []

        class Recorder(tf.keras.Model):
            def train_step(self, batch):
                tf.py_function(
                    lambda stars: seen.append(stars.numpy().tolist()), [batch["user_rating"]], []
                )
                return {"loss": tf.constant(0.0)}

        model = Recorder()
        model.compile(run_eagerly=run_eagerly)
        model.fit(datasets.to_dataset(table, ["user_rating"], 6, seed=5), epochs=2, verbose=0)
        dataset = datasets.to_dataset(table, ["user_rating"], 6, seed=5)
        assert dataset.cardinality() == 4
        assert seen == self.rows(dataset) + self.rows(dataset)

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"frame": None}, TypeError, "frame must be a pandas DataFrame, got NoneType"),
            ({"frame": ratings(0, 0)}, ValueError, "frame must not be empty"),
            ({"columns": "user_id"}, TypeError, "columns must be a list of names, got 'user_id'"),
            ({"columns": None}, TypeError, "columns must be a list of names"),
            ({"columns": []}, ValueError, "each once and at least one"),
            ({"columns": ["user_id", "user_id"]}, ValueError, "each once and at least one"),
            ({"columns": ["age"]}, ValueError, r"must have the columns \['age'\], got \['user_id'"),
            ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
            ({"batch_size": 2.0}, TypeError, "batch_size must be an int, got float"),
            ({"shuffle": 1}, TypeError, "shuffle must be a bool, got int: 1"),
            ({"seed": -1}, ValueError, "seed must be at least 0"),
            (
                {"frame": ratings(0, 3).assign(user_id=[["a"], ["b"], ["c"]])},
                TypeError,
                "frame.user_id must hold strings, got list",
            ),
            (
                {"frame": ratings(0, 3).assign(user_id=np.inf)},
                ValueError,
                "frame.user_id must hold finite numbers only",
            ),
            (
                {"frame": ratings(0, 3).assign(user_id=np.nan)},
                ValueError,
                "frame.user_id must have no missing values",
            ),
        ],
    )
    def test_bad_input(self, options, error, message):
        arguments = {"frame": ratings(0, 3), "columns": ["user_id"], "batch_size": 2}
        with pytest.raises(error, match=message):
            datasets.to_dataset(**(arguments | options))
