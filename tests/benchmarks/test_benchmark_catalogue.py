"""benchmarks.catalogue: exact answers, and recall by id and by score."""

from recutils import evaluation

import numpy as np
import pytest

from benchmarks import catalogue


@pytest.fixture
def films() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((40, 8)).astype(np.float32)


def test_grown_candidates_begin_with_the_films_and_stay_near(films):
    near, far = (catalogue.grow(films, 400, noise) for noise in (0.1, 1.0))
    assert near.shape == (400, 8)
    assert near.dtype == np.float32
    assert np.array_equal(near[:40], films)
    away = [np.abs(grown[40:, None] - films).sum(-1).min(1).mean() for grown in (near, far)]
    assert away[0] < away[1] / 3
    assert np.array_equal(catalogue.grow(films, 400, 0.1), near)


def test_copies_are_exact(films):
    grown = catalogue.grow(films, 400, copies=0.5)
    assert len(np.unique(grown, axis=0)) == 200
    assert len(np.unique(catalogue.grow(films, 400), axis=0)) == 400


def test_fewer_candidates_than_films_are_refused(films):
    with pytest.raises(ValueError, match="num_films=40, got 39"):
        catalogue.grow(films, 39)


def test_exact_agrees_with_top_k(films):
    grown = catalogue.grow(films, 400)
    ids, scores = catalogue.exact(films[:7], grown, 5)
    assert np.array_equal(ids, evaluation.top_k(films[:7], grown, 5))
    assert np.allclose(scores, np.sort(films[:7] @ grown.T, axis=1)[:, ::-1][:, :5])


def test_recall_by_id_is_index_recall():
    truth, found = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[3, 2, 9], [-1, -1, 4]])
    assert catalogue.recall_by_id(truth, found) == pytest.approx(
        evaluation.index_recall(truth, found)
    )


def test_by_score_a_copy_is_as_good_as_the_original():
    candidates = np.array([[1.0], [3.0], [2.0], [2.0]], np.float32)
    query = np.ones((1, 1), np.float32)
    ids, scores = np.array([[1, 2]]), np.array([[3.0, 2.0]], np.float32)
    found = np.array([[1, 3]])
    assert catalogue.recall_by_id(ids, found) == 0.5
    assert catalogue.recall_by_score(scores, query, candidates, found) == 1
    for worse in ([[1, 0]], [[1, 1]], [[-1, 1]]):
        share = catalogue.recall_by_score(scores, query, candidates, np.array(worse))
        assert share == 0.5, worse
