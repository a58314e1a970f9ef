"""Results that take too long for a chapter: stored, and known by the code they come from."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from recutils.experiments import Trials

FOLDER = Path(__file__).resolve().parent.parent / "reports" / "records"
# Arguments of `search` and `recorded` that don't change what a stored draw or trial is.
_DONT_COUNT = {"trials", "draws", "bounded", "digits"}


def mode() -> str:
    """What RECUTILS_RECORD in the environment asks for.

    Returns:
      "read" (the default: use what is stored), "make" (compute and store what is missing) or
      "check" (compute one part of each record again, and compare).

    Raises:
      ValueError: the variable has another value.
    """
    asked = os.environ.get("RECUTILS_RECORD", "read")
    if asked not in ("read", "make", "check"):
        raise ValueError(f"RECUTILS_RECORD must be read, make or check, got {asked!r}")
    return asked


def source_key(cells: Sequence[str], function: str, name: str) -> str:
    """A fingerprint of a call and of all code of the notebook that it reaches.

    It holds the arguments of the call `function(name, …)` and, step by step, the last definition
    of each name that they use. Comments, docstrings and layout don't count, nor does how many
    draws or trials are asked for.

    Args:
      cells: code of a notebook's cells, or one string for a script, up to the call.
      function: "search" or "recorded".
      name: the call's first argument, as it is written there.

    Returns:
      16 hexadecimal digits.

    Raises:
      ValueError: there is no such call.

    See: CONTRIBUTING.md, “Searches”.
    """
    statements = [statement for cell in cells for statement in _statements(cell)]
    calls = [call for s in statements for call in _calls(s, function) if _name_of(call) == name]
    if not calls:
        raise ValueError(f"no call {function}({name!r}, …) with its name written out was found")
    call = calls[-1]
    counted = [*call.args[1:], *(k.value for k in call.keywords if k.arg not in _DONT_COUNT)]
    counted = [node for node in counted if not (isinstance(node, ast.Name) and node.id == "trials")]
    definitions = _definitions(statements)
    found: dict[str, str] = {}
    to_visit: list[ast.AST] = list(counted)
    while to_visit:
        for node in ast.walk(to_visit.pop()):
            if not isinstance(node, ast.Name) or node.id in found:
                continue
            definition = definitions.get(node.id)
            if definition is not None:
                found[node.id] = canonical(definition)
                to_visit.append(definition)
    text = "\n".join([*map(canonical, counted), *(found[key] for key in sorted(found))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def calls_in(cells: Sequence[str], function: str) -> list[tuple[str, int, int]]:
    """The calls of a notebook that read a record.

    Args:
      cells: code of the cells.
      function: "search" or "recorded".

    Returns:
      For each: the name of the record, the number of its cell, and the number of draws or 0.
    """
    return [
        (name, number, _constant(call, "draws"))
        for number, cell in enumerate(cells)
        for statement in _statements(cell)
        for call in _calls(statement, function)
        if (name := _name_of(call)) is not None
    ]


def data_label(trials: Trials) -> str:
    """What the trials draw from, for telling records of different data apart.

    Args:
      trials: of a chapter.

    Returns:
      "synthetic", with sizes, dials and kind of split where they are not the default's, or "real"
      with the kind of split and a fingerprint of people, films and stars.
    """
    split = "" if trials.split == "random" else f"-{trials.split}"
    if not trials.real:
        world = [f"{name}={value}" for name, value in sorted(trials.world.items())]
        return "-".join(["synthetic" + split, *world])
    return f"real{split}-{_fingerprint(trials)}"


def read(kind: str, name: str, data: str) -> dict[str, Any] | None:
    """A stored record.

    Args:
      kind: "search" or "trials".
      name: of the record.
      data: from `data_label`.

    Returns:
      The record, or None if there is none.

    Raises:
      ValueError: the file is not whole JSON.
    """
    path = _path(kind, name, data)
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path.name} is damaged ({error}); delete it and run `make search`"
        ) from (error)


def all_of(kind: str, name: str) -> list[dict[str, Any]]:
    """The records of one name, for all data.

    Args:
      kind: "search" or "trials".
      name: of the record.

    Returns:
      The records.
    """
    found = [json.loads(p.read_text("utf-8")) for p in sorted(FOLDER.glob(f"{kind}-*.json"))]
    return [record for record in found if record["name"] == name]


def write(kind: str, name: str, data: str, record: dict[str, Any]) -> None:
    """Stores a record, all or nothing, with date and versions.

    Args:
      kind: "search" or "trials".
      name: of the record.
      data: from `data_label`.
      record: anything that JSON can hold.
    """
    path = _path(kind, name, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    packages = ["numpy", "tensorflow", "tf-keras", "tensorflow-recommenders", "tensorflow-ranking"]
    about = {
        "name": name,
        "data": data,
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {package: version(package) for package in packages},
    }
    unfinished = path.with_suffix(".part")
    text = json.dumps(about | record, indent=1, ensure_ascii=False, allow_nan=False)
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)


def code_so_far() -> list[str]:
    """The code that has run: the cells of the notebook, or the main script.

    Returns:
      The text of each cell, in the order in which they ran.
    """
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    if (shell := get_ipython()) is not None:
        return list(shell.user_ns.get("In", []))
    script = getattr(sys.modules["__main__"], "__file__", None)
    return [Path(script).read_text("utf-8")] if script else []


def note(text: str) -> None:
    """Says something to whoever watches, and not to what a notebook stores."""
    print(text, file=sys.stderr)


def canonical(node: ast.AST) -> str:
    """The syntax tree as text that is the same in all versions of Python.

    Args:
      node: any node; docstrings in it are left out.

    Returns:
      One line.
    """
    fields = []
    for field, value in ast.iter_fields(node):
        if field in ("kind", "type_comment", "type_params", "ctx"):
            continue
        if field == "body" and isinstance(value, list) and _has_docstring(node):
            value = value[1:]  # noqa: PLW2901
        parts = value if isinstance(value, list) else [value]
        texts = [canonical(p) if isinstance(p, ast.AST) else repr(p) for p in parts]
        if texts and texts != ["None"]:
            fields.append(f"{field}={';'.join(texts)}")
    return f"{type(node).__name__}({', '.join(fields)})"


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None


def _statements(cell: str) -> list[ast.stmt]:
    try:
        return ast.parse(cell).body
    except SyntaxError:  # A cell with a magic command.
        return []


def _calls(tree: ast.AST, function: str) -> Iterable[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            last = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
            if last == function:
                yield node


def _name_of(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _constant(call: ast.Call, argument: str) -> int:
    values = [k.value for k in call.keywords if k.arg == argument]
    return values[0].value if values and isinstance(values[0], ast.Constant) else 0  # type: ignore[return-value]


def _definitions(statements: Iterable[ast.stmt]) -> dict[str, ast.AST | None]:
    """The last definition of each name; None for what another statement than these assigns."""
    found: dict[str, ast.AST | None] = {}
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            found[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                for node in ast.walk(target):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        found[node.id] = statement
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = statement
    return found


def _path(kind: str, name: str, data: str) -> Path:
    return FOLDER / f"{kind}-{name.replace('/', '-').replace(' ', '_')}-{data}.json"


def _fingerprint(trials: Trials) -> str:
    ratings = next(iter(trials)).movies.ratings
    columns = ratings[["user_id", "movie_id", "user_rating"]]
    rows = pd.util.hash_pandas_object(
        columns.astype({"user_id": str, "movie_id": str}), index=False
    )
    return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()[:10]
