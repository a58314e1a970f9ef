"""Every search and long trial of the chapters is on record: whole, fresh, fair, affordable."""

from recutils import records, sources

from collections import Counter

import pytest

from tools import search
from tools.chapter import chapters

CHAPTERS = {chapter.name: [cell.source for cell in chapter.codes] for chapter in chapters()}
CALLS = {
    name: [(f, call) for f in search.KINDS for call in sources.calls_in(cells, f)]
    for name, cells in CHAPTERS.items()
}
READ_RECORDS = [name for name, calls in CALLS.items() if calls]
# CPU seconds that the searches of one chapter may take.
DEAREST = 1_200


def searches(name):
    """The calls of a chapter's searches with their records."""
    cells = CHAPTERS[name]
    for function, call in CALLS[name]:
        record = search.fresh_record(cells, function, call) if function == "search" else None
        if record is not None:
            yield call, record


@pytest.mark.parametrize("name", READ_RECORDS)
def test_records_are_whole_and_fresh(name, monkeypatch):
    monkeypatch.delenv("RECUTILS_DATA", raising=False)
    assert search.stale_records(CHAPTERS[name]) == [], "make search"


@pytest.mark.parametrize("name", READ_RECORDS)
def test_no_best_value_lies_at_the_edge(name, monkeypatch):
    monkeypatch.delenv("RECUTILS_DATA", raising=False)
    edges = {
        call.name: sorted(set(record["at_edge"]) - set(call.bounded))
        for call, record in searches(name)
    }
    assert {arm: edge for arm, edge in edges.items() if edge} == {}, "widen the space"


@pytest.mark.parametrize("name", READ_RECORDS)
def test_every_arm_has_the_same_number_of_draws(name):
    draws = {call.name: call.draws for function, call in CALLS[name] if function == "search"}
    assert len(set(draws.values())) <= 1, draws


@pytest.mark.parametrize("name", READ_RECORDS)
def test_searches_are_not_too_dear(name, monkeypatch):
    monkeypatch.delenv("RECUTILS_DATA", raising=False)
    cost = sum(draw["cpu_seconds"] for _, record in searches(name) for draw in record["draws"])
    assert cost <= DEAREST


def test_names_are_unique_in_the_book():
    names = Counter(
        (function, call.name.replace("/", "-").replace(" ", "_"))
        for calls in CALLS.values()
        for function, call in calls
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_every_record_is_read():
    """A record that no chapter reads any more is deleted."""
    read = {(search.KINDS[f], call.name) for calls in CALLS.values() for f, call in calls}
    for kind in search.KINDS.values():
        names = {record["name"] for record in records.all_of(kind)}
        assert names <= {name for of, name in read if of == kind}
