"""Do the lists of k films contain what people went on to watch?"""

from recutils import _checks
from recutils.evaluation import _top_k

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd


def precision_recall_at_k(
    queries: pd.DataFrame,
    candidates: pd.DataFrame,
    test: pd.DataFrame,
    train: pd.DataFrame | None = None,
    k: int = 10,
) -> dict[str, float]:
    """Precision and recall at k: the numbers of `tfrs.examples.movielens.evaluate`, far faster.

    A person's precision is the share of the k films that are in test, their recall the share of
    their films in test that are among the k. Both are averaged over the people in test.

    Args:
      queries: frame of embeddings, one row per person, whose index holds user ids; floats.
      candidates: the same for films, whose index holds movie ids. Films that nobody rated may be
        missing; they are in no list then.
      test: ratings with user_id and movie_id, the films to find.
      train: ratings whose films come last in their people's lists, or None.
      k: length of the lists, at least 1; may be larger than the number of films.

    Returns:
      {"precision_at_k": float, "recall_at_k": float}.

    Raises:
      TypeError: an argument is not a frame of the right kind, or k is not an int.
      ValueError: k < 1, a frame is empty, an index has an id twice, a number is not finite, the
        dimensions differ, a user of test has no query, or a film of test or train no candidate.

    See: the chapter basics/retrieval.
    """
    vectors = [_embeddings("queries", queries), _embeddings("candidates", candidates)]
    if vectors[0].shape[1] != vectors[1].shape[1]:
        raise ValueError(
            "queries and candidates must have the same dimension, "
            f"got shapes {vectors[0].shape} and {vectors[1].shape}"
        )
    found = _find(
        lambda users: vectors[0][users] @ vectors[1].T,
        _checks.ids("the index of queries", queries.index),
        _checks.ids("the index of candidates", candidates.index),
        test,
        train,
        k=k,
        where=("the index of queries", "the index of candidates"),
        # Last in the list, but in it if k leaves no choice: as in TFRS.
        excluded_score=float(np.finfo(np.float32).min),
    )
    return {
        "precision_at_k": float((found.num_hits / k).mean()),
        "recall_at_k": float((found.num_hits / found.num_relevant).mean()),
    }


def retrieval_metrics(
    scores: pd.DataFrame | pd.Series,
    test: pd.DataFrame,
    train: pd.DataFrame | None = None,
    k: int = 10,
) -> pd.DataFrame:
    """Every metric of a list of k films, person by person, whatever the scores come from.

    With h of a person's n held-out films among the k: precision h / k, recall h / n, hit_rate 1
    if h > 0, mrr 1 / rank of the first (0 without one), ndcg the sum of 1 / log2(rank + 1) over
    the h, divided by the same sum for a perfect list. `.mean()` of the result averages over
    people; `scores` of two towers are `queries @ candidates.T`, both frames.

    Args:
      scores: frame of floats, one row per person (index: user ids), one column per film
        (columns: movie ids); or a series by movie id, the same scores for everyone.
        -inf: never recommended.
      test: ratings with user_id and movie_id, each pair once: the films to find.
      train: ratings whose films are left out of their people's lists, or None.
      k: length of the lists, at least 1; may be larger than the number of films.

    Returns:
      Frame with the columns precision, recall, ndcg, mrr, hit_rate (float64) and a row for each
      person of test, in the order of `scores` (of a series: in order of first appearance).

    Raises:
      TypeError: an argument is not a frame of the right kind, or k is not an int.
      ValueError: k < 1, a frame is empty, an id or a pair occurs twice, a score is NaN, or a user
        or film of test, or a film of train, has no score.

    See: the chapter basics/retrieval.
    """
    _checks.ratings("test", test, unique=True)
    if isinstance(scores, pd.Series):
        same = _checks.floats("scores", scores.to_numpy(), ndim=1, allow_infinite=True)
        users, movies = pd.Index(test["user_id"].unique()), scores.index

        def score(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.floating]:
            return np.tile(same, (len(rows), 1))
    elif isinstance(scores, pd.DataFrame):
        table = _checks.floats("scores", scores.to_numpy(), ndim=2, allow_infinite=True)
        users, movies = scores.index, scores.columns

        def score(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.floating]:
            return table[rows]
    else:
        raise TypeError(f"scores must be a DataFrame or a Series, got {type(scores).__name__}")
    users = _checks.ids("the index of scores", users)
    movies = _checks.ids("the movie ids of scores", movies)
    found = _find(
        score,
        users,
        movies,
        test,
        train,
        k=k,
        where=("the index of scores", "the movie ids of scores"),
        excluded_score=-np.inf,
    )
    n, hit = len(found.users), found.ranks < k
    gains = np.where(hit, 1 / np.log2(found.ranks + 2.0), 0)
    ideal = np.cumsum(1 / np.log2(np.arange(k) + 2.0))[np.minimum(found.num_relevant, k) - 1]
    first = np.full(n, np.inf)
    np.minimum.at(first, found.rows[hit], found.ranks[hit] + 1.0)
    return pd.DataFrame(
        {
            "precision": found.num_hits / k,
            "recall": found.num_hits / found.num_relevant,
            "ndcg": np.bincount(found.rows, gains, n) / ideal,
            "mrr": 1 / first,
            "hit_rate": (found.num_hits > 0).astype(float),
        },
        index=users[found.users],
    )


class _Found(NamedTuple):
    """The ranks of the held-out films in their people's lists."""

    users: npt.NDArray[np.intp]  # [num_people] who has films in test: positions of queries
    rows: npt.NDArray[np.intp]  # [num_test] whose film it is: a position in users
    ranks: npt.NDArray[np.int64]  # [num_test] 0 for the first of a list, k for films not in it
    num_hits: npt.NDArray[np.int64]  # [num_people]
    num_relevant: npt.NDArray[np.int64]  # [num_people]


def _find(
    score: Callable[[npt.NDArray[np.intp]], npt.NDArray[np.floating]],
    user_ids: pd.Index,
    movie_ids: pd.Index,
    test: pd.DataFrame,
    train: pd.DataFrame | None,
    *,
    k: int,
    where: tuple[str, str],
    excluded_score: float,
) -> _Found:
    k = _checks.integer("k", k, low=1)
    _checks.ratings("test", test)
    test_users = _checks.positions("user_id of test", test["user_id"], user_ids, where[0])
    films = _checks.positions("movie_id of test", test["movie_id"], movie_ids, where[1])
    users, rows = np.unique(test_users, return_inverse=True)
    exclude = None
    if train is not None:
        _checks.ratings("train", train, allow_empty=True)
        seen = _checks.positions("movie_id of train", train["movie_id"], movie_ids, where[1])
        # People who are only in train get no list.
        owners = _checks.lookup(train["user_id"], user_ids[users])
        exclude = (owners[owners >= 0], seen[owners >= 0])

    order = np.argsort(rows, kind="stable")
    rows, films = rows[order], films[order]
    ranks = np.full(len(rows), k)
    for block, values, top in _top_k.blocks(
        lambda block: score(users[block]),
        len(users),
        len(movie_ids),
        k,
        exclude,
        excluded_score=excluded_score,
    ):
        mine = slice(*np.searchsorted(rows, [block.start, block.stop]))
        listed = np.where(np.isneginf(values), -1, top)
        same = listed[rows[mine] - block.start] == films[mine, None]
        ranks[mine] = np.where(same.any(axis=1), same.argmax(axis=1), k)
    return _Found(
        users,
        rows,
        ranks,
        num_hits=np.bincount(rows[ranks < k], minlength=len(users)),
        num_relevant=np.bincount(rows),
    )


def _embeddings(name: str, table: pd.DataFrame) -> npt.NDArray[np.floating]:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(
            f"{name} must be a DataFrame of embeddings with ids as its index, "
            f"got {type(table).__name__}"
        )
    return _checks.floats(name, table.to_numpy(), ndim=2)
