"""Markdown, HTML and SVG of the site: the text lies in templates/, the numbers come from code."""

from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).with_name("templates")
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES),
    # Markdown takes a text as it is.
    autoescape=jinja2.select_autoescape(["html", "svg"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """Fills in a template, named by its file."""
    return _ENVIRONMENT.get_template(template).render(values)
