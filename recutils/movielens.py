"""Reads the MovieLens data sets, in the files in which GroupLens publishes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from recutils import _words
from recutils.movies import Movies


@dataclass(frozen=True)
class _Table:
    """How a file is laid out: its columns in order, and how each one's text must read."""

    file: str
    columns: Mapping[str, str]  # name -> "int", "float" or "text"
    separator: str = ","
    encoding: str = "utf-8-sig"
    has_header: bool = True


_100K_GENRES = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy "
    "Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western"
)
_RATINGS = {"user_id": "int", "movie_id": "int", "user_rating": "float", "timestamp": "int"}
_100K = (
    _Table("u.data", _RATINGS, "\t", "latin-1", False),
    _Table(
        "u.user",
        {"user_id": "int", "age": "int", "gender": "text", "occupation": "text", "zip": "text"},
        "|",
        "latin-1",
        False,
    ),
    _Table(
        "u.item",
        {"movie_id": "int", "title": "text", "released": "text", "video": "text", "url": "text"}
        | dict.fromkeys(_100K_GENRES.split(), "int"),
        "|",
        "latin-1",
        False,
    ),
)
_1M = (
    _Table("ratings.dat", _RATINGS, "::", "latin-1", False),
    _Table(
        "users.dat",
        {"user_id": "int", "gender": "text", "age": "int", "occupation": "int", "zip": "text"},
        "::",
        "latin-1",
        False,
    ),
    _Table(
        "movies.dat",
        {"movie_id": "int", "title": "text", "genres": "text"},
        "::",
        "latin-1",
        False,
    ),
)
_CSV = (
    _Table(
        "ratings.csv", {"userId": "int", "movieId": "int", "rating": "float", "timestamp": "int"}
    ),
    _Table("movies.csv", {"movieId": "int", "title": "text", "genres": "text"}),
)
_OWN = (
    _Table(
        "ratings.csv",
        {"user_id": "text", "movie_id": "text", "user_rating": "float", "timestamp": "int"},
    ),
    _Table("users.csv", {"user_id": "text"}),
    _Table("movies.csv", {"movie_id": "text", "movie_title": "text", "movie_genres": "text"}),
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


def load(path: str | Path) -> Movies:
    """Reads an unpacked MovieLens folder: ml-100k, ml-1m, ml-latest-small, ml-25m or ml-32m.

    The kind is recognised by its files. A folder with ratings.csv, users.csv and movies.csv in the
    schema of `Movies` is read too; there genres are separated by |.

    Args:
      path: the folder.

    Returns:
      `Movies` without truth; codes of age, gender and occupation become words.

    Raises:
      FileNotFoundError: there is no such folder, or a file of the kind is missing.
      ValueError: the folder is of no known kind, or a line can't be right: its number of fields, a
        field that is not a number, stars off the scale, an id that is missing in the other file or
        stands there twice. The message names the file, the line, and what was expected.

    See: the chapter basics/data; Harper and Konstan 2015, doi:10.1145/2827872.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    if (folder / "u.data").exists():
        ratings, users, movies = (_read(folder, table) for table in _100K)
        return _movies(folder, _100K, ratings, _people_100k(users), _films_100k(movies))
    if (folder / "ratings.dat").exists():
        ratings, users, movies = (_read(folder, table) for table in _1M)
        films = _films(movies.rename(columns={"title": "movie_title"}))
        return _movies(folder, _1M, ratings, _people_1m(folder, users), films)
    if (folder / "ratings.csv").exists():
        if "user_id" in _header(folder / "ratings.csv"):
            ratings, users, movies = (_read(folder, table) for table in _OWN)
            movies = movies.rename(columns={"movie_genres": "genres"})
            return _movies(folder, _OWN, ratings, users, _films(movies))
        ratings, movies = (_read(folder, table) for table in _CSV)
        ratings.columns = list(_RATINGS)
        movies = movies.rename(columns={"movieId": "movie_id", "title": "movie_title"})
        return _movies(folder, (_CSV[0], None, _CSV[1]), ratings, None, _films(movies))
    found = sorted(file.name for file in folder.iterdir())[:10]
    raise ValueError(
        f"{folder} is not a MovieLens folder: expected u.data (ml-100k), ratings.dat (ml-1m) or "
        f"ratings.csv (ml-latest-small, ml-25m, ml-32m), found {found}"
    )


def _movies(
    folder: Path,
    tables: tuple[_Table, _Table | None, _Table],
    ratings: pd.DataFrame,
    users: pd.DataFrame | None,
    movies: pd.DataFrame,
) -> Movies:
    """Checks what lines say of each other, where the line can still be named."""
    rating_table, user_table, movie_table = tables

    def refuse(table: _Table, bad: pd.Series, what: Callable[[int], str]) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            line = row + 1 + table.has_header
            raise ValueError(f"{folder / table.file}, line {line}: {what(row)}")

    stars = ratings["user_rating"]
    smallest, step = (1, 1) if rating_table in (_100K[0], _1M[0]) else (0.5, 0.5)
    if rating_table is not _OWN[0]:
        refuse(
            rating_table,
            (stars < smallest) | (stars > 5) | (stars % step != 0),
            lambda row: f"stars must be {smallest} to 5 in steps of {step}, got {stars[row]:g}",
        )
    refuse(
        rating_table,
        ratings.duplicated(["user_id", "movie_id"]),
        lambda row: (
            f"user {ratings['user_id'][row]} rates movie {ratings['movie_id'][row]} a second time"
        ),
    )
    refuse(
        movie_table,
        movies["movie_id"].duplicated(),
        lambda row: f"movie {movies['movie_id'][row]} stands there a second time",
    )
    refuse(
        rating_table,
        ~ratings["movie_id"].isin(movies["movie_id"]),
        lambda row: f"movie {ratings['movie_id'][row]} is not in {movie_table.file}",
    )
    if users is not None and user_table is not None:
        refuse(
            user_table,
            users["user_id"].duplicated(),
            lambda row: f"user {users['user_id'][row]} stands there a second time",
        )
        refuse(
            rating_table,
            ~ratings["user_id"].isin(users["user_id"]),
            lambda row: f"user {ratings['user_id'][row]} is not in {user_table.file}",
        )
    return Movies.from_frames(ratings, users, movies)


def _people_100k(users: pd.DataFrame) -> pd.DataFrame:
    return _people(users, np.searchsorted(_AGE_LIMITS, users["age"], "right"), users["occupation"])


def _people_1m(folder: Path, users: pd.DataFrame) -> pd.DataFrame:
    unknown = ~users["occupation"].between(0, len(_1M_OCCUPATIONS) - 1)
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise ValueError(
            f"{folder / 'users.dat'}, line {row + 1}: occupation must be 0 to "
            f"{len(_1M_OCCUPATIONS) - 1}, got {users['occupation'][row]}"
        )
    occupation = np.array(_1M_OCCUPATIONS, object)[users["occupation"]]
    return _people(users, np.searchsorted(_AGE_LIMITS, users["age"], "right"), occupation)


def _people(
    users: pd.DataFrame, age: np.ndarray, occupation: pd.Series | np.ndarray
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": users["user_id"],
            "user_gender": users["gender"].replace({"M": "male", "F": "female"}),
            "bucketized_user_age": np.array(_words.AGES, object)[age],
            "user_occupation_text": occupation,
            "user_zip_code": users["zip"],
        }
    )


def _films_100k(movies: pd.DataFrame) -> pd.DataFrame:
    genres = np.array(_100K_GENRES.split(), object)
    has = movies[_100K_GENRES.split()].to_numpy(bool)
    return pd.DataFrame(
        {
            "movie_id": movies["movie_id"],
            "movie_title": movies["title"],
            "movie_genres": [list(genres[row]) for row in has],
        }
    )


def _films(movies: pd.DataFrame) -> pd.DataFrame:
    no_genre = ("", "(no genres listed)")
    genres = [[] if text in no_genre else text.split("|") for text in movies["genres"]]
    return movies[["movie_id", "movie_title"]].assign(movie_genres=genres)


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader(file), [])


def _read(folder: Path, table: _Table) -> pd.DataFrame:
    """Reads a file at full speed; only if that fails, line by line to say where."""
    path = folder / table.file
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: it belongs to such a folder")
    names = list(table.columns)
    if table.has_header:
        missing = [name for name in names if name not in _header(path)]
        if missing:
            raise ValueError(f"{path}, line 1: no column {missing}, got {_header(path)}")
    types = {"int": "int64", "float": "float64", "text": "object"}
    try:
        frame = pd.read_csv(
            _one_character_separated(path, table),
            sep=table.separator if len(table.separator) == 1 else "\x1f",
            encoding=table.encoding,
            header=0 if table.has_header else None,
            names=None if table.has_header else names,
            dtype={name: types[kind] for name, kind in table.columns.items()},
            keep_default_na=False,
            skip_blank_lines=False,
            index_col=False,
            quoting=csv.QUOTE_MINIMAL if table.has_header else csv.QUOTE_NONE,
        )
        short = frame[names].isna().to_numpy().any(axis=1)
        if short.any() or not np.isfinite(frame.select_dtypes("float64").to_numpy()).all():
            raise ValueError("a field is missing")
    except (ValueError, OverflowError) as error:
        _explain(path, table, error)
    if frame.empty:
        raise ValueError(f"{path} has no line, expected at least one")
    wanted = names if table.file != "users.csv" else list(frame.columns)
    return frame[wanted]


def _one_character_separated(path: Path, table: _Table) -> Path | io.BytesIO:
    if len(table.separator) == 1:
        return path
    return io.BytesIO(path.read_bytes().replace(table.separator.encode(), b"\x1f"))


def _explain(path: Path, table: _Table, error: Exception) -> NoReturn:
    """Raises a ValueError for the first line that is wrong."""
    readers: dict[str, Callable[[str], object]] = {"int": int, "float": float, "text": str}
    names, expected = list(table.columns), len(table.columns)
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                text = raw.decode(table.encoding).rstrip("\r\n")
            except UnicodeDecodeError:
                raise ValueError(
                    f"{path}, line {number}: not {table.encoding}, got {raw[:60]!r}"
                ) from None
            fields = (
                next(csv.reader([text]), []) if table.has_header else text.split(table.separator)
            )
            if number == 1 and table.has_header:
                names, expected = fields, len(fields)
                continue
            if len(fields) != expected:
                raise ValueError(
                    f"{path}, line {number}: expected {expected} fields, got {len(fields)}: {text!r}"
                )
            for name, field in zip(names, fields, strict=True):
                kind = table.columns.get(name, "text")
                try:
                    fine = kind != "float" or np.isfinite(float(field))
                    readers[kind](field)
                except ValueError:
                    fine = False
                if not fine:
                    raise ValueError(
                        f"{path}, line {number}: {name} must be of type {kind}, got {field!r}"
                    )
    raise ValueError(f"{path}: {error}")
