"""Checks of arguments that several modules share. Errors say what came and what was expected."""

import math
import numbers
import reprlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Returns `value` as an int between `low` and `high`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an int, got {type(value).__name__}: {value!r}")
    value = int(value)
    if value < low or (high is not None and value > high):
        expected = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} must be {expected}, got {value}")
    return value


def is_number(value: Any) -> bool:
    """Whether `value` is a real number; True and False are not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def number(name: str, value: Any, low: float, strict: bool = False) -> float:
    """Returns `value` as a finite float of at least (if `strict`: above) `low`."""
    if not is_number(value):
        raise TypeError(f"{name} must be a number, got {type(value).__name__}: {value!r}")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not np.isfinite(value) or value < low or (strict and value == low):
        expected = f"above {low:g}" if strict else f"at least {low:g}"
        raise ValueError(f"{name} must be a finite number {expected}, got {value}")
    return value


def choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Returns `value`, which must be one of `choices`."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def array(name: str, value: npt.ArrayLike) -> npt.NDArray:
    """Returns `value` as an array; its lists must be of the same length."""
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} must hold lists of the same length, got {reprlib.repr(value)}"
        ) from None


def integers(name: str, value: npt.ArrayLike) -> npt.NDArray[np.integer]:
    """Returns `value` as a one-dimensional array of integers."""
    found = array(name, value)
    if found.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integers, got dtype {found.dtype}")
    if found.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {found.shape}")
    return found


def generator(name: str, value: Any) -> np.random.Generator:
    """Returns `value`, a source of random numbers."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(
            f"{name} must be a numpy.random.Generator, such as np.random.default_rng(0), "
            f"got {type(value).__name__}"
        )
    return value


def floats(
    name: str, value: npt.ArrayLike, ndim: int, allow_infinite: bool = False
) -> npt.NDArray[np.floating]:
    """Returns `value` as a float array of `ndim` dimensions, not empty and without NaN."""
    found = array(name, value)
    if found.dtype.kind not in "fiu":
        raise TypeError(f"{name} must hold numbers, got dtype {found.dtype}")
    if found.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s), got shape {found.shape}")
    if not found.size:
        raise ValueError(f"{name} must not be empty, got shape {found.shape}")
    found = found.astype(np.result_type(found.dtype, np.float32), copy=False)
    bad = np.isnan(found) if allow_infinite else ~np.isfinite(found)
    if bad.any():
        expected = "no NaN" if allow_infinite else "finite numbers only"
        place = ", ".join(str(axis[0]) for axis in np.nonzero(bad))
        raise ValueError(f"{name} must hold {expected}, got {found[bad][0]} at [{place}]")
    return found


def frame(name: str, value: Any, columns: Iterable[str], allow_empty: bool = False) -> pd.DataFrame:
    """Returns `value`, a frame that has `columns`, with nothing missing in them."""
    if not isinstance(value, pd.DataFrame):
        raise TypeError(f"{name} must be a pandas DataFrame, got {type(value).__name__}")
    columns = list(columns)
    absent = [column for column in columns if column not in value.columns]
    if absent:
        raise ValueError(f"{name} must have the columns {columns}, got {list(value.columns)}")
    if not allow_empty and not len(value):
        raise ValueError(f"{name} must not be empty, got a frame with no rows")
    for column in columns:
        missing = value[column].isna()
        if missing.any():
            row = value.index[missing.to_numpy()][0]
            raise ValueError(f"{name}.{column} must have no missing values, got one at row {row!r}")
    return value


def ratings(
    name: str,
    value: Any,
    columns: Iterable[str] = ("user_id", "movie_id"),
    unique: bool = False,
    allow_empty: bool = False,
) -> pd.DataFrame:
    """Returns `value`, a frame of ratings; `unique`: a person rates a film at most once."""
    table = frame(name, value, columns, allow_empty)
    if "user_rating" in columns and len(table):
        floats(f"{name}.user_rating", table["user_rating"], ndim=1)
    if unique:
        repeated = table.duplicated(["user_id", "movie_id"]).to_numpy()
        if repeated.any():
            row = table[["user_id", "movie_id"]].to_numpy()[repeated][0]
            raise ValueError(
                f"{name} must have each pair of user_id and movie_id only once, "
                f"got {row[0]!r}, {row[1]!r} more than once"
            )
    return table


def ids(name: str, values: Any) -> pd.Index:
    """Returns `values` as an index of unique ids, with nothing missing."""
    if isinstance(values, str) or not np.iterable(values):
        raise TypeError(f"{name} must be an array of ids, got {type(values).__name__}: {values!r}")
    index = pd.Index(values)
    if not len(index):
        raise ValueError(f"{name} must not be empty")
    if index.hasnans:
        raise ValueError(f"{name} must have no missing values")
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise ValueError(f"{name} must be unique, got {twice!r} more than once")
    return index


def positions(name: str, values: Any, known: pd.Index, where: str) -> npt.NDArray[np.intp]:
    """Returns the place of each of `values` in the index `known`; all must be there."""
    array = values if isinstance(values, pd.Series) else objects(values)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {array.shape}")
    try:
        places = lookup(array, known)
    except TypeError as error:
        raise TypeError(f"{name} must hold ids, got {error} in it") from None
    if (places < 0).any():
        strange = pd.unique(array[places < 0])
        raise ValueError(
            f"{name} must be in {where}, got {len(strange)} unknown, the first is {strange[0]!r}"
        )
    return places


def lookup(values: np.ndarray | pd.Series, known: pd.Index) -> npt.NDArray[np.intp]:
    """Returns the place of each of `values` in the index `known`, -1 for those not there."""
    # Each distinct value is looked up once: a column of ratings repeats its ids many times.
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    return known.get_indexer(pd.Index(distinct))[codes]


def identifiers(name: str, value: npt.ArrayLike, kinds: str = "iuUSOT") -> npt.NDArray:
    """Returns `value` as an array of lists of ids, of one of the dtype `kinds`."""
    found = array(name, value)
    if found.ndim != 2 or not found.size:
        raise ValueError(f"{name} must be two-dimensional and not empty, got shape {found.shape}")
    if found.dtype.kind not in kinds:
        raise TypeError(f"{name} must hold ids, got dtype {found.dtype}")
    return found


def objects(ids: npt.ArrayLike) -> np.ndarray:
    """An array of objects; what is an array already is not copied."""
    return ids if isinstance(ids, np.ndarray) else np.asarray(ids, dtype=object)
