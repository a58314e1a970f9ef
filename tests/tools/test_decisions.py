"""The book on one page says nothing that the chapters' lines don't support."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import reports
from tools.chapter import Chapter
from tools.site import contents, decisions, generated

SPEC = """
- question: Which loss?
  advice:
    - case: always
      choose: |
        this
        one
      lines:
        - {chapter: basics/toy, claim: A beats B}
"""


def chapters(line="holds     +0.1 [+0.0, +0.2]   A beats B   (5 worlds, main)\n"):
    output = new_output("stream", name="stdout", text=line)
    document = new_notebook(cells=[new_code_cell("conclude()", outputs=[output])])
    return lambda name: Chapter(name, Path(f"{name}.ipynb"), document)


def report(verdict):
    """Of a replication, with one line or, if it has no verdict, with one that wasn't tried."""
    real = verdict and {"verdict": verdict, "effect": "+1", "low": "+0", "high": "+2"}
    claims = [{"claim": "A beats B", "synthetic": {}, "real": real}]
    return {"data": {"folder": "ml"}, "chapters": {"basics/toy": {"claims": claims}}}


def problems(spec=SPEC, line=None, *reports):
    found = decisions.supported(chapters(line) if line else chapters(), reports, spec)
    return decisions.problems(found)


def test_the_book_supports_its_advice():
    found = decisions.supported(
        lambda name: contents.chapter(f"book/{name}"), reports.replications()
    )
    assert decisions.problems(found) == []


def test_a_line_that_holds_is_no_problem():
    assert problems() == []
    assert problems(SPEC, None, report("holds"), report(None)) == []


@pytest.mark.parametrize("verdict", ["open", "reversed"])
def test_a_line_that_turns_is_a_problem(verdict):
    turned = f"{verdict}      +0.1 [-0.1, +0.2]   A beats B   (5 worlds)\n"
    (problem,) = problems(SPEC, turned)
    assert f"is {verdict}; the advice was written for holds" in problem
    (problem,) = problems(SPEC, None, report(verdict))
    assert f"is {verdict} on ml; the advice was written for holds" in problem


def test_a_line_that_is_gone_is_a_problem():
    (problem,) = problems(SPEC, "holds     +0.1 [+0.0, +0.2]   A beats C   (5 worlds)\n")
    assert problem == "basics/toy: 'A beats B' is no longer there"


def test_advice_may_accept_another_verdict_on_real_ratings():
    spec = SPEC.replace("A beats B}", "A beats B, real: [holds, open]}")
    assert problems(spec, None, report("open")) == []
    (problem,) = problems(spec, None, report("reversed"))
    assert "written for holds or open" in problem


def test_advice_needs_lines():
    with pytest.raises(ValueError, match="no line supports 'always'"):
        problems(SPEC.partition("      lines:")[0])


def test_a_verdict_that_no_line_can_have_is_a_problem():
    (problem,) = problems(SPEC.replace("A beats B}", "A beats B, verdict: good}"))
    assert "is holds; the advice was written for good" in problem


def page(monkeypatch, spec, *replications):
    """The page, as lines of Markdown."""
    monkeypatch.setattr(contents, "link", lambda doc: f"[{doc}]")
    found = decisions.supported(chapters(), replications, spec)
    monkeypatch.setattr(generated, "supported_decisions", lambda: found)
    return generated.markdown("decisions").splitlines()


def test_the_page_shows_each_line_with_its_verdicts(monkeypatch):
    lines = page(monkeypatch, SPEC, report("open"), report(None))
    assert lines[0] == "## Which loss?"
    assert "*always:* this one" in lines
    assert (
        "- A beats B<br>[synthetic films: **holds** +0.1 [+0.0, +0.2] · ml: **open** +1 [+0, +2] "
        "· ml: not tried yet · [book/basics/toy]]{.where}"
    ) in lines


@pytest.mark.parametrize(
    ("only", "shown"), [("own data", "data of its own"), ("truth", "real ratings can’t say")]
)
def test_a_line_that_real_ratings_can_t_say_says_why(only, shown, monkeypatch):
    spec = SPEC.replace("A beats B}", f"A beats B, only: {only}}}")
    (line,) = [x for x in page(monkeypatch, spec, report(None)) if x[:2] == "- "]
    assert shown in line
    assert "not tried" not in line
