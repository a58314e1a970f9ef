"""The line that closes an argument: read as it is printed, in all its forms."""

import pytest

from tools import claims
from tools.claims import Claim

LINE = "holds     +0.125 [+0.118, +0.132]   recall@100: towers beat popularity   (5 seeds, paired)"


def test_a_line_is_read_as_it_is_printed():
    assert claims.parse(LINE) == [
        Claim(
            "holds",
            "+0.125",
            "+0.118",
            "+0.132",
            "recall@100: towers beat popularity",
            "5 seeds, paired",
        )
    ]


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        LINE.replace("holds   ", "reversed").replace("+", "-"),
        LINE.replace("holds", "open ").replace("+0.118", "-0.118"),
        LINE.replace("+0.125", "+1.25e-05"),
        LINE.replace("+0.125", "+1,234"),
    ],
)
def test_every_verdict_and_sign_is_read(line):
    (found,) = claims.parse(f"before\n{line}\nafter")
    assert found.verdict == line.split()[0]
    assert found.claim == "recall@100: towers beat popularity"


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("holds", "hopes"),
        LINE.replace("[", "("),
        LINE.replace(" seeds", ""),
        LINE.replace("   (", " ("),
        LINE.replace("(5 seeds, paired)", "5 seeds, paired"),
        f"> {LINE}",
    ],
)
def test_other_lines_are_no_claims(line):
    assert claims.parse(line) == []


@pytest.mark.parametrize(
    ("words", "trials", "main"),
    [
        ("5 worlds", "5 worlds", False),
        ("5 worlds, main", "5 worlds", True),
        ("5 splits, corrected", "5 splits, corrected", False),
        ("1 split, 120 people resampled", "1 split, 120 people resampled", False),
        ("1 split, 1,204 people resampled, main", "1 split, 1,204 people resampled", True),
        ("5 worlds, within ±0.005", "5 worlds, within ±0.005", False),
        ("5 worlds, within ±0.005, main", "5 worlds, within ±0.005", True),
    ],
)
def test_the_last_parentheses(words, trials, main):
    (found,) = claims.parse(LINE.replace("5 seeds, paired", words))
    assert (found.trials, found.main, found.num_trials) == (trials, main, int(words.split()[0]))


def test_a_claim_may_have_parentheses_of_its_own():
    (found,) = claims.parse(LINE.replace("popularity", "popularity (all films)"))
    assert found.claim == "recall@100: towers beat popularity (all films)"


def test_lines_come_in_their_order():
    text = f"{LINE}\nelse\n{LINE.replace('recall', 'precision')}"
    assert [c.claim.split("@")[0] for c in claims.parse(text)] == ["recall", "precision"]
