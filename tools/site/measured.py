"""What the page Status says: how chapters are checked, and what was measured of all of them."""

import datetime
import importlib.metadata
import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from tools import notebooks, perturb, reports
from tools.chapter import UNCHECKED, tags
from tools.compare import WIDENING
from tools.reports import ROOT
from tools.site import contents

# It generates its own data, whatever ratings there are.
OWN_DATA = "dcn/feature_crosses"


def last_run(doc: str) -> dict[str, Any]:
    """What `make execute` noted when it last ran a notebook; nothing if it never did."""
    return reports.read(notebooks.run_record(doc.removeprefix("book/")))


def changed_since(report: dict[str, Any], doc: str) -> str:
    """A remark, if a notebook is not what it was when something was measured of it."""
    same = report["fingerprint"] == contents.chapter(doc).fingerprint
    return "" if same else " (changed since)"


def checked(doc: str) -> str:
    """How many of a notebook's code cells are compared."""
    codes = contents.chapter(doc).codes
    return f"{sum(UNCHECKED not in tags(cell) for cell in codes)} of {len(codes)}"


def tolerances(doc: str) -> str:
    """Tags that give a notebook's decimals more room, each with the number of its cells."""
    found = Counter(tag for cell in contents.chapter(doc).codes for tag in tags(cell))
    wide = sorted(tag for tag in found if tag.startswith(WIDENING))
    return ", ".join(tag + f" in {found[tag]} cells" * (found[tag] > 1) for tag in wide)


def pins() -> list[tuple[str, str]]:
    """The packages that requirements.txt pins, and Python, with their versions."""
    required = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    python = importlib.metadata.metadata("recutils")["Requires-Python"]
    return [
        *re.findall(r"^([\w.-]+)==([\w.]+)", required, re.MULTILINE),
        ("Python", ", ".join(sorted(python.split(","), reverse=True))),
    ]


def conditions(notebooks: Collection[dict[str, Any]]) -> list[str]:
    """What was changed for all notebooks in some run of `make perturb`."""
    return [
        name
        for name in perturb.CONDITIONS
        if all(name in perturb.tried(entry) for entry in notebooks)
    ]


def agreements(report: dict[str, Any], main: bool) -> list[bool]:
    """Whether each main claim, or each other one, has the same verdict on both data sets."""
    return [
        row["synthetic"]["verdict"] == row["real"]["verdict"]
        for name, chapter in report["chapters"].items()
        for row in chapter["claims"]
        if name != OWN_DATA and row["synthetic"] and row["real"]
        if row["synthetic"].get("main", False) == main
    ]


def failures(failed: dict[str, str]) -> str:
    """How many of a library's own tests failed, and why."""
    if not failed:
        return "0 failed"
    count = Counter(why or "no reason is known" for why in failed.values())
    return f"{len(failed)} failed ({'; '.join(f'{n}: {why}' for why, n in count.items())})"


def sources(found: Iterable[dict[str, Any]]) -> str:
    """On how many data of either kind there are records."""
    real = Counter(record["data"].startswith("real") for record in found)
    return f"{real[False]} on synthetic films and {real[True]} on real ratings"


def benchmarks() -> list[tuple[str, dict[str, Any]]]:
    """The newest measurements of time, with their titles."""
    titles = {"ann": "Index libraries side by side", "load": "The service under load"}
    return [
        (title, reports.read(path))
        for kind, title in titles.items()
        for path in sorted((ROOT / "benchmarks").glob(f"{kind}-*.json"))[-1:]
    ]


def days(*found: dict[str, Any]) -> str:
    """The date of a report, or the first and the last of several, in words."""
    dates = sorted(datetime.date.fromisoformat(report["date"]) for report in found)
    first, last = contents.in_words(dates[0]), contents.in_words(dates[-1])
    return first if first == last else f"{first} to {last}"
