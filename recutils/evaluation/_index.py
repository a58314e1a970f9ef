"""Does a fast search find what an exhaustive one finds?"""

from recutils import _checks

import numpy as np
import numpy.typing as npt
import pandas as pd


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
    truth = _checks.identifiers("truth", truth)
    approximate = _checks.identifiers("approximate", approximate)
    if len(truth) != len(approximate):
        raise ValueError(
            "truth and approximate must have the same number of rows, "
            f"got shapes {truth.shape} and {approximate.shape}"
        )
    if (truth.dtype.kind in "iu") != (approximate.dtype.kind in "iu"):
        raise TypeError(
            "truth and approximate must hold ids of the same kind, "
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
    # Each id at most once per side: what appears twice in a sorted row is then on both sides.
    both = np.sort(np.hstack([_distinct(truth), _distinct(approximate)]), axis=1)
    found = (both[:, 1:] == both[:, :-1]) & (both[:, 1:] >= 0)
    return float(found.sum() / truth.size)


def _distinct(ids: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """Returns the rows sorted, with -1 in place of repeats."""
    ordered = np.sort(ids, axis=1).astype(np.int64)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = -1
    return ordered
