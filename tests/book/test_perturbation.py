"""Tolerances come from measurements: `make perturb` ran each notebook under other conditions."""

from decimal import Decimal

import pytest

from tools import perturb
from tools.chapter import chapters, tags
from tools.compare import Number, Tolerance

REPORT = perturb.read()
CHAPTERS = {chapter.name: chapter for chapter in chapters()}
# A tag may be this many times as wide as what was seen, for other machines move numbers too.
WIDEST = 30
FEWEST_CONDITIONS = 8


def measured(name: str) -> dict:
    """What was measured of a notebook, as it is now; skips the test where that is nothing."""
    entry = REPORT["notebooks"].get(name)
    if not entry:
        pytest.skip(f"{name} is unmeasured: `make perturb`")
    if entry["fingerprint"] != CHAPTERS[name].fingerprint:
        pytest.skip(f"{name} is unmeasured since it changed: `make perturb`")
    tried = perturb.tried(entry)
    if len(tried) < FEWEST_CONDITIONS:
        missing = ", ".join(sorted(perturb.CONDITIONS.keys() - tried))
        pytest.skip(f"{name} is unmeasured under {missing}: `make perturb`")
    return entry


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_spread_lies_within_its_tolerance(name):
    entry = measured(name)
    assert perturb.too_far(entry, CHAPTERS[name]) == []
    problems = {c: run["problems"] for c, run in entry["conditions"].items() if run["problems"]}
    assert problems == {}


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_tag_is_wider_than_what_was_measured_asks_for(name):
    entry = measured(name)
    for cell in CHAPTERS[name].codes:
        tolerance = Tolerance.from_tags(tags(cell))
        spreads = [
            (n.spread, abs(Number.parse(n.stored).value))
            for n in entry["numbers"]
            if n.cell == cell.id
        ]
        widest = max((spread for spread, _ in spreads), default=Decimal(0))
        assert tolerance.atol <= WIDEST * widest, f"cell {cell.id} moved by {widest} only"
        relative = max((spread / size for spread, size in spreads if size), default=Decimal(0))
        assert tolerance.rtol <= WIDEST * relative, f"cell {cell.id} moved by {relative:.1e} only"
