"""The generator: exact sizes, people and films that make sense, the same world for a seed."""

from recutils import _film_words, _people_words, synthetic
from recutils.movies import RATING_COLUMNS

import hashlib
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def world():
    return synthetic.movies(943, 1682, 100_000, seed=5)


def require_sound(world, num_users, num_movies, num_ratings):
    ratings = world.ratings
    assert (len(world.users), len(world.movies), len(ratings)) == (
        num_users,
        num_movies,
        num_ratings,
    )
    assert world.users["user_id"].is_unique
    assert world.movies["movie_id"].is_unique
    assert not ratings.duplicated(["user_id", "movie_id"]).any()
    per_user = ratings["user_id"].value_counts()
    assert set(per_user.index) == set(world.users["user_id"])
    assert per_user.min() >= min(20, num_ratings // num_users)
    assert per_user.max() <= int(0.45 * num_movies)
    assert set(ratings["user_rating"]) <= {1, 2, 3, 4, 5}
    titles = world.movies.set_index("movie_id")["movie_title"]
    assert (titles.loc[ratings["movie_id"]].to_numpy() == ratings["movie_title"].to_numpy()).all()
    arrival = pd.Series(world.truth.arrival, index=world.truth.movie_ids)
    assert (ratings["timestamp"].to_numpy() >= arrival.loc[ratings["movie_id"]].to_numpy()).all()
    assert ratings["timestamp"].is_monotonic_increasing
    assert np.isfinite(world.truth.cuts).all()
    assert (np.diff(world.truth.cuts) > 0).all()


class TestSizes:
    @pytest.mark.parametrize(
        ("num_users", "num_movies", "num_ratings"),
        [
            (1, 10, 1),
            (1, 10, 4),
            (3, 10, 3),
            (3, 10, 5),
            (2, 45, 40),
            (30, 45, 599),
            (500, 1700, 500),
            (50, 10, 200),
            (20, 300, 2_700),
            (1, 2_000, 900),
            (300, 100, 6_007),
        ],
    )
    def test_are_exact(self, num_users, num_movies, num_ratings):
        world = synthetic.movies(num_users, num_movies, num_ratings, seed=1)
        require_sound(world, num_users, num_movies, num_ratings)

    def test_of_movielens_100k(self, world):
        require_sound(world, 943, 1682, 100_000)

    @settings(max_examples=30, deadline=None)
    @given(st.data())
    def test_any(self, data):
        num_users = data.draw(st.integers(1, 40))
        num_movies = data.draw(st.integers(10, 80))
        num_ratings = data.draw(st.integers(num_users, int(0.45 * num_movies) * num_users))
        seed = data.draw(st.integers(0, 2**32))
        world = synthetic.movies(num_users, num_movies, num_ratings, seed)
        require_sound(world, num_users, num_movies, num_ratings)

    def test_without_arguments(self):
        world = synthetic.movies()
        require_sound(world, 1000, 1700, 100_000)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"num_users": 0}, ValueError, "num_users must be at least 1, got 0"),
            ({"num_movies": 9}, ValueError, "num_movies must be at least 10, got 9"),
            ({"num_ratings": -1}, ValueError, "num_ratings must be at least 1000, got -1"),
            ({"num_ratings": 999}, ValueError, "num_ratings must be at least 1000, got 999"),
            (
                {"num_users": 10, "num_movies": 10, "num_ratings": 41},
                ValueError,
                "num_ratings must be at most 40 for 10 users and 10 movies .*, got 41",
            ),
            ({"num_users": 10.0}, TypeError, "num_users must be an int, got float: 10.0"),
            ({"num_movies": True}, TypeError, "num_movies must be an int, got bool: True"),
            ({"num_ratings": "9"}, TypeError, "num_ratings must be an int, got str: '9'"),
            ({"num_ratings": None}, TypeError, "num_ratings must be an int, got NoneType"),
            ({"seed": None}, TypeError, "seed must be an int, got NoneType"),
            ({"seed": 1.5}, TypeError, "seed must be an int, got float: 1.5"),
            ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ],
    )
    def test_bad(self, arguments, error, message):
        with pytest.raises(error, match=message):
            synthetic.movies(**arguments)


class TestTables:
    def test_columns_and_dtypes(self, world):
        assert world.ratings.columns.tolist() == RATING_COLUMNS
        assert world.ratings["user_rating"].dtype == np.float32
        assert world.ratings["timestamp"].dtype == np.int64
        assert world.ratings.index.equals(pd.RangeIndex(100_000))
        for frame in (world.ratings, world.users, world.movies):
            for column in set(frame) - {"user_rating", "timestamp", "movie_genres"}:
                assert all(type(value) is str for value in frame[column].unique()), column
        assert not world.users.isna().any(axis=None)
        assert not world.movies.isna().any(axis=None)

    def test_users_have_what_movielens_tells_of_people(self, world):
        users = world.users
        assert users.columns.tolist() == [
            "user_id",
            "user_gender",
            "bucketized_user_age",
            "user_occupation_text",
            "user_zip_code",
        ]
        assert set(users["user_gender"]) == {"female", "male"}
        assert set(users["bucketized_user_age"]) == set(_people_words.AGES)
        assert set(users["user_occupation_text"]) == set(_people_words.OCCUPATIONS)
        assert users["user_zip_code"].str.fullmatch(r"\d{5}").all()

    def test_titles_are_unique_and_read_like_titles(self, world):
        titles = world.movies["movie_title"]
        assert titles.is_unique
        word = r"[A-Z][A-Za-z'-]*"
        name = rf"{word}( (and|of|the|in|a|an|to|for|from|{word}))*( \d+)?"
        odd = titles[~titles.str.fullmatch(rf"{name} \((19[3-9]\d|2000)\)")]
        assert odd.empty, odd.tolist()[:5]
        assert not titles.str.contains(r"\bAn? [AEIOU]").where(titles.str.contains(r"\bA ")).any()

    def test_no_title_is_doubled_however_many_films(self):
        titles = synthetic.movies(100, 20_000, 2_000, seed=0).movies["movie_title"]
        assert titles.is_unique

    def test_a_sequel_is_not_older_than_what_it_follows(self):
        titles = synthetic.movies(100, 5_000, 2_000, seed=0).movies["movie_title"]
        parts = titles.str.extract(r"^(.*?)(?: (\d+))? \((\d{4})\)$")
        number, year = parts[1].fillna("1").astype(int), parts[2].astype(int)
        in_order = pd.DataFrame({"name": parts[0], "number": number, "year": year})
        in_order = in_order.sort_values(["name", "number"])
        assert (in_order["number"] > 1).any()
        assert (in_order.groupby("name")["year"].diff().dropna() >= 0).all()

    def test_genres(self, world):
        genres = world.movies["movie_genres"]
        assert genres.map(type).eq(list).all()
        assert genres.map(len).between(1, 3).all()
        assert genres.map(lambda names: len(set(names)) == len(names)).all()
        assert set(genres.explode()) == set(_film_words.GENRES)

    def test_a_title_has_words_of_its_first_genre(self, world):
        for title, genres in zip(
            world.movies["movie_title"], world.movies["movie_genres"], strict=True
        ):
            words = " ".join(_film_words.GENRES[genres[0]]).split()
            assert any(re.search(rf"\b{word}\b", title) for word in words), title


class TestBehaviour:
    def test_films_arrive_and_are_watched_only_then(self, world):
        start = world.truth.arrival.min()
        new = world.truth.movie_ids[world.truth.arrival > start]
        assert 0.03 < len(new) / 1682 < 0.07
        last_fifth = world.ratings[80_000:]
        assert last_fifth["movie_id"].isin(set(new) - set(world.ratings["movie_id"][:80_000])).any()

    def test_people_arrive_too(self, world):
        newcomers = set(world.ratings["user_id"][80_000:]) - set(world.ratings["user_id"][:80_000])
        assert len(newcomers) > 50

    def test_crosses_have_their_spread_and_no_main_effect(self, world):
        truth, users = world.truth, world.users
        genres = world.movies["movie_genres"]
        has = np.array([[name in names for name in truth.age_genre] for names in genres])
        weight = has / np.sqrt(has.sum(axis=1, keepdims=True))
        by_group = (
            truth.age_genre.loc[users["bucketized_user_age"]].to_numpy()
            + truth.occupation_genre.loc[users["user_occupation_text"]].to_numpy()
        )
        effect = by_group @ weight.T
        np.testing.assert_allclose(effect.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(effect.mean(axis=1), 0, atol=1e-12)
        person = truth.user_ids.get_indexer(world.ratings["user_id"])
        film = truth.movie_ids.get_indexer(world.ratings["movie_id"])
        assert effect[person, film].std() == pytest.approx(0.3, abs=0.02)
        # They are part of the latent score: what remains doesn't go with them.
        latent = truth._latent(person, film)
        others = latent - effect[person, film]
        slope = np.cov(others, effect[person, film])[0, 1] / 0.3**2
        assert abs(slope) < 0.1
        assert np.cov(latent, effect[person, film])[0, 1] / 0.3**2 == pytest.approx(1, abs=0.1)

    def test_people_choose_what_they_will_like(self, world):
        ratings = world.ratings
        watched = world.truth.expected_rating(ratings["user_id"], ratings["movie_id"]).mean()
        random = np.random.default_rng(0)
        everything = world.truth.expected_rating(
            random.choice(world.truth.user_ids, 20_000),
            random.choice(world.truth.movie_ids, 20_000),
        ).mean()
        assert watched > everything + 0.1


def checksum(world):
    frames = (world.ratings, world.users, world.movies)
    text = "".join(frame.to_csv(index=False) for frame in frames)
    return hashlib.sha256(text.encode()).hexdigest()


class TestSeeds:
    def test_the_same_seed_gives_the_same_world(self, world):
        assert checksum(synthetic.movies(943, 1682, 100_000, seed=5)) == checksum(world)
        assert checksum(synthetic.movies(943, 1682, 100_000, seed=6)) != checksum(world)

    def test_other_random_numbers_dont_matter(self):
        np.random.seed(0)  # noqa: NPY002
        first = checksum(synthetic.movies(20, 100, 500, seed=1))
        np.random.seed(1)  # noqa: NPY002
        assert checksum(synthetic.movies(20, 100, 500, seed=1)) == first

    def test_a_numpy_integer_is_a_seed(self):
        one, other = (synthetic.movies(np.int64(20), 100, 500, seed=s) for s in (1, np.int32(1)))
        assert checksum(one) == checksum(other)

    @pytest.mark.parametrize("hash_seed", ["1", "4321"])
    def test_the_same_in_every_process(self, hash_seed):
        program = (
            "import hashlib; from recutils import synthetic; w = synthetic.movies(50, 200, 2_000);"
            "text = ''.join(f.to_csv(index=False) for f in (w.ratings, w.users, w.movies));"
            "print(hashlib.sha256(text.encode()).hexdigest())"
        )
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == checksum(synthetic.movies(50, 200, 2_000))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere last digits may differ")
class TestTheWorldOfTheFirstEdition:
    """Without dials the films are those on which all numbers of the book were computed."""

    @staticmethod
    def fingerprint(ratings):
        sha = hashlib.sha256()
        for column in ("user_id", "movie_id", "movie_title"):
            sha.update("\n".join(ratings[column]).encode())
        sha.update(ratings["user_rating"].to_numpy().astype("<f4").tobytes())
        sha.update(ratings["timestamp"].to_numpy().astype("<i8").tobytes())
        return sha.hexdigest()

    @pytest.mark.parametrize(
        ("sizes", "expected"),
        [
            (
                (50, 200, 2_000, 7),
                "497d9b118d1a712806deb8cc65705b34818f57beb9c106d62ff53693ce493aa3",
            ),
            ((), "2c6c2dd417a377d80c9d0e37c58637afe10e777ced2c84d788bead279ff52dfd"),
        ],
    )
    def test_is_the_same_bit_for_bit(self, sizes, expected):
        assert self.fingerprint(synthetic.movies(*sizes).ratings) == expected


class TestBlenderAds:
    def test_by_hand(self):
        frame = synthetic.blender_ads(500, seed=4)
        random = np.random.RandomState(4)
        a, b, c = (random.randint(n, size=500) / n for n in (200, 24, 6))
        y = 0.1 * a + 0.4 * b + 0.7 * c + 0.1 * a * b + 3.1 * b * c + 0.1 * c * c
        assert frame.columns.tolist() == ["country", "bananas", "cookbooks", "y"]
        assert (frame.dtypes == np.float32).all()
        for column, values in zip(frame, (a, b, c, y), strict=True):
            np.testing.assert_allclose(frame[column], values, rtol=1e-6)

    def test_numbers_of_different_values(self):
        frame = synthetic.blender_ads(20_000, seed=0)
        assert frame.nunique().tolist()[:3] == [200, 24, 6]
        assert frame.min().min() >= 0
        assert frame[["country", "bananas", "cookbooks"]].max().max() < 1

    def test_one_customer(self):
        assert synthetic.blender_ads(1, seed=0).shape == (1, 4)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ((0, 1), ValueError, "size must be at least 1, got 0"),
            ((2.0, 1), TypeError, "size must be an int, got float"),
            ((2, None), TypeError, "seed must be an int, got NoneType"),
            ((2, -1), ValueError, "seed must be between 0 and 4294967295, got -1"),
            ((2, 2**32), ValueError, "seed must be between 0 and 4294967295"),
        ],
    )
    def test_bad(self, arguments, error, message):
        with pytest.raises(error, match=message):
            synthetic.blender_ads(*arguments)
