"""Every chapter keeps the frame (frame.py says what it is), apart from exemptions with reasons."""

import re
from collections import Counter

import pytest
from exercises import exercises
from frame import RULES

from tools.chapter import chapters, printed

NO_SCORES = "it compares no models, so that there is nothing to draw"
# chapter -> rule -> the reason why it doesn't fit there.
EXEMPT: dict[str, dict[str, str]] = {
    "basics/testing": {"two figures": "it is about tests, which pass or don't"},
    "serving/export": {"two figures": NO_SCORES},
}
# Pages of reference are looked up, not read from the top: these rules still hold there.
REFERENCE = {
    "imports and seed in the first cell",
    "short cells",
    "no trailing semicolon",
    "partitions are sorted",
    "normal form",
    "outputs of no machine",
    "outputs for every reader",
    "unchecked outputs say so",
    "figures for every reader",
    "conclusions",
    "decimals in the prose",
}
# Chapters that give scores, and what has to be beside them, each in one of these words.
BESIDE_A_SCORE = {
    "basics/retrieval": ["random", "popular", "EASE", "ceiling"],
    "basics/ranking": ["mean", "ridge|biases", "ceiling|Bayes|floor"],
    "dcn/ranking_films": ["ridge|biases", "crosses", "ceiling|Bayes|floor"],
    "listwise/listwise_ranking": ["random", "popular", "film mean|film's mean", "ceiling|truth"],
    "features/strangers": ["random", "popular", "EASE", "ridge", "ceiling"],
    "features/order": ["random", "popular", "EASE", "pairs", "ceiling"],
}
CHAPTERS = {chapter.name: chapter for chapter in chapters()}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CHAPTERS)
def test_frame(name, rule):
    if name.startswith("reference/") and rule not in REFERENCE:
        pytest.skip("a page of reference is no chapter")
    problems = RULES[rule](CHAPTERS[name])
    if rule in EXEMPT.get(name, {}):
        assert problems, f"the exemption is not needed any more: {EXEMPT[name][rule]}"
        pytest.skip(EXEMPT[name][rule])
    assert not problems, f"{name}: {rule}\n" + "\n".join(problems)


@pytest.mark.parametrize("name", BESIDE_A_SCORE)
def test_baselines_and_ceiling_are_beside_scores(name):
    outputs = "\n".join(printed(cell) for cell in CHAPTERS[name].codes)
    missing = [w for w in BESIDE_A_SCORE[name] if not re.search(w, outputs, re.IGNORECASE)]
    assert not missing


def test_labels_are_unique_in_the_book():
    labels = Counter(
        gate.label for c in CHAPTERS.values() for gate in exercises(c) if gate.kind == "exercise"
    )
    assert [label for label, count in labels.items() if count > 1] == []


def test_exemptions_name_rules():
    for name, rules in EXEMPT.items():
        assert rules.keys() <= RULES.keys(), name
    assert RULES.keys() >= REFERENCE
