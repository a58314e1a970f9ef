"""Which part of the catalogue do the lists show?"""

from recutils import _checks

import numpy as np
import numpy.typing as npt


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
    top = _checks.identifiers("top", top, kinds="iu")
    if top.min() < -1 or top.max() >= num_candidates:
        raise ValueError(
            f"top must hold positions between -1 and {num_candidates - 1}, "
            f"got {top.min()} to {top.max()}"
        )
    if top.max() < 0:
        raise ValueError("top must hold a candidate, got only -1")
    return top[top >= 0]
