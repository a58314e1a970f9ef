"""What code a call in a notebook comes from: its fingerprint, and the calls that read a record."""

from __future__ import annotations

import ast
import copy
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Arguments that don't change what a stored draw or trial is.
_DONT_COUNT = {
    "search": {"name", "draws", "bounded"},
    "recorded": {"name", "digits"},
    "trials": {"num_trials", "first_seed", "test_to_train"},
}


class Call(NamedTuple):
    """A call of `recutils.search` or `recutils.recorded` in a notebook.

    Attributes:
      name: of the record.
      cell: number of the code cell, from 0.
      draws: number of random draws; 0 for `recorded`.
      parts: how many draws (the published settings among them) or trials a whole record has.
      bounded: settings that may have their best value at the edge.
      conditional: whether it is inside an `if`, and may never be reached on other data.
    """

    name: str
    cell: int
    draws: int
    parts: int
    bounded: list[str]
    conditional: bool = False


def source_key(cells: Sequence[str], function: str, name: str) -> str:
    """A fingerprint of a call and of all code in the notebook that it reaches.

    It holds the arguments of the call `recutils.function(name, …)` and, step by step, the last
    definition of each name that they use, with what changes it later. Comments, docstrings and
    layout don't count, nor does how many draws or trials are asked for, nor the code of packages.

    Args:
      cells: code of a notebook's cells, or one string for a script, up to the call.
      function: "search" or "recorded".
      name: the call's first argument, as it is written there.

    Returns:
      16 hexadecimal digits.

    Raises:
      ValueError: there is no such call.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    statements = [statement for cell in cells for statement in _statements(cell)]
    calls = [call for s in statements for call in _calls(s, function) if _name_of(call) == name]
    if not calls:
        raise ValueError(
            f"no call recutils.{function}({name!r}, …) with its name written out was found"
        )
    call = _without_counts(calls[-1])
    definitions = _definitions(statements)
    reached: dict[str, str] = {}
    names = _free_names(call)
    while names:
        reached_name = names.pop()
        if reached_name in reached or reached_name not in definitions:
            continue
        code = [_without_counts(statement) for statement in definitions[reached_name]]
        reached[reached_name] = ";".join(map(canonical, code))
        names |= _union(map(_free_names, code))
    text = "\n".join([canonical(call), *(f"{n}: {reached[n]}" for n in sorted(reached))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def calls_in(cells: Sequence[str], function: str) -> list[Call]:
    """The calls of a notebook that read a record.

    Args:
      cells: code of the cells.
      function: "search" or "recorded".

    Returns:
      In the order of the cells.

    Raises:
      ValueError: the name or the number of draws or trials can't be read off the code.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    found = []
    statements: list[ast.stmt] = []
    for number, cell in enumerate(cells):
        statements += _statements(cell)
        for statement in _statements(cell):
            for call in _calls(statement, function):
                name = _name_of(call)
                if name is None:
                    raise ValueError(
                        f"recutils.{function}(…) needs its name written out, as a string"
                    )
                draws, parts = _planned(call, function, _definitions(statements))
                bounded = _argument(call, "bounded")
                edges = [] if bounded is None else list(ast.literal_eval(bounded))
                conditional = isinstance(statement, ast.If)
                found.append(Call(name, number, draws, parts, edges, conditional))
    return found


def canonical(node: ast.AST) -> str:
    """The syntax tree as text that is the same in all versions of Python.

    Args:
      node: any node; docstrings in it are left out.

    Returns:
      One line.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    fields = []
    for field, value in ast.iter_fields(node):
        if field in ("kind", "type_comment", "type_params", "ctx"):
            continue
        parts = value if isinstance(value, list) else [value]
        if isinstance(node, ast.JoinedStr):
            parts = _pieces(node)
        if field == "body" and _has_docstring(node):
            parts = parts[1:]
        texts = [canonical(p) if isinstance(p, ast.AST) else repr(p) for p in parts]
        if texts and texts != ["None"]:
            fields.append(f"{field}={';'.join(texts)}")
    return f"{type(node).__name__}({', '.join(fields)})"


def _pieces(text: ast.JoinedStr) -> list[ast.expr]:
    """The pieces of an f-string; some versions of Python cut its text up or add empty ones."""
    pieces: list[ast.expr] = []
    for piece in text.values:
        last = pieces[-1] if pieces else None
        if not isinstance(piece, ast.Constant):
            pieces.append(piece)
        elif isinstance(last, ast.Constant):
            pieces[-1] = ast.Constant(str(last.value) + str(piece.value))
        elif piece.value:
            pieces.append(piece)
    return pieces


def _has_docstring(node: ast.AST) -> bool:
    documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None


def _statements(cell: str) -> list[ast.stmt]:
    """The statements of a cell, without magics: %%… drops the whole cell, %… its line."""
    if cell.lstrip().startswith("%%"):
        return []
    for text in (cell, re.sub(r"^\s*[%!].*$|^.*\?\s*$", "", cell, flags=re.MULTILINE)):
        try:
            return ast.parse(text).body
        except SyntaxError:
            continue
    return []


def _calls(tree: ast.AST, function: str) -> Iterable[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == function:
            yield node


def _called(call: ast.Call) -> str | None:
    """The name of a function of recutils, or None: indices and patterns have a `search`, too."""
    whole = ast.unparse(call.func)
    return whole.removeprefix("recutils.") if whole.startswith("recutils.") else None


def _name_of(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    if place is not None and len(call.args) > place:
        return call.args[place]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


class _WithoutCounts(ast.NodeTransformer):
    """Leaves out how many draws or trials a call asks for; sorts keywords."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        function = _called(node) or ""
        leave = _DONT_COUNT.get(function)
        if leave is None:
            return node
        args = [] if function == "trials" else node.args[1:]
        keywords = [keyword for keyword in node.keywords if keyword.arg not in leave]
        return ast.Call(node.func, args, sorted(keywords, key=lambda k: k.arg or ""))


def _without_counts(node: ast.AST) -> ast.AST:
    return _WithoutCounts().visit(copy.deepcopy(node))


def _planned(
    call: ast.Call, function: str, definitions: dict[str, list[ast.AST]]
) -> tuple[int, int]:
    """Number of random draws, and of all parts of a whole record."""
    if function == "search":
        draws = _int(_argument(call, "draws"), 20, definitions)
        return draws, draws + (_argument(call, "published") is not None)
    trials = _defined(_argument(call, "trials", 2), definitions)
    if not isinstance(trials, ast.Call) or _called(trials) != "trials":
        raise ValueError(
            "recutils.recorded(…) needs trials that the notebook makes by recutils.trials(…)"
        )
    return 0, _int(_argument(trials, "num_trials", 0), 5, definitions)


def _int(node: ast.expr | None, default: int, definitions: dict[str, list[ast.AST]]) -> int:
    value = _defined(node, definitions)
    if value is None:
        return default
    if isinstance(value, ast.Constant) and isinstance(value.value, int):
        return value.value
    raise ValueError(f"the number must be written out or have a name, got {ast.unparse(value)}")


def _defined(node: ast.expr | None, definitions: dict[str, list[ast.AST]]) -> ast.expr | None:
    """What a name is assigned; anything else as it is."""
    if isinstance(node, ast.Name) and node.id in definitions:
        definition = definitions[node.id][-1]
        return definition.value if isinstance(definition, ast.Assign) else node
    return node


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _definitions(statements: Iterable[ast.stmt]) -> dict[str, list[ast.AST]]:
    """For each name, the last statement that binds it and those that change it afterwards."""
    found: dict[str, list[ast.AST]] = {}
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                one = copy.copy(statement)
                one.names = [alias]
                found[alias.asname or alias.name.partition(".")[0]] = [one]
            continue
        # After `if …: x = 1`, x may be what it was before.
        always = isinstance(statement, ast.Assign | ast.AnnAssign | ast.FunctionDef | ast.ClassDef)
        bound = _bound_names([statement])
        for name in bound | _changed_names(statement):
            before = [] if always and name in bound else found.get(name, [])
            found[name] = [*before, statement]
    return found


def _in_this_scope(nodes: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """The nodes and all below them, without the insides of functions, classes, comprehensions."""
    to_visit = list(nodes)
    while to_visit:
        node = to_visit.pop()
        yield node
        if not isinstance(node, (*_FUNCTIONS, *_COMPREHENSIONS, ast.ClassDef)):
            to_visit += ast.iter_child_nodes(node)


def _bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    names: set[str] = set()
    for node in _in_this_scope(nodes):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def _changed_names(statement: ast.AST) -> set[str]:
    """x, y and z of x[…] = …, y.attribute = … and z[…].attribute += …"""
    names = set()
    for node in _in_this_scope([statement]):
        target = node
        while isinstance(target, ast.Subscript | ast.Attribute):
            target = target.value
        stores = isinstance(getattr(node, "ctx", None), ast.Store)
        if stores and target is not node and isinstance(target, ast.Name):
            names.add(target.id)
    return names


def _free_names(node: ast.AST) -> set[str]:
    """Names that code takes from outside, including those that it binds at its top level."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, _COMPREHENSIONS):
        bound = _bound_names(generator.target for generator in node.generators)
        return _union(map(_free_names, ast.iter_child_nodes(node))) - bound
    if not isinstance(node, _FUNCTIONS):
        return _union(map(_free_names, ast.iter_child_nodes(node)))
    body = node.body if isinstance(node.body, list) else [node.body]
    parameters = {child.arg for child in ast.walk(node.args) if isinstance(child, ast.arg)}
    kept = {n for s in body for g in ast.walk(s) if isinstance(g, ast.Global) for n in g.names}
    inside = _union(map(_free_names, body)) - ((_bound_names(body) | parameters) - kept)
    # Defaults, decorators and annotations are evaluated where the function is defined.
    around = [child for child in ast.iter_child_nodes(node) if child not in body]
    return inside | _union(map(_free_names, around))


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)
