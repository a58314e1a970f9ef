"""The book on one page: what to choose when, and the lines that support each piece of advice.

book/reference/decisions.yml holds the advice, and names the claims that each piece rests on, with
the verdict that it was written for. The lines themselves are drawn at every build: for the
synthetic films from the chapters' stored outputs, for real ratings from the reports of
`make replicate`. Advice whose line has turned, or is gone, is a problem, and fails the build.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from tools.chapter import Chapter
from tools.claims import Claim
from tools.reports import BOOK

SPEC = BOOK / "reference" / "decisions.yml"
VERDICTS = frozenset({"holds", "reversed", "open"})


@dataclass(frozen=True)
class Line:
    """A claim that advice rests on.

    Attributes:
      chapter: a path below book/.
      claim: its words.
      verdict: on the synthetic films; elsewhere too, unless `real` says otherwise.
      real: the verdicts on real ratings with which the advice stays as it is.
      only: why it can't be tried on real ratings: "own data" of the chapter's, or "truth".
    """

    chapter: str
    claim: str
    verdict: str = "holds"
    real: tuple[str, ...] = ()
    only: str = ""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Verdicts on real ratings that don't contradict the advice."""
        return self.real or (self.verdict,)


@dataclass(frozen=True)
class Advice:
    """What to choose in one case.

    Attributes:
      case: when.
      choose: what; Markdown.
      lines: why; at least one.
    """

    case: str
    choose: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Decision:
    """A question, and what to choose in which case."""

    question: str
    advice: tuple[Advice, ...]


@dataclass(frozen=True)
class Evidence:
    """What the book's lines say today.

    Attributes:
      chapter: gives a chapter by its path below book/.
      reports: of replications, as `make replicate` wrote them.
    """

    chapter: Callable[[str], Chapter]
    reports: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    def synthetic(self, line: Line) -> Claim | None:
        """The line in its chapter's stored outputs; None if it isn't there."""
        try:
            return self.chapter(line.chapter).claims.get(line.claim)
        except FileNotFoundError:
            return None

    def real(self, line: Line) -> list[tuple[str, Mapping[str, str] | None]]:
        """Each data set's name, and the line there; None if it wasn't tried."""
        found = []
        for report in self.reports:
            claims = report["chapters"].get(line.chapter, {}).get("claims", ())
            tried = [row["real"] for row in claims if row["claim"] == line.claim and row["real"]]
            found.append((report["data"]["folder"], tried[0] if tried else None))
        return found


def read(text: str | None = None) -> list[Decision]:
    """The ledger.

    Args:
      text: what to read instead of the file.

    Raises:
      ValueError: a piece of advice has no line, or a verdict is unknown.
    """
    entries = yaml.safe_load(SPEC.read_text(encoding="utf-8") if text is None else text)
    decisions = []
    for entry in entries:
        advice = tuple(
            Advice(a["case"], a["choose"], tuple(map(_line, a.get("lines", ()))))
            for a in entry["advice"]
        )
        for each in advice:
            if not each.lines:
                raise ValueError(f"decisions.yml: no line supports {each.case!r}")
        decisions.append(Decision(entry["question"], advice))
    return decisions


def _line(entry: Mapping[str, Any]) -> Line:
    real = entry.get("real", ())
    line = Line(**{**entry, "real": (real,) if isinstance(real, str) else tuple(real)})
    unknown = {line.verdict, *line.real} - VERDICTS
    if unknown:
        raise ValueError(f"decisions.yml: unknown verdict {sorted(unknown)} of {line.claim!r}")
    return line


def problems(decisions: Sequence[Decision], evidence: Evidence) -> list[str]:
    """Which advice is no longer supported, in sentences."""
    found = []
    for line in [x for d in decisions for advice in d.advice for x in advice.lines]:
        name = f"{line.chapter}: {line.claim!r}"
        here = evidence.synthetic(line)
        if here is None:
            found.append(f"{name} is no longer there")
        elif here.verdict != line.verdict:
            found.append(f"{name} is {here.verdict}; the advice was written for {line.verdict}")
        for data, there in evidence.real(line):
            if there and there["verdict"] not in line.accepted:
                written = " or ".join(line.accepted)
                found.append(
                    f"{name} is {there['verdict']} on {data}; the advice was written for {written}"
                )
    return found


def page(
    decisions: Sequence[Decision], evidence: Evidence, link: Callable[[str], str]
) -> list[str]:
    """The page, as lines of Markdown.

    Args:
      decisions: what to show.
      evidence: where the lines come from.
      link: from a chapter's path below book/ to a link to it.
    """
    shown = []
    for decision in decisions:
        shown += [f"## {decision.question}", ""]
        for advice in decision.advice:
            shown += [f"**{advice.case}:** {' '.join(advice.choose.split())}", ""]
            for line in advice.lines:
                support = f"{_verdicts(line, evidence)} · {link(line.chapter)}"
                shown.append(f"- {line.claim}<br>[{support}]{{.where}}")
            shown.append("")
    return shown


def _verdicts(line: Line, evidence: Evidence) -> str:
    """The verdicts of a line on all data sets, in words."""
    here = evidence.synthetic(line)
    name = "data of its own" if line.only == "own data" else "synthetic films"
    parts = [f"{name}: {_shown(here.verdict, here.mean, here.low, here.high)}" if here else "gone"]
    if line.only == "truth":
        parts.append("real ratings can’t say: it takes the truth")
    elif not line.only:
        parts += [
            f"{data}: {_shown(there['verdict'], there['effect'], there['low'], there['high'])}"
            if there
            else f"{data}: not tried yet"
            for data, there in evidence.real(line)
        ]
    return " · ".join(parts)


def _shown(verdict: str, mean: str, low: str, high: str) -> str:
    return f"**{verdict}** {mean} [{low}, {high}]"
