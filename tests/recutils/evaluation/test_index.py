"""Index recall against a loop."""

from recutils import evaluation

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


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
            ([[1]], [["1"]], TypeError, "ids of the same kind"),
        ]:
            with pytest.raises(error, match=message):
                evaluation.index_recall(truth, approximate)
