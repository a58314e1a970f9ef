"""Top-k against a sort, whatever the size of the blocks."""

from recutils import evaluation
from recutils.evaluation import _top_k

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


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
                patch.setattr(_top_k, "_BLOCK_SIZE", block_size)
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
            (([[1.0]], [[1.0]], 1, ([0], [0, 0])), ValueError, "of the same length"),
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
            (["a"], ["x"], ValueError, "user_id of ratings must be in user_ids.*'b'"),
            (["b"], ["y"], ValueError, "movie_id of ratings.*1 unknown, the first is 'x'"),
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
