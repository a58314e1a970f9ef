"""Checks what `Truth` is asked: ids, times and histories. Errors say what is wrong with them."""

from __future__ import annotations

from recutils import _checks

import reprlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd


def seconds(name: str, values: npt.ArrayLike, size: int, what: str) -> np.ndarray:
    """[size] timestamps, one for each of the `what`."""
    times = _checks.array(name, values)
    if times.size == size == 0:
        return np.zeros(0, np.int64)
    if times.shape != (size,) or times.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must hold one timestamp for each of the {size} {what}, "
            f"got {times.dtype} of shape {times.shape}"
        )
    if np.isnan(times).any():
        raise ValueError(f"{name} must hold no NaN, got one at [{np.isnan(times).argmax()}]")
    return times


def histories(
    films_of: Sequence[npt.ArrayLike], known: pd.Index, num_people: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in `known` of all films, history after history, and the [n] histories' lengths."""
    lists = _lists("histories", films_of)
    if num_people is not None and len(lists) != num_people:
        raise ValueError(
            f"histories must hold one list for each of the {num_people} users, got {len(lists)}"
        )
    lengths = np.array([films.size for films in lists], np.int64)
    films = _checks.positions(
        "histories", np.concatenate([np.zeros(0, object), *lists]), known, "this world"
    )
    rows = np.repeat(np.arange(lengths.size), lengths)
    twice = pd.Series(rows * len(known) + films).duplicated().to_numpy()
    if twice.any():
        raise ValueError(
            f"histories must not repeat a film, got {known[films[twice][0]]!r} twice "
            f"in histories[{rows[twice][0]}]"
        )
    return films, lengths


def history_seconds(
    times_of: Sequence[npt.ArrayLike], lengths: np.ndarray, next_times: np.ndarray
) -> np.ndarray:
    """All times, history after history; they must not decrease or go beyond the next choice."""
    lists = _lists("history_timestamps", times_of)
    if len(lists) != lengths.size:
        raise ValueError(
            f"history_timestamps must hold one list for each of the {lengths.size} histories, "
            f"got {len(lists)}"
        )
    for row, (times, length, end) in enumerate(zip(lists, lengths, next_times, strict=True)):
        seconds(f"history_timestamps[{row}]", times, length, "films")
        if (np.diff([*times, end]) < 0).any():
            raise ValueError(
                f"history_timestamps[{row}] must not decrease or go beyond {end}, "
                "the time of the next choice"
            )
    return np.concatenate([np.zeros(0, np.int64), *lists])


def _lists(name: str, values: Sequence[npt.ArrayLike]) -> list[np.ndarray]:
    expected = f"{name} must hold one list for each person"
    if isinstance(values, str) or not np.iterable(values):
        raise ValueError(f"{expected}, got {reprlib.repr(values)}")
    arrays = []
    for row, one in enumerate(values):
        array = _checks.array(f"{name}[{row}]", one)
        if array.ndim != 1:
            raise ValueError(f"{expected}, got {reprlib.repr(one)} at [{row}]")
        arrays.append(array)
    # NumPy makes an empty list float64, which would turn all other seconds into floats.
    return [array if array.size else array.astype(np.int64) for array in arrays]
