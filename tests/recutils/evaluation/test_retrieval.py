"""Retrieval metrics against TFRS, TF-Ranking, scikit-learn, and by hand."""

from recutils import evaluation

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_ranking as tfr
from sklearn.metrics import ndcg_score
from tensorflow_recommenders.examples import movielens as tfrs_movielens
from tfr_metrics import metric_value


def world(seed, num_users=12, num_movies=40, num_ratings=200, dim=4):
    """Embeddings, and random ratings split into train and test."""
    rng = np.random.default_rng(seed)
    users = np.array([f"u{i}" for i in range(num_users)], object)
    movies = np.array([f"m{i}" for i in range(num_movies)], object)
    pairs = rng.choice(num_users * num_movies, num_ratings, replace=False)
    ratings = pd.DataFrame(
        {"user_id": users[pairs // num_movies], "movie_id": movies[pairs % num_movies]}
    )
    queries = pd.DataFrame(rng.normal(size=(num_users, dim)).astype("f"), index=users)
    candidates = pd.DataFrame(rng.normal(size=(num_movies, dim)).astype("f"), index=movies)
    in_test = rng.random(num_ratings) < 0.3
    in_test[0] = True
    return queries, candidates, ratings[in_test], ratings[~in_test]


def tfrs_evaluate(queries, candidates, test, train, k):
    """TFRS's own function, fed from the same frames."""

    def model(table, key):
        index = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(table.index.to_numpy().astype(str)), tf.range(len(table))
            ),
            default_value=-1,
        )
        return lambda x: tf.gather(table.to_numpy(), index.lookup(tf.convert_to_tensor(x[key])))

    def dataset(ratings):
        columns = ("user_id", "movie_id")
        return tf.data.Dataset.from_tensor_slices(
            {name: ratings[name].to_numpy().astype(str) for name in columns}
        )

    return tfrs_movielens.evaluate(
        model(queries, "user_id"),
        model(candidates, "movie_id"),
        dataset(test),
        tf.data.Dataset.from_tensor_slices({"movie_id": candidates.index.to_numpy().astype(str)}),
        None if train is None else dataset(train),
        k,
    )


class TestPrecisionRecall:
    @pytest.mark.parametrize("k", [1, 10, 40, 100])
    @pytest.mark.parametrize("with_train", [True, False])
    def test_has_the_numbers_of_tfrs(self, k, with_train):
        for seed in range(3):
            queries, candidates, test, train = world(seed)
            train = train if with_train else None
            ours = evaluation.precision_recall_at_k(queries, candidates, test, train, k)
            theirs = tfrs_evaluate(queries, candidates, test, train, k)
            assert ours == pytest.approx(theirs, abs=1e-12)

    def test_has_them_with_repeats_overlap_and_strangers_too(self):
        queries, candidates, test, train = world(5)
        test = pd.concat([test, test.iloc[:3], train.iloc[:5]])  # twice, and also in train
        stranger = pd.DataFrame({"user_id": ["nobody"], "movie_id": ["m0"]})
        for k in (10, 40):
            ours = evaluation.precision_recall_at_k(
                queries, candidates, test, pd.concat([train, stranger]), k
            )
            theirs = tfrs_evaluate(queries, candidates, test, pd.concat([train, stranger]), k)
            assert ours == pytest.approx(theirs, abs=1e-12)

    def test_counts_only_people_in_test_by_hand(self):
        queries = pd.DataFrame({"x": [1.0, 1.0, 1.0]}, index=["a", "b", "c"])
        candidates = pd.DataFrame({"x": [4.0, 3.0, 2.0, 1.0]}, index=["p", "q", "r", "s"])
        test = pd.DataFrame({"user_id": ["a", "a", "b"], "movie_id": ["q", "s", "r"]})
        train = pd.DataFrame({"user_id": ["a", "c"], "movie_id": ["p", "q"]})
        # a, without p, is shown q and r: one of two. b is shown p and q: nothing of one.
        scores = evaluation.precision_recall_at_k(queries, candidates, test, train, k=2)
        assert scores == {"precision_at_k": 0.25, "recall_at_k": 0.25}

    def test_takes_all_string_types_and_any_order_and_names(self):
        queries, candidates, test, train = world(3)
        expected = evaluation.precision_recall_at_k(queries, candidates, test, train)
        queries.index = pd.CategoricalIndex(queries.index, name="person")
        candidates.index = candidates.index.astype("str")
        candidates.columns = list("abcd")
        for dtype in ("str", "category"):
            got = evaluation.precision_recall_at_k(
                queries.sample(frac=1, random_state=1),
                candidates.sample(frac=1, random_state=1),
                test.sample(frac=1, random_state=1).astype(dtype),
                train.astype(dtype),
            )
            assert got == pytest.approx(expected, abs=1e-12)

    def test_bad_input(self):
        queries, candidates, test, train = world(0)

        def call(error, message, **changes):
            arguments = dict(queries=queries, candidates=candidates, test=test, train=train, k=10)
            with pytest.raises(error, match=message):
                evaluation.precision_recall_at_k(**(arguments | changes))

        call(ValueError, "k must be at least 1, got 0", k=0)
        call(TypeError, "k must be an int", k="10")
        call(TypeError, "queries must be a DataFrame of embeddings", queries=queries.to_numpy())
        call(TypeError, "test must be a pandas DataFrame, got list", test=[])
        call(ValueError, "test must not be empty", test=test.iloc[:0])
        call(ValueError, r"train must have the columns.*\['user_id'\]", train=train[["user_id"]])
        call(ValueError, "same dimension", candidates=candidates.iloc[:, :2])
        call(ValueError, "the index of queries must be unique", queries=queries.iloc[[0, 0, 1]])
        call(
            ValueError,
            "queries must hold finite",
            queries=queries.replace(queries.iloc[0, 0], np.nan),
        )
        call(TypeError, "queries must hold numbers", queries=queries.astype(str))
        call(
            ValueError,
            "user_id of test must be in the index of queries, got 1 unknown",
            queries=queries.drop(index=test["user_id"].iloc[0]),
        )
        call(
            ValueError,
            "movie_id of test must be in the index of candidates, got 1 unknown",
            candidates=candidates.drop(index=test["movie_id"].iloc[0]),
        )
        only_train = train[~train["movie_id"].isin(test["movie_id"])]["movie_id"].iloc[0]
        call(ValueError, "movie_id of train", candidates=candidates.drop(index=only_train))
        missing = test.copy()
        missing.iloc[1, 0] = None
        call(ValueError, "test.user_id must have no missing values, got one at row", test=missing)

    def test_empty_train_leaves_nothing_out(self):
        queries, candidates, test, train = world(0)
        assert evaluation.precision_recall_at_k(
            queries, candidates, test, train.iloc[:0]
        ) == evaluation.precision_recall_at_k(queries, candidates, test)


class TestRetrievalMetrics:
    def test_agrees_with_precision_recall_at_k(self):
        queries, candidates, test, train = world(1)
        for k in (3, 100):
            metrics = evaluation.retrieval_metrics(queries @ candidates.T, test, train, k).mean()
            expected = evaluation.precision_recall_at_k(queries, candidates, test, train, k)
            assert metrics["precision"] == pytest.approx(expected["precision_at_k"])
            assert metrics["recall"] == pytest.approx(expected["recall_at_k"])

    @pytest.mark.parametrize("k", [1, 5, 20])
    def test_agrees_with_tf_ranking(self, k):
        """People without test items, films left out (label -1 there), ties broken at random."""
        queries, candidates, test, train = world(2)
        scores = queries @ candidates.T
        values = np.zeros(scores.shape)
        values[evaluation.positions(test, scores.index, scores.columns)] = 1
        values[evaluation.positions(train, scores.index, scores.columns)] = -1
        has_test = (values == 1).any(axis=1)
        values = values[has_test]
        ours = evaluation.retrieval_metrics(scores, test, train, k)
        assert ours.index.tolist() == scores.index[has_test].tolist()
        assert (values == -1).any()
        for name, metric in {
            "precision": tfr.keras.metrics.PrecisionMetric(topn=k),
            "recall": tfr.keras.metrics.RecallMetric(topn=k),
            "ndcg": tfr.keras.metrics.NDCGMetric(topn=k),
            "mrr": tfr.keras.metrics.MRRMetric(topn=k),
            "hit_rate": tfr.keras.metrics.HitsMetric(topn=k),
        }.items():
            per_list = [
                metric_value(metric, values[i : i + 1], scores.to_numpy()[has_test][i : i + 1])
                for i in range(len(values))
            ]
            np.testing.assert_allclose(ours[name], per_list, atol=1e-6, err_msg=name)

    def test_agrees_with_scikit_learn(self):
        queries, candidates, test, _ = world(4)
        scores = queries @ candidates.T
        values = np.zeros(scores.shape)
        values[evaluation.positions(test, scores.index, scores.columns)] = 1
        has_test = values.any(axis=1)
        ours = evaluation.retrieval_metrics(scores, test, k=7)["ndcg"].mean()
        theirs = ndcg_score(values[has_test], scores.to_numpy()[has_test], k=7)
        assert ours == pytest.approx(theirs, abs=1e-9)

    def test_a_series_scores_alike_for_everyone(self):
        queries, candidates, test, train = world(6)
        popular = pd.Series(np.arange(40.0), index=candidates.index)
        table = pd.DataFrame(
            np.tile(popular, (len(queries), 1)), index=queries.index, columns=popular.index
        )
        one = evaluation.retrieval_metrics(popular, test, train, 5)
        many = evaluation.retrieval_metrics(table, test, train, 5)
        pd.testing.assert_frame_equal(one.loc[many.index], many)

    def test_limits(self):
        """The truth scores 1, its reverse 0; minus infinity is never recommended."""
        test = pd.DataFrame({"user_id": ["a", "a"], "movie_id": ["x", "y"]})
        perfect = pd.DataFrame([[2.0, 1.0, 0.0, -1.0]], index=["a"], columns=list("xyzw"))
        assert (evaluation.retrieval_metrics(perfect, test, k=2) == 1).all(axis=None)
        assert (evaluation.retrieval_metrics(-perfect, test, k=2) == 0).all(axis=None)
        perfect[["x", "y"]] = -np.inf
        assert (evaluation.retrieval_metrics(perfect, test, k=9) == 0).all(axis=None)

    def test_bad_input(self):
        queries, candidates, test, train = world(0)
        scores = queries @ candidates.T
        for bad, error, message in [
            (scores.to_numpy(), TypeError, "scores must be a DataFrame or a Series, got ndarray"),
            (scores * np.nan, ValueError, "scores must hold no NaN"),
            (scores.iloc[0] * np.nan, ValueError, "scores must hold no NaN"),
            (scores.iloc[:1], ValueError, "user_id of test must be in the index of scores"),
            (scores.iloc[:, :1], ValueError, "movie_id of test.*the movie ids of scores"),
            (pd.concat([scores, scores]), ValueError, "the index of scores must be unique"),
        ]:
            with pytest.raises(error, match=message):
                evaluation.retrieval_metrics(bad, test, train)
        with pytest.raises(ValueError, match="each pair of user_id and movie_id only once"):
            evaluation.retrieval_metrics(scores, pd.concat([test, test]), train)
        with pytest.raises(ValueError, match="k must be at least 1"):
            evaluation.retrieval_metrics(scores, test, train, k=0)
