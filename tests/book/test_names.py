"""Every name that the book promises to teach is used in a code cell of one of its chapters.

The promise stands in book/reference/names.yml, from which the site's index of names is made.
"""

import io
import tokenize

import pytest

from tools.chapter import chapters
from tools.site import contents


def without_comments(source: str) -> str:
    """Python without comments; as it is where it can't be read (magics)."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source
    lines = source.splitlines()
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(lines)


CODE = {
    chapter.name: [without_comments(cell.source) for cell in chapter.codes]
    for chapter in chapters()
}
PROMISES = [
    (topic["topic"], topic["chapters"], entry)
    for topic in contents.names()
    for entry in topic["names"]
]


def forms(entry: str | dict) -> list[str]:
    """How code may spell a name."""
    return [entry] if isinstance(entry, str) else entry["forms"]


def name_of(entry: str | dict) -> str:
    """The name itself."""
    return entry if isinstance(entry, str) else entry["name"]


@pytest.mark.parametrize(
    ("chapters", "entry"),
    [(chapters, entry) for _, chapters, entry in PROMISES],
    ids=[f"{topic}: {name_of(entry)}" for topic, _, entry in PROMISES],
)
def test_name_is_used_in_a_code_cell(chapters, entry):
    sources = [source for name in chapters for source in CODE.get(name, [])]
    used = any(contents.pattern(form).search(source) for form in forms(entry) for source in sources)
    missing = [name for name in chapters if name not in CODE]
    if not used and missing:
        pytest.skip(f"not there yet: {', '.join(missing)}")
    assert used, f"no code cell of {', '.join(chapters)} uses {name_of(entry)}"


@pytest.mark.parametrize(
    ("form", "code", "used"),
    [
        ("np.argsort", "order = np.argsort(x)", True),
        ("np.argsort", "order = np.argsorted(x)", False),
        (".batch", "data.batch(5)", True),
        (".batch", "data.batches(5)", False),
        ("loss=", "Retrieval(loss=a)", True),
        ("loss=", "Retrieval(batch_loss=a)", False),
        ("tf.matmul(…transpose_b=True", "tf.matmul(x, tf.eye(2), transpose_b=True)", True),
        ("tf.matmul(…transpose_b=True", "tf.matmul(x, y)", False),
        ("np.mean", without_comments("x = 1  # np.mean"), False),
        ("np.mean", without_comments("s = '#'; np.mean(s)"), True),
    ],
)
def test_a_name_is_found_where_code_uses_it_and_nowhere_else(form, code, used):
    assert bool(contents.pattern(form).search(code)) == used
