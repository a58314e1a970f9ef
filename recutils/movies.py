"""The tables of every chapter: ratings, users, movies, and the truth where it is known."""

from __future__ import annotations

from recutils.truth import Truth

import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

RATING_COLUMNS = ["user_id", "movie_id", "movie_title", "user_rating", "timestamp"]
MOVIE_COLUMNS = ["movie_id", "movie_title", "movie_genres"]


@dataclass(frozen=True)
class Movies:
    """Ratings of films, with what is known about people and films.

    Attributes:
      ratings: user_id, movie_id, movie_title (str), user_rating (float32, stars) and timestamp
        (int64, seconds), in order of time. No person rates a film twice.
      users: user_id (str), unique, and whatever else is known about people.
      movies: movie_id, movie_title (str) and movie_genres (list of str); movie_id is unique.
      truth: how the ratings came about, or None for real data.

    See: the chapter basics/data.
    """

    ratings: pd.DataFrame
    users: pd.DataFrame
    movies: pd.DataFrame
    truth: Truth | None = None

    @classmethod
    def from_frames(
        cls,
        ratings: pd.DataFrame,
        users: pd.DataFrame | None = None,
        movies: pd.DataFrame | None = None,
    ) -> Movies:
        """Makes `Movies` from a reader's own tables, and refuses what later steps would trip over.

        Args:
          ratings: user_id, movie_id, user_rating and timestamp (seconds); movie_title if `movies`
            is not given. Ids may be strings or integers; other columns are left out.
          users: user_id and any other columns; None: the people who rate.
          movies: movie_id and movie_title, movie_genres (list of str) if known; None: the films
            rated, without genres.

        Returns:
          `Movies` with truth None; ratings with equal timestamps keep their order.

        Raises:
          TypeError: an argument is not a DataFrame.
          ValueError: ratings has no row, a column is missing, an id is missing or given twice, a
            person rates a film twice, a rating is not a finite number, a timestamp is not a whole
            number, genres are not lists of strings, a film has two titles, or a rating names a
            person or film that its table lacks. The message names table, column and row.
        """
        _require_columns("ratings", ratings, ["user_id", "movie_id", "user_rating", "timestamp"])
        if ratings.empty:
            raise ValueError("ratings has no row, expected at least one")
        # All checks work on positions: ids are looked at once each, however many ratings there are.
        person, user_ids = _ids("ratings", ratings, "user_id")
        film, movie_ids = _ids("ratings", ratings, "movie_id")
        stars = _numbers("ratings", ratings, "user_rating").astype(np.float32)
        seconds = _seconds(ratings)
        pair = pd.Series(person * len(movie_ids) + film)
        _refuse(
            "ratings",
            ratings,
            pair.duplicated(),
            lambda row: (
                f"user_id {user_ids[person[row]]!r}, movie_id {movie_ids[film[row]]!r} "
                "stands there a second time"
            ),
        )
        people = _people(user_ids) if users is None else _given_people(users)
        films = _films(ratings, film, movie_ids) if movies is None else _given_films(movies)
        place = pd.Index(people["user_id"]).get_indexer(pd.Index(user_ids))[person]
        _refuse(
            "ratings",
            ratings,
            place < 0,
            lambda row: f"user_id {user_ids[person[row]]!r} is not in users",
        )
        person = place
        place = pd.Index(films["movie_id"]).get_indexer(pd.Index(movie_ids))[film]
        _refuse(
            "ratings",
            ratings,
            place < 0,
            lambda row: f"movie_id {movie_ids[film[row]]!r} is not in movies",
        )
        film = place
        in_time = np.argsort(seconds, kind="stable")
        person, film = person[in_time], film[in_time]
        rated = pd.DataFrame(
            {
                "user_id": people["user_id"].to_numpy(object)[person],
                "movie_id": films["movie_id"].to_numpy(object)[film],
                "movie_title": films["movie_title"].to_numpy(object)[film],
                "user_rating": stars[in_time],
                "timestamp": seconds[in_time],
            }
        )
        return cls(rated[RATING_COLUMNS], people, films)


def _people(user_ids: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"user_id": np.sort(user_ids)})


def _given_people(users: pd.DataFrame) -> pd.DataFrame:
    _require_columns("users", users, ["user_id"])
    people = users.reset_index(drop=True)
    people["user_id"] = _unique_ids("users", users, "user_id")
    return people


def _films(ratings: pd.DataFrame, film: np.ndarray, movie_ids: np.ndarray) -> pd.DataFrame:
    _require_columns("ratings", ratings, ["movie_title"])
    title, titles = _ids("ratings", ratings, "movie_title")
    _, first = np.unique(film, return_index=True)
    title_of_film = title[first]
    _refuse(
        "ratings",
        ratings,
        title != title_of_film[film],
        lambda row: (
            f"movie_id {movie_ids[film[row]]!r} has the title {titles[title[row]]!r}, "
            f"before it was {titles[title_of_film[film[row]]]!r}"
        ),
    )
    films = pd.DataFrame({"movie_id": movie_ids, "movie_title": titles[title_of_film]})
    films = films.sort_values("movie_id", ignore_index=True)
    films["movie_genres"] = _no_genres(len(films))
    return films


def _given_films(movies: pd.DataFrame) -> pd.DataFrame:
    _require_columns("movies", movies, ["movie_id", "movie_title"])
    title, titles = _ids("movies", movies, "movie_title")
    return pd.DataFrame(
        {
            "movie_id": _unique_ids("movies", movies, "movie_id"),
            "movie_title": titles[title],
            "movie_genres": _genres(movies),
        }
    )


def _genres(movies: pd.DataFrame) -> list[list[str]]:
    if "movie_genres" not in movies:
        return _no_genres(len(movies))
    genres = movies["movie_genres"].tolist()
    for row, value in zip(movies.index, genres, strict=True):
        is_list = isinstance(value, list | tuple | np.ndarray)
        if not is_list or not all(isinstance(genre, str) for genre in value):
            raise ValueError(
                f"movies, row {row}: movie_genres must be a list of strings, got {value!r}"
            )
    return [list(value) for value in genres]


def _no_genres(num_movies: int) -> list[list[str]]:
    return [[] for _ in range(num_movies)]


def _require_columns(table: str, frame: pd.DataFrame, columns: list[str]) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{table} must be a DataFrame, got {type(frame).__name__}")
    names = list(frame.columns)
    missing = [column for column in columns if column not in names]
    if missing:
        raise ValueError(f"{table} lacks the columns {missing}, it has {names}")
    twice = [name for name in columns if names.count(name) > 1]
    if twice:
        raise ValueError(f"{table} has the columns {twice} more than once")


def _refuse(
    table: str, frame: pd.DataFrame, bad: npt.ArrayLike, what: Callable[[int], str]
) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        raise ValueError(f"{table}, row {frame.index[rows[0]]}: {what(rows[0])}")


def _ids(table: str, frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """[num_rows] int64 positions in, and [num_ids] object: the different ids as strings."""
    values = frame[column]
    if pd.api.types.is_float_dtype(values.dtype):
        raise ValueError(f"{table}: {column} must hold strings or integers, got {values.dtype}")
    _refuse(table, frame, values.isna(), lambda row: f"{column} is missing")
    try:
        codes, distinct = pd.factorize(values)
    except TypeError as error:
        raise ValueError(f"{table}: {column} must hold strings or integers: {error}") from None
    different = list(distinct)
    bad = [
        not isinstance(value, str | int | np.integer) or isinstance(value, bool) or value == ""
        for value in different
    ]
    _refuse(
        table,
        frame,
        np.array(bad, bool)[codes],
        lambda row: (
            f"{column} must be an integer or a string that is not empty, got {values.iloc[row]!r}"
        ),
    )
    texts = pd.Index([str(value) for value in different], dtype=object)
    _refuse(
        table,
        frame,
        texts.duplicated()[codes],
        lambda row: f"{column} has {values.iloc[row]!r} both as a string and as an integer",
    )
    return codes.astype(np.int64), texts.to_numpy(object)


def _unique_ids(table: str, frame: pd.DataFrame, column: str) -> np.ndarray:
    codes, ids = _ids(table, frame, column)
    _refuse(
        table,
        frame,
        pd.Series(codes).duplicated(),
        lambda row: f"{column} {ids[codes[row]]!r} stands there a second time",
    )
    return ids[codes]


def _numbers(table: str, frame: pd.DataFrame, column: str) -> np.ndarray:
    """[num_rows] float64 or int64, finite."""
    values = frame[column]
    if values.dtype.kind not in "iuf":
        is_number = [isinstance(v, numbers.Real) and not isinstance(v, bool) for v in values]
        _refuse(
            table,
            frame,
            ~np.array(is_number),
            lambda row: f"{column} must be a number, got {values.iloc[row]!r}",
        )
    floats = values.to_numpy(np.float64, na_value=np.nan)
    # Beyond float32 for stars; for seconds it is beyond all time.
    _refuse(
        table,
        frame,
        ~(np.abs(floats) < 1e18),
        lambda row: f"{column} must be a finite number, got {values.iloc[row]}",
    )
    return floats if values.dtype.kind not in "iu" else values.to_numpy(np.int64)


def _seconds(ratings: pd.DataFrame) -> np.ndarray:
    seconds = _numbers("ratings", ratings, "timestamp")
    _refuse(
        "ratings",
        ratings,
        seconds != np.floor(seconds),
        lambda row: f"timestamp must be whole seconds, got {seconds[row]}",
    )
    return seconds.astype(np.int64)
