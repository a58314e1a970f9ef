"""The first chapter meets its goals on real ratings too, with not a cell changed."""

from pathlib import Path

import pytest

from tools import kernels
from tools.chapter import Chapter
from tools.reports import BOOK

CHAPTER = BOOK / "basics" / "retrieval.ipynb"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "ml-latest-small"
GOALS = [
    "P@10: two towers without logQ stay below popularity",
    "P@10: two towers with logQ beat popularity",
    "P@10: with L2 and averaging at least 95% of EASE",
    "R@100: with L2 and averaging at least 98% of EASE",
]


@pytest.mark.slow
@pytest.mark.skipif(
    not DATA.is_dir(), reason=f"needs MovieLens ratings in ../shared/data/{DATA.name}"
)
def test_retrieval_meets_its_goals_on_movielens():
    found = kernels.run(Chapter.read(CHAPTER), {"RECUTILS_DATA": str(DATA)}).claims
    assert {claim: found[claim].verdict for claim in GOALS} == dict.fromkeys(GOALS, "holds")
