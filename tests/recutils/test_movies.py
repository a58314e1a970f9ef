"""`Movies.from_frames`: what is taken, what is refused, and that nothing is lost or changed."""

from recutils import Movies
from recutils.movies import MOVIE_COLUMNS, RATING_COLUMNS

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def ratings(**changes):
    columns = {
        "user_id": ["b", "a", "b"],
        "movie_id": ["x", "x", "y"],
        "movie_title": ["Xenia", "Xenia", "Yes"],
        "user_rating": [4.0, 2.5, 5.0],
        "timestamp": [30, 10, 20],
    }
    return pd.DataFrame(columns | changes, index=["first", "second", "third"])


def users(**changes):
    return pd.DataFrame({"user_id": ["a", "b", "c"], "city": ["Ulm", "Bonn", None]} | changes)


def movies(**changes):
    columns = {
        "movie_id": ["y", "x", "z"],
        "movie_title": ["Yes", "Xenia", "Zoo"],
        "movie_genres": [["War", "Drama"], [], ["War"]],
    }
    return pd.DataFrame(columns | changes)


def rows(frame):
    return frame.to_numpy(object).tolist()


class TestTaken:
    def test_ratings_alone(self):
        found = Movies.from_frames(ratings())
        assert rows(found.ratings) == [
            ["a", "x", "Xenia", 2.5, 10],
            ["b", "y", "Yes", 5, 20],
            ["b", "x", "Xenia", 4, 30],
        ]
        assert rows(found.users) == [["a"], ["b"]]
        assert rows(found.movies) == [["x", "Xenia", []], ["y", "Yes", []]]
        assert found.truth is None

    def test_all_tables(self):
        unnamed = ratings().drop(columns="movie_title")
        found = Movies.from_frames(unnamed, users(), movies())
        assert rows(found.ratings) == rows(Movies.from_frames(ratings()).ratings)
        assert found.users.equals(users())
        assert rows(found.movies) == rows(movies())

    def test_columns_and_dtypes(self):
        for found in (
            Movies.from_frames(ratings(age=[1, 2, 3])),
            Movies.from_frames(ratings(), users(), movies(year=[1, 2, 3])),
        ):
            assert found.ratings.columns.tolist() == RATING_COLUMNS
            assert found.movies.columns.tolist() == MOVIE_COLUMNS
            assert found.ratings["user_rating"].dtype == np.float32
            assert found.ratings["timestamp"].dtype == np.int64
            for frame in (found.ratings, found.users, found.movies):
                assert frame.index.equals(pd.RangeIndex(len(frame)))

    @pytest.mark.parametrize("dtype", [object, "str", "string", "category"])
    def test_every_dtype_of_strings(self, dtype):
        ids = ["user_id", "movie_id", "movie_title"]
        tables = [
            frame.astype({name: dtype for name in ids if name in frame})
            for frame in (ratings(), users(), movies())
        ]
        found, expected = Movies.from_frames(*tables), Movies.from_frames(*tables_by_hand())
        for name in ("ratings", "users", "movies"):
            assert rows(getattr(found, name)) == rows(getattr(expected, name))

    @pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "Int64", object, "category"])
    def test_integers_become_strings(self, dtype):
        given_ratings = ratings(user_id=[7, 10, 7], movie_id=[1, 1, 2])
        given_ratings = given_ratings.astype({"user_id": dtype, "movie_id": dtype})
        given_users = pd.DataFrame({"user_id": [10, 7]}).astype(dtype)
        given_movies = pd.DataFrame({"movie_id": ["1", "2"], "movie_title": ["Xenia", "Yes"]})
        found = Movies.from_frames(given_ratings, given_users, given_movies)
        assert found.ratings["user_id"].tolist() == ["10", "7", "7"]
        assert found.ratings["movie_id"].tolist() == ["1", "2", "1"]
        assert found.users["user_id"].tolist() == ["10", "7"]
        assert found.movies["movie_genres"].tolist() == [[], []]

    @pytest.mark.parametrize("dtype", ["int64", "uint32", "float64", "Int64", object])
    def test_whole_seconds_of_any_dtype(self, dtype):
        late = 4_000_000_000
        times = pd.Series([30, late, 20], index=ratings().index).astype(dtype)
        found = Movies.from_frames(ratings(timestamp=times))
        assert found.ratings["timestamp"].tolist() == [20, 30, late]

    @pytest.mark.parametrize("dtype", ["int8", "float16", "float64", "Float64", object])
    def test_stars_of_any_dtype(self, dtype):
        stars = pd.Series([3, 1, 5], index=ratings().index).astype(dtype)
        found = Movies.from_frames(ratings(user_rating=stars))
        assert found.ratings["user_rating"].tolist() == [1, 5, 3]

    def test_equal_times_keep_their_order(self):
        stars = np.random.default_rng(0).random(1_000, np.float32)
        frame = pd.DataFrame({"user_id": np.arange(1_000), "movie_id": "x", "movie_title": "Xenia"})
        frame = frame.assign(user_rating=stars, timestamp=np.arange(1_000) % 2)
        found = Movies.from_frames(frame).ratings["user_rating"]
        assert found.tolist() == [*stars[::2], *stars[1::2]]

    def test_two_films_may_share_a_title(self):
        found = Movies.from_frames(ratings(movie_title=["Same"] * 3))
        assert rows(found.movies) == [["x", "Same", []], ["y", "Same", []]]

    @pytest.mark.parametrize("kind", [tuple, np.array])
    def test_genres_of_other_kinds_become_lists(self, kind):
        genres = [kind(names) for names in (["War", "Drama"], ["War"], ["Drama"])]
        found = Movies.from_frames(ratings(), movies=movies(movie_genres=genres))
        assert found.movies["movie_genres"].tolist() == [["War", "Drama"], ["War"], ["Drama"]]

    def test_arguments_stay_as_they_are(self):
        given, before = tables_by_hand(), tables_by_hand()
        found = Movies.from_frames(*given)
        for frame, other in zip(given, before, strict=True):
            pd.testing.assert_frame_equal(frame, other)
        found.ratings.loc[0, "user_rating"] = -1
        found.users.loc[0, "city"] = "nowhere"
        found.movies["movie_genres"][0].append("new")
        for frame, other in zip(given, before, strict=True):
            pd.testing.assert_frame_equal(frame, other)


def tables_by_hand():
    return [ratings(), users(), movies()]


BAD = [
    # what has no rows or columns
    ({"ratings": ratings()[:0]}, "ratings has no row, expected at least one"),
    ({"users": users()[:0]}, "ratings, row first: user_id 'b' is not in users"),
    ({"movies": movies()[:0]}, "ratings, row first: movie_id 'x' is not in movies"),
    (
        {"ratings": ratings().drop(columns=["user_rating", "timestamp"])},
        "ratings lacks the columns ['user_rating', 'timestamp'], it has",
    ),
    ({"users": users().drop(columns="user_id")}, "users lacks the columns ['user_id'], it has"),
    (
        {"movies": movies().drop(columns="movie_title")},
        "movies lacks the columns ['movie_title'], it has",
    ),
    (
        {"ratings": ratings().drop(columns="movie_title"), "movies": None},
        "ratings lacks the columns ['movie_title'], it has",
    ),
    (
        {"ratings": pd.concat([ratings(), ratings()[["user_id"]]], axis=1)},
        "ratings has the columns ['user_id'] more than once",
    ),
    # ids
    ({"ratings": ratings(user_id=["b", None, "b"])}, "ratings, row second: user_id is missing"),
    ({"ratings": ratings(movie_id=["x", "x", pd.NA])}, "ratings, row third: movie_id is missing"),
    ({"users": users(user_id=["a", "b", np.nan])}, "users, row 2: user_id is missing"),
    ({"movies": movies(movie_id=["y", "x", None])}, "movies, row 2: movie_id is missing"),
    ({"movies": movies(movie_title=["Yes", None, "Z"])}, "movies, row 1: movie_title is missing"),
    (
        {"ratings": ratings(movie_title=["X", "X", None]), "movies": None},
        "ratings, row third: movie_title is missing",
    ),
    (
        {"ratings": ratings(user_id=[1.0, 2.0, 3.0])},
        "ratings: user_id must hold strings or integers, got float64",
    ),
    (
        {"ratings": ratings(user_id=["b", 2.0, "b"])},
        "ratings, row second: user_id must be an integer or a string that is not empty, got 2.0",
    ),
    ({"ratings": ratings(user_id=["b", True, "b"])}, "ratings, row second: user_id must be"),
    ({"ratings": ratings(user_id=["b", b"a", "b"])}, "ratings, row second: user_id must be"),
    ({"ratings": ratings(user_id=["b", "", "b"])}, "ratings, row second: user_id must be"),
    (
        {"ratings": ratings(user_id=["b", ["a"], "b"])},
        "ratings: user_id must hold strings or integers: unhashable",
    ),
    (
        {"users": users(user_id=["a", 1, "1"])},
        "users, row 2: user_id has '1' both as a string and as an integer",
    ),
    ({"users": users(user_id=["a", "b", "b"])}, "users, row 2: user_id 'b' stands there"),
    ({"movies": movies(movie_id=["y", "x", "y"])}, "movies, row 2: movie_id 'y' stands there a"),
    (
        {"ratings": ratings(movie_id=["x", "x", "x"])},
        "ratings, row third: user_id 'b', movie_id 'x' stands there a second time",
    ),
    ({"ratings": ratings(user_id=["b", "e", "b"])}, "row second: user_id 'e' is not in users"),
    ({"ratings": ratings(movie_id=["x", "x", "q"])}, "row third: movie_id 'q' is not in movies"),
    (
        {"ratings": ratings(movie_title=["X", "Z", "Y"]), "movies": None},
        "ratings, row second: movie_id 'x' has the title 'Z', and earlier 'X'",
    ),
    # stars
    *(
        (
            {"ratings": ratings(user_rating=[4, bad, 5])},
            f"ratings, row second: user_rating must be a finite number, got {bad}",
        )
        for bad in (np.nan, np.inf, -np.inf, 1e300)
    ),
    ({"ratings": ratings(user_rating=[4, None, 5])}, "row second: user_rating must be a finite"),
    (
        {"ratings": ratings(user_rating=pd.array([4, None, 5], "Int64"))},
        "row second: user_rating must be a finite number, got <NA>",
    ),
    ({"ratings": ratings(user_rating=["4", "2", "5"])}, "first: user_rating must be a number, got"),
    (
        {"ratings": ratings(user_rating=[4, "2", 5])},
        "user_rating must be a number, got '2'",
    ),
    ({"ratings": ratings(user_rating=[True, False, True])}, "user_rating must be a number, got"),
    ({"ratings": ratings(user_rating=[4, 2j, 5])}, "user_rating must be a number, got"),
    # seconds
    (
        {"ratings": ratings(timestamp=[30, 10.5, 20])},
        "ratings, row second: timestamp must be whole seconds, got 10.5",
    ),
    ({"ratings": ratings(timestamp=[30, np.nan, 20])}, "second: timestamp must be a finite number"),
    ({"ratings": ratings(timestamp=[30, 1e300, 20])}, "second: timestamp must be a finite number"),
    (
        {"ratings": ratings(timestamp=np.array([30, 2**64 - 1, 20], np.uint64))},
        "second: timestamp must be a finite number",
    ),
    (
        {"ratings": ratings(timestamp=pd.to_datetime([30, 10, 20], unit="s"))},
        "ratings, row first: timestamp must be a number, got Timestamp",
    ),
    ({"ratings": ratings(timestamp=["30", "10", "20"])}, "timestamp must be a number, got '30'"),
    # genres
    *(
        (
            {"movies": movies(movie_genres=[["War"], bad, []])},
            "movies, row 1: movie_genres must be a list of strings, got",
        )
        for bad in ("War|Drama", None, 3, [3], ["War", None], {"War"})
    ),
]


class TestRefused:
    @pytest.mark.parametrize(("changes", "message"), BAD)
    def test_values(self, changes, message):
        given = dict(zip(("ratings", "users", "movies"), tables_by_hand(), strict=True)) | changes
        with pytest.raises(ValueError) as error:  # noqa: PT011
            Movies.from_frames(**given)
        assert message in str(error.value)

    @pytest.mark.parametrize("bad", [[], {}, "ratings.csv", np.zeros((3, 4)), pd.Series([1])])
    def test_types(self, bad):
        kind = type(bad).__name__
        with pytest.raises(TypeError, match=f"ratings must be a DataFrame, got {kind}"):
            Movies.from_frames(bad)
        with pytest.raises(TypeError, match=f"users must be a DataFrame, got {kind}"):
            Movies.from_frames(ratings(), bad)
        with pytest.raises(TypeError, match=f"movies must be a DataFrame, got {kind}"):
            Movies.from_frames(ratings(), movies=bad)

    def test_ratings_are_needed(self):
        with pytest.raises(TypeError, match="ratings must be a DataFrame, got NoneType"):
            Movies.from_frames(None)


text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)


@st.composite
def tables(draw):
    user_ids = draw(st.lists(text, min_size=1, max_size=6, unique=True))
    movie_ids = draw(st.lists(text, min_size=1, max_size=6, unique=True))
    titles = draw(st.lists(text, min_size=len(movie_ids), max_size=len(movie_ids)))
    pair = st.tuples(st.sampled_from(user_ids), st.sampled_from(movie_ids))
    pairs = draw(st.lists(pair, min_size=1, max_size=20, unique=True))
    size = {"min_size": len(pairs), "max_size": len(pairs)}
    frame = pd.DataFrame(pairs, columns=["user_id", "movie_id"])
    frame["movie_title"] = frame["movie_id"].map(dict(zip(movie_ids, titles, strict=True)))
    frame["user_rating"] = draw(st.lists(st.floats(-9, 9, width=32), **size))
    frame["timestamp"] = draw(st.lists(st.integers(-5, 2**40), **size))
    return (
        frame,
        pd.DataFrame({"user_id": user_ids}),
        pd.DataFrame({"movie_id": movie_ids, "movie_title": titles}),
    )


def lines(frame):
    return sorted(map(tuple, rows(frame)))


@settings(deadline=None)
@given(tables())
def test_no_rating_is_lost_or_changed(given_tables):
    frame, people, films = given_tables
    for found in (Movies.from_frames(frame), Movies.from_frames(frame, people, films)):
        assert lines(found.ratings) == lines(frame[RATING_COLUMNS])
        assert found.ratings["timestamp"].is_monotonic_increasing
    assert found.users["user_id"].tolist() == people["user_id"].tolist()
    assert found.movies["movie_id"].tolist() == films["movie_id"].tolist()
    again = Movies.from_frames(found.ratings, found.users, found.movies)
    for name in ("ratings", "users", "movies"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name))


@settings(deadline=None)
@given(tables(), st.data())
def test_an_unknown_or_doubled_id_is_refused_wherever_it_is(given_tables, data):
    frame, people, films = given_tables
    row = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(ValueError, match="is not in users"):
        Movies.from_frames(frame, people[people["user_id"] != frame["user_id"][row]], films)
    with pytest.raises(ValueError, match="is not in movies"):
        Movies.from_frames(frame, people, films[films["movie_id"] != frame["movie_id"][row]])
    doubled = pd.concat([frame, frame[row : row + 1]], ignore_index=True)
    with pytest.raises(ValueError, match=f"ratings, row {len(frame)}: .* a second time"):
        Movies.from_frames(doubled, people, films)
