"""Reads the MovieLens data sets, in the files in which GroupLens publishes them."""

from __future__ import annotations

from recutils import _people_words
from recutils.movies import Movies

import ast
import csv
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class _Table:
    """How a file is laid out: its columns in order, and how each one's text must read."""

    file: str
    columns: Mapping[str, str]  # name -> a key of _KINDS
    separator: str = ","
    has_header: bool = True


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
# What may stand in a field, as a pattern and in words.
_KINDS = {
    "id": (r"\d{1,18}", "a whole number"),
    "seconds": (r"-?\d{1,18}", "whole seconds"),
    "stars": (r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "a number"),
    "flag": (r"[01]", "0 or 1"),
    "gender": (r"[FM]", "F or M"),
    "age": (r"\d{1,3}", "an age in years"),
    "occupation": (r"1?\d|20", "a code from 0 to 20"),
    "job": (r"[a-z]+", "an occupation in small letters"),
    "title": (r"(?!\d\d?-\w{3}-\d{4}$).*\S.*", "a title"),
    "genres": (rf"{_GENRE}(\|{_GENRE})*|\(no genres listed\)", "genres of MovieLens and | between"),
    "name": (r".*\S.*", "some text"),
    "text": (r".*", "any text"),
}
_RATINGS = {"user_id": "id", "movie_id": "id", "user_rating": "stars", "timestamp": "seconds"}
_100K = (
    _Table("u.data", _RATINGS, "\t", False),
    _Table(
        "u.user",
        {"user_id": "id", "age": "age", "gender": "gender", "occupation": "job", "zip": "name"},
        "|",
        False,
    ),
    _Table(
        "u.item",
        {"movie_id": "id", "title": "title", "released": "text", "video": "text", "url": "text"}
        | dict.fromkeys(_100K_GENRES, "flag"),
        "|",
        False,
    ),
)
_1M = (
    _Table("ratings.dat", _RATINGS, "::", False),
    _Table(
        "users.dat",
        {
            "user_id": "id",
            "gender": "gender",
            "age": "age",
            "occupation": "occupation",
            "zip": "name",
        },
        "::",
        False,
    ),
    _Table("movies.dat", {"movie_id": "id", "title": "name", "genres": "genres"}, "::", False),
)
_CSV = (
    _Table(
        "ratings.csv", {"userId": "id", "movieId": "id", "rating": "stars", "timestamp": "seconds"}
    ),
    None,
    _Table("movies.csv", {"movieId": "id", "title": "name", "genres": "genres"}),
)
_OWN = (
    _Table(
        "ratings.csv",
        {"user_id": "name", "movie_id": "name", "user_rating": "stars", "timestamp": "seconds"},
    ),
    _Table("users.csv", {"user_id": "name"}),
    _Table("movies.csv", {"movie_id": "name", "movie_title": "name"}),
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
    too, with its users.csv and movies.csv if it has them; genres may stand there as `Comedy|Drama`
    or as pandas writes a list.

    Args:
      path: the folder.

    Returns:
      `Movies` without truth; codes of age, gender and occupation become words.

    Raises:
      FileNotFoundError: there is no such folder, or a file of the kind is missing.
      ValueError: the folder is of no known kind, or a line can't be right: its number of fields, a
        field that is not what its column holds, stars off the scale, a time before MovieLens, an id
        that is missing in the other file or stands there twice. The message names the file, the
        line, what stands there and what was expected.

    See: the chapter basics/data; Harper and Konstan 2015, doi:10.1145/2827872.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    found = sorted(file.name for file in folder.iterdir())
    if {"u.data", "u.user", "u.item"} & set(found):
        ratings, users, movies = (_read(folder, table) for table in _100K)
        return _movies(folder, _100K, ratings, _people_100k(users), _films_100k(movies))
    if {"ratings.dat", "users.dat", "movies.dat"} & set(found):
        ratings, users, movies = (_read(folder, table) for table in _1M)
        films = _films(movies.rename(columns={"title": "movie_title"}))
        return _movies(folder, _1M, ratings, _people_1m(users), films)
    if {"ratings.csv", "movies.csv"} & set(found):
        if "ratings.csv" in found and "user_id" in _header(folder / "ratings.csv"):
            return _own(folder, found)
        ratings, movies = (_read(folder, table) for table in _CSV if table)
        ratings = ratings.set_axis(list(_RATINGS), axis=1)
        movies = movies.rename(columns={"movieId": "movie_id", "title": "movie_title"})
        return _movies(folder, _CSV, ratings, None, _films(movies))
    raise ValueError(
        f"{folder} is not a MovieLens folder: expected u.data, u.user and u.item (ml-100k), "
        "ratings.dat, users.dat and movies.dat (ml-1m) or ratings.csv and movies.csv "
        f"(ml-latest-small, ml-25m, ml-32m), found {found[:10]}"
    )


def _own(folder: Path, found: list[str]) -> Movies:
    """A reader's tables in the schema of `Movies`."""
    ratings = _read(folder, _OWN[0])
    users = _read(folder, _OWN[1]) if "users.csv" in found else None
    movies = None
    if "movies.csv" in found:
        movies = _read(folder, _OWN[2])
        movies = _films(movies.assign(genres=movies.get("movie_genres", "")))
    elif "movie_title" not in ratings:
        raise FileNotFoundError(
            f"{folder / 'movies.csv'} is missing, and ratings.csv has no column movie_title"
        )
    return _movies(folder, _OWN, ratings, users, movies)


def _movies(
    folder: Path,
    tables: tuple[_Table, _Table | None, _Table],
    ratings: pd.DataFrame,
    users: pd.DataFrame | None,
    movies: pd.DataFrame | None,
) -> Movies:
    """Checks what lines say of each other, where the line can still be named."""
    rating_table, user_table, movie_table = tables

    def refuse(table: _Table, bad: pd.Series, what: Callable[[int], str]) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            line = _line(folder / table.file, table, row)
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
            ratings["timestamp"] < _START,
            lambda row: (
                f"timestamp must be seconds since 1970, {_START} (the start of 1995) or later, "
                f"got {ratings['timestamp'][row]}"
            ),
        )
    refuse(
        rating_table,
        ratings.duplicated(["user_id", "movie_id"]),
        lambda row: (
            f"user {ratings['user_id'][row]} rates movie {ratings['movie_id'][row]} a second time"
        ),
    )
    if movies is not None:
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
    films = movies[["movie_id", "movie_title"]].copy()
    films["movie_genres"] = movies["genres"].map(_genres)
    return films


def _genres(text: str) -> list[str]:
    if text in ("", "(no genres listed)"):
        return []
    if re.fullmatch(r"\[('[^']*'|\"[^\"]*\"|, )*\]", text):
        return ast.literal_eval(text)
    return text.split("|")


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader(file), [])


def _read(folder: Path, table: _Table) -> pd.DataFrame:
    """Reads a file, whose every line must be as the table says.

    Ratings of MovieLens are read by pandas, and only if that fails, line by line to say where.
    """
    path = folder / table.file
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: it belongs to such a folder")
    names = list(table.columns)
    if table.has_header:
        header = _header(path)
        if not set(names) <= set(header) or len(set(header)) < len(header):
            raise ValueError(f"{path}, line 1: expected the columns {names}, got {header}")
    types = {"id": "int64", "seconds": "int64", "stars": "float64"}
    if len(table.separator) == 1 and set(table.columns.values()) <= set(types):
        frame = _read_numbers(path, table, {n: types[kind] for n, kind in table.columns.items()})
        if frame is not None:
            _require_whole_end(path, frame["timestamp"])
            return frame
    rows = [fields for _, fields in _checked_rows(path, table)]
    if not rows:
        raise ValueError(f"{path} has no line of data, expected at least one")
    frame = pd.DataFrame(rows, columns=_header(path) if table.has_header else names, dtype=object)
    frame = frame.astype(
        {name: types[kind] for name, kind in table.columns.items() if kind in types}
    )
    if "timestamp" in table.columns:
        _require_whole_end(path, frame["timestamp"])
    return frame


def _read_numbers(path: Path, table: _Table, types: dict[str, str]) -> pd.DataFrame | None:
    """Reads a file of numbers at full speed; None if anything about it is odd."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=table.separator,
                encoding="utf-8-sig",
                header=0 if table.has_header else None,
                names=None if table.has_header else list(types),
                dtype=types,
                keep_default_na=False,
                skip_blank_lines=False,
                index_col=False,
            )
    except (ValueError, OverflowError, pd.errors.ParserWarning):
        return None
    frame = frame[list(types)]
    negative = [name for name in types if (frame[name] < 0).any()]
    return None if negative or frame.empty or frame.isna().any(axis=None) else frame


def _require_whole_end(path: Path, seconds: pd.Series) -> None:
    """A file that ends within a timestamp has lost rows; one digit less shows it."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        ended = file.read() in (b"\n", b"\r")
    if not ended and len(seconds) > 1 and seconds.iloc[-1] < seconds.iloc[:-1].min() // 9:
        raise ValueError(
            f"{path}, last line: the file ends in the timestamp {seconds.iloc[-1]}, expected one "
            f"like {seconds.iloc[0]} and the end of the line"
        )


def _checked_rows(path: Path, table: _Table) -> Iterator[tuple[int, list[str]]]:
    """Yields line and fields; raises a ValueError for the first line that is wrong."""
    names = _header(path) if table.has_header else list(table.columns)
    checks = [
        (place, names[place], re.compile(_KINDS[kind][0], re.DOTALL), _KINDS[kind][1])
        for place, kind in enumerate(table.columns.get(name, "text") for name in names)
        if kind != "text"
    ]
    for line, fields in _rows(path, table):
        if len(fields) != len(names):
            text = table.separator.join(fields)
            raise ValueError(
                f"{path}, line {line}: expected {len(names)} fields separated by "
                f"{table.separator!r}, got {len(fields)}: {text[:80]!r}"
            )
        for place, name, pattern, expected in checks:
            if not pattern.fullmatch(fields[place]):
                raise ValueError(
                    f"{path}, line {line}: {name} must be {expected}, got {fields[place]!r}"
                )
        yield line, fields


def _rows(path: Path, table: _Table) -> Iterator[tuple[int, list[str]]]:
    """Yields the line where a row begins, and its fields; without the header."""
    with path.open(encoding=_encoding(path, table), newline="") as file:
        if not table.has_header:
            for line, text in enumerate(file, 1):
                yield line, text.rstrip("\r\n").split(table.separator)
            return
        reader, line = csv.reader(file, strict=True), 1
        try:
            for fields in reader:
                if line > 1:
                    yield line, fields
                line = reader.line_num + 1
        except csv.Error as error:
            raise ValueError(
                f"{path}, line {line}: expected comma-separated text: {error}"
            ) from None


def _encoding(path: Path, table: _Table) -> str:
    """UTF-8, with or without a mark at its start; files without header may be in latin-1."""
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if not table.has_header:
            return "latin-1"
        line = content.count(b"\n", 0, error.start) + 1
        text = content.splitlines()[line - 1][:60]
        raise ValueError(f"{path}, line {line}: expected UTF-8, got {text!r}") from None
    return "utf-8-sig"


def _line(path: Path, table: _Table, row: int) -> int:
    """The line in which a row of a table begins."""
    return next(line for place, (line, _) in enumerate(_rows(path, table)) if place == row)
