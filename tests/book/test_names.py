"""Every name that a chapter promises to teach (in book/chapters.yml) is used in its code cells."""

import io
import tokenize

import pytest

from tools import toc
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


PROMISES = {
    f"{entry.file}: {name if isinstance(name, str) else name['name']}": (entry.doc, name)
    for entry in toc.entries()
    for name in entry.names
}


@pytest.mark.parametrize("promise", PROMISES)
def test_name_is_used_in_a_code_cell(promise):
    doc, name = PROMISES[promise]
    forms = [name] if isinstance(name, str) else name["forms"]
    sources = [without_comments(cell.source) for cell in contents.chapter(doc).codes]
    assert any(contents.pattern(form).search(source) for form in forms for source in sources)


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
