"""Choices of films: with `follow`, what somebody chooses next depends on what came before."""

from recutils import synthetic

from dataclasses import replace

import numpy as np
import pytest
from goodness import UNLIKELY, distance, fit

SIZES = (300, 200, 12_000)
LATE = 2 * 10**9


@pytest.fixture(scope="module")
def followed():
    return synthetic.movies(*SIZES, seed=3, follow=0.4).truth


def chains(truth, person, how_many, choices, seed=0):
    """[how_many, choices] films that one person would choose, each time from the start."""
    return synthetic.choose_films(
        np.random.default_rng(seed),
        truth,
        np.full(how_many, person),
        np.full(how_many, choices),
        np.full(how_many * choices, LATE),
    ).reshape(how_many, choices)


class TestFollow:
    def test_a_film_has_eight_others_as_successors(self, followed):
        assert followed.successors.shape == followed.successor_weights.shape == (200, 8)
        assert (followed.successors != np.arange(200)[:, None]).all()
        assert all(len(set(row)) == 8 for row in followed.successors)
        np.testing.assert_allclose(followed.successor_weights.sum(axis=1), 1)
        assert (followed.successor_weights > 0).all()

    def test_successors_go_with_the_films_tastes(self):
        truth = synthetic.movies(100, 1_000, 100, follow=0.5).truth
        tastes = truth.taste_probability
        chance = (tastes / tastes.sum(axis=0)).T @ tastes
        np.fill_diagonal(chance, 0)
        chance /= chance.sum(axis=1, keepdims=True)
        assert fit(truth.successors[:, 0], chance) > UNLIKELY
        second = chance.copy()
        second[np.arange(1_000), truth.successors[:, 0]] = 0
        second /= second.sum(axis=1, keepdims=True)
        assert fit(truth.successors[:, 1], second) > UNLIKELY
        assert fit(truth.successors[:, 0], np.roll(chance, 1, axis=0)) < UNLIKELY

    @pytest.mark.parametrize("follow", [0.4, 1])
    def test_second_choices_converge_to_the_formula(self, followed, follow):
        truth = replace(followed, follow=follow)
        films = chains(truth, 5, 60_000, 2)
        first = truth.watch_probability(["6"])[0]
        assert distance(np.bincount(films[:, 0], minlength=200), first) > UNLIKELY
        favourite = np.bincount(films[:, 0]).argmax()
        second = np.bincount(films[films[:, 0] == favourite, 1], minlength=200)
        assert second.sum() > 1_000
        chance = truth.next_probability(["6"], [[truth.movie_ids[favourite]]], [LATE])[0]
        assert distance(second, chance) > UNLIKELY
        every = truth.next_probability(
            ["6"] * 200, [[film] for film in truth.movie_ids], [LATE] * 200
        )
        assert distance(np.bincount(films[:, 1], minlength=200), first @ every) > UNLIKELY
        if follow < 1:
            # By tastes alone it would be something else.
            alone = np.where(np.arange(200) == favourite, 0, first)
            assert distance(second, np.maximum(alone / alone.sum(), 1e-9)) < UNLIKELY

    @pytest.mark.parametrize("follow", [0.4, 0.9, 1])
    def test_later_choices_converge_to_it_and_not_to_mixed_shares(self, follow):
        truth = synthetic.movies(30, 40, 300, seed=1, follow=follow).truth
        n, person = 4_000, 7
        films = chains(truth, person, n, 9)
        histories = truth.movie_ids.to_numpy(object)[films[:, :8]]
        user_ids = [truth.user_ids[person]] * n
        chance = truth.next_probability(user_ids, list(histories), np.full(n, LATE))
        assert fit(films[:, 8], chance) > UNLIKELY
        # A refused draw is drawn again as a whole. Would only its own part be drawn again, the
        # normalized parts would be mixed; and that doesn't fit.
        tastes = replace(truth, follow=0.0).next_probability(user_ids, list(histories), [LATE] * n)
        next_films = np.zeros((n, 40))
        last = films[:, 7]
        next_films[np.arange(n)[:, None], truth.successors[last]] = truth.successor_weights[last]
        next_films *= tastes > 0
        total = next_films.sum(axis=1, keepdims=True)
        mixed = np.where(
            total > 0,
            follow * next_films / np.maximum(total, 1e-300) + (1 - follow) * tastes,
            tastes,
        )
        assert fit(films[:, 8], tastes) < UNLIKELY
        if follow == 0.4:
            assert fit(films[:, 8], mixed) < UNLIKELY
        elif follow == 1:
            np.testing.assert_allclose(mixed, chance)

    @pytest.mark.parametrize("follow", [0.5, 1])
    def test_where_no_successor_is_left_tastes_alone_decide(self, follow):
        truth = synthetic.movies(30, 12, 60, seed=2, follow=follow).truth
        films = chains(truth, 3, 20_000, 7)
        histories = truth.movie_ids.to_numpy(object)[films[:, :6]]
        last = truth.successors[films[:, 5]]
        is_left = (last[:, :, None] != films[:, None, :6]).all(axis=2).any(axis=1)
        assert 50 < (~is_left).sum() < 10_000
        user_ids, late = ["4"] * 20_000, [LATE] * 20_000
        chance = truth.next_probability(user_ids, list(histories), late)
        assert fit(films[:, 6], chance) > UNLIKELY
        tastes = replace(truth, follow=0.0).next_probability(user_ids, list(histories), late)
        np.testing.assert_allclose(chance[~is_left], tastes[~is_left])
        if (~is_left).sum() > 1_000:
            assert fit(films[~is_left, 6], chance[~is_left]) > UNLIKELY

    def test_whole_worlds_follow_it(self):
        world = synthetic.movies(1_500, 120, 30_000, seed=2, follow=0.5)
        last = world.ratings.groupby("user_id").tail(1)
        before = world.ratings.drop(last.index).groupby("user_id")["movie_id"].agg(list)
        histories = before.loc[last["user_id"]].tolist()
        chance = world.truth.next_probability(last["user_id"], histories, last["timestamp"])
        film = world.truth.movie_ids.get_indexer(last["movie_id"])
        assert (chance[np.arange(1_500), film] > 0).all()
        assert fit(film, chance) > UNLIKELY
        alone = replace(world.truth, follow=0.0)
        wrong = alone.next_probability(last["user_id"], histories, last["timestamp"])
        assert fit(film, wrong) < UNLIKELY

    def test_with_1_the_next_film_is_a_successor_while_there_is_one(self):
        world = synthetic.movies(100, 300, 6_000, follow=1)
        truth = world.truth
        person = truth.user_ids.get_indexer(world.ratings["user_id"])
        film = truth.movie_ids.get_indexer(world.ratings["movie_id"])
        for one in range(100):
            films, seconds = film[person == one], world.ratings["timestamp"][person == one]
            for place, second in enumerate(seconds[1:], start=1):
                options = truth.successors[films[place - 1]]
                is_open = truth.arrival[options] <= second
                is_open &= ~np.isin(options, films[:place])
                if is_open.any():
                    assert films[place] in options[is_open]

    def test_with_little_it_is_nearly_todays(self):
        today = synthetic.movies(*SIZES, seed=3)
        little = synthetic.movies(*SIZES, seed=3, follow=1e-9).truth
        histories, seconds = [["4", "9"]] * 300, [LATE] * 300
        np.testing.assert_allclose(
            little.next_probability(little.user_ids, histories, seconds),
            today.truth.next_probability(little.user_ids, histories, seconds),
            atol=1e-8,
        )
