"""From frames to what a model reads: splits, vocabularies and tf.data pipelines."""

from recutils import _checks

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf


def split(
    ratings: pd.DataFrame, by: str = "random", test_fraction: float = 0.2, seed: int = 42
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Splits ratings into train and test; every row is in exactly one of them.

    Args:
      ratings: frame with user_id (by "user") or timestamp (by "time").
      by: "random": any rows; "time": the latest rows, so that no rating of train is later than
        one of test; "user": all rows of some people, whom train has never seen (cold start).
      test_fraction: share of the rows (by "user": of the people) that go to test, rounded so that
        neither part is empty.
      seed: seed of the draw; by "time" nothing is drawn.

    Returns:
      (train, test), with the rows of `ratings` in their order and with their index.

    Raises:
      TypeError: ratings is not a frame, test_fraction not a number, seed not an int, or a
        timestamp not a number.
      ValueError: by or test_fraction is out of range, a column or value is missing, or there are
        fewer than two rows (by "user": people).

    See: the chapter basics/data.
    """
    _checks.choice("by", by, ("time", "random", "user"))
    fraction = _checks.number("test_fraction", test_fraction, low=0, strict=True)
    if fraction >= 1:
        raise ValueError(f"test_fraction must be below 1, got {test_fraction}")
    rng = np.random.default_rng(_checks.integer("seed", seed, low=0))
    column = {"time": ["timestamp"], "user": ["user_id"], "random": []}[by]
    _checks.frame("ratings", ratings, column)
    if by == "user":
        codes, units = pd.factorize(ratings["user_id"])
    else:
        codes, units = np.arange(len(ratings)), ratings.index
    if len(units) < 2:
        what = "people" if by == "user" else "rows"
        raise ValueError(f"ratings must have at least 2 {what} to split, got {len(units)}")
    num_test = min(max(round(fraction * len(units)), 1), len(units) - 1)
    if by == "time":
        times = _checks.floats("ratings.timestamp", ratings["timestamp"], ndim=1)
        order = np.argsort(times, kind="stable")
    else:
        order = rng.permutation(len(units))
    in_test = np.zeros(len(units), bool)
    in_test[order[len(units) - num_test :]] = True
    return ratings[~in_test[codes]], ratings[in_test[codes]]


def vocabulary(column: pd.Series | Sequence[str]) -> npt.NDArray[np.str_]:
    """The distinct strings of a column, for `tf.keras.layers.StringLookup(vocabulary=…)`.

    The layer itself adds an entry for strings that it doesn't know (OOV).

    Args:
      column: strings, of object, string or categorical dtype; unused categories don't count.

    Returns:
      [num_distinct] strings, in the order of their code points, the same in every run.

    Raises:
      TypeError: a value is not a string.
      ValueError: the column is empty or a value is missing.

    See: the chapter basics/data.
    """
    return np.unique(_strings("column", pd.Series(column))).astype(np.str_)


def sampling_probability(movie_ids: pd.Series | Sequence[str]) -> npt.NDArray[np.float32]:
    """How likely each rating's film is to be drawn: the film's share of all ratings.

    In-batch negatives are drawn with this probability, and `candidate_sampling_probability` of
    `tfrs.tasks.Retrieval` corrects for it.

    Args:
      movie_ids: [num_ratings] strings, the column movie_id of the ratings trained on; of object,
        string or categorical dtype.

    Returns:
      [num_ratings] float32, in the order of `movie_ids`; above 0, at most 1.

    Raises:
      TypeError: an id is not a string.
      ValueError: there is no id, or one is missing.

    See: the chapter basics/retrieval.
    """
    films, _ = pd.factorize(_strings("movie_ids", pd.Series(movie_ids)))
    return (np.bincount(films)[films] / len(films)).astype(np.float32)


def to_dataset(
    frame: pd.DataFrame,
    columns: Sequence[str],
    batch_size: int,
    shuffle: bool = True,
    seed: int = 42,
) -> tf.data.Dataset:
    """Batches of a frame's rows as dicts of tensors, in a new order for each pass.

    The order of a pass is determined by `seed`, the number of the pass and the seed set by
    `recutils.set_seed`: a loop over a fresh dataset sees the same batches as `fit`.

    Args:
      frame: any frame.
      columns: its columns to take: strings, numbers or bools.
      batch_size: rows in a batch; the last one may be smaller.
      shuffle: whether to draw a new order in each pass, over all rows; False: as in `frame`.
      seed: seed of the order.

    Returns:
      A dataset of dicts, column -> [batch_size] tensor: strings as tf.string, floats as
      tf.float32, ints and bools in their own dtype.

    Raises:
      TypeError: frame is not a DataFrame, columns not a list, batch_size or seed not an int,
        shuffle not a bool, or a column holds something else.
      ValueError: frame or columns is empty, a column is absent or named twice, a value is missing
        or infinite, or batch_size or seed is out of range.

    See: the chapter basics/data.
    """
    if isinstance(columns, str) or not np.iterable(columns):
        raise TypeError(f"columns must be a list of names, got {columns!r}")
    names = list(columns)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"columns must be names, each once and at least one, got {names}")
    batch_size = _checks.integer("batch_size", batch_size, low=1)
    if not isinstance(shuffle, bool):
        raise TypeError(f"shuffle must be a bool, got {type(shuffle).__name__}: {shuffle!r}")
    seed = _checks.integer("seed", seed, low=0)
    _checks.frame("frame", frame, names)
    table = {name: tf.constant(_values(f"frame.{name}", frame[name])) for name in names}
    rows = tf.data.Dataset.range(len(frame))
    if shuffle:
        shuffled = rows.shuffle(len(frame), seed=seed, reshuffle_each_iteration=True)
        # `fit` opens an iterator that it never reads. Opened from inside, by the first element, an
        # order is drawn only for a pass that takes place.
        rows = tf.data.Dataset.range(1).flat_map(lambda _: shuffled)
        rows = rows.apply(tf.data.experimental.assert_cardinality(len(frame)))
    # Row numbers are shuffled, and a whole batch is looked up at once: much faster than moving
    # every row through the pipeline.
    batches = rows.batch(batch_size).map(
        lambda batch: {name: tf.gather(column, batch) for name, column in table.items()}
    )
    return batches.prefetch(tf.data.AUTOTUNE)


def _values(name: str, column: pd.Series) -> npt.NDArray:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iub":
        return column.to_numpy()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
        return _checks.floats(name, column, ndim=1).astype(np.float32)
    return _strings(name, column)


def _strings(name: str, column: pd.Series) -> npt.NDArray[np.object_]:
    """Returns a column of strings as an object array, which NumPy and TensorFlow both take."""
    if not len(column):
        raise ValueError(f"{name} must not be empty")
    if column.isna().any():
        raise ValueError(f"{name} must have no missing values")
    strings = column.astype(object).to_numpy()
    if pd.api.types.infer_dtype(strings) != "string":
        strange = next(value for value in strings if not isinstance(value, str))
        raise TypeError(f"{name} must hold strings, got {type(strange).__name__}: {strange!r}")
    return strings
