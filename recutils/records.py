"""Stored results of computations too long for a chapter, identified by the code behind them."""

from __future__ import annotations

from recutils import _checks, sources

import hashlib
import json
import os
import platform
import re
import reprlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from recutils.experiments import Trials

FOLDER = Path(__file__).resolve().parent.parent / "reports" / "records"
# The default of `recutils.trials`; a record says if it is another.
_USUAL_TEST_FRACTION = 0.2
# What a record consists of.
_PARTS = {"search": "draws", "trials": "trials"}
_REMEDY = "delete it and run `make search`"
_SMALL_WORLD = {"num_users": 40, "num_movies": 120, "num_ratings": 600}
_PACKAGES = ("numpy", "scipy", "tensorflow", "tf-keras", "tensorflow-recommenders")


def mode() -> str:
    """What RECUTILS_RECORD in the environment asks for.

    Returns:
      "read" (the default: use what is stored), "make" (compute and store what is missing) or
      "check" (compute one part of each record again, and compare).

    Raises:
      ValueError: the variable has another value.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    asked = os.environ.get("RECUTILS_RECORD") or "read"
    if asked not in ("read", "make", "check"):
        raise ValueError(f"RECUTILS_RECORD must be read, make or check, got {asked!r}")
    return asked


def key(cells: Sequence[str], function: str, name: str, trials: Trials) -> str:
    """What identifies a record: the code that it comes from, and the data.

    Args:
      cells: code of a notebook's cells, or one string for a script, up to the call.
      function: "search" or "recorded".
      name: the call's first argument, as it is written there.
      trials: of the comparison.

    Returns:
      The two fingerprints, from `sources.source_key` and `fingerprint`.

    Raises:
      ValueError: there is no such call.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    return f"{sources.source_key(cells, function, name)}-{fingerprint(trials)}"


def data_label(trials: Trials) -> str:
    """What the trials draw from, for telling records of different data apart.

    Args:
      trials: of a chapter.

    Returns:
      "synthetic", with sizes, dials and kind of split where they are not the default's, or "real"
      with the kind of split and the fingerprint of the ratings.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    split = "" if trials.split == "random" else f"-{trials.split}"
    if trials.real:
        return f"real{split}-{fingerprint(trials)}"
    world = [f"{name}={value}" for name, value in sorted(trials.world.items())]
    return "-".join(["synthetic" + split, *world])


def fingerprint(trials: Trials) -> str:
    """A hash of the data.

    It is that of a small world with the same dials and split, or of the real ratings that a search
    uses.

    Args:
      trials: of a chapter.

    Returns:
      10 hexadecimal digits.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    if trials.real:
        (searched,) = trials.searched()
        ratings = searched.movies.ratings
    else:
        small = replace(trials, world={**trials.world, **_SMALL_WORLD}, seeds=range(1, 2))
        ratings = next(iter(small)).train
    columns = ratings[["user_id", "movie_id", "user_rating", "timestamp"]]
    rows = pd.util.hash_pandas_object(
        columns.astype({"user_id": object, "movie_id": object}), index=False
    )
    return hashlib.sha256(rows.to_numpy("<u8").tobytes()).hexdigest()[:10]


def read(kind: str, name: str, data: str) -> dict[str, Any] | None:
    """A stored record.

    Args:
      kind: "search" or "trials".
      name: of the record.
      data: from `data_label`.

    Returns:
      The record, or None if there is none.

    Raises:
      ValueError: the record is damaged, or name can't be a file name.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    path = _path(kind, name, data)
    if not path.exists():
        return None
    record = _load(path)
    if (record["name"], record["data"]) != (name, data):
        what = f"{record['name']!r} on {record['data']!r}"
        raise _damaged(path, f"it belongs to {what}")
    return record


def all_of(kind: str, name: str | None = None) -> list[dict[str, Any]]:
    """The records of one name, for all data.

    Args:
      kind: "search" or "trials".
      name: of the record; None: of all names.

    Returns:
      The records.

    Raises:
      ValueError: a record is damaged.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    _checks.choice("kind", kind, _PARTS)
    found = [_load(path) for path in sorted(FOLDER.glob(f"{kind}-*.json"))]
    return [record for record in found if name is None or record["name"] == name]


def write(kind: str, name: str, trials: Trials, record: dict[str, Any]) -> None:
    """Stores a record, all or nothing, with date and versions.

    Args:
      kind: "search" or "trials".
      name: of the record.
      trials: of the comparison.
      record: its key and its parts, which JSON can hold.

    Raises:
      ValueError: a number is not finite, or name can't be a file name.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    data = data_label(trials)
    path = _path(kind, name, data)
    where: dict[str, Any] = {"name": name, "data": data, "split": trials.split}
    where["world"] = dict(trials.world)
    if trials.test_fraction != _USUAL_TEST_FRACTION:
        where["test_fraction"] = trials.test_fraction
    text = json.dumps(where | about() | record, indent=1, ensure_ascii=False, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)


def about() -> dict[str, Any]:
    """When and with what something was computed.

    Returns:
      The date in UTC, and the versions of Python and of the packages that numbers depend on.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    versions = {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
    return {"date": datetime.now(UTC).date().isoformat(), "versions": versions}


def code_so_far() -> list[str]:
    """The code that has run so far: the cells of the notebook, or the main script.

    Returns:
      The text of each cell, in the order in which they ran.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    if (shell := get_ipython()) is not None:
        return list(shell.user_ns.get("In", []))
    script = getattr(sys.modules["__main__"], "__file__", None)
    return [Path(script).read_text("utf-8")] if script else []


def note(text: str) -> None:
    """Prints a line on stderr, where a reader sees it and a notebook doesn't store it.

    Args:
      text: one line.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    print(text, file=sys.stderr)


def _path(kind: str, name: str, data: str) -> Path:
    _checks.choice("kind", kind, _PARTS)
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w/ .+@-]*", name):
        raise ValueError(f"name must be made of letters, digits and / - _ . + @, got {name!r}")
    return FOLDER / f"{kind}-{name.replace('/', '-').replace(' ', '_')}-{data}.json"


def _load(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise _damaged(path, "it is a folder")
    try:
        record = json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    part = _PARTS[path.name.partition("-")[0]]
    texts = ("name", "key", "data", "split")
    if not isinstance(record, dict) or not {*texts, "world", part} <= record.keys():
        wanted = ", ".join((*texts, "world"))
        raise _damaged(path, f"it must have {wanted} and {part}")
    if not all(isinstance(record[name], str) for name in texts):
        raise _damaged(path, f"{', '.join(texts)} must be text")
    if not isinstance(record["world"], dict):
        raise _damaged(path, "world must be a dict")
    problem = _problem_of_draws(record[part]) if part == "draws" else _problem_of(record[part])
    if problem:
        raise _damaged(path, problem)
    return record


def _damaged(path: Path, problem: str) -> ValueError:
    return ValueError(f"{path.name} is damaged: {problem}; {_REMEDY}")


def _refuse(constant: str) -> None:
    raise ValueError(f"expected finite numbers, got {constant}")


def _problem_of_draws(draws: Any) -> str:
    """What is wrong with the draws of a search; "" if nothing is."""
    if not isinstance(draws, list) or not draws:
        return f"draws must be a list, not empty, got {reprlib.repr(draws)}"
    for number, draw in enumerate(draws):
        curve = draw.get("curve") if isinstance(draw, dict) else None
        if (
            not isinstance(curve, list)
            or not curve
            or not all(score is None or _checks.is_number(score) for score in curve)
            or not isinstance(draw.get("settings"), dict)
            or not _checks.is_number(draw.get("cpu_seconds"))
        ):
            return (
                f"draw {number} must have settings, a curve of numbers and cpu_seconds, "
                f"got {reprlib.repr(draw)}"
            )
    lengths = sorted({len(draw["curve"]) for draw in draws})
    return f"all curves must be equally long, got {lengths} scores" if len(lengths) > 1 else ""


def _problem_of(trials: Any) -> str:
    """What is wrong with recorded trials; "" if nothing is."""
    if not isinstance(trials, dict) or not trials:
        return f"trials must be a dict, not empty, got {reprlib.repr(trials)}"
    first = next(iter(trials.values()))
    for seed, scores in trials.items():
        if not isinstance(scores, dict) or not all(map(_checks.is_number, scores.values())):
            return f"trial {seed} must be a dict of numbers, got {reprlib.repr(scores)}"
        if not scores or scores.keys() != first.keys():
            return f"trial {seed} must have the scores {[*first]}, got {[*scores]}"
    return ""
