"""NDCG against TF-Ranking and scikit-learn, and at its limits."""

from recutils import evaluation

import itertools

import numpy as np
import pytest
import tensorflow_ranking as tfr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score
from tfr_metrics import metric_value


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
