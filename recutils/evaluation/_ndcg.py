"""Is a list in the right order?"""

from recutils import _checks

import numpy as np
import numpy.typing as npt


def ndcg(
    labels: npt.ArrayLike, scores: npt.ArrayLike, k: int | None = None
) -> npt.NDArray[np.float64]:
    """Normalised discounted cumulative gain of each list, gains 2**label - 1, as in TF-Ranking.

    Equal scores share their places: each gets the mean over all orders of the tie. So a model
    that scores everything the same gets what random orders get on average.

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

    # Number the ties across all lists, then give each member its tie's mean discount.
    starts = np.ones((num_lists, size), bool)
    starts[:, 1:] = keys[:, 1:] != keys[:, :-1]
    tie = np.cumsum(starts) - 1
    mean_discount = np.bincount(tie, np.tile(discounts, num_lists)) / np.bincount(tie)
    achieved = (gains * mean_discount[tie].reshape(num_lists, size)).sum(axis=1)
    best = (-np.sort(-gains, axis=1) * discounts).sum(axis=1)
    return np.divide(achieved, best, out=np.zeros(num_lists), where=best > 0)
