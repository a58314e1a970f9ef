"""The book on one page: what to choose when, and the lines that support each piece of advice.

book/reference/decisions.yml holds the advice, and names the claims that each piece rests on, with
the verdict that it was written for. The lines themselves are drawn at every build: for the
synthetic films from the chapters' stored outputs, for real ratings from the reports of
`make replicate`. Advice whose line has turned, or is gone, is a problem, and fails the build.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import yaml

from tools.chapter import Chapter
from tools.reports import BOOK

SPEC = BOOK / "reference" / "decisions.yml"


def supported(
    chapter: Callable[[str], Chapter],
    replications: Sequence[dict[str, Any]],
    text: str | None = None,
) -> list[dict[str, Any]]:
    """The ledger, and beside each line what the book says of it today.

    Args:
      chapter: gives a chapter by its path below book/.
      replications: reports, as `make replicate` wrote them.
      text: what to read instead of the ledger's file.

    Returns:
      Its questions. Each line has in addition "here", its conclusion on the synthetic films, and
      "elsewhere", each data set's name and the conclusion there; None where there is none.

    Raises:
      ValueError: a piece of advice has no line.
    """
    decisions: list[dict[str, Any]] = yaml.safe_load(text or SPEC.read_text("utf-8"))
    for line in _lines(decisions):
        name, claim = line["chapter"], line["claim"]
        real = line.get("real", line.setdefault("verdict", "holds"))
        line["real"] = [real] if isinstance(real, str) else real
        here = chapter(name).claims.get(claim)
        line["here"] = here.shown if here else None
        line["elsewhere"] = [
            (report["data"]["folder"], _on_real_ratings(report, name, claim))
            for report in replications
        ]
    return decisions


def _lines(decisions: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All lines of the ledger, in order.

    Raises:
      ValueError: a piece of advice has none.
    """
    for decision in decisions:
        for advice in decision["advice"]:
            if not advice.get("lines"):
                raise ValueError(f"decisions.yml: no line supports {advice['case']!r}")
            yield from advice["lines"]


def _on_real_ratings(report: dict[str, Any], chapter: str, claim: str) -> dict[str, Any] | None:
    for row in report["chapters"].get(chapter, {}).get("claims", ()):
        if row["claim"] == claim:
            real: dict[str, Any] | None = row["real"]
            return real
    return None


def problems(decisions: Sequence[dict[str, Any]]) -> list[str]:
    """Which advice is no longer supported, in sentences.

    Args:
      decisions: as `supported` returns them.
    """
    found = []
    for line in _lines(decisions):
        name = f"{line['chapter']}: {line['claim']!r}"
        if line["here"] is None:
            found.append(f"{name} is no longer there")
        sides = [("", line["here"], [line["verdict"]])]
        sides += [(f" on {data}", there, line["real"]) for data, there in line["elsewhere"]]
        for where, said, accepted in sides:
            if said and said["verdict"] not in accepted:
                written = " or ".join(accepted)
                found.append(
                    f"{name} is {said['verdict']}{where}; the advice was written for {written}"
                )
    return found
