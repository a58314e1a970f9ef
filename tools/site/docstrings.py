"""Pages of the package: its docstrings, prepared for Sphinx, and links out of them."""

import builtins
import re

from docutils import nodes
from sphinx.application import Sphinx

from tools import toc


def tidy_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """After napoleon: makes reStructuredText of what our docstrings mean.

    Napoleon takes what comes before a colon in “Returns” for a type. “See: the chapter
    basics/retrieval.” becomes a link, if that chapter is there.
    """
    built = set(toc.docs())

    def link(match: re.Match[str]) -> str:
        doc = f"book/{match[2]}"
        return f"{match[1]} :doc:`{match[2]} </{doc}>`" if doc in built else match[0]

    for place, original in enumerate(lines):
        # What isn't code is plain text: no substitutions, no mail addresses.
        line = re.sub(r"`[^`]*`|[|@]", lambda m: "\\" * (len(m[0]) == 1) + m[0], original)
        line = re.sub(r"^:returns: \*(.+?)\* -- ", r":returns: \1: ", line)
        lines[place] = re.sub(r"\b(chapter|page) (\w+/\w+)", link, line)


def skip_fields(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Skips fields of named tuples: their class describes them, Python's own text says nothing."""
    text = getattr(obj, "__doc__", None) or ""
    return True if text.startswith("Alias for field number") else None


def link_exception(
    app: Sphinx, env: object, node: nodes.Element, content: nodes.Element
) -> nodes.reference | None:
    """Links Python's own exceptions; other names that aren't ours stay broken, and fail."""
    name = node.get("reftarget", "")
    if node.get("refdomain") != "py" or not name.endswith("Error") or name not in vars(builtins):
        return None
    # An inventory would have to be fetched; the address follows from the name.
    address = f"https://docs.python.org/3/library/exceptions.html#{name}"
    return nodes.reference("", "", content, internal=False, refuri=address)
