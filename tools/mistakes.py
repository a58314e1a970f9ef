"""Small but meaningful mistakes, and every place in some Python where one could be made."""

import ast
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Change = str | Callable[[re.Match[str]], str]


def _one_more(match: re.Match[str]) -> str:
    return f"{match[1]}{int(match[2]) + 1}"


def _twice(match: re.Match[str]) -> str:
    return f"{match[1]}{2 * float(match[2]):g}"


def _other(*pairs: tuple[str, str]) -> Change:
    """Each of two words becomes the other one."""
    words = dict(pairs) | {b: a for a, b in pairs}
    return lambda match: words[match[0]]


# Name of the mistake -> patterns and their replacements. They are looked for in code: not in
# comments and docstrings, and within strings only where the pattern begins with a quotation mark.
KINDS: dict[str, list[tuple[str, Change]]] = {
    "another loss": [
        (r'"mse"', '"mae"'),
        (r"\bMeanSquaredError\b", "MeanAbsoluteError"),
        (r"\bBinaryCrossentropy\b", "Hinge"),
        (r"\b(ApproxNDCGLoss|ListMLELoss)\b", _other(("ApproxNDCGLoss", "ListMLELoss"))),
        (r"\b(SoftmaxLoss|PairwiseHingeLoss)\b", _other(("SoftmaxLoss", "PairwiseHingeLoss"))),
    ],
    "a flipped sign": [
        (r"(?<=[\w)\]]) - (?=[\w(\[])", " + "),
        (r"(?<=[\w)\]]) \+ (?=[\w(\[])", " - "),
    ],
    "a wrong axis": [(r"\baxis=1\b", "axis=0"), (r"\baxis=-1", "axis=0"), (r"\baxis=0", "axis=1")],
    "a dropped correction": [
        (r"\bremove_accidental_hits=True", "remove_accidental_hits=False"),
        (
            r",\s*(candidate_sampling_probability|candidate_ids|sample_weight|mask)"
            r"=[\w.]+(\[[^\]\n]*\])?(?=[,)])",
            "",
        ),
    ],
    # Not set_seed at the top of a chapter: later runs set their own seeds.
    "another seed": [(r"\b((?:seed=|RandomState\(|default_rng\())(\d+)", _one_more)],
    "a swapped split": [
        (r"(?<=[\w(\[ ])(?<!\.)\b(train|test)\b(?=[,)\[])", _other(("train", "test"))),
        (r"(?<=[(\[ ])\b(validation|test)\b(?=[,)\[])", _other(("validation", "test"))),
    ],
    "k off by one": [(r"\b((?:top_)?k=)(\d+)", _one_more), (r"(?<=:) ?k(?=\])", "k - 1")],
    "labels shuffled": [
        (r"\b(labels|stars|y)(?=[,)])", lambda match: f"{match[0]}[::-1]"),
        (r'(?<=\w\[)"user_rating"\](?=[,)])', '"user_rating"][::-1]'),
    ],
    "a layer removed": [
        (r"\n *tf\.keras\.layers\.\w+\([^\n]*\),(?=\n)", ""),
        (r"\btf\.keras\.layers\.(?:Dense|Dropout)\([^()]*\), ", ""),
        (r", tf\.keras\.layers\.(?:Dense|Dropout)\([^()]*\)(?=\])", ""),
    ],
    "another statistic": [
        (r"(?<=\.)(mean|sum)(?=\()", _other(("mean", "sum"))),
        (r"\breduce_(mean|sum)(?=\()", lambda m: "reduce_" + {"mean": "sum", "sum": "mean"}[m[1]]),
        (r"(?<=\.)(min|max)(?=\()", _other(("min", "max"))),
        (r"\blog2\b", "log"),
        (r"\bsqrt\b", "abs"),
        (r"\*\* ?2\b", "** 3"),
    ],
    "an order turned round": [
        (r"\bascending=False", "ascending=True"),
        (r"(?<=sort\()-(?=\w)", ""),
        (r"\[::-1\]", ""),
        (r"\.head\(", ".tail("),
        (r"(?<=\.)(argmin|argmax)\b", _other(("argmin", "argmax"))),
    ],
    "another setting": [
        (
            r"\b((?:learning_rate|l2|temperature|scale|noise|rate)=)(?=[\d.]*[1-9])(\d*\.?\d+)\b",
            _twice,
        ),
        (r"\b((?:epochs|num_epochs|dim|projection_dim|num_layers)=)(\d+)\b", _one_more),
    ],
    "a condition turned round": [
        (r"(?<=[\[( ])~(?=\w)", ""),
        (r"\b(if|and|while) not ", lambda match: f"{match[1]} "),
        (r"(?<!=)=(True|False)\b", lambda m: "=False" if m[1] == "True" else "=True"),
    ],
    "a limit off by one": [
        (r" (<|<=) (?=[\w(-])", lambda match: " <= " if match[1] == "<" else " < "),
        (r" (>|>=) (?=[\w(-])", lambda match: " >= " if match[1] == ">" else " > "),
    ],
}


@dataclass(frozen=True)
class Mutant:
    """One mistake at one place.

    Attributes:
      kind: of mistake.
      file: that it is made in, below the root of the repository.
      cell: id of the notebook's cell; "" in a module.
      line: of the cell or of the module, from 1.
      before: its text.
      after: its text with the mistake.
      source: of the whole cell or module with the mistake.
    """

    kind: str
    file: str
    cell: str
    line: int
    before: str
    after: str
    source: str

    @property
    def key(self) -> str:
        """A name that stays the same as long as these lines do."""
        words = f"{self.kind}|{self.file}|{self.before.strip()}|{self.after.strip()}"
        return hashlib.sha256(words.encode()).hexdigest()[:10]


def _texts(source: str, tree: ast.AST) -> list[tuple[int, int]]:
    """Where strings and comments are: their first character, and the one after their last."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))

    def place(line: int, column: int) -> int:  # ast counts bytes
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found = []
    for node in ast.walk(tree):
        string = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        if string and isinstance(node, ast.expr):
            end = place(node.end_lineno or 0, node.end_col_offset or 0)
            found.append((place(node.lineno, node.col_offset), end))
    return found + [m.span() for m in re.finditer(r"(?<![\"'])# .*", source)]


def _meaning(source: str) -> str:
    """Equal for sources with the same meaning; "" for what isn't plain Python."""
    try:
        return ast.dump(ast.parse(source))
    except SyntaxError:
        return ""


def mutants_of(source: str, file: str, cell: str = "") -> Iterator[Mutant]:
    """Every mistake that can be made in a module or a cell, if it is plain Python."""
    meaning = _meaning(source)
    if not meaning:
        return
    texts = _texts(source, ast.parse(source))
    for kind, patterns in KINDS.items():
        for pattern, change in patterns:
            for match in re.finditer(pattern, source):
                start, end = match.span()
                quoted = pattern.startswith('"')
                if any(a < end and start < b and not (quoted and a == start) for a, b in texts):
                    continue
                after = change if isinstance(change, str) else change(match)
                mutated = source[:start] + after + source[end:]
                if _meaning(mutated) in ("", meaning):
                    continue
                lead = match[0][: len(match[0]) - len(match[0].lstrip(", \n"))]
                first = source.count("\n", 0, start + len(lead))
                yield Mutant(
                    kind,
                    file,
                    cell,
                    first + 1,
                    source.split("\n")[first],
                    "" if after == "" and "\n" in lead else mutated.split("\n")[first],
                    mutated,
                )
