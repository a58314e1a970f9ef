"""How good is a list of films? Top-k and the metrics of retrieval and ranking.

Rankings are found in blocks, so that memory stays bounded however many people and films there are.
"""

from recutils import _checks

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

Pairs = tuple[npt.ArrayLike, npt.ArrayLike]

# Scores held at a time; TensorFlow takes a copy of them.
_BLOCK_SIZE = 2**24


def top_k(
    queries: npt.ArrayLike, candidates: npt.ArrayLike, k: int, exclude: Pairs | None = None
) -> npt.NDArray[np.int32]:
    """Finds each query's k candidates of the highest dot product.

    Args:
      queries: [num_queries, dim] floats, finite.
      candidates: [num_candidates, dim] floats, finite.
      k: length of the lists, at least 1.
      exclude: two int arrays of one length, the positions of queries and of candidates that are
        left out of those queries' lists; see `positions`.

    Returns:
      [num_queries, k] int32, positions of candidates, best first; of equal scores the lower
      position comes first. Places that no candidate can fill, because k is larger than what
      there is, hold -1.

    Raises:
      TypeError: an argument doesn't hold numbers, or k is not an int.
      ValueError: a shape, k or a position is out of range, or a number is not finite.

    See: the chapter basics/retrieval.
    """
    queries = _checks.floats("queries", queries, ndim=2)
    candidates = _checks.floats("candidates", candidates, ndim=2)
    if queries.shape[1] != candidates.shape[1]:
        raise ValueError(
            "queries and candidates must have the same dimension, "
            f"got shapes {queries.shape} and {candidates.shape}"
        )
    return _top_k(
        lambda rows: queries[rows] @ candidates.T, len(queries), len(candidates), k, exclude
    )


def top_k_scores(
    scores: npt.ArrayLike, k: int, exclude: Pairs | None = None
) -> npt.NDArray[np.int32]:
    """Finds each query's k candidates of the highest given score, as `top_k` does.

    Args:
      scores: [num_queries, num_candidates] floats, without NaN; -inf is never in a list.
      k: length of the lists, at least 1.
      exclude: as for `top_k`.

    Returns:
      [num_queries, k] int32, as for `top_k`.

    Raises:
      TypeError: scores doesn't hold numbers, or k is not an int.
      ValueError: a shape, k or a position is out of range, or a score is NaN.

    See: the chapter basics/retrieval.
    """
    scores = _checks.floats("scores", scores, ndim=2, allow_infinite=True)
    return _top_k(lambda rows: scores[rows].copy(), scores.shape[0], scores.shape[1], k, exclude)


def _top_k(
    score: Callable[[slice], npt.NDArray[np.floating]],
    num_queries: int,
    num_candidates: int,
    k: int,
    exclude: Pairs | None,
) -> npt.NDArray[np.int32]:
    k = _checks.integer("k", k, low=1)
    top = np.full((num_queries, k), -1, np.int32)
    for rows, values, indices in _blocks(score, num_queries, num_candidates, k, exclude):
        top[rows, : indices.shape[1]] = np.where(np.isneginf(values), -1, indices)
    return top


def _blocks(
    score: Callable[[slice], npt.NDArray[np.floating]],
    num_queries: int,
    num_candidates: int,
    k: int,
    exclude: Pairs | None,
    *,
    excluded_score: float = -np.inf,
) -> Iterator[tuple[slice, npt.NDArray[np.floating], npt.NDArray[np.int32]]]:
    """Yields a block's rows, and the k highest scores and their positions."""
    import tensorflow as tf

    left_out, columns = _exclusions(exclude, num_queries, num_candidates)
    size = max(1, _BLOCK_SIZE // num_candidates)
    for start in range(0, num_queries, size):
        rows = slice(start, min(start + size, num_queries))
        scores = score(rows)
        mine = slice(*np.searchsorted(left_out, [rows.start, rows.stop]))
        scores[left_out[mine] - start, columns[mine]] = excluded_score
        # Several threads, and of equal scores the lower position: NumPy has neither.
        values, indices = tf.math.top_k(scores, min(k, num_candidates))
        yield rows, values.numpy(), indices.numpy()


def _exclusions(
    exclude: Pairs | None, num_queries: int, num_candidates: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Returns the pairs to leave out as two arrays, in order of queries."""
    if exclude is None:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    if not isinstance(exclude, tuple) or len(exclude) != 2:
        raise TypeError(
            "exclude must be two arrays, positions of queries and of candidates, "
            f"got {type(exclude).__name__}"
        )
    rows, columns = (np.asarray(side) for side in exclude)
    if rows.ndim != 1 or rows.shape != columns.shape:
        raise ValueError(
            "exclude must be two one-dimensional arrays of one length, "
            f"got shapes {rows.shape} and {columns.shape}"
        )
    for name, side, end in (("query", rows, num_queries), ("candidate", columns, num_candidates)):
        if side.size and side.dtype.kind not in "iu":
            raise TypeError(f"exclude must hold ints, got dtype {side.dtype}")
        strange = side[(side < 0) | (side >= end)]
        if strange.size:
            raise ValueError(
                f"exclude must hold {name} positions between 0 and {end - 1}, got {strange[0]}"
            )
    order = np.argsort(rows, kind="stable")
    return rows[order].astype(np.intp), columns[order].astype(np.intp)


def positions(
    ratings: pd.DataFrame, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Turns ratings into pairs of positions, as `exclude` wants them.

    Args:
      ratings: frame with user_id and movie_id.
      user_ids: unique ids, in the order of the queries.
      movie_ids: unique ids, in the order of the candidates.

    Returns:
      Two int arrays, [num_ratings] each: positions in user_ids and in movie_ids.

    Raises:
      TypeError: ratings is not a frame.
      ValueError: a column or value is missing, ids repeat, or an id is unknown.

    See: the chapter basics/retrieval.
    """
    _checks.ratings("ratings", ratings, allow_empty=True)
    users, movies = _checks.ids("user_ids", user_ids), _checks.ids("movie_ids", movie_ids)
    return (
        _checks.positions("user_id of ratings", ratings["user_id"], users, "user_ids"),
        _checks.positions("movie_id of ratings", ratings["movie_id"], movies, "movie_ids"),
    )


def precision_recall_at_k(
    queries: pd.DataFrame,
    candidates: pd.DataFrame,
    test: pd.DataFrame,
    train: pd.DataFrame | None = None,
    k: int = 10,
) -> dict[str, float]:
    """Precision and recall at k: the numbers of `tfrs.examples.movielens.evaluate`, far sooner.

    A person's precision is the share of the k films that are in test, their recall the share of
    their films in test that are among the k. Both are averaged over the people in test.

    Args:
      queries: frame of embeddings, a row a person, whose index holds user ids; floats.
      candidates: the same for films, whose index holds movie ids. Films that nobody rated may be
        missing, and then they are in no list.
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
    """Every metric of a list of k films, person by person, from scores of any origin.

    With h of a person's n held-out films among the k: precision h / k, recall h / n, hit_rate 1
    if h > 0, mrr 1 / rank of the first (0 without one), ndcg the sum of 1 / log2(rank + 1) over
    the h, divided by the same sum for a perfect list. `.mean()` of the result averages over
    people; `scores` of two towers are `queries @ candidates.T`, both frames.

    Args:
      scores: frame of floats, a row a person (index: user ids), a column a film (columns: movie
        ids); or a series by movie id, the same scores for everyone. -inf: never recommended.
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
    """Where the held-out films stand in the lists of their people."""

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
        # People who are only in train are in no list.
        owners = _checks.lookup(train["user_id"], user_ids[users])
        exclude = (owners[owners >= 0], seen[owners >= 0])

    order = np.argsort(rows, kind="stable")
    rows, films = rows[order], films[order]
    ranks = np.full(len(rows), k)
    for block, values, top in _blocks(
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


def ndcg(
    labels: npt.ArrayLike, scores: npt.ArrayLike, k: int | None = None
) -> npt.NDArray[np.float64]:
    """Normalised discounted cumulative gain of each list, gains 2**label - 1, as in TF-Ranking.

    Equal scores share their places: each gets the mean over all orders of the tie. So a model
    that scores everything alike gets what random orders get on average.

    Args:
      labels: [num_lists, list_size] numbers, how good each item is; below 0: padding.
      scores: [num_lists, list_size] floats, the order to judge; those of padding don't matter.
      k: how many places count, at least 1, or None for all.

    Returns:
      [num_lists] float64 between 0 and 1; 0 for a list without a label above 0.

    Raises:
      TypeError: an argument doesn't hold numbers, or k is not an int.
      ValueError: shapes differ or are not two-dimensional, a number is not finite, or k < 1.

    See: the chapter listwise/inside_listwise.
    """
    labels = _checks.floats("labels", labels, ndim=2)
    scores = _checks.floats("scores", scores, ndim=2)
    if labels.shape != scores.shape:
        raise ValueError(
            f"labels and scores must have the same shape, got {labels.shape} and {scores.shape}"
        )
    num_lists, size = labels.shape
    k = size if k is None else _checks.integer("k", k, low=1)
    padding = labels < 0
    gains = np.where(padding, 0, 2.0**labels - 1)
    keys = np.where(padding, np.inf, -scores)
    order = np.argsort(keys, axis=1)
    gains, keys = np.take_along_axis(gains, order, axis=1), np.take_along_axis(keys, order, axis=1)
    discounts = np.where(np.arange(size) < k, 1 / np.log2(np.arange(size) + 2.0), 0)

    # Number the ties through all lists, then give each member its tie's mean discount.
    starts = np.ones((num_lists, size), bool)
    starts[:, 1:] = keys[:, 1:] != keys[:, :-1]
    tie = np.cumsum(starts) - 1
    mean_discount = np.bincount(tie, np.tile(discounts, num_lists)) / np.bincount(tie)
    achieved = (gains * mean_discount[tie].reshape(num_lists, size)).sum(axis=1)
    best = (-np.sort(-gains, axis=1) * discounts).sum(axis=1)
    return np.divide(achieved, best, out=np.zeros(num_lists), where=best > 0)


def coverage(top: npt.ArrayLike, num_candidates: int) -> float:
    """Share of the catalogue that is in at least one list.

    Args:
      top: [num_lists, k] ints, positions of candidates; -1: an empty place.
      num_candidates: size of the catalogue.

    Returns:
      A number between 0 and 1.

    Raises:
      TypeError: top doesn't hold ints, or num_candidates is not an int.
      ValueError: top is empty or not two-dimensional, or a position is out of range.

    See: the chapter basics/retrieval.
    """
    num_candidates = _checks.integer("num_candidates", num_candidates, low=1)
    return len(np.unique(_places(top, num_candidates))) / num_candidates


def mean_popularity(top: npt.ArrayLike, popularity: npt.ArrayLike) -> float:
    """Mean popularity of the recommended films, over all places of all lists.

    Args:
      top: [num_lists, k] ints, positions of candidates; -1: an empty place.
      popularity: [num_candidates] numbers, say how often each film was rated.

    Returns:
      The mean, in the units of `popularity`.

    Raises:
      TypeError: top doesn't hold ints, or popularity doesn't hold numbers.
      ValueError: an argument is empty or of the wrong shape, or a position is out of range.

    See: the chapter basics/retrieval.
    """
    popularity = _checks.floats("popularity", popularity, ndim=1)
    return float(popularity[_places(top, len(popularity))].mean())


def _places(top: npt.ArrayLike, num_candidates: int) -> npt.NDArray[np.integer]:
    top = _identifiers("top", top, kinds="iu")
    if top.min() < -1 or top.max() >= num_candidates:
        raise ValueError(
            f"top must hold positions between -1 and {num_candidates - 1}, "
            f"got {top.min()} to {top.max()}"
        )
    if top.max() < 0:
        raise ValueError("top must hold a candidate, got only -1")
    return top[top >= 0]


def index_recall(truth: npt.ArrayLike, approximate: npt.ArrayLike) -> float:
    """Share of the true neighbours that an index finds, as with `np.intersect1d` row by row.

    Args:
      truth: [num_queries, k] ids of the true neighbours: ints of at least 0, or strings.
      approximate: [num_queries, any] ids that the index returned, of the same kind; order and
        repeats don't matter, nor do ids such as -1 that stand for nothing found.

    Returns:
      A number between 0 and 1: neighbours found, divided by neighbours in truth.

    Raises:
      TypeError: the ids are neither ints nor strings, or of different kinds.
      ValueError: an array is empty or not two-dimensional, the numbers of rows differ, or truth
        holds an id below 0.

    See: the chapter serving/approximate_search.
    """
    truth = _identifiers("truth", truth)
    approximate = _identifiers("approximate", approximate)
    if len(truth) != len(approximate):
        raise ValueError(
            "truth and approximate must have the same number of rows, "
            f"got shapes {truth.shape} and {approximate.shape}"
        )
    if (truth.dtype.kind in "iu") != (approximate.dtype.kind in "iu"):
        raise TypeError(
            "truth and approximate must hold ids of one kind, "
            f"got dtypes {truth.dtype} and {approximate.dtype}"
        )
    if truth.dtype.kind in "iu" and truth.min() < 0:
        raise ValueError(f"truth must hold ids of at least 0, got {truth.min()}")
    if truth.dtype.kind not in "iu":
        codes = pd.factorize(np.concatenate([truth.ravel(), approximate.ravel()]))[0]
        truth, approximate = (
            codes[: truth.size].reshape(truth.shape),
            codes[truth.size :].reshape(approximate.shape),
        )
    # Each id at most once a side: then what stands twice in a sorted row is on both.
    both = np.sort(np.hstack([_distinct(truth), _distinct(approximate)]), axis=1)
    found = (both[:, 1:] == both[:, :-1]) & (both[:, 1:] >= 0)
    return float(found.sum() / truth.size)


def _distinct(ids: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Returns the rows sorted, with -1 in place of repeats."""
    ordered = np.sort(ids, axis=1).astype(np.int64)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = -1
    return ordered


def _identifiers(name: str, value: npt.ArrayLike, kinds: str = "iuUSOT") -> npt.NDArray:
    array = np.asarray(value)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"{name} must be two-dimensional and not empty, got shape {array.shape}")
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} must hold ids, got dtype {array.dtype}")
    return array
