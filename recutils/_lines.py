"""Reads text files whose lines must fit a layout; errors name the file and the line."""

import csv
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Field:
    """What a column may contain, as a pattern and in words, and what it is converted to."""

    pattern: str
    expected: str
    dtype: str = "object"


TEXT = Field(r".*", "any text")


@dataclass(frozen=True)
class Layout:
    """A file, its columns in order, and what is between them.

    If there is a header, it names the columns, in any order, and there may be others.
    """

    file: str
    columns: Mapping[str, Field]
    separator: str = ","
    has_header: bool = True


def header(path: Path) -> list[str]:
    """The fields of a file's first line."""
    _require_file(path)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return next(csv.reader(file), [])


def read(folder: Path, layout: Layout) -> pd.DataFrame:
    """Reads a file of `folder`, every line of which must fit `layout`.

    Numbers are read by pandas; only if that fails, line by line, to find out where.
    """
    path = folder / layout.file
    _require_file(path)
    names = _names(path, layout)
    if not set(layout.columns) <= set(names) or len(set(names)) < len(names):
        raise ValueError(f"{path}, line 1: expected the columns {[*layout.columns]}, got {names}")
    dtypes = {name: field.dtype for name, field in layout.columns.items()}
    if len(layout.separator) == 1 and "object" not in dtypes.values():
        frame = _read_numbers(path, layout, dtypes)
        if frame is not None:
            return frame
    rows = list(_checked_rows(path, layout))
    if not rows:
        raise ValueError(f"{path} has no line of data, expected at least one")
    return pd.DataFrame(rows, columns=names, dtype=object).astype(dtypes)


def line_of(folder: Path, layout: Layout, row: int) -> int:
    """The line in which a row of a file begins, from 1; rows count from 0."""
    rows = _rows(folder / layout.file, layout)
    return next(line for place, (line, _) in enumerate(rows) if place == row)


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder, expected a file")
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: a folder of this kind needs it")


def _names(path: Path, layout: Layout) -> list[str]:
    return header(path) if layout.has_header else list(layout.columns)


def _read_numbers(path: Path, layout: Layout, dtypes: dict[str, str]) -> pd.DataFrame | None:
    """Reads a file of numbers at full speed; None if anything about it is odd."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                path,
                sep=layout.separator,
                encoding="utf-8-sig",
                header=0 if layout.has_header else None,
                names=None if layout.has_header else list(dtypes),
                dtype=dtypes,
                keep_default_na=False,
                skip_blank_lines=False,
                index_col=False,
            )
    except (ValueError, OverflowError, pd.errors.ParserWarning):
        return None
    frame = frame[list(dtypes)]
    negative = [name for name in dtypes if (frame[name] < 0).any()]
    return None if negative or frame.empty or frame.isna().any(axis=None) else frame


def _checked_rows(path: Path, layout: Layout) -> Iterator[list[str]]:
    """Yields the fields of each row; raises a ValueError for the first line that is wrong."""
    names = _names(path, layout)
    checks = [
        (place, names[place], re.compile(field.pattern, re.DOTALL), field.expected)
        for place, field in enumerate(layout.columns.get(name, TEXT) for name in names)
        if field is not TEXT
    ]
    for line, fields in _rows(path, layout):
        if len(fields) != len(names):
            text = layout.separator.join(fields)
            raise ValueError(
                f"{path}, line {line}: expected {len(names)} fields separated by "
                f"{layout.separator!r}, got {len(fields)}: {text[:80]!r}"
            )
        for place, name, pattern, expected in checks:
            if not pattern.fullmatch(fields[place]):
                raise ValueError(
                    f"{path}, line {line}: {name} must be {expected}, got {fields[place]!r}"
                )
        yield fields


def _rows(path: Path, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yields the line where a row begins, and its fields; without the header."""
    with path.open(encoding=_encoding(path, layout), newline="") as file:
        if not layout.has_header:
            for line, text in enumerate(file, 1):
                yield line, text.rstrip("\r\n").split(layout.separator)
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


def _encoding(path: Path, layout: Layout) -> str:
    """UTF-8, with or without a byte order mark; files without a header may be in Latin-1."""
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if not layout.has_header:
            return "latin-1"
        line = content.count(b"\n", 0, error.start) + 1
        text = content.splitlines()[line - 1][:60]
        raise ValueError(f"{path}, line {line}: expected UTF-8, got {text!r}") from None
    return "utf-8-sig"
