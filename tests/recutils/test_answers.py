"""Answers become ratings: who clicks has watched, and rates with the stars drawn."""

from recutils import answers
from recutils.audience import Audience

import numpy as np
import pandas as pd
import pytest


class TestToRatings:
    MOVIES = pd.DataFrame({"movie_id": ["m0", "m1", "m2"], "movie_title": ["A", "B", "C"]})
    USERS = ("u0", "u1", "u0")
    LISTS = (("m0", "m1"), ("m2", "m0"), ("m1", "m2"))

    def made(self, clicked=((True, True), (False, True), (True, False))):
        stars = np.array([[4, 5], [2, 3], [1, np.nan]], np.float32)
        return answers.Answers(~np.isnan(stars), stars, np.array(clicked))

    def test_whoever_clicks_has_watched_and_rates_it(self):
        found = answers.to_ratings(self.made(), self.USERS, self.LISTS, [30, 10, 20], self.MOVIES)
        # The later click of u0 on m1 isn't a second rating.
        expected = pd.DataFrame(
            {
                "user_id": ["u1", "u0", "u0"],
                "movie_id": ["m0", "m1", "m0"],
                "movie_title": ["A", "B", "A"],
                "user_rating": np.array([3, 1, 4], np.float32),
                "timestamp": [10, 20, 30],
            }
        )
        pd.testing.assert_frame_equal(found, expected)

    def test_one_time_for_all(self):
        found = answers.to_ratings(self.made(), self.USERS, self.LISTS, 7, self.MOVIES)
        assert found["user_rating"].tolist() == [4, 5, 3]
        assert found["timestamp"].tolist() == [7, 7, 7]

    def test_nobody_clicked(self):
        found = answers.to_ratings(
            self.made([[False] * 2] * 3), self.USERS, self.LISTS, 7, self.MOVIES
        )
        assert len(found) == 0
        some = answers.to_ratings(self.made(), self.USERS, self.LISTS, 7, self.MOVIES)
        assert list(found.columns) == list(some.columns)
        assert found.dtypes.iloc[3:].equals(some.dtypes.iloc[3:])

    def test_fits_the_ratings_of_the_world(self, world, shown):
        found = Audience(world.truth).answer(*shown, np.random.default_rng(0))
        added = answers.to_ratings(found, *shown, 2_000_000_000, world.movies)
        assert added.dtypes.equals(world.ratings.dtypes)
        assert not added.duplicated(["user_id", "movie_id"]).any()
        pairs = {tuple(pair) for pair in added[["user_id", "movie_id"]].to_numpy()}
        row, place = np.nonzero(found.clicked)
        assert pairs == set(zip(shown[0][row], shown[1][row, place], strict=True))
        titles = world.movies.set_index("movie_id")["movie_title"]
        assert (added["movie_title"] == added["movie_id"].map(titles)).all()

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"answers": None}, TypeError, "answers must be Answers, got NoneType"),
            ({"user_ids": ["u0"]}, ValueError, r"\(3,\) and \(3, 2\), got \(1,\) and \(3, 2\)"),
            ({"movie_ids": [["m0"]] * 3}, ValueError, r"got \(3,\) and \(3, 1\)"),
            ({"timestamps": 1.5}, TypeError, "timestamps must hold integers, got dtype float64"),
            ({"timestamps": [1, 2]}, ValueError, r"must be one number or \(3,\), got shape \(2,\)"),
            ({"movies": MOVIES[:1]}, ValueError, "clicked must be in movies, .* first is 'm1'"),
            ({"movie_ids": (("m0", None), *LISTS[1:])}, ValueError, "the first is None"),
            ({"movies": MOVIES[["movie_id"]]}, ValueError, "movies must have the columns"),
        ],
    )
    def test_wrong_input(self, change, error, message):
        arguments = {
            "answers": self.made(),
            "user_ids": self.USERS,
            "movie_ids": self.LISTS,
            "timestamps": 7,
            "movies": self.MOVIES,
        }
        with pytest.raises(error, match=message):
            answers.to_ratings(**{**arguments, **change})
