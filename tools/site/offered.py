"""What the site offers to download: the book as one PDF, notebooks, and the package they need."""

import shutil
import zipfile
from pathlib import Path

import nbformat
from sphinx.application import Sphinx

from tools import toc
from tools.reports import ROOT
from tools.site import contents
from tools.site.rendering import render

# The whole book, if `make pdf` has printed it.
PDF = ROOT / "_build" / "recommenders-measured.pdf"
# What you need if you have one notebook and nothing else of this repository.
PACKAGE = ["LICENSE", "constraints.txt", "pyproject.toml", "requirements.txt", "recutils/**/*.py"]
# What some chapters read or start in addition.
PACKAGE += ["requirements-dev.txt", "benchmarks/*.json", "book/beyond/*.py", "book/serving/*.py"]
PACKAGE += [
    "reports/coverage.json",
    "reports/obd.json",
    "reports/replication-*.json",
    "reports/records/*.json",
]


def repository_of(app: Sphinx) -> str:
    """Where to clone the book from, according to _config.yml; empty if it doesn't say."""
    address: str = app.config.html_theme_options.get("repository_url") or ""
    return address.rstrip("/")


def pdf() -> Path | None:
    """The book as one file; None if there is none, or one that is older than a page."""
    if not PDF.is_file():
        return None
    pages = [ROOT / f"{doc}{suffix}" for doc in toc.docs() for suffix in (".ipynb", ".md")]
    newest = max(page.stat().st_mtime for page in pages if page.is_file())
    return PDF if PDF.stat().st_mtime >= newest else None


def note_for(repository: str, address: str) -> str:
    """The first cell of an offered notebook: what it needs, and how to get that.

    Args:
      repository: address to clone from, or empty.
      address: where the site is served, with a slash at the end, or empty.
    """
    return render("note.md", repository=repository, address=address)


def offer_pdf(app: Sphinx) -> None:
    """Copies the book as one file to where the first page's link to it leads."""
    found = pdf()
    if found:
        (Path(app.outdir) / "_downloads").mkdir(exist_ok=True)
        shutil.copyfile(found, Path(app.outdir) / "_downloads" / found.name)


def offer_notebooks(app: Sphinx) -> None:
    """Puts the note on top of each notebook that pages offer, and packs what it refers to.

    Only the offered copy has that cell: the chapters themselves come with their repository.
    """
    out = Path(app.outdir)
    for doc in contents.notebook_docs():
        copy = nbformat.from_dict(contents.chapter(doc).document)
        text = note_for(repository_of(app), app.config.html_baseurl or "")
        note = nbformat.v4.new_markdown_cell(text, id="how-to-get-recutils")
        copy.cells = [note, *copy.cells]
        path = out / "_sources" / f"{doc}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(copy) + "\n", encoding="utf-8")
    (out / "_downloads").mkdir(exist_ok=True)
    with zipfile.ZipFile(out / "_downloads" / "recutils.zip", "w") as archive:
        for path in sorted(path for pattern in PACKAGE for path in ROOT.glob(pattern)):
            archive.write(path, path.relative_to(ROOT), zipfile.ZIP_DEFLATED)
