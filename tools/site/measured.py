"""What the status page says about searches and trials on record, and about benchmarks."""

from recutils import records

import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tools import reports
from tools.reports import ROOT
from tools.site import contents


def on_record() -> list[str]:
    """Items of a list: how many searches and long trials are on record, and when they ran."""
    searches, trials = records.all_of("search"), records.all_of("trials")
    lines = []
    if searches:
        draws = [draw for record in searches for draw in record["draws"]]
        hours = sum(draw["cpu_seconds"] for draw in draws) / 3600
        lines.append(
            f"- **Searches** ({_days(searches)}): {_of(searches)}, with {len(draws):,} draws in "
            f"{hours:.1f} hours of CPU time."
        )
    if trials:
        worlds = sum(len(record["trials"]) for record in trials)
        lines.append(
            f"- **Trials too long for a chapter** ({_days(trials)}): {_of(trials)}, "
            f"with {worlds:,} trials."
        )
    if lines:
        lines[-1] += (
            " A test fails for a record whose code or data have changed since; `make search "
            "CHECK=1` runs a part of each again."
        )
    return lines


def _of(found: list[dict[str, Any]]) -> str:
    real = sum(record["data"].startswith("real") for record in found)
    return f"{len(found) - real} on synthetic films and {real} on real ratings"


def _days(found: Iterable[dict[str, Any]]) -> str:
    days = sorted({datetime.date.fromisoformat(record["date"]) for record in found})
    first, last = (contents.in_words(day) for day in (days[0], days[-1]))
    return first if first == last else f"{first} to {last}"


def benchmarks() -> list[str]:
    """Items of a list: the newest measurements of time, and how quiet the machine was."""
    titles = {"ann": "Index libraries side by side", "load": "The service under load"}
    lines = []
    for kind, title in titles.items():
        for path in sorted((ROOT / "benchmarks").glob(f"{kind}-*.json"))[-1:]:
            record = reports.read(path)
            where = _machine(record["machine"])
            lines.append(f"- **{title}** ({_days([record])}, {where}): {_quiet(record)}.")
    return lines


def _machine(machine: str | dict[str, Any]) -> str:
    return machine if isinstance(machine, str) else f"{machine['cpu']}, {machine['cores']} cores"


def _quiet(record: dict[str, Any]) -> str:
    spread = record["noise"]["spread"]
    apart = (
        "to show how quiet the machine was, a fixed loop was timed before, between and after; its "
        f"times differed by {spread:.1%}"
    )
    against = record.get("busy")
    return f"{apart}; the machine was busy: {'; '.join(against)}" if against else apart


def failures(failed: dict[str, str]) -> str:
    """How many of a library's own tests failed, and why."""
    if not failed:
        return "0 failed"
    count = Counter(why or "no reason is known" for why in failed.values())
    return f"{len(failed)} failed ({'; '.join(f'{n}: {why}' for why, n in count.items())})"
