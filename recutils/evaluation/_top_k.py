"""The k best candidates of each query, found block by block, so that memory stays bounded."""

from recutils import _checks

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

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
      exclude: two int arrays of the same length, positions of queries and of the candidates that
        are left out of those queries' lists; see `positions`.

    Returns:
      [num_queries, k] int32, positions of candidates, best first; among equal scores the lower
      position comes first. Places left empty because there are fewer than k candidates hold
      -1.

    Raises:
      TypeError: an argument doesn't hold numbers, or k is not an int.
      ValueError: a shape, k or a position is out of range, or a number is not finite.

    See: the chapter serving/approximate_search.
    """
    queries = _checks.floats("queries", queries, ndim=2)
    candidates = _checks.floats("candidates", candidates, ndim=2)
    if queries.shape[1] != candidates.shape[1]:
        raise ValueError(
            "queries and candidates must have the same dimension, "
            f"got shapes {queries.shape} and {candidates.shape}"
        )
    return _best(
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
    return _best(lambda rows: scores[rows].copy(), scores.shape[0], scores.shape[1], k, exclude)


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


def _best(
    score: Callable[[slice], npt.NDArray[np.floating]],
    num_queries: int,
    num_candidates: int,
    k: int,
    exclude: Pairs | None,
) -> npt.NDArray[np.int32]:
    k = _checks.integer("k", k, low=1)
    top = np.full((num_queries, k), -1, np.int32)
    for rows, values, indices in blocks(score, num_queries, num_candidates, k, exclude):
        top[rows, : indices.shape[1]] = np.where(np.isneginf(values), -1, indices)
    return top


def blocks(
    score: Callable[[slice], npt.NDArray[np.floating]],
    num_queries: int,
    num_candidates: int,
    k: int,
    exclude: Pairs | None,
    *,
    excluded_score: float = -np.inf,
) -> Iterator[tuple[slice, npt.NDArray[np.floating], npt.NDArray[np.int32]]]:
    """Yields a block's rows, and the k highest scores and their positions.

    Args:
      score: gives rows of queries their scores, [num_rows, num_candidates]; they are overwritten.
      num_queries: how many rows there are.
      num_candidates: how many scores each has.
      k: length of the lists; they are shorter if there are fewer candidates.
      exclude: as for `top_k`.
      excluded_score: what the pairs of `exclude` get instead of their own score.

    Yields:
      rows; values and positions, [num_rows, min(k, num_candidates)] each, best first.
    """
    left_out, columns = _exclusions(exclude, num_queries, num_candidates)
    size = max(1, _BLOCK_SIZE // num_candidates)
    for start in range(0, num_queries, size):
        rows = slice(start, min(start + size, num_queries))
        scores = score(rows)
        mine = slice(*np.searchsorted(left_out, [rows.start, rows.stop]))
        scores[left_out[mine] - start, columns[mine]] = excluded_score
        # Several threads, and the lower position among equal scores: NumPy offers neither.
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
            "exclude must be two one-dimensional arrays of the same length, "
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
