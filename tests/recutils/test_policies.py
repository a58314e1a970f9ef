"""What a policy that draws its lists is worth, exact and by drawing."""

from recutils.answers import Value
from recutils.audience import Audience

import itertools

import numpy as np
import pytest
from spelt_out import SETTINGS, as_array, by_hand, every_setting


def plackett_luce(weights, list_length):
    """Every ordered draw without repeats, with its probability."""
    for order in itertools.permutations(range(len(weights)), list_length):
        left, probability = sum(weights), 1.0
        for film in order:
            probability *= weights[film] / left
            left -= weights[film]
        yield probability, order


class TestPolicyValue:
    @every_setting
    def test_one_place_is_the_mean_over_candidates(self, table, setting):
        people = Audience(table, *setting)
        policy = np.array([[0.1, 0.6, 0.3], [0.5, 0.0, 0.5]])
        value = as_array(people.policy_value(["u0", "u1"], [["m3", "m0", "m1"]] * 2, policy))
        for row, user in enumerate(["u0", "u1"]):
            films = as_array(people.expect([user] * 3, [["m3"], ["m0"], ["m1"]]))
            np.testing.assert_allclose(value[:, row], films @ policy[row])

    @every_setting
    def test_independent_places_are_the_mean_over_every_filling(self, table, setting):
        policy = np.array([[0.1, 0.9], [0.6, 0.4], [0.8, 0.2]])
        value = Audience(table, *setting).policy_value(["u1"], [["m3", "m0"]], policy[None])
        expected = sum(
            np.prod(policy[range(3), filling])
            * by_hand(table.chances[1, np.array([3, 0])[list(filling)]], *setting)
            for filling in itertools.product(range(2), repeat=3)
        )
        np.testing.assert_allclose(as_array(value)[:, 0], expected)

    @every_setting
    def test_a_policy_without_chance_is_a_list(self, world, shown, setting):
        people = Audience(world.truth, *setting)
        always = np.tile(np.eye(6)[[2, 5, 0, 1, 3, 4]], (2_000, 1, 1)).astype(np.float32)
        value = as_array(people.policy_value(*shown, always))
        expected = as_array(people.expect(shown[0], shown[1][:, [2, 5, 0, 1, 3, 4]]))
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("looking", ["position", "cascade"])
    def test_without_repeats_its_places_suffice_under_position_alone(self, table, looking):
        people = Audience(table, looking, trust=0.5)
        films = np.array(["m0", "m1", "m2"])
        marginal, expected = np.zeros((1, 2, 3)), 0
        for probability, order in plackett_luce([0.7, 0.2, 0.1], 2):
            marginal[0, [0, 1], order] += probability
            expected += probability * as_array(people.expect(["u0"], [films[list(order)]]))
        value = as_array(people.policy_value(["u0"], [films], marginal))
        if looking == "position":
            np.testing.assert_allclose(value, expected)
        else:
            assert (np.abs(value - expected) > 1e-3).all()

    def test_the_same_films_for_everyone(self, table):
        films = np.array(["m0", "m1", "m2", "m3"])
        value = Audience(table).policy_value(
            ["u0", "u1"], np.broadcast_to(films, (2, 4)), np.full((2, 4), 0.25)
        )
        np.testing.assert_allclose(value.clicks, table.chances[..., 3:].sum(-1).mean(-1))

    @pytest.mark.parametrize(
        ("policy", "error", "message"),
        [
            ([[0.5, 0.4]], ValueError, r"sum to 1 along the last axis, got 0.9 at \[0\]"),
            ([[[0.5, 0.5], [0.7, 0.7]]], ValueError, r"got 1.4 at \[0, 1\]"),
            ([[1.5, -0.5]], ValueError, "must not be negative, got -0.5"),
            ([[np.nan, 1.0]], ValueError, r"finite numbers only, got nan at \[0, 0\]"),
            ([[np.inf, 1.0]], ValueError, "finite numbers only, got inf"),
            ([0.5, 0.5], ValueError, r"2 dimension\(s\), got shape \(2,\)"),
            ([[0.5, 0.3, 0.2]], ValueError, r"num_candidates\] = \[1, 2\] or .* got \[1, 3\]"),
            ([[0.5, 0.5]] * 2, ValueError, r"got \[2, 2\]"),
            ([[[[0.5, 0.5]]]], ValueError, r"dimension\(s\), got shape \(1, 1, 1, 2\)"),
            (np.zeros((1, 0, 2)), ValueError, r"must not be empty, got shape \(1, 0, 2\)"),
            ([["a", "b"]], TypeError, "probabilities must hold numbers"),
        ],
    )
    def test_bad_probabilities(self, table, policy, error, message):
        with pytest.raises(error, match=message):
            Audience(table).policy_value(["u0"], [["m0", "m1"]], policy)

    def test_bad_candidates(self, table):
        with pytest.raises(ValueError, match="candidates must not repeat a film in a row"):
            Audience(table).policy_value(["u0"], [["m1", "m1"]], [[0.5, 0.5]])
        with pytest.raises(ValueError, match=r"candidates must be in this world, .* first is 'm7'"):
            Audience(table).policy_value(["u0"], [["m1", "m7"]], [[0.5, 0.5]])

    def test_probabilities_may_be_as_exact_as_float32(self, table):
        policy = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3)).astype(np.float32)
        films = np.broadcast_to(["m0", "m1", "m2", "m3"], (2, 4))
        Audience(table).policy_value(["u0", "u1"], films, policy)
        with pytest.raises(ValueError, match="must sum to 1"):
            Audience(table).policy_value(["u0", "u1"], films, policy * 1.0001)


class TestEstimate:
    FILMS = np.array(["m0", "m1", "m2", "m3"])
    WEIGHTS = np.array([0.5, 0.25, 0.15, 0.1])

    def draw(self, random):
        """A list of two films without repeats, for each of two people."""
        order = np.argsort(-(random.random((2, 4)) ** (1 / self.WEIGHTS)), axis=1)
        return self.FILMS[order[:, :2]]

    @pytest.mark.parametrize("setting", [SETTINGS[2], SETTINGS[4], SETTINGS[5]])
    def test_mean_and_error_of_a_policy_without_repeats(self, table, setting):
        people = Audience(table, *setting)
        draws = list(plackett_luce(self.WEIGHTS, 2))
        chance = np.array([probability for probability, _ in draws])
        lists = self.FILMS[[list(order) for _, order in draws]]
        value, error = people.estimate(["u0", "u1"], self.draw, 400, np.random.default_rng(0))
        for row, user in enumerate(["u0", "u1"]):
            each = as_array(people.expect([user] * len(lists), lists))
            exact = each @ chance
            spread = np.sqrt(((each - exact[:, None]) ** 2) @ chance / 400)
            np.testing.assert_allclose(as_array(error)[:, row], spread, rtol=0.15)
            assert (np.abs(as_array(value)[:, row] - exact) < 4 * spread).all()

    def test_a_policy_without_chance_has_no_error(self, table):
        people, lists = Audience(table, "cascade"), [["m0", "m1"], ["m2", "m3"]]
        value, error = people.estimate(
            ["u0", "u1"], lambda random: lists, 3, np.random.default_rng(0)
        )
        np.testing.assert_allclose(
            as_array(value), as_array(people.expect(["u0", "u1"], lists)), rtol=1e-12
        )
        np.testing.assert_array_equal(as_array(error), np.zeros((3, 2)))

    def test_two_draws_by_hand(self, table):
        people = Audience(table)
        lists = iter([[["m0"]], [["m1"]]])
        value, error = people.estimate(
            ["u0"], lambda random: next(lists), 2, np.random.default_rng(0)
        )
        a, b = (people.expect(["u0"], [[film]]).clicks[0] for film in ("m0", "m1"))
        assert isinstance(value, Value)
        assert value.clicks[0] == pytest.approx((a + b) / 2)
        # The sample's variance is (a − b)² / 2, that of the mean of two half of it.
        assert error.clicks[0] == pytest.approx(abs(a - b) / 2)

    def test_bad_arguments(self, table):
        people, random = Audience(table), np.random.default_rng(0)
        with pytest.raises(ValueError, match="num_draws must be at least 2, got 1"):
            people.estimate(["u0", "u1"], self.draw, 1, random)
        with pytest.raises(TypeError, match="num_draws must be an int"):
            people.estimate(["u0", "u1"], self.draw, 2.0, random)
        with pytest.raises(TypeError, match="draw_lists must be a function, got list"):
            people.estimate(["u0", "u1"], [["m0"]], 2, random)
        with pytest.raises(TypeError, match=r"random must be a numpy\.random\.Generator"):
            people.estimate(["u0", "u1"], self.draw, 2, 0)
        with pytest.raises(ValueError, match="user_ids and movie_ids must have the same length"):
            people.estimate(["u0"], self.draw, 2, random)
