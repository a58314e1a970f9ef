"""The truth of a synthetic world against fresh draws from its generator."""

from recutils import baselines, datasets, synthetic
from recutils.truth import STARS

import numpy as np
import pandas as pd
import pytest
from goodness import UNLIKELY, distance, fit
from scipy import stats

NUM_DRAWS = (2_000, 32_000)


@pytest.fixture(scope="module")
def world():
    return synthetic.movies(300, 200, 12_000, seed=3)


def draw(world, person, seconds, how_many, choices=1):
    """[how_many, choices] films: what a person chooses first, then second, … at a time."""
    return synthetic.choose_films(
        np.random.default_rng(how_many),
        world.truth,
        np.full(how_many, person),
        np.full(how_many, choices),
        np.full(how_many * choices, seconds),
    ).reshape(how_many, choices)


def when(world, share_there):
    """A time at which this share of the films has arrived."""
    return int(np.quantile(world.truth.arrival, share_there, method="lower"))


class TestWatchProbability:
    @pytest.mark.parametrize("person", [0, 17, 299])
    @pytest.mark.parametrize("share_there", [0.96, 1.0])
    @pytest.mark.parametrize("n", NUM_DRAWS)
    def test_first_choices_converge_to_it(self, world, person, share_there, n):
        at = when(world, share_there)
        film = draw(world, person, at, n)[:, 0]
        user_id = [world.users["user_id"][person]]
        probability = world.truth.watch_probability(user_id, at=[at])[0]
        counts = np.bincount(film, minlength=200)
        assert distance(counts, probability) > UNLIKELY
        if share_there == 1:
            assert np.array_equal(probability, world.truth.watch_probability(user_id)[0])
        elif n == max(NUM_DRAWS):
            # The test can tell: another person's probabilities don't fit, nor those without `at`.
            other = world.truth.watch_probability(["100"], at=[at])[0]
            every = world.truth.watch_probability(user_id)[0]
            assert distance(counts, np.maximum(other, 1e-9)) < UNLIKELY
            assert distance(counts, every) < UNLIKELY

    @pytest.mark.parametrize("n", NUM_DRAWS)
    def test_second_choices_leave_the_first_out(self, world, n):
        film = draw(world, 5, when(world, 1.0), n, choices=2)
        assert (film[:, 0] != film[:, 1]).all()
        first = world.truth.watch_probability(["6"])[0]
        # P(second = j) is the sum over i ≠ j of P(i) P(j) / (1 − P(i)).
        rest = first / (1 - first)
        second = first * (rest.sum() - rest)
        assert second.sum() == pytest.approx(1)
        assert distance(np.bincount(film[:, 1], minlength=200), second) > UNLIKELY

    def test_people_choose_by_it_in_a_whole_world(self):
        world = synthetic.movies(2_000, 400, 40_000, seed=1)
        first = world.ratings.drop_duplicates("user_id")
        chance = world.truth.watch_probability(first["user_id"], at=first["timestamp"])
        film = world.truth.movie_ids.get_indexer(first["movie_id"])

        assert (chance[np.arange(len(film)), film] > 0).all()
        assert fit(film, chance) > UNLIKELY
        assert fit(film, np.roll(chance, 1, axis=0)) < UNLIKELY

    def test_rows_sum_to_1_and_columns_are_in_the_order_of_movies(self, world):
        users = world.users["user_id"]
        for at in (None, np.full(300, when(world, 0.96))):
            probability = world.truth.watch_probability(users, at)
            assert probability.shape == (300, 200)
            assert probability.dtype == np.float64
            assert (probability >= 0).all()
            np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-12)
        assert world.truth.movie_ids.tolist() == world.movies["movie_id"].tolist()
        assert world.truth.user_ids.tolist() == world.users["user_id"].tolist()

    def test_a_film_can_be_watched_from_its_arrival_on(self, world):
        late = int(np.argmax(world.truth.arrival))
        arrival = world.truth.arrival[late]
        before, after = world.truth.watch_probability(["1", "1"], at=[arrival - 1, arrival])
        assert before[late] == 0
        assert after[late] > 0
        there = world.truth.arrival < arrival
        np.testing.assert_allclose(before[there], after[there] / after[there].sum())

    def test_bad_times(self, world):
        chances = world.truth.watch_probability
        with pytest.raises(ValueError, match=r"one timestamp for each of the 2 users, got int64"):
            chances(["1", "2"], at=[1])
        with pytest.raises(ValueError, match=r"one timestamp .* got int64 of shape \(\)"):
            chances(["1"], at=946_684_800)
        with pytest.raises(ValueError, match=r"one timestamp .* got <U3"):
            chances(["1"], at=["now"])
        with pytest.raises(ValueError, match="at 5 no film had arrived"):
            chances(["1", "2"], at=[10**9, 5])


class TestRatingDistribution:
    @pytest.mark.parametrize("pair", [("1", "1"), ("44", "150"), ("300", "77")])
    @pytest.mark.parametrize("n", NUM_DRAWS)
    def test_stars_of_a_pair_converge_to_it(self, world, pair, n):
        latent = world.truth.latent_score([pair[0]] * n, [pair[1]] * n)
        stars = synthetic.rate(np.random.default_rng(n), world.truth, latent)
        assert stars.dtype == np.float32
        counts = np.bincount(stars.astype(int), minlength=6)[1:]
        probability = world.truth.rating_distribution([pair[0]], [pair[1]])[0]
        assert distance(counts, probability) > UNLIKELY
        if n == max(NUM_DRAWS):
            other = world.truth.rating_distribution(["2"], ["3"])[0]
            assert distance(counts, other) < UNLIKELY

    def test_stars_of_a_whole_world_agree_with_it(self, world):
        ratings = world.ratings
        chance = world.truth.rating_distribution(ratings["user_id"], ratings["movie_id"])
        assert chance.shape == (12_000, 5)
        assert (chance > 0).all()
        np.testing.assert_allclose(chance.sum(axis=1), 1, rtol=1e-12)
        given = ratings["user_rating"].to_numpy()[:, None] == STARS
        tenth = pd.qcut(chance @ STARS, 10, labels=False)
        for group in range(10):
            rows = tenth == group
            error = (given[rows] - chance[rows]).sum(axis=0)
            allowed = np.sqrt((chance * (1 - chance))[rows].sum(axis=0))
            assert (np.abs(error) < 4 * allowed).all(), (group, error / allowed)

    def test_expectations_follow_from_it(self, world):
        users, films = world.users["user_id"][:200], world.movies["movie_id"]
        chance = world.truth.rating_distribution(users, films)
        expected = world.truth.expected_rating(users, films)
        gain = world.truth.expected_gain(users, films)
        np.testing.assert_allclose(expected, chance @ [1, 2, 3, 4, 5])
        np.testing.assert_allclose(gain, chance @ [1, 3, 7, 15, 31])

    def test_half_of_all_scores_lie_below_the_mean_score(self, world):
        """The latent score is the median: cutting there gives one half."""
        cut = world.truth.cuts[1]
        nearest = np.abs(world.truth._latent(np.arange(200), np.arange(200)) - cut).argmin()
        ids = [str(nearest + 1)]
        latent = world.truth.latent_score(ids, ids)[0]
        below = world.truth.rating_distribution(ids, ids)[0, :2].sum()
        assert below == pytest.approx(stats.norm.cdf((cut - latent) / world.truth.noise))


class TestBayesRmse:
    def test_is_the_spread_of_the_distribution(self, world):
        ratings = world.ratings
        chance = world.truth.rating_distribution(ratings["user_id"], ratings["movie_id"])
        mean = chance @ STARS
        variance = chance @ STARS**2 - mean**2
        fourth = (chance * (STARS - mean[:, None]) ** 4).sum(axis=1)
        error = np.sqrt((fourth - variance**2).sum()) / len(ratings)
        floor = world.truth.bayes_rmse(ratings)
        assert abs(floor**2 - variance.mean()) < 4 * error
        residual = ratings["user_rating"] - mean
        assert floor == pytest.approx(np.sqrt((residual**2).mean()))

    def test_no_recalibration_beats_the_expected_rating(self, world):
        ratings = world.ratings
        expected = world.truth.expected_rating(ratings["user_id"], ratings["movie_id"])
        fit = stats.linregress(expected, ratings["user_rating"])
        assert abs(fit.slope - 1) < 4 * fit.stderr
        assert abs(fit.intercept) < 4 * fit.intercept_stderr

    @pytest.mark.parametrize("l2", [1.0, 5.0, 25.0])
    def test_no_fitted_model_beats_it(self, world, l2):
        train, test = datasets.split(world.ratings, by="random", test_fraction=0.2, seed=0)
        model = baselines.ridge_biases(train, l2)
        predicted = model.predict(test["user_id"], test["movie_id"])
        expected = world.truth.expected_rating(test["user_id"], test["movie_id"])
        stars = test["user_rating"].to_numpy()
        lead = (stars - expected) ** 2 - (stars - predicted) ** 2
        assert lead.mean() < 2 * lead.std() / np.sqrt(lead.size)

    def test_no_ratings(self, world):
        with pytest.raises(ValueError, match="ratings must not be empty, got a frame with no rows"):
            world.truth.bayes_rmse(world.ratings[:0])

    @pytest.mark.parametrize("wrong", [None, 3, [["1", "2", 3.0]]])
    def test_no_frame(self, world, wrong):
        with pytest.raises(TypeError, match="ratings must be a pandas DataFrame, got"):
            world.truth.bayes_rmse(wrong)


class TestIds:
    KINDS = (
        list,
        tuple,
        np.array,
        lambda ids: np.array(ids, object),
        pd.Index,
        lambda ids: pd.Series(ids, index=range(10, 10 + len(ids))),
        lambda ids: pd.Series(ids, dtype=object),
        lambda ids: pd.Series(ids, dtype="string"),
        lambda ids: pd.Series(ids, dtype="category"),
        pd.Categorical,
    )

    @pytest.mark.parametrize("kind", KINDS)
    def test_any_array_of_strings(self, world, kind):
        truth = world.truth
        users, films = ["7", "12", "7"], ["3", "3", "150"]
        at = [when(world, 0.96)] * 3
        for function, arguments in [
            (truth.watch_probability, [users]),
            (truth.latent_score, [users, films]),
            (truth.rating_distribution, [users, films]),
            (truth.expected_rating, [users, films]),
            (truth.expected_gain, [users, films]),
        ]:
            found = function(*(kind(ids) for ids in arguments))
            assert np.array_equal(found, function(*arguments))
        found = truth.watch_probability(kind(users), at=pd.Series(at))
        assert np.array_equal(found, truth.watch_probability(users, at=at))

    @pytest.mark.parametrize("dtype", [object, "string", "category"])
    def test_bayes_rmse_of_any_dtype(self, world, dtype):
        ratings = world.ratings.astype({"user_id": dtype, "movie_id": dtype})
        assert world.truth.bayes_rmse(ratings) == world.truth.bayes_rmse(world.ratings)

    @pytest.mark.parametrize("unknown", ["0", "301", "", " 1", 1, None, np.nan, b"1"])
    def test_unknown_ids(self, world, unknown):
        with pytest.raises(ValueError, match=r"user_ids must be in this world, .* first is .*"):
            world.truth.watch_probability(["1", unknown])
        with pytest.raises(ValueError, match=r"user_ids must be in this world, .* first is .*"):
            world.truth.expected_rating(["1", unknown], ["1", "1"])

    def test_bad_arrays(self, world):
        with pytest.raises(ValueError, match=r"movie_ids must be in this world, .* first is '201'"):
            world.truth.rating_distribution(["1"], ["201"])
        with pytest.raises(ValueError, match="must have the same length, got 2 and 1"):
            world.truth.rating_distribution(["1", "2"], ["1"])
        with pytest.raises(ValueError, match=r"user_ids must be one-dimensional, got shape \(\)"):
            world.truth.watch_probability("1")
        with pytest.raises(ValueError, match=r"user_ids must be one-dimensional.*\(1, 2\)"):
            world.truth.watch_probability([["1", "2"]])
        with pytest.raises(TypeError, match="user_ids must hold ids, got unhashable type: 'list'"):
            world.truth.watch_probability([["1"], ["2", "3"]])

    def test_none_asked(self, world):
        assert world.truth.watch_probability([]).shape == (0, 200)
        assert world.truth.rating_distribution([], []).shape == (0, 5)


def test_many_pairs_are_scored_like_few(world, monkeypatch):
    ratings = world.ratings
    whole = world.truth.latent_score(ratings["user_id"], ratings["movie_id"])
    monkeypatch.setattr("recutils._opinions._PAIRS_AT_ONCE", 999)
    assert np.array_equal(whole, world.truth.latent_score(ratings["user_id"], ratings["movie_id"]))
