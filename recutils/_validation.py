"""Checks tables of ratings, people and films. Errors name the table and the row."""

from __future__ import annotations

from recutils import _checks

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


class RowError(ValueError):
    """A row that can't be right; code that read the table from a file can name the line instead.

    Attributes:
      table: the name of the row's table.
      row: its position, from 0.
      what: what is wrong with it.
    """

    def __init__(self, table: str, row: int, label: object, what: str) -> None:
        super().__init__(f"{table}, row {label}: {what}")
        self.table, self.row, self.what = table, row, what


@dataclass(frozen=True)
class Table:
    """A frame, and what errors call it."""

    name: str
    frame: pd.DataFrame

    def __post_init__(self) -> None:
        if not isinstance(self.frame, pd.DataFrame):
            raise TypeError(f"{self.name} must be a DataFrame, got {type(self.frame).__name__}")

    def require(self, *columns: str) -> None:
        """Refuses a table that lacks one of `columns` or has it twice."""
        names = list(self.frame.columns)
        missing = [column for column in columns if column not in names]
        if missing:
            raise ValueError(f"{self.name} lacks the columns {missing}, it has {names}")
        twice = [column for column in columns if names.count(column) > 1]
        if twice:
            raise ValueError(f"{self.name} has the columns {twice} more than once")

    def refuse(self, bad: npt.ArrayLike, what: Callable[[int], str]) -> None:
        """Raises a RowError for the first row that is `bad`, [num_rows] bool."""
        rows = np.flatnonzero(bad)
        if rows.size:
            row = int(rows[0])
            raise RowError(self.name, row, self.frame.index[row], what(row))

    def ids(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """[num_rows] int64 positions in, and [num_ids] object: the different ids as strings."""
        values = self.frame[column]
        expected = f"{self.name}: {column} must hold strings or integers"
        if pd.api.types.is_float_dtype(values.dtype):
            raise ValueError(f"{expected}, got {values.dtype}")
        self.refuse(values.isna(), lambda row: f"{column} is missing")
        try:
            codes, distinct = pd.factorize(values)
        except TypeError as error:
            raise ValueError(f"{expected}: {error}") from None
        different = list(distinct)
        bad = [
            not isinstance(value, str | int | np.integer) or isinstance(value, bool) or value == ""
            for value in different
        ]
        self.refuse(
            np.array(bad, bool)[codes],
            lambda row: (
                f"{column} must be an integer or a string that is not empty, "
                f"got {values.iloc[row]!r}"
            ),
        )
        texts = pd.Index([str(value) for value in different], dtype=object)
        self.refuse(
            texts.duplicated()[codes],
            lambda row: f"{column} has {values.iloc[row]!r} both as a string and as an integer",
        )
        return codes.astype(np.int64), texts.to_numpy(object)

    def unique_ids(self, column: str) -> np.ndarray:
        """[num_rows] object: the ids as strings, which must all be different."""
        codes, ids = self.ids(column)
        self.refuse(
            pd.Series(codes).duplicated(),
            lambda row: f"{column} {ids[codes[row]]!r} stands there a second time",
        )
        return ids[codes]

    def numbers(self, column: str) -> np.ndarray:
        """[num_rows] float64 or int64, finite."""
        values = self.frame[column]
        if values.dtype.kind not in "iuf":
            is_number = [_checks.is_number(v) for v in values]
            self.refuse(
                ~np.array(is_number),
                lambda row: f"{column} must be a number, got {values.iloc[row]!r}",
            )
        floats = values.to_numpy(np.float64, na_value=np.nan)
        # Neither stars nor times in seconds are as large as that.
        self.refuse(
            ~(np.abs(floats) < 1e18),
            lambda row: f"{column} must be a finite number, got {values.iloc[row]}",
        )
        return floats if values.dtype.kind not in "iu" else values.to_numpy(np.int64)

    def seconds(self, column: str) -> np.ndarray:
        """[num_rows] int64."""
        seconds = self.numbers(column)
        self.refuse(
            seconds != np.floor(seconds),
            lambda row: f"{column} must be whole seconds, got {seconds[row]}",
        )
        return seconds.astype(np.int64)

    def places(self, column: str, codes: np.ndarray, ids: np.ndarray, other: Table) -> np.ndarray:
        """[num_rows] int64: where in `other` each row's id is, ids[codes]; all must be there."""
        places = pd.Index(other.frame[column]).get_indexer(pd.Index(ids))[codes]
        self.refuse(places < 0, lambda row: f"{column} {ids[codes[row]]!r} is not in {other.name}")
        return places


def validated(
    ratings: Table, users: Table | None = None, movies: Table | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The three frames of `Movies`, as `Movies.from_frames` promises them.

    All checks work on positions: each id is checked once, however many ratings it has.
    """
    ratings.require("user_id", "movie_id", "user_rating", "timestamp")
    if ratings.frame.empty:
        raise ValueError(f"{ratings.name} has no row, expected at least one")
    person, user_ids = ratings.ids("user_id")
    film, movie_ids = ratings.ids("movie_id")
    stars = ratings.numbers("user_rating").astype(np.float32)
    seconds = ratings.seconds("timestamp")
    ratings.refuse(
        pd.Series(person * len(movie_ids) + film).duplicated(),
        lambda row: (
            f"user_id {user_ids[person[row]]!r}, movie_id {movie_ids[film[row]]!r} "
            "stands there a second time"
        ),
    )
    films = _rated_films(ratings, film, movie_ids) if movies is None else _given_films(movies)
    people = _raters(user_ids) if users is None else _given_people(users)
    film = ratings.places("movie_id", film, movie_ids, films)
    person = ratings.places("user_id", person, user_ids, people)
    in_time = np.argsort(seconds, kind="stable")
    person, film = person[in_time], film[in_time]
    rated = pd.DataFrame(
        {
            "user_id": people.frame["user_id"].to_numpy(object)[person],
            "movie_id": films.frame["movie_id"].to_numpy(object)[film],
            "movie_title": films.frame["movie_title"].to_numpy(object)[film],
            "user_rating": stars[in_time],
            "timestamp": seconds[in_time],
        }
    )
    return rated, people.frame, films.frame


def _raters(user_ids: np.ndarray) -> Table:
    return Table("users", pd.DataFrame({"user_id": np.sort(user_ids)}))


def _given_people(users: Table) -> Table:
    users.require("user_id")
    people = users.frame.reset_index(drop=True)
    people["user_id"] = users.unique_ids("user_id")
    return Table(users.name, people)


def _rated_films(ratings: Table, film: np.ndarray, movie_ids: np.ndarray) -> Table:
    ratings.require("movie_title")
    title, titles = ratings.ids("movie_title")
    _, first = np.unique(film, return_index=True)
    title_of_film = title[first]
    ratings.refuse(
        title != title_of_film[film],
        lambda row: (
            f"movie_id {movie_ids[film[row]]!r} has the title {titles[title[row]]!r}, "
            f"and earlier {titles[title_of_film[film[row]]]!r}"
        ),
    )
    films = pd.DataFrame({"movie_id": movie_ids, "movie_title": titles[title_of_film]})
    films = films.sort_values("movie_id", ignore_index=True)
    films["movie_genres"] = _no_genres(len(films))
    return Table("movies", films)


def _given_films(movies: Table) -> Table:
    movies.require("movie_id", "movie_title")
    title, titles = movies.ids("movie_title")
    films = pd.DataFrame(
        {
            "movie_id": movies.unique_ids("movie_id"),
            "movie_title": titles[title],
            "movie_genres": _genres(movies),
        }
    )
    return Table(movies.name, films)


def _genres(movies: Table) -> list[list[str]]:
    if "movie_genres" not in movies.frame:
        return _no_genres(len(movies.frame))
    genres = movies.frame["movie_genres"].tolist()
    movies.refuse(
        [not _is_list_of_strings(value) for value in genres],
        lambda row: f"movie_genres must be a list of strings, got {genres[row]!r}",
    )
    return [list(value) for value in genres]


def _is_list_of_strings(value: object) -> bool:
    return isinstance(value, list | tuple | np.ndarray) and all(
        isinstance(part, str) for part in value
    )


def _no_genres(num_movies: int) -> list[list[str]]:
    return [[] for _ in range(num_movies)]
