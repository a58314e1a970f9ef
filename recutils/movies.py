"""The tables of every chapter: ratings, users, movies, and the truth where it is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recutils.truth import Truth

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
          ValueError: a column is missing, an id is missing or given twice, a person rates a film
            twice, a rating is not a finite number, a timestamp is not an integer, or a rating
            names a person or film that its table lacks. The message names table, column and row.
        """
        _require_columns("ratings", ratings, ["user_id", "movie_id", "user_rating", "timestamp"])
        if ratings.empty:
            raise ValueError("ratings has no row, expected at least one")
        rated = pd.DataFrame(
            {
                "user_id": _ids("ratings", ratings, "user_id"),
                "movie_id": _ids("ratings", ratings, "movie_id"),
                "user_rating": _numbers("ratings", ratings, "user_rating").astype(np.float32),
                "timestamp": _seconds(ratings),
            }
        )
        _require_unique("ratings", rated, ["user_id", "movie_id"], ratings.index)
        people = _people(rated, users)
        films = _films(ratings, rated, movies)
        _require_known(ratings.index, rated["user_id"], people["user_id"], "users")
        _require_known(ratings.index, rated["movie_id"], films["movie_id"], "movies")
        titles = films.set_index("movie_id")["movie_title"]
        rated.insert(2, "movie_title", titles.loc[rated["movie_id"]].to_numpy())
        rated = rated.sort_values("timestamp", kind="stable", ignore_index=True)
        return cls(rated[RATING_COLUMNS], people, films)


def _people(rated: pd.DataFrame, users: pd.DataFrame | None) -> pd.DataFrame:
    if users is None:
        return pd.DataFrame({"user_id": np.sort(rated["user_id"].unique().astype(object))})
    _require_columns("users", users, ["user_id"])
    people = users.assign(user_id=_ids("users", users, "user_id")).reset_index(drop=True)
    _require_unique("users", people, ["user_id"], users.index)
    return people


def _films(ratings: pd.DataFrame, rated: pd.DataFrame, movies: pd.DataFrame | None) -> pd.DataFrame:
    if movies is None:
        _require_columns("ratings", ratings, ["movie_title"])
        films = rated[["movie_id"]].assign(movie_title=_ids("ratings", ratings, "movie_title"))
        films = films.drop_duplicates().sort_values("movie_id", ignore_index=True)
        twice = films["movie_id"].duplicated()
        if twice.any():
            movie_id = films["movie_id"][twice].iloc[0]
            names = films["movie_title"][films["movie_id"] == movie_id].tolist()
            raise ValueError(f"ratings gives movie_id {movie_id!r} several titles: {names}")
        return films.assign(movie_genres=[[] for _ in range(len(films))])
    _require_columns("movies", movies, ["movie_id", "movie_title"])
    films = pd.DataFrame(
        {
            "movie_id": _ids("movies", movies, "movie_id"),
            "movie_title": _ids("movies", movies, "movie_title"),
            "movie_genres": _genres(movies),
        }
    )
    _require_unique("movies", films, ["movie_id"], movies.index)
    return films


def _genres(movies: pd.DataFrame) -> list[list[str]]:
    if "movie_genres" not in movies:
        return [[] for _ in range(len(movies))]
    genres = movies["movie_genres"].tolist()
    for row, value in zip(movies.index, genres, strict=True):
        is_list = isinstance(value, Iterable) and not isinstance(value, str)
        if not is_list or not all(isinstance(genre, str) for genre in value):
            raise ValueError(
                f"movies, row {row}: movie_genres must be a list of strings, got {value!r}"
            )
    return [list(value) for value in genres]


def _require_columns(table: str, frame: pd.DataFrame, columns: list[str]) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"{table} must be a DataFrame, got {type(frame).__name__}")
    missing = [column for column in columns if column not in frame]
    if missing:
        raise ValueError(f"{table} lacks the columns {missing}, it has {list(frame.columns)}")


def _ids(table: str, frame: pd.DataFrame, column: str) -> np.ndarray:
    values = frame[column]
    missing = values.isna().to_numpy()
    if missing.any():
        raise ValueError(f"{table}, row {frame.index[missing][0]}: {column} is missing")
    if pd.api.types.is_float_dtype(values.dtype):
        raise ValueError(f"{table}: {column} must hold strings or integers, got {values.dtype}")
    return values.astype(str).to_numpy(object)


def _numbers(table: str, frame: pd.DataFrame, column: str) -> pd.Series:
    numbers = pd.to_numeric(frame[column], errors="coerce")
    bad = ~np.isfinite(numbers.to_numpy(float))
    if bad.any():
        row, value = frame.index[bad][0], frame[column][bad].iloc[0]
        raise ValueError(f"{table}, row {row}: {column} must be a number, got {value!r}")
    return numbers.reset_index(drop=True)


def _seconds(ratings: pd.DataFrame) -> pd.Series:
    numbers = _numbers("ratings", ratings, "timestamp")
    whole = numbers.astype("int64")
    bad = (numbers != whole).to_numpy()
    if bad.any():
        row, value = ratings.index[bad][0], numbers[bad].iloc[0]
        raise ValueError(f"ratings, row {row}: timestamp must be whole seconds, got {value!r}")
    return whole


def _require_unique(table: str, frame: pd.DataFrame, columns: list[str], rows: pd.Index) -> None:
    twice = frame.duplicated(columns).to_numpy()
    if twice.any():
        values = ", ".join(f"{c} {v!r}" for c, v in frame.loc[twice, columns].iloc[0].items())
        raise ValueError(f"{table}, row {rows[twice][0]}: {values} stands there a second time")


def _require_known(rows: pd.Index, ids: pd.Series, known: pd.Series, home: str) -> None:
    unknown = ~ids.isin(known).to_numpy()
    if unknown.any():
        value = ids[unknown].iloc[0]
        raise ValueError(f"ratings, row {rows[unknown][0]}: {ids.name} {value!r} is not in {home}")
