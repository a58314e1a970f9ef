"""The checks catch small mistakes: `make mutants` made some, and this is what came out."""

from collections import Counter

import pytest

from tools import mutants

REPORT = mutants.read()
DRAWN = {mutant.key: mutant for mutant in mutants.sample(mutants.all_mutants())}
LEAST = 0.95


@pytest.fixture
def tried():
    """What came out, if what would be drawn today was all tried, and what caught it, too."""
    missing = DRAWN.keys() - REPORT["mutants"].keys()
    if missing:
        pytest.skip(f"{len(missing)} of {len(DRAWN)} mistakes are not tried yet: `make mutants`")
    if without := mutants.controls(REPORT) - REPORT["without"].keys():
        pytest.skip(f"{len(without)} tests are not run without a mistake yet: `make mutants`")
    return REPORT["mutants"]


def test_nearly_all_are_caught(tried):
    mistakes = len(tried) - sum(s["equivalent"] for s in mutants.survivors())
    assert mutants.caught(REPORT) >= LEAST * mistakes
    assert all(REPORT["without"].values()), "a test failed without any mistake"


def test_each_survivor_has_its_reason(tried):
    known = {(s["file"], s["before"], s["after"]) for s in mutants.survivors()}
    alive = {(m["file"], m["before"], m["after"]) for m in tried.values() if not m["caught by"]}
    assert known == alive
    assert all(len(s["reason"]) > 20 for s in mutants.survivors())


def test_the_sample_covers_every_kind_and_most_files():
    assert {m.kind for m in DRAWN.values()} == mutants.KINDS.keys()
    assert len(DRAWN) == mutants.SIZE
    assert len({m.file for m in DRAWN.values()}) > 30
    parts = Counter(mutants.places(m)[0] for m in DRAWN.values())
    assert parts.keys() == {mutants.places(m)[0] for m in mutants.all_mutants()}
    assert min(parts.values()) >= mutants.SIZE / len(parts) / 2, parts
