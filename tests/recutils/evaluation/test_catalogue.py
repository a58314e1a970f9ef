"""Coverage and popularity by hand."""

from recutils import evaluation

import numpy as np
import pytest


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
