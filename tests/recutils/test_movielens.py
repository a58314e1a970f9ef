"""MovieLens files: each kind is read as it is."""

from recutils import movielens
from recutils.movies import MOVIE_COLUMNS, RATING_COLUMNS

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from movielens_files import FILES, KINDS, ML_1M, ML_100K, ML_LATEST, OWN, changed, swapped, write

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "ml-latest-small"


def rows(frame):
    return frame.to_numpy(object).tolist()


class TestKinds:
    @pytest.mark.parametrize("encoding", ["latin-1", "utf-8", "utf-8-sig"])
    def test_100k(self, tmp_path, encoding):
        found = movielens.load(write(tmp_path, ML_100K, encoding))
        assert rows(found.ratings) == [
            ["2", "20", "Harbor, The (1994)", 5, 881250940],
            ["2", "10", "Café Noir (1995)", 1, 881250945],
            ["1", "10", "Café Noir (1995)", 4, 881250949],
        ]
        assert found.users.columns.tolist() == [
            "user_id",
            "user_gender",
            "bucketized_user_age",
            "user_occupation_text",
            "user_zip_code",
        ]
        assert rows(found.users) == [
            ["1", "male", "18-24", "technician", "85711"],
            ["2", "female", "50-55", "other", "T8H1N"],
            ["3", "male", "Under 18", "student", "01002"],
        ]
        assert rows(found.movies) == [
            ["10", "Café Noir (1995)", ["Action", "Western"]],
            ["20", "Harbor, The (1994)", ["Comedy"]],
            ["30", "unknown", ["unknown"]],
        ]

    @pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
    def test_1m(self, tmp_path, encoding):
        found = movielens.load(write(tmp_path, ML_1M, encoding))
        assert rows(found.ratings)[0] == ["2", "20", "Harbor (1994)", 5, 978300750]
        assert rows(found.users) == [
            ["1", "female", "Under 18", "K-12 student", "48067"],
            ["2", "male", "56+", "self-employed", "70072-1234"],
        ]
        assert rows(found.movies) == [
            ["10", "Café Wars: Part I (1977)", ["Action", "Sci-Fi"]],
            ["20", "Harbor (1994)", ["Drama"]],
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_latest(self, tmp_path, encoding):
        found = movielens.load(write(tmp_path, ML_LATEST, encoding))
        assert rows(found.ratings) == [
            ["1", "20", "Harbor (1994)", 3.5, 964982700],
            ["2", "10", "Café, The (1995)", 0.5, 964982701],
            ["1", "10", "Café, The (1995)", 4, 964982703],
        ]
        assert rows(found.users) == [["1"], ["2"]]
        assert rows(found.movies) == [
            ["10", "Café, The (1995)", ["Comedy", "Drama"]],
            ["20", "Harbor (1994)", []],
            ["30", "1984", ["War"]],
        ]

    def test_own(self, tmp_path):
        found = movielens.load(write(tmp_path, OWN))
        assert rows(found.ratings) == [
            ["bob", "y", "Yes", 9, 100],
            ["ann", "x", "Xenia", 4.25, 200],
        ]
        assert rows(found.users) == [["ann", "Ulm"], ["bob", "Bonn"]]
        assert rows(found.movies) == [["x", "Xenia", ["Drama", "War"]], ["y", "Yes", []]]

    def test_own_without_users_and_movies(self, tmp_path):
        ratings = "user_id,movie_id,movie_title,user_rating,timestamp\n7,x,Xenia,4,1\n7,y,Yes,3,2\n"
        found = movielens.load(write(tmp_path, {"ratings.csv": ratings}))
        assert rows(found.users) == [["7"]]
        assert rows(found.movies) == [["x", "Xenia", []], ["y", "Yes", []]]

    def test_what_pandas_writes_is_read_back(self, tmp_path):
        first = movielens.load(write(tmp_path, ML_LATEST))
        own = tmp_path / "own"
        own.mkdir()
        for name in ("ratings", "users", "movies"):
            getattr(first, name).to_csv(own / f"{name}.csv", index=False)
        again = movielens.load(own)
        for name in ("ratings", "users", "movies"):
            pd.testing.assert_frame_equal(getattr(again, name), getattr(first, name))

    @pytest.mark.parametrize("kind", KINDS)
    def test_schema(self, tmp_path, kind):
        found = movielens.load(str(write(tmp_path, KINDS[kind])))
        assert found.truth is None
        assert found.ratings.columns.tolist() == RATING_COLUMNS
        assert found.movies.columns.tolist() == MOVIE_COLUMNS
        assert found.ratings["user_rating"].dtype == np.float32
        assert found.ratings["timestamp"].dtype == np.int64
        assert found.ratings["timestamp"].is_monotonic_increasing
        assert all(isinstance(value, str) for value in found.ratings["movie_id"])

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text.replace("\n", "\r\n"),
            lambda text: text.replace("\n", "\r"),
            lambda text: text[:-1],
        ],
        ids=["CRLF", "CR", "no end of line"],
    )
    def test_line_ends_dont_matter(self, tmp_path, kind, change):
        (tmp_path / "as it is").mkdir()
        plain = movielens.load(write(tmp_path / "as it is", KINDS[kind]))
        files = {name: change(text) for name, text in KINDS[kind].items()}
        other = movielens.load(write(tmp_path, files))
        for name in ("ratings", "users", "movies"):
            pd.testing.assert_frame_equal(getattr(other, name), getattr(plain, name))

    @pytest.mark.parametrize(("kind", "name"), FILES)
    def test_a_byte_order_mark_doesnt_matter(self, tmp_path, kind, name):
        (tmp_path / "as it is").mkdir()
        plain = movielens.load(write(tmp_path / "as it is", KINDS[kind]))
        marked = {name: b"\xef\xbb\xbf" + KINDS[kind][name].encode()}
        other = movielens.load(write(tmp_path, KINDS[kind] | marked))
        for table in ("ratings", "users", "movies"):
            pd.testing.assert_frame_equal(getattr(other, table), getattr(plain, table))

    def test_a_header_says_what_a_column_is(self, tmp_path):
        plain = movielens.load(write(tmp_path, ML_LATEST)).ratings
        for first, second in itertools.combinations(range(4), 2):
            text = swapped(ML_LATEST["ratings.csv"], ",", first, second)
            found = movielens.load(write(tmp_path, {"ratings.csv": text})).ratings
            pd.testing.assert_frame_equal(found, plain)

    def test_genres_are_text_and_never_run(self, tmp_path):
        code = "[__import__('os').mkdir('" + (tmp_path / "made").as_posix() + "')]"
        found = movielens.load(write(tmp_path, changed(OWN, "movies.csv", "Drama|War", code)))
        assert found.movies["movie_genres"][0] == [code]
        assert not (tmp_path / "made").exists()

    def test_a_title_may_hold_a_line_break_and_quotes(self, tmp_path):
        files = changed(ML_LATEST, "movies.csv", "Harbor (1994)", '"Har""b""or\n(1994)"')
        found = movielens.load(write(tmp_path, files))
        assert found.movies["movie_title"][1] == 'Har"b"or\n(1994)'
        files["movies.csv"] += "40,x\n"
        with pytest.raises(ValueError, match=r"movies.csv, line 6: expected 3 fields"):
            movielens.load(write(tmp_path, files))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"MovieLens is not at {REAL}")
class TestReal:
    def test_ml_latest_small(self):
        found = movielens.load(REAL)
        assert len(found.ratings) == 100_836
        assert found.users.shape == (610, 1)
        assert len(found.movies) == 9_742
        assert found.ratings["movie_id"].nunique() == 9_724
        assert found.movies["movie_title"].duplicated().sum() == 5
        assert sorted(found.ratings["user_rating"].unique()) == list(np.arange(0.5, 5.5, 0.5))
        toy_story = found.movies.set_index("movie_id").loc["1"]
        assert toy_story["movie_title"] == "Toy Story (1995)"
        assert toy_story["movie_genres"][:2] == ["Adventure", "Animation"]
        assert (found.movies["movie_genres"].map(len) == 0).sum() == 34

    def test_ml_latest_small_with_people_for_films(self, tmp_path):
        text = swapped((REAL / "ratings.csv").read_text(), ",", 0, 1, header=False)
        write(tmp_path, {"ratings.csv": text, "movies.csv": (REAL / "movies.csv").read_bytes()})
        with pytest.raises(ValueError, match=r"ratings.csv, line \d+: movie_id '\d+' is not in m"):
            movielens.load(tmp_path)
