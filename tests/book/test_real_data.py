"""The first chapter's main claims have on real ratings the verdicts that its prose gives them."""

import pytest

from tools import claims, reports
from tools.chapter import Chapter, printed

NAME = "basics/retrieval"
REPORT = reports.REPORTS / "replication-ml-latest-small.json"
CHAPTER = Chapter.read(reports.BOOK / f"{NAME}.ipynb")


@pytest.fixture(scope="module")
def replicated():
    """What `make replicate` wrote of the chapter, by claim, if it ran the chapter as it is now."""
    result = reports.read(REPORT, chapters={})["chapters"].get(NAME)
    if result is None or result["fingerprint"] != CHAPTER.fingerprint:
        pytest.skip("the chapter has changed since the report was written: make replicate")
    assert result["error"] is None
    return {row["claim"]: row for row in result["claims"]}


def main_claims():
    found = [c for cell in CHAPTER.codes for c in claims.parse(printed(cell))]
    return [c for c in found if c.main]


def test_there_are_at_most_three_main_claims_and_all_hold():
    assert [c.verdict for c in main_claims()] == ["holds"] * len(main_claims())
    assert 1 <= len(main_claims()) <= 3


@pytest.mark.parametrize(
    ("claim", "verdict"),
    zip([c.claim for c in main_claims()], ["holds", "open", "holds"], strict=True),
)
def test_main_claim_has_its_verdict_on_real_ratings(claim, verdict, replicated):
    real = replicated[claim]["real"]
    assert real is not None, "the chapter doesn't reach it on real ratings"
    assert real["main"]
    assert real["verdict"] == verdict
