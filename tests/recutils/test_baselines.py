"""Popularity, EASE, film means and ridge biases against their definitions."""

from recutils import baselines

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

MOVIES = [f"m{i}" for i in range(9)]


def ratings(seed, num_users=20, num_ratings=70):
    rng = np.random.default_rng(seed)
    pairs = rng.choice(num_users * 8, num_ratings, replace=False)  # m8 has none
    return pd.DataFrame(
        {
            "user_id": np.char.add("u", (pairs // 8).astype(str)).astype(object),
            "movie_id": np.array(MOVIES, object)[pairs % 8],
            "user_rating": rng.integers(1, 6, num_ratings).astype(np.float32),
        }
    )


class TestPopularity:
    def test_counts(self):
        train = pd.DataFrame({"movie_id": ["b", "a", "b"]})
        for dtype in ("str", object, "category"):
            counts = baselines.popularity(train.astype(dtype), ["c", "b", "a"])
            assert counts.to_dict() == {"c": 0, "b": 2, "a": 1}
            assert counts.index.tolist() == ["c", "b", "a"]

    def test_bad_input(self):
        train = pd.DataFrame({"movie_id": ["a"]})
        for arguments, error, message in [
            ((train, ["b"]), ValueError, "movie_id of train must be in movie_ids"),
            ((train, ["a", "a"]), ValueError, "movie_ids must be unique"),
            ((train, []), ValueError, "movie_ids must not be empty"),
            ((train.iloc[:0], ["a"]), ValueError, "train must not be empty"),
            ((train[[]], ["a"]), ValueError, "train must have the columns"),
            ((["a"], ["a"]), TypeError, "train must be a pandas DataFrame, got list"),
        ]:
            with pytest.raises(error, match=message):
                baselines.popularity(*arguments)


class TestEase:
    @pytest.mark.parametrize("l2", [0.5, 50])
    def test_each_column_is_ridge_regression_on_the_other_films(self, l2):
        """EASE's zero diagonal makes its columns independent ridge problems."""
        train = ratings(0)
        users = sorted(train["user_id"].unique())
        watched = pd.crosstab(train["user_id"], train["movie_id"]).reindex(users).astype(float)
        scores = baselines.ease(train, users, MOVIES, l2=l2, min_ratings=1)
        for film in watched:
            others = watched.drop(columns=film)
            ridge = Ridge(alpha=l2, fit_intercept=False).fit(others, watched[film])
            np.testing.assert_allclose(scores[film], ridge.predict(others), atol=1e-5)

    def test_rare_films_and_strangers(self):
        train = ratings(1)
        counts = train["movie_id"].value_counts()
        limit = int(counts.median())
        scores = baselines.ease(train, ["nobody", "u3"], MOVIES, l2=10, min_ratings=limit)
        assert scores.index.tolist() == ["nobody", "u3"]
        assert scores.columns.tolist() == MOVIES
        assert (scores.to_numpy().dtype) == np.float32
        rare = [film for film in MOVIES if counts.get(film, 0) < limit]
        assert 1 < len(rare) < len(MOVIES)
        assert np.isneginf(scores[rare]).all(axis=None)
        assert (scores.loc["nobody"].drop(rare) == 0).all()
        # The rare films are as if they had never been there.
        kept = train[~train["movie_id"].isin(rare)]
        without = baselines.ease(kept, ["u3"], MOVIES, l2=10, min_ratings=1)
        np.testing.assert_allclose(scores.loc["u3"].drop(rare), without.loc["u3"].drop(rare))

    def test_bad_input(self):
        train = ratings(2)
        for options, error, message in [
            ({"l2": 0}, ValueError, "l2 must be a finite number above 0"),
            ({"l2": np.inf}, ValueError, "l2 must be a finite number above 0"),
            ({"l2": "200"}, TypeError, "l2 must be a number"),
            ({"min_ratings": 0}, ValueError, "min_ratings must be at least 1"),
            ({"min_ratings": 99}, ValueError, "no film has min_ratings=99 ratings"),
            ({"user_ids": []}, ValueError, "user_ids must not be empty"),
            ({"user_ids": ["u1", "u1"]}, ValueError, "user_ids must be unique"),
            ({"movie_ids": ["m0"]}, ValueError, "movie_id of train"),
            ({"train": pd.concat([train, train])}, ValueError, "each pair of user_id and movie_id"),
            ({"train": train.iloc[:0]}, ValueError, "train must not be empty"),
        ]:
            arguments = {"train": train, "user_ids": ["u1"], "movie_ids": MOVIES} | options
            with pytest.raises(error, match=message):
                baselines.ease(**arguments)


class TestFilmMeans:
    def test_by_hand(self):
        train = pd.DataFrame({"movie_id": ["a", "a", "b"], "user_rating": [5.0, 3.0, 1.0]})
        means = baselines.film_means(train, ["b", "a", "c"])
        assert means.to_dict() == {"b": 1.0, "a": 4.0, "c": 3.0}
        shrunk = baselines.film_means(train, ["b", "a", "c"], shrink=2)
        assert shrunk.to_dict() == pytest.approx({"b": 7 / 3, "a": 3.5, "c": 3.0})

    def test_bad_input(self):
        train = ratings(0)
        for bad, error, message in [
            (train.assign(user_rating="5"), TypeError, "train.user_rating must hold numbers"),
            (train.assign(user_rating=np.nan), ValueError, "user_rating must have no missing"),
            (train.assign(user_rating=np.inf), ValueError, "user_rating must hold finite"),
            (train[["movie_id"]], ValueError, "train must have the columns"),
        ]:
            with pytest.raises(error, match=message):
                baselines.film_means(bad, MOVIES)
            with pytest.raises(error, match=message):
                baselines.ridge_biases(bad.assign(user_id="u1"))
        with pytest.raises(ValueError, match="shrink must be a finite number at least 0, got -1"):
            baselines.film_means(train, MOVIES, shrink=-1)


class TestRidgeBiases:
    @settings(deadline=None, max_examples=20)
    @given(st.integers(0, 2**32 - 1), st.floats(0.1, 30))
    def test_is_the_optimum_of_ridge_regression(self, seed, l2):
        train = ratings(seed)
        biases = baselines.ridge_biases(train, l2)
        features = pd.get_dummies(train[["user_id", "movie_id"]]).astype(float)
        ridge = Ridge(alpha=l2, fit_intercept=False).fit(
            features, train["user_rating"] - biases.mean
        )
        assert biases.mean == pytest.approx(train["user_rating"].mean())
        np.testing.assert_allclose(
            biases.predict(train["user_id"], train["movie_id"]),
            biases.mean + ridge.predict(features),
            atol=1e-6,
        )

    def test_predicts_the_rest_for_strangers(self):
        train = ratings(0)
        biases = baselines.ridge_biases(train)
        for dtype in ("str", object, "category"):
            users = pd.Series(["u1", "nobody", "nobody"]).astype(dtype)
            movies = pd.Series(["m8", "m1", "m8"]).astype(dtype)
            assert biases.predict(users, movies).tolist() == [
                biases.mean + biases.users["u1"],
                biases.mean + biases.movies["m1"],
                biases.mean,
            ]

    def test_bad_input(self):
        train = ratings(0)
        with pytest.raises(ValueError, match="l2 must be a finite number above 0, got -3"):
            baselines.ridge_biases(train, l2=-3)
        with pytest.raises(ValueError, match="train must not be empty"):
            baselines.ridge_biases(train.iloc[:0])
        biases = baselines.ridge_biases(train)
        with pytest.raises(ValueError, match=r"of the same length, got shapes \(1,\) and \(2,\)"):
            biases.predict(["u1"], ["m1", "m2"])
        with pytest.raises(ValueError, match=r"one-dimensional.*shapes \(\) and \(\)"):
            biases.predict("u1", "m1")
        with pytest.raises(ValueError, match="movie_ids must have no missing values"):
            biases.predict(["u1"], [None])
