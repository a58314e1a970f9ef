"""The data of the chapters: synthetic, or the folder that RECUTILS_DATA names."""

import recutils
from recutils import synthetic

import os
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,10,4.0,964982703\n")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n10,Harbor (1994),Drama\n")
    return tmp_path


@pytest.mark.parametrize("value", [None, ""])
def test_synthetic_films_unless_told_otherwise(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("RECUTILS_DATA", raising=False)
    else:
        monkeypatch.setenv("RECUTILS_DATA", value)
    found = recutils.load_movies()
    assert found.truth is not None
    pd.testing.assert_frame_equal(found.ratings, synthetic.movies().ratings)


def test_a_folder(monkeypatch, folder):
    monkeypatch.setenv("RECUTILS_DATA", str(folder))
    found = recutils.load_movies()
    assert found.truth is None
    assert found.ratings["movie_title"].tolist() == ["Harbor (1994)"]


def test_a_relative_path_counts_from_the_repository(monkeypatch, folder):
    monkeypatch.setenv("RECUTILS_DATA", os.path.relpath(folder, REPOSITORY))
    monkeypatch.chdir(folder)
    assert len(recutils.load_movies().ratings) == 1


def test_the_home_folder_is_known(monkeypatch, folder):
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("RECUTILS_DATA", f"~/{folder.name}")
    assert len(recutils.load_movies().ratings) == 1


def test_no_such_folder(monkeypatch):
    monkeypatch.setenv("RECUTILS_DATA", "no/such/folder")
    with pytest.raises(FileNotFoundError, match=f"there is no folder {REPOSITORY}/no/such/folder"):
        recutils.load_movies()
