"""Reads the MovieLens data sets, in the files that GroupLens publishes.

This module knows the layout of the files; `recutils.movies` checks what is in them.
"""

from __future__ import annotations

from recutils import _people_words
from recutils._lines import TEXT, Field, Layout, header, line_of, read
from recutils._validation import RowError, Table, validated
from recutils.movies import Movies

import ast
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

_100K_GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
# What ml-1m and the later sets call a genre.
_GENRE = f"({'|'.join(map(re.escape, [*_100K_GENRES[1:], 'Children', 'IMAX']))})"

_ID = Field(r"\d{1,18}", "a whole number", "int64")
_SECONDS = Field(r"-?\d{1,18}", "whole seconds", "int64")
_STARS = Field(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "a number", "float64")
_FLAG = Field(r"[01]", "0 or 1")
_GENDER = Field(r"[FM]", "F or M")
_AGE = Field(r"\d{1,3}", "an age in years")
_OCCUPATION = Field(r"1?\d|20", "a code from 0 to 20")
_JOB = Field(r"[a-z]+", "an occupation in lower case")
_TITLE = Field(r"(?!\d\d?-\w{3}-\d{4}$).*\S.*", "a title")  # not the date that follows it
_GENRES = Field(rf"{_GENRE}(\|{_GENRE})*|\(no genres listed\)", "MovieLens genres separated by |")
_NAME = Field(r".*\S.*", "some text")


class _Kind(NamedTuple):
    """The files of one kind of folder."""

    ratings: Layout
    users: Layout | None
    movies: Layout
    # The lowest stars and the step between them; None: any.
    step: float | None

    @property
    def layouts(self) -> list[Layout]:
        return [layout for layout in self[:3] if layout]

    def is_in(self, names: set[str]) -> bool:
        """Whether one of the files is among `names`; missing ones are reported later."""
        return any(layout.file in names for layout in self.layouts)


_100K = _Kind(
    Layout(
        "u.data",
        {"user_id": _ID, "movie_id": _ID, "user_rating": _STARS, "timestamp": _SECONDS},
        "\t",
        has_header=False,
    ),
    Layout(
        "u.user",
        {"user_id": _ID, "age": _AGE, "gender": _GENDER, "occupation": _JOB, "zip": _NAME},
        "|",
        has_header=False,
    ),
    Layout(
        "u.item",
        {"movie_id": _ID, "title": _TITLE, "released": TEXT, "video": TEXT, "url": TEXT}
        | dict.fromkeys(_100K_GENRES, _FLAG),
        "|",
        has_header=False,
    ),
    step=1,
)
_1M = _Kind(
    Layout("ratings.dat", _100K.ratings.columns, "::", has_header=False),
    Layout(
        "users.dat",
        {"user_id": _ID, "gender": _GENDER, "age": _AGE, "occupation": _OCCUPATION, "zip": _NAME},
        "::",
        has_header=False,
    ),
    Layout(
        "movies.dat",
        {"movie_id": _ID, "title": _NAME, "genres": _GENRES},
        "::",
        has_header=False,
    ),
    step=1,
)
_CSV = _Kind(
    Layout("ratings.csv", {"userId": _ID, "movieId": _ID, "rating": _STARS, "timestamp": _SECONDS}),
    None,
    Layout("movies.csv", {"movieId": _ID, "title": _NAME, "genres": _GENRES}),
    step=0.5,
)
_OWN = _Kind(
    Layout(
        "ratings.csv",
        {"user_id": _NAME, "movie_id": _NAME, "user_rating": _STARS, "timestamp": _SECONDS},
    ),
    Layout("users.csv", {"user_id": _NAME}),
    Layout("movies.csv", {"movie_id": _NAME, "movie_title": _NAME}),
    step=None,
)
_1M_OCCUPATIONS = (
    "other",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)
_AGE_LIMITS = (18, 25, 35, 45, 50, 56)
# The first ratings of MovieLens are from January 1995.
_START = 788_918_400


def load(path: str | Path) -> Movies:
    """Reads an unpacked MovieLens folder: ml-100k, ml-1m, ml-latest-small, ml-25m or ml-32m.

    The kind is recognised by its files. A folder with ratings.csv in the schema of `Movies` is read
    too, with its users.csv and movies.csv if it has them; genres may be written as `Comedy|Drama`
    or as pandas writes a list.

    Args:
      path: the folder.

    Returns:
      `Movies` without truth; codes of age, gender and occupation become words.

    Raises:
      FileNotFoundError: there is no such folder, or a file of the kind is missing or a folder.
      ValueError: the folder is of no known kind, or a line can't be right: its number of fields, a
        field that doesn't fit its column, stars off the scale, a time before MovieLens existed, an
        id that is missing in the other file or appears twice. The message names the file, the
        line, what was found there and what was expected.

    See: the chapter basics/data; Harper and Konstan 2015, doi:10.1145/2827872.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    found = {file.name for file in folder.iterdir()}
    if _100K.is_in(found):
        ratings, users, movies = (read(folder, layout) for layout in _100K.layouts)
        return _movies(folder, _100K, ratings, _people_100k(users), _films_100k(movies))
    if _1M.is_in(found):
        ratings, users, movies = (read(folder, layout) for layout in _1M.layouts)
        return _movies(folder, _1M, ratings, _people_1m(users), _films(movies))
    if _CSV.is_in(found):
        if "ratings.csv" in found and "user_id" in header(folder / "ratings.csv"):
            return _own(folder, found)
        ratings, movies = (read(folder, layout) for layout in _CSV.layouts)
        names = {"userId": "user_id", "movieId": "movie_id", "rating": "user_rating"}
        ratings, movies = ratings.rename(columns=names), movies.rename(columns=names)
        return _movies(folder, _CSV, ratings, None, _films(movies))
    raise ValueError(
        f"{folder} is not a MovieLens folder: expected u.data, u.user and u.item (ml-100k), "
        "ratings.dat, users.dat and movies.dat (ml-1m) or ratings.csv and movies.csv "
        f"(ml-latest-small, ml-25m, ml-32m), found {sorted(found)[:10]}"
    )


def _own(folder: Path, found: set[str]) -> Movies:
    """A reader's tables in the schema of `Movies`."""
    rating_layout, user_layout, movie_layout = _OWN.layouts
    ratings = read(folder, rating_layout)
    users = read(folder, user_layout) if user_layout.file in found else None
    movies = None
    if movie_layout.file in found:
        movies = read(folder, movie_layout)
        genres = movies.get("movie_genres", pd.Series("", movies.index))
        movies = movies.assign(movie_genres=genres.map(_genres))
    elif "movie_title" not in ratings:
        raise FileNotFoundError(
            f"{folder / 'movies.csv'} is missing, and ratings.csv has no column movie_title"
        )
    return _movies(folder, _OWN, ratings, users, movies)


def _movies(
    folder: Path,
    kind: _Kind,
    ratings: pd.DataFrame,
    users: pd.DataFrame | None,
    movies: pd.DataFrame | None,
) -> Movies:
    """Puts the tables together; an error in a row names its file and line."""
    _require_whole_end(folder / kind.ratings.file, ratings["timestamp"])
    rated = Table(kind.ratings.file, ratings)
    try:
        if kind.step:
            _require_movielens(rated, kind.step)
        return Movies(
            *validated(
                rated,
                Table(kind.users.file, users) if kind.users and users is not None else None,
                None if movies is None else Table(kind.movies.file, movies),
            )
        )
    except RowError as error:
        (layout,) = [layout for layout in kind.layouts if layout.file == error.table]
        line = line_of(folder, layout, error.row)
        raise ValueError(f"{folder / layout.file}, line {line}: {error.what}") from None


def _require_movielens(ratings: Table, step: float) -> None:
    """Refuses what no MovieLens data set contains: stars off the scale, times before it began."""
    stars, seconds = ratings.frame["user_rating"], ratings.frame["timestamp"]
    ratings.refuse(
        (stars < step) | (stars > 5) | (stars % step != 0),
        lambda row: f"stars must be {step} to 5 in steps of {step}, got {stars[row]:g}",
    )
    ratings.refuse(
        seconds < _START,
        lambda row: (
            f"timestamp must be seconds since 1970, {_START} (the start of 1995) or later, "
            f"got {seconds[row]}"
        ),
    )


def _require_whole_end(path: Path, seconds: pd.Series) -> None:
    """Refuses a file cut off within a timestamp, which then has fewer digits than the others."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        ended = file.read() in (b"\n", b"\r")
    if not ended and len(seconds) > 1 and seconds.iloc[-1] < seconds.iloc[:-1].min() // 9:
        raise ValueError(
            f"{path}, last line: the file ends in the timestamp {seconds.iloc[-1]}, expected one "
            f"like {seconds.iloc[0]} and the end of the line"
        )


def _people_100k(users: pd.DataFrame) -> pd.DataFrame:
    return _people(
        users, np.searchsorted(_AGE_LIMITS, users["age"].astype(int), "right"), users["occupation"]
    )


def _people_1m(users: pd.DataFrame) -> pd.DataFrame:
    occupation = np.array(_1M_OCCUPATIONS, object)[users["occupation"].astype(int)]
    return _people(
        users, np.searchsorted(_AGE_LIMITS, users["age"].astype(int), "right"), occupation
    )


def _people(
    users: pd.DataFrame, age: np.ndarray, occupation: pd.Series | np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": users["user_id"],
            "user_gender": users["gender"].replace({"M": "male", "F": "female"}),
            "bucketized_user_age": np.array(_people_words.AGES, object)[age],
            "user_occupation_text": occupation,
            "user_zip_code": users["zip"],
        }
    )


def _films_100k(movies: pd.DataFrame) -> pd.DataFrame:
    genres = np.array(_100K_GENRES, object)
    has = movies[list(_100K_GENRES)].to_numpy() == "1"
    return pd.DataFrame(
        {
            "movie_id": movies["movie_id"],
            "movie_title": movies["title"],
            "movie_genres": [list(genres[row]) for row in has],
        }
    )


def _films(movies: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "movie_id": movies["movie_id"],
            "movie_title": movies["title"],
            "movie_genres": movies["genres"].map(_genres),
        }
    )


def _genres(text: str) -> list[str]:
    if text in ("", "(no genres listed)"):
        return []
    if re.fullmatch(r"\[('[^']*'|\"[^\"]*\"|, )*\]", text):
        return ast.literal_eval(text)
    return text.split("|")
