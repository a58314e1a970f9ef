"""Reports: where they are, what each says about its origin, and how to read and write them."""

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
REPORTS = ROOT / "reports"
PACKAGES = (
    "tensorflow",
    "tf-keras",
    "tensorflow-recommenders",
    "tensorflow-ranking",
    "scann",
    "numpy",
    "pandas",
)


def versions(packages: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Versions of Python and of packages: those that numbers depend on, unless others are named."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each file in a folder, by name.

    Raises:
      NotADirectoryError: there is no such folder.
      FileNotFoundError: it holds no file.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"no folder with data: {folder}")
    found = {}
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    if not found:
        raise FileNotFoundError(f"no file in {folder}")
    return found


def machine() -> str:
    """What a report says about the machine: its kind, not its name."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def today() -> str:
    """The date in UTC as reports write it: "2026-11-24"."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def read(path: Path, **empty: Any) -> dict[str, Any]:
    """A report, or `empty` if there is none yet.

    Raises:
      ValueError: it is damaged.
    """
    if not path.exists():
        return empty
    try:
        report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is damaged: {error}; delete it and make it again") from error
    return report


def replications() -> list[dict[str, Any]]:
    """The reports of `make replicate` that the book has, one for each data set."""
    return [read(path) for path in sorted(REPORTS.glob("replication-*.json"))]


def write(report: Mapping[str, Any], path: Path) -> None:
    """Writes a report as JSON, all or nothing."""
    write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Writes a file, all or nothing: what was there stays until the new text is complete.

    The folder need not exist yet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
