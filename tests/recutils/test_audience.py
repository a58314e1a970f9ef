"""People who answer lists, against every way in which they could have answered."""

from recutils import audience
from recutils.answers import Answers
from recutils.audience import Audience
from recutils.truth import STARS

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from scipy import stats
from spelt_out import SETTINGS, Table, as_array, by_hand, every_setting, every_way

# Of 10,000 right audiences one fails here; with a fixed seed that doesn't change from run to run.
UNLIKELY = 1e-4


def p_value(found, expected):
    """Of counts under a distribution over answers; rare answers are counted together."""
    num_draws = sum(found.values())
    assert found.keys() <= expected.keys(), "an impossible answer"
    keys = sorted(expected, key=expected.get)
    chance = np.array([expected[key] for key in keys])
    cell = np.unique((np.cumsum(chance) * num_draws // 12).astype(int), return_inverse=True)[1]
    counts = np.bincount(cell, [found[key] for key in keys])
    mean = np.bincount(cell, chance * num_draws)
    return stats.chisquare(counts, mean * num_draws / mean.sum()).pvalue


def answers_of_one(truth, setting, num_draws=20_000):
    """What person u1 answers to the list m2, m0, m3: how often which way."""
    lists = [["m2", "m0", "m3"]] * num_draws
    found = Audience(truth, *setting).answer(
        ["u1"] * num_draws, lists, np.random.default_rng(num_draws)
    )
    looked, stars, clicked = (
        part.tolist() for part in (found.looked, np.nan_to_num(found.stars), found.clicked)
    )
    return Counter(
        tuple(zip(*row, strict=True)) for row in zip(looked, stars, clicked, strict=True)
    )


def distribution(truth, *setting, **more):
    ways = Counter()
    for probability, answer in every_way(truth.chances[1, [2, 0, 3]], *setting, **more):
        ways[answer] += probability
    return ways


class TestAnswer:
    @every_setting
    def test_each_way_to_answer_is_as_frequent_as_it_should_be(self, table, setting):
        assert p_value(answers_of_one(table, setting), distribution(table, *setting)) > UNLIKELY

    @pytest.mark.parametrize(
        ("setting", "wrong", "more"),
        [
            (("position", 1, 0), ("position", 0.9, 0), {}),
            (("position", 0.5, 0.6), ("position", 0.5, 0.5), {}),
            (("position", 0.5, 0.6), ("position", 0.5, 0.6), {"misled": lambda k: 0.6}),
            (("cascade", None, 0.7), ("cascade", None, 0.6), {}),
            (("cascade", None, 0.7), ("cascade", None, 0.7), {"misled": lambda k: 0.7 / k**2}),
        ],
    )
    def test_slightly_wrong_chances_do_not_fit(self, table, setting, wrong, more):
        assert p_value(answers_of_one(table, setting), distribution(table, *wrong, **more)) < (
            UNLIKELY
        )

    def test_people_differ(self, table):
        found = answers_of_one(table, SETTINGS[0])
        assert p_value(found, distribution(Table(table.chances[::-1]), *SETTINGS[0])) < UNLIKELY

    @every_setting
    def test_what_can_be_clicked_and_rated(self, world, shown, setting):
        looking, _, trust = setting
        found = Audience(world.truth, *setting).answer(*shown, np.random.default_rng(0))
        assert found.looked.shape == found.stars.shape == found.clicked.shape == (2_000, 6)
        assert (found.looked.dtype, found.clicked.dtype) == (bool, bool)
        assert found.stars.dtype == np.float32
        assert np.array_equal(np.isnan(found.stars), ~found.looked)
        assert np.isin(found.stars[found.looked], STARS).all()
        liked = found.stars >= 4
        assert not (liked & ~found.clicked).any()
        assert (found.clicked & ~liked).any() == (trust > 0)
        if looking == "cascade":
            assert (found.clicked.sum(axis=1) <= 1).all()
            last = np.where(found.clicked.any(axis=1), found.clicked.argmax(axis=1), 5)
            assert np.array_equal(found.looked, np.arange(6) <= last[:, None])

    def test_same_generator_same_answers(self, world, shown):
        people = Audience(world.truth, trust=0.5)
        first, again, other = (
            people.answer(*shown, np.random.default_rng(seed)) for seed in (1, 1, 2)
        )
        for name in ("looked", "stars", "clicked"):
            assert np.array_equal(getattr(first, name), getattr(again, name), equal_nan=True)
        assert not np.array_equal(first.looked, other.looked)
        random = np.random.default_rng(1)
        people.answer(*shown, random)
        expected = np.random.default_rng(1)
        expected.random(3 * 2_000 * 6)
        assert random.bit_generator.state == expected.bit_generator.state

    def test_stars_are_drawn_again_at_each_look(self, table):
        found = Audience(table, eta=0).answer(
            ["u0"] * 500, [["m0"]] * 500, np.random.default_rng(0)
        )
        assert len(np.unique(found.stars)) > 1

    def test_audiences_draw_the_same_stars_for_what_both_look_at(self, world, shown):
        drawn = Audience(world.truth, eta=0).answer(*shown, np.random.default_rng(1)).stars
        for setting in SETTINGS:
            found = Audience(world.truth, *setting).answer(*shown, np.random.default_rng(1))
            assert np.array_equal(found.stars, np.where(found.looked, drawn, np.nan), True)

    def test_its_value_sums_over_places(self):
        nan = np.nan
        value = Answers(
            looked=np.array([[True, True, False], [True, False, True]]),
            stars=np.array([[2, 5, nan], [1, nan, 2]], np.float32),
            clicked=np.array([[False, True, False], [False, False, True]]),
        ).value()
        assert value.clicks.tolist() == [1, 1]
        assert value.stars.tolist() == [5, 2]
        assert value.satisfaction.tolist() == [1, -3]


class TestExpect:
    @every_setting
    def test_is_the_mean_over_every_way_to_answer(self, table, setting):
        lists = [["m2", "m0", "m3"], ["m1", "m3", "m2"]]
        value = as_array(Audience(table, *setting).expect(["u1", "u0"], lists))
        np.testing.assert_allclose(value[:, 0], by_hand(table.chances[1, [2, 0, 3]], *setting))
        np.testing.assert_allclose(value[:, 1], by_hand(table.chances[0, [1, 3, 2]], *setting))

    @every_setting
    def test_answers_of_a_whole_world_agree_with_it(self, world, shown, setting):
        """Means over lists within 4 standard errors; the next setting's expectation isn't."""
        people = Audience(world.truth, *setting)
        many = [np.repeat(part, 10, axis=0) for part in shown]
        found = as_array(people.answer(*many, np.random.default_rng(2)).value())
        error = found.std(axis=1) / np.sqrt(found.shape[1])
        difference = found.mean(axis=1) - as_array(people.expect(*shown)).mean(axis=1)
        assert (np.abs(difference) <= 4 * error).all(), difference / error
        other = SETTINGS[SETTINGS.index(setting) - 1]
        wrong = as_array(Audience(world.truth, *other).expect(*shown)).mean(axis=1)
        assert (np.abs(found.mean(axis=1) - wrong) > 4 * error).any()

    def test_is_a_plain_sum_where_every_place_is_looked_at(self, world, shown):
        people, lists = shown
        value = Audience(world.truth, eta=0).expect(people, lists)
        chance = world.truth.rating_distribution(np.repeat(people, 6), lists.ravel())
        chance = chance.reshape(-1, 6, 5)
        np.testing.assert_allclose(value.clicks, chance[..., 3:].sum(axis=(1, 2)))
        np.testing.assert_allclose(value.stars, (chance[..., 3:] @ [4, 5]).sum(axis=1))
        np.testing.assert_allclose(value.satisfaction, (chance @ STARS - 3).sum(axis=1))


class TestLookingChance:
    @every_setting
    def test_is_the_share_of_ways_in_which_the_place_is_looked_at(self, table, setting):
        found = Audience(table, *setting).looking_chance(["u1"], [["m2", "m0", "m3"]])
        ways = every_way(table.chances[1, [2, 0, 3]], *setting)
        expected = sum(p * np.array([looked for looked, _, _ in way]) for p, way in ways)
        np.testing.assert_allclose(found, [expected])

    def test_by_place_or_down_the_list(self):
        table = Table([[[0.5, 0, 0, 0.25, 0.25]] * 4])
        lists = [["m0", "m1", "m2", "m3"]]
        for setting, expected in [
            (("position", 1, 0.3), [1, 1 / 2, 1 / 3, 1 / 4]),
            (("position", 0, 0.3), [1, 1, 1, 1]),
            (("cascade", None, 0), [1, 1 / 2, 1 / 4, 1 / 8]),
            # Of half who don't like it, half, a quarter and a sixth click at places 1, 2 and 3.
            (("cascade", None, 0.5), [1, 1 / 4, 3 / 32, 5 / 128]),
        ]:
            found = Audience(table, *setting).looking_chance(["u0"], lists)
            np.testing.assert_allclose(found, [expected], rtol=1e-12)

    @every_setting
    def test_of_a_whole_world_the_looks_agree_with_it(self, world, shown, setting):
        """Place by place, and apart for those with a low and with a high chance to look there."""
        people = Audience(world.truth, *setting)
        looked = people.answer(*shown, np.random.default_rng(4)).looked
        chance = people.looking_chance(*shown)
        high = chance > np.median(chance, axis=0)
        for rows in (high, ~high):
            difference = ((looked - chance) * rows).sum(axis=0)
            error = np.sqrt((chance * (1 - chance) * rows).sum(axis=0))
            assert (np.abs(difference) <= 4 * error).all()
        if setting == ("cascade", None, 0):
            # The mean chance of a place, which is right on the whole, isn't for either half.
            difference = ((looked - chance.mean(axis=0)) * high).sum(axis=0)
            assert (difference[1:] > 4 * error[1:]).all()


class TestLimits:
    def test_eta_0_looks_everywhere(self, world, shown):
        assert Audience(world.truth, eta=0).answer(*shown, np.random.default_rng(0)).looked.all()

    def test_a_large_eta_looks_at_the_first_place_only(self, world, shown):
        people = Audience(world.truth, eta=2_000)
        looked = people.answer(*shown, np.random.default_rng(0)).looked
        assert np.array_equal(looked, np.tile(np.arange(6) == 0, (2_000, 1)))
        assert np.array_equal(people.looking_chance(*shown), looked)

    def test_certain_liking(self):
        table, lists = Table(np.tile([0, 0, 0, 0, 1], (1, 3, 1))), [["m0", "m1", "m2"]] * 50
        asked = ["u0"] * 50, lists
        everywhere = Audience(table, eta=0)
        for value in (
            everywhere.answer(*asked, np.random.default_rng(0)).value(),
            everywhere.expect(*asked),
        ):
            np.testing.assert_array_equal(as_array(value), np.tile([[3], [15], [6]], 50))
        cascade = Audience(table, "cascade")
        for value in (
            cascade.answer(*asked, np.random.default_rng(0)).value(),
            cascade.expect(*asked),
        ):
            np.testing.assert_array_equal(as_array(value), np.tile([[1], [5], [2]], 50))
        assert cascade.looking_chance(*asked)[0].tolist() == [1, 0, 0]

    def test_a_cascade_in_which_nobody_clicks_goes_to_the_end(self):
        table = Table(np.tile([0, 1, 0, 0, 0], (1, 3, 1)))
        asked = ["u0"] * 50, [["m0", "m1", "m2"]] * 50
        cascade = Audience(table, "cascade")
        found = cascade.answer(*asked, np.random.default_rng(0))
        assert found.looked.all()
        assert not found.clicked.any()
        for value in (found.value(), cascade.expect(*asked)):
            np.testing.assert_array_equal(as_array(value), np.tile([[0], [0], [-3]], 50))

    def test_full_trust_clicks_the_first_place_whatever_it_is(self):
        table = Table(np.tile([1, 0, 0, 0, 0], (1, 3, 1)))
        asked = ["u0"] * 50, [["m0", "m1", "m2"]] * 50
        for setting in [("position", 1, 1), ("cascade", None, 1)]:
            people = Audience(table, *setting)
            found = people.answer(*asked, np.random.default_rng(0))
            assert found.clicked[:, 0].all()
            assert (found.stars[:, 0] == 1).all()
        np.testing.assert_array_equal(
            as_array(people.expect(*asked)), np.tile([[1], [1], [-2]], 50)
        )

    def test_of_a_list_of_one_film_all_models_say_the_same(self, world, shown):
        people, lists = shown[0], shown[1][:, :1]
        models = [
            Audience(world.truth, looking, eta, trust=0.4)
            for looking, eta in [("position", 0), ("position", 3), ("cascade", None)]
        ]
        first, *rest = [model.answer(people, lists, np.random.default_rng(1)) for model in models]
        assert first.looked.all()
        for other in rest:
            assert np.array_equal(first.clicked, other.clicked)
            assert np.array_equal(first.stars, other.stars)
        first, *rest = [as_array(model.expect(people, lists)) for model in models]
        for other in rest:
            np.testing.assert_array_equal(first, other)

    def test_one_person(self):
        table = Table([[[0.2, 0.2, 0.2, 0.2, 0.2]]])
        people = Audience(table)
        found = people.answer(["u0"], [["m0"]], np.random.default_rng(0))
        assert found.stars.shape == (1, 1)
        value = as_array(people.expect(["u0"], [["m0"]]))
        np.testing.assert_allclose(value, [[0.4], [1.8], [0]], atol=1e-12)


class TestManyLists:
    """What is done in blocks is what would be done at once, and takes no more memory."""

    @pytest.mark.parametrize("pairs_at_once", [1, 77, 10**9])
    @pytest.mark.parametrize("setting", [SETTINGS[2], SETTINGS[5]])
    def test_blocks_do_not_matter(self, world, shown, setting, pairs_at_once, monkeypatch):
        people = Audience(world.truth, *setting)
        asked = [part[:60] for part in shown]
        policy = np.random.default_rng(0).dirichlet(np.ones(6), (60, 4))

        def everything():
            found = people.answer(*asked, np.random.default_rng(6))
            exact = [as_array(people.expect(*asked)), people.looking_chance(*asked)]
            exact.append(as_array(people.policy_value(*asked, policy)))
            return [found.looked, found.clicked, found.stars], exact

        drawn, exact = everything()
        monkeypatch.setattr(audience, "_PAIRS_AT_ONCE", pairs_at_once)
        drawn_in_blocks, exact_in_blocks = everything()
        for one, other in zip(drawn, drawn_in_blocks, strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(exact, exact_in_blocks, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)

    def test_memory_beside_the_results_is_bounded(self, world):
        films = world.truth.movie_ids.to_numpy(object)
        people = Audience(world.truth)

        def peak(num_lists):
            lists = films[(np.arange(num_lists)[:, None] + np.arange(10)) % 40]
            users = world.truth.user_ids.to_numpy(object)[np.arange(num_lists) % 60]
            tracemalloc.start()
            try:
                for call in (people.expect, people.looking_chance):
                    call(users, lists)
                people.answer(users, lists, np.random.default_rng(0))
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        # A place's answer takes 6 bytes, the chance of a look 8.
        few, many = peak(8_000), peak(16_000)
        assert many - few < 8_000 * 10 * 8 + 1e6, (few, many)
        assert many < 45e6
