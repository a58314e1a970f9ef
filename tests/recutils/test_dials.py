"""The dials of the world: what each puts in, and that it changes nothing else."""

from recutils import _tastes, synthetic

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from goodness import UNLIKELY, fit

SIZES = (300, 200, 12_000)
LATE = 2 * 10**9
DIALS = ({"follow": 0.3}, {"by_group": 0.6}, {"agreement": 0.5}, {"interactions": 0.4})


@pytest.fixture(scope="module")
def today():
    return synthetic.movies(*SIZES, seed=3)


@pytest.fixture(scope="module")
def grouped():
    return synthetic.movies(10_000, 60, 10_000, seed=1, by_group=0.7)


def positions(world):
    """The ratings' people and films."""
    ratings, truth = world.ratings, world.truth
    return (
        truth.user_ids.get_indexer(ratings["user_id"]),
        truth.movie_ids.get_indexer(ratings["movie_id"]),
    )


class TestAllDials:
    def test_off_they_give_todays_world(self, today):
        world = synthetic.movies(
            *SIZES, seed=3, follow=0, by_group=0.0, agreement=None, interactions=0
        )
        pd.testing.assert_frame_equal(world.ratings, today.ratings)
        assert world.truth.successors.shape == (200, 0)
        assert not world.truth.age_occupation_genre.to_numpy().any()
        assert world.truth.agreement is None
        np.testing.assert_allclose(world.truth.mixture_prior, 0.1)

    @pytest.mark.parametrize("dial", DIALS)
    def test_along_a_dial_films_people_and_times_stay(self, today, dial):
        world = synthetic.movies(*SIZES, seed=3, **dial)
        assert not world.ratings.equals(today.ratings)
        pd.testing.assert_frame_equal(world.movies, today.movies)
        pd.testing.assert_frame_equal(world.users, today.users)
        for column in ("user_id", "timestamp"):
            assert world.ratings[column].equals(today.ratings[column])
        for name in ("taste_probability", "arrival", "genre_liking"):
            assert np.array_equal(getattr(world.truth, name), getattr(today.truth, name))
        # How good a film is stays, too, in a unit of its own. What is popular may shift a little.
        for name in ("film_effect", "person_effect"):
            before, after = getattr(today.truth, name), getattr(world.truth, name)
            assert np.corrcoef(before, after)[0, 1] > 0.99

    @pytest.mark.parametrize("dial", DIALS[2:])
    def test_how_people_rate_doesnt_change_what_they_choose(self, today, dial):
        world = synthetic.movies(*SIZES, seed=3, **dial)
        assert world.ratings["movie_id"].equals(today.ratings["movie_id"])
        assert np.array_equal(world.truth.mixtures, today.truth.mixtures)

    def test_a_dial_doesnt_turn_another(self):
        dials = {"follow": 0.3, "by_group": 0.6, "interactions": 0.4}
        both, one = (synthetic.movies(300, 60, 900, **d) for d in (dials, {"follow": 0.7}))
        assert np.array_equal(both.truth.successors, one.truth.successors)
        other = synthetic.movies(300, 60, 900, by_group=0.6)
        assert np.array_equal(both.truth.mixtures, other.truth.mixtures)

    def test_stars_keep_their_shares_with_all_dials(self):
        dials = {"follow": 0.9, "by_group": 0.9, "agreement": 0.9, "interactions": 0.9}
        world = synthetic.movies(*SIZES, seed=3, **dials)
        share = world.ratings["user_rating"].value_counts(normalize=True).sort_index()
        np.testing.assert_allclose(share, (0.061, 0.114, 0.271, 0.342, 0.212), atol=0.015)

    @pytest.mark.parametrize("dial", [*DIALS, {"follow": 1, "by_group": 1, "interactions": 1}])
    def test_the_smallest_worlds_have_them(self, dial):
        world = synthetic.movies(40, 10, 160, seed=1, **dial)
        assert len(world.ratings) == 160
        assert not world.ratings.duplicated(["user_id", "movie_id"]).any()
        if "agreement" in dial:
            assert len(synthetic.movies(1, 10, 1, **dial).ratings) == 1

    @pytest.mark.parametrize("name", ["follow", "by_group", "agreement", "interactions"])
    def test_bad(self, name):
        high = "0.95" if name == "agreement" else "1"
        for value in (-0.1, np.nan, np.inf, 1.01):
            with pytest.raises(ValueError, match=rf"{name} must be .*, got {value}"):
                synthetic.movies(**{name: value})
        with pytest.raises(ValueError, match=rf"{name} must be between 0 and {high}, got 1.5"):
            synthetic.movies(**{name: 1.5})
        for value in ("0.5", True, [0.5]):
            with pytest.raises(TypeError, match=f"{name} must be a number, got"):
                synthetic.movies(**{name: value})
        if name != "agreement":
            with pytest.raises(TypeError, match=f"{name} must be a number, got NoneType"):
                synthetic.movies(**{name: None})

    def test_too_few_people_for_interactions(self):
        with pytest.raises(ValueError, match=r"interactions must be 0 .* 3 users: use more users"):
            synthetic.movies(3, 20, 10, interactions=0.1)


class TestByGroup:
    @staticmethod
    def groups(world):
        return world.users["bucketized_user_age"], world.users["user_occupation_text"]

    def test_a_groups_mean_is_the_product_of_its_ages_and_its_occupations(self):
        prior = synthetic.movies(50, 20, 50, by_group=1).truth.mixture_prior
        np.testing.assert_allclose(prior.sum(axis=-1), 1.2)
        assert (prior > 0).all()
        # The logs are sums, up to one number for each group: differences of tastes show it.
        log = np.log(prior)
        log -= log.mean(axis=-1, keepdims=True)
        additive = log.mean(axis=0) + log.mean(axis=1)[:, None] - log.mean(axis=(0, 1))
        np.testing.assert_allclose(log, additive, atol=1e-9)
        half = synthetic.movies(50, 20, 50, by_group=0.5).truth.mixture_prior
        np.testing.assert_allclose(half, 0.05 + prior / 2)

    def test_mixtures_are_drawn_around_it(self, grouped):
        truth = grouped.truth
        age, occupation = (
            index.get_indexer(values)
            for index, values in zip(
                (truth.age_genre.index, truth.occupation_genre.index),
                self.groups(grouped),
                strict=True,
            )
        )
        mean = truth.mixture_prior[age, occupation] / 1.2
        np.testing.assert_allclose(truth.mixtures.sum(axis=1), 1)
        # A Dirichlet distribution of total 1.2 has variances mean · (1 − mean) / 2.2.
        error = truth.mixtures - mean
        z = error.sum(axis=0) / np.sqrt((mean * (1 - mean) / 2.2).sum(axis=0))
        assert np.abs(z).max() < 4
        np.testing.assert_allclose((error**2).sum() / (mean * (1 - mean)).sum(), 1 / 2.2, rtol=0.03)
        biggest = (age == age[0]) & (occupation == occupation[0])
        z = error[biggest].sum(axis=0) / np.sqrt((mean * (1 - mean) / 2.2)[biggest].sum(axis=0))
        assert np.abs(z).max() < 4

    def test_first_choices_of_a_group_converge_to_its_probability(self, grouped):
        truth, n = grouped.truth, 10_000
        film = synthetic.choose_films(
            np.random.default_rng(0), truth, np.arange(n), np.ones(n, int), np.full(n, LATE)
        )
        chance = truth.group_probability(*self.groups(grouped))
        np.testing.assert_allclose(chance.sum(axis=1), 1)
        assert fit(film, chance) > UNLIKELY
        assert fit(film, np.roll(chance, 1, axis=0)) < UNLIKELY
        half = replace(truth, mixture_prior=0.05 + truth.mixture_prior / 2)
        assert fit(film, half.group_probability(*self.groups(grouped))) < UNLIKELY

    def test_without_it_groups_tell_nothing(self, today):
        chance = today.truth.group_probability(*self.groups(today))
        np.testing.assert_allclose(chance, np.tile(chance[0], (300, 1)))
        np.testing.assert_allclose(chance[0], today.truth.taste_probability.mean(axis=0))

    def test_shares_of_groups_are_those_of_people(self, today):
        shares = pd.crosstab(*self.groups(today))
        truth = today.truth
        expected = shares.reindex(
            index=truth.age_genre.index, columns=truth.occupation_genre.index, fill_value=0
        )
        np.testing.assert_allclose(truth.group_share, expected / 300)

    def test_bad(self, today):
        chance = today.truth.group_probability
        with pytest.raises(ValueError, match=r"ages must be in this world, .* first is '17'"):
            chance(["17"], ["artist"])
        with pytest.raises(
            ValueError, match=r"occupations must be in this world, .* first is 'Artist'"
        ):
            chance(["56+"], ["Artist"])
        with pytest.raises(ValueError, match="the same length, got 1 and 2"):
            chance(["56+"], ["artist", "lawyer"])
        assert chance([], []).shape == (0, 200)


def correlations(truth):
    """[num_users]: of log watch probability and latent score, over all films."""
    num_users, num_movies = truth.mixtures.shape[0], truth.arrival.size
    everybody, every = np.divmod(np.arange(num_users * num_movies), num_movies)
    score = _tastes.standardized(truth._latent(everybody, every).reshape(num_users, num_movies))
    log = _tastes.standardized(np.log(truth.watch_probability(truth.user_ids)))
    return (score * log).mean(axis=1)


class TestAgreement:
    def test_today_it_is_about_29_hundredths(self):
        world = synthetic.movies(300, 1_000, 20_000, seed=2)
        assert correlations(world.truth).mean() == pytest.approx(0.29, abs=0.03)

    @pytest.mark.parametrize("target", [0, 0.3, 0.95])
    def test_is_met_and_scores_of_choices_spread_as_before(self, today, target):
        world = synthetic.movies(*SIZES, seed=3, agreement=target)
        assert correlations(world.truth).mean() == pytest.approx(target, abs=0.02)
        before, after = (w.truth._latent(*positions(w)).std() for w in (today, world))
        assert after == pytest.approx(before)

    def test_people_and_what_is_left_of_their_opinions_stay(self, today):
        world = synthetic.movies(*SIZES, seed=3, agreement=0.6)
        everybody, every = np.divmod(np.arange(300 * 200), 200)
        before, after = (
            w.truth._latent(everybody, every).reshape(300, 200) for w in (today, world)
        )
        np.testing.assert_allclose(after.mean(axis=1), before.mean(axis=1))
        log = np.log(world.truth.watch_probability(world.truth.user_ids))
        for person in (0, 99):
            rests = []
            for score in (before[person], after[person]):
                slope, level = np.polyfit(log[person], score, 1)
                rests.append(score - level - slope * log[person])
            assert np.corrcoef(rests)[0, 1] == pytest.approx(1)

    def test_stars_agree_with_the_truth(self):
        world = synthetic.movies(*SIZES, seed=3, agreement=0.8)
        ratings, truth = world.ratings, world.truth
        chance = truth.rating_distribution(ratings["user_id"], ratings["movie_id"])
        given = ratings["user_rating"].to_numpy().astype(int) - 1
        assert fit(given, chance) > UNLIKELY
        assert fit(given, np.roll(chance, 1, axis=0)) < UNLIKELY

    def test_few_people_at_a_time_are_tied_like_many(self, monkeypatch):
        whole = synthetic.movies(50, 40, 300, agreement=0.5).truth.agreement
        monkeypatch.setattr("recutils._stars._SCORES_AT_ONCE", 41)
        parts = synthetic.movies(50, 40, 300, agreement=0.5).truth.agreement
        for name in ("shift", "scale", "slope"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))


class TestInteractions:
    @pytest.mark.parametrize("share", [0.25, 1])
    def test_have_their_share_and_crosses_their_spread(self, share):
        world = synthetic.movies(600, 300, 30_000, seed=4, interactions=share)
        truth, users = world.truth, world.users
        person, film = positions(world)
        ages, occupations = users["bucketized_user_age"], users["user_occupation_text"]
        weights = truth.film_factors[:, -18:]
        second = (
            truth.age_genre.loc[ages].to_numpy()
            + truth.occupation_genre.loc[occupations].to_numpy()
        )
        pairs = pd.MultiIndex.from_arrays([ages, occupations])
        third = truth.age_occupation_genre.loc[pairs].to_numpy()
        np.testing.assert_allclose(truth.person_factors[:, -18:], second + third, atol=1e-12)

        def spread(table):
            return (table[person] * weights[film]).sum(axis=1).std()

        assert spread(second + third) == pytest.approx(0.3)
        assert spread(third) ** 2 / (spread(second) ** 2 + spread(third) ** 2) == pytest.approx(
            share
        )
        # No two features explain anything of the third order, over all people and films.
        effect = third @ weights.T
        np.testing.assert_allclose(effect.mean(axis=1), 0, atol=1e-12)
        for feature in (ages, occupations):
            means = pd.DataFrame(third).groupby(feature.to_numpy()).mean()
            np.testing.assert_allclose(means, 0, atol=1e-12)

    def test_without_them_there_is_no_third_order(self, today):
        assert not today.truth.age_occupation_genre.to_numpy().any()
        assert today.truth.age_occupation_genre.shape == (7 * 21, 18)
