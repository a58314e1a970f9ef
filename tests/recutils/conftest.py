"""Fixtures that several files share: records in a folder of their own, a world, people, lists."""

import recutils
from recutils import records

import sys

import pytest
import spelt_out


@pytest.fixture
def folder(monkeypatch, tmp_path, request):
    """An empty folder of records, and a notebook whose code is the test file's CODE."""
    monkeypatch.setattr(records, "FOLDER", tmp_path)
    monkeypatch.setattr(records, "code_so_far", lambda: [request.module.CODE])
    for variable in ("RECUTILS_DATA", "RECUTILS_RECORD"):
        monkeypatch.delenv(variable, raising=False)
    # Nobody watches a progress bar here.
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    return tmp_path


@pytest.fixture
def make(monkeypatch):
    monkeypatch.setenv("RECUTILS_RECORD", "make")


@pytest.fixture
def trials(request):
    return recutils.trials(3, **request.module.SMALL)


@pytest.fixture(scope="module")
def world():
    return spelt_out.small_world()


@pytest.fixture(scope="module")
def shown(world):
    return spelt_out.lists_of_six(world)


@pytest.fixture(scope="module")
def table():
    return spelt_out.any_table()
