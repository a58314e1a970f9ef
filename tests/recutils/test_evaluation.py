"""Top-k, retrieval metrics, NDCG and index recall, against loops and against the libraries."""

from recutils import evaluation

import itertools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_ranking as tfr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score
from tensorflow_recommenders.examples import movielens as tfrs_movielens


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


class TestTopK:
    def test_is_the_order_of_scores_with_ties_by_position(self):
        queries, candidates = [[1.0], [-1.0]], [[2.0], [5.0], [2.0], [5.0]]
        assert evaluation.top_k(queries, candidates, 3).tolist() == [[1, 3, 0], [0, 2, 1]]

    @settings(deadline=None, max_examples=30)
    @given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**32 - 1))
    def test_equals_a_sort_whatever_the_block_size(self, n, m, k, seed):
        rng = np.random.default_rng(seed)
        # Small integers make many ties, and exact sums.
        queries = rng.integers(-2, 3, (n, 3)).astype(np.float32)
        candidates = rng.integers(-2, 3, (m, 3)).astype(np.float32)
        left_out = rng.random((n, m)) < 0.3
        expected = np.full((n, k), -1)
        for row in range(n):
            kept = np.flatnonzero(~left_out[row])
            order = kept[np.argsort(-(candidates[kept] @ queries[row]), kind="stable")][:k]
            expected[row, : len(order)] = order
        rows, columns = np.nonzero(left_out)
        shuffled = rng.permutation(len(rows))
        exclude = (rows[shuffled], columns[shuffled])
        for block_size in (2**24, 7 * m):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(evaluation, "_BLOCK_SIZE", block_size)
                top = evaluation.top_k(queries, candidates, k, exclude)
                same = evaluation.top_k_scores(queries @ candidates.T, k, exclude)
            assert top.dtype == np.int32
            np.testing.assert_array_equal(top, expected)
            np.testing.assert_array_equal(same, expected)

    def test_scores_stay_as_they_were_and_minus_infinity_is_never_listed(self):
        scores = np.array([[1.0, -np.inf, 3.0]])
        top = evaluation.top_k_scores(scores, 3, exclude=([0], [2]))
        assert top.tolist() == [[0, -1, -1]]
        assert scores.tolist() == [[1.0, -np.inf, 3.0]]

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (([[1.0]], [[1.0]], 0), ValueError, "k must be at least 1, got 0"),
            (([[1.0]], [[1.0]], -3), ValueError, "k must be at least 1, got -3"),
            (([[1.0]], [[1.0]], 1.5), TypeError, "k must be an int, got float"),
            (([[1.0]], [[1.0]], True), TypeError, "k must be an int, got bool"),
            (([1.0], [[1.0]], 1), ValueError, r"queries must have 2 dimension.*\(1,\)"),
            (([[1.0]], [[[1.0]]], 1), ValueError, r"candidates must have 2 dim.*\(1, 1, 1\)"),
            (([[1.0, 2.0]], [[1.0]], 1), ValueError, r"same dimension.*\(1, 2\) and \(1, 1\)"),
            (([[]], [[1.0]], 1), ValueError, "queries must not be empty"),
            ((np.empty((0, 2)), [[1.0, 1]], 1), ValueError, "queries must not be empty"),
            (([[1.0]], [[np.nan]], 1), ValueError, r"candidates must hold finite.*nan at \[0, 0\]"),
            (([[np.inf]], [[1.0]], 1), ValueError, "queries must hold finite numbers only"),
            (([["a"]], [[1.0]], 1), TypeError, "queries must hold numbers, got dtype <U1"),
            (([[1.0]], [[1.0]], 1, [[0], [0]]), TypeError, "exclude must be two arrays"),
            (([[1.0]], [[1.0]], 1, ([0], [0, 0])), ValueError, "of one length"),
            (([[1.0]], [[1.0]], 1, ([[0]], [[0]])), ValueError, "one-dimensional"),
            (([[1.0]], [[1.0]], 1, ([1], [0])), ValueError, "query positions between 0 and 0"),
            (([[1.0]], [[1.0]], 1, ([0], [-1])), ValueError, "candidate positions.*got -1"),
            (([[1.0]], [[1.0]], 1, ([0.5], [0])), TypeError, "must hold ints, got dtype float64"),
        ],
    )
    def test_bad_input(self, arguments, error, message):
        with pytest.raises(error, match=message):
            evaluation.top_k(*arguments)

    def test_bad_scores(self):
        with pytest.raises(ValueError, match="scores must hold no NaN"):
            evaluation.top_k_scores([[np.nan, 1.0]], 1)


class TestPositions:
    def test_gives_the_places_of_ids(self):
        ratings = pd.DataFrame({"user_id": ["b", "a", "b"], "movie_id": ["y", "y", "x"]})
        for dtype in ("str", object, "category"):
            rows, columns = evaluation.positions(ratings.astype(dtype), ["a", "b"], ["x", "y"])
            assert rows.tolist() == [1, 0, 1]
            assert columns.tolist() == [1, 1, 0]

    @pytest.mark.parametrize(
        ("users", "movies", "error", "message"),
        [
            (["a"], ["x"], ValueError, "every user_id of ratings must be in user_ids.*'b'"),
            (["b"], ["y"], ValueError, "every movie_id of ratings.*1 unknown, the first is 'x'"),
            (["b", "b"], ["x"], ValueError, "user_ids must be unique, got 'b' more than once"),
            ([], ["x"], ValueError, "user_ids must not be empty"),
            (["b", None], ["x"], ValueError, "user_ids must have no missing values"),
            ("b", ["x"], TypeError, "user_ids must be an array of ids, got str"),
            (5, ["x"], TypeError, "user_ids must be an array of ids, got int"),
        ],
    )
    def test_bad_ids(self, users, movies, error, message):
        ratings = pd.DataFrame({"user_id": ["b"], "movie_id": ["x"]})
        with pytest.raises(error, match=message):
            evaluation.positions(ratings, users, movies)


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
            "every user_id of test must be in the index of queries, got 1 unknown",
            queries=queries.drop(index=test["user_id"].iloc[0]),
        )
        call(
            ValueError,
            "every movie_id of test must be in the index of candidates, got 1 unknown",
            candidates=candidates.drop(index=test["movie_id"].iloc[0]),
        )
        only_train = train[~train["movie_id"].isin(test["movie_id"])]["movie_id"].iloc[0]
        call(ValueError, "every movie_id of train", candidates=candidates.drop(index=only_train))
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
            (scores.iloc[:1], ValueError, "every user_id of test must be in the index of scores"),
            (scores.iloc[:, :1], ValueError, "every movie_id of test.*the movie ids of scores"),
            (pd.concat([scores, scores]), ValueError, "the index of scores must be unique"),
        ]:
            with pytest.raises(error, match=message):
                evaluation.retrieval_metrics(bad, test, train)
        with pytest.raises(ValueError, match="each pair of user_id and movie_id once"):
            evaluation.retrieval_metrics(scores, pd.concat([test, test]), train)
        with pytest.raises(ValueError, match="k must be at least 1"):
            evaluation.retrieval_metrics(scores, test, train, k=0)


def metric_value(metric, labels, scores):
    metric.reset_state()
    metric.update_state(labels, scores)
    return float(metric.result())


class TestNdcg:
    @pytest.mark.parametrize("k", [None, 1, 3, 50])
    def test_agrees_with_tf_ranking(self, k):
        rng = np.random.default_rng(0)
        labels = rng.integers(-1, 6, (50, 8)).astype("f")  # -1: padding
        labels[:3] = [[0.0], [-1.0], [5.0]]  # nothing good, nothing at all, all the same
        scores = rng.permuted(np.tile(np.arange(8.0), (50, 1)), axis=1).astype("f")
        metric = tfr.keras.metrics.NDCGMetric(topn=k)
        per_list = [metric_value(metric, labels[i : i + 1], scores[i : i + 1]) for i in range(50)]
        ours = evaluation.ndcg(labels, scores, k)
        np.testing.assert_allclose(ours, per_list, atol=1e-6)
        assert ours[:3].tolist() == [0, 0, 1]
        # TF-Ranking's own mean leaves nothing out either.
        assert metric_value(metric, labels[2:], scores[2:]) == pytest.approx(
            np.mean(ours[2:]), abs=1e-6
        )

    @pytest.mark.parametrize("k", [None, 2])
    def test_agrees_with_scikit_learn_with_ties(self, k):
        rng = np.random.default_rng(1)
        labels = rng.integers(0, 6, (200, 6)).astype(float)
        scores = rng.integers(0, 3, (200, 6)).astype(float)
        ours = evaluation.ndcg(labels, scores, k)
        assert ours.mean() == pytest.approx(ndcg_score(2**labels - 1, scores, k=k), abs=1e-12)

    def test_a_constant_model_gets_the_mean_over_all_orders(self):
        labels = np.array([[5.0, 1.0, 3.0, 2.0]])
        orders = np.array(list(itertools.permutations(range(4))), float)
        every = evaluation.ndcg(np.repeat(labels, len(orders), axis=0), orders)
        constant = evaluation.ndcg(labels, np.zeros((1, 4)))
        assert constant[0] == pytest.approx(every.mean(), abs=1e-12)

    @settings(deadline=None)
    @given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
    def test_lies_between_0_and_1_and_ignores_scale_and_padding(self, n, size, seed):
        rng = np.random.default_rng(seed)
        labels, scores = rng.integers(0, 6, (n, size)), rng.integers(-3, 4, (n, size))
        value = evaluation.ndcg(labels, scores)
        assert ((value >= 0) & (value <= 1 + 1e-12)).all()
        np.testing.assert_allclose(evaluation.ndcg(labels, 7 * scores - 2), value)
        padded = evaluation.ndcg(
            np.hstack([labels, np.full((n, 2), -1)]), np.hstack([scores, np.full((n, 2), 99)])
        )
        np.testing.assert_allclose(padded, value)
        np.testing.assert_allclose(evaluation.ndcg(labels, labels), labels.any(axis=1))

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            (([[1.0]], [[1.0, 2]]), ValueError, r"same shape, got \(1, 1\) and \(1, 2\)"),
            (([1.0], [1.0]), ValueError, "labels must have 2 dimension"),
            (([[np.nan]], [[1.0]]), ValueError, "labels must hold finite"),
            (([[1.0]], [[np.nan]]), ValueError, "scores must hold finite"),
            ((np.empty((0, 3)), np.empty((0, 3))), ValueError, "labels must not be empty"),
            (([[1.0]], [[1.0]], 0), ValueError, "k must be at least 1"),
            (([["a"]], [[1.0]]), TypeError, "labels must hold numbers"),
        ],
    )
    def test_bad_input(self, arguments, error, message):
        with pytest.raises(error, match=message):
            evaluation.ndcg(*arguments)


class TestCoverageAndPopularity:
    def test_by_hand(self):
        top = [[0, 1], [1, -1]]
        assert evaluation.coverage(top, 4) == 0.5
        assert evaluation.mean_popularity(top, [10, 40, 0, 0]) == pytest.approx(30)

    def test_bad_input(self):
        for top, error, message in [
            ([[0, 4]], ValueError, "positions between -1 and 3, got 0 to 4"),
            ([[-2, 0]], ValueError, "positions between -1 and 3"),
            ([[-1, -1]], ValueError, "must hold a candidate"),
            ([0], ValueError, "two-dimensional"),
            ([[]], ValueError, "not empty"),
            ([[0.5]], TypeError, "must hold ids, got dtype float64"),
        ]:
            with pytest.raises(error, match=message):
                evaluation.coverage(top, 4)
            with pytest.raises(error, match=message):
                evaluation.mean_popularity(top, np.ones(4))
        with pytest.raises(ValueError, match="num_candidates must be at least 1"):
            evaluation.coverage([[0]], 0)
        with pytest.raises(ValueError, match="popularity must hold finite"):
            evaluation.mean_popularity([[0]], [np.nan])


class TestIndexRecall:
    @settings(deadline=None)
    @given(st.integers(1, 8), st.integers(1, 6), st.integers(1, 9), st.integers(0, 2**32 - 1))
    def test_equals_the_loop(self, n, k, width, seed):
        rng = np.random.default_rng(seed)
        truth = np.argsort(rng.random((n, 12)), axis=1)[:, :k]
        approximate = rng.integers(-1, 12, (n, width))
        loop = np.mean(
            [len(np.intersect1d(*pair)) / k for pair in zip(truth, approximate, strict=True)]
        )
        assert evaluation.index_recall(truth, approximate) == pytest.approx(loop)
        words = evaluation.index_recall(truth.astype(str), approximate.astype(str).astype(object))
        assert words == pytest.approx(loop)

    def test_bad_input(self):
        for truth, approximate, error, message in [
            ([[1]], [[1], [2]], ValueError, r"same number of rows, got shapes \(1, 1\) and \(2, 1"),
            ([1], [[1]], ValueError, "truth must be two-dimensional"),
            ([[1]], [[]], ValueError, "approximate must be two-dimensional and not empty"),
            ([[1.0]], [[1]], TypeError, "truth must hold ids, got dtype float64"),
            ([[-1]], [[-1]], ValueError, "truth must hold ids of at least 0, got -1"),
            ([[1]], [["1"]], TypeError, "ids of one kind"),
        ]:
            with pytest.raises(error, match=message):
                evaluation.index_recall(truth, approximate)
