"""What an audience accepts: ids in any array, and no list that can't be shown."""

from recutils import audience
from recutils.audience import Audience

import numpy as np
import pandas as pd
import pytest
from spelt_out import as_array


class TestWrongInput:
    CALLS = (
        lambda people, users, lists: people.answer(users, lists, np.random.default_rng(0)),
        Audience.expect,
        Audience.looking_chance,
        lambda people, users, lists: people.policy_value(users, lists, [[1.0]]),
    )

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize(
        ("users", "lists", "message"),
        [
            (["u9"], [["m0"]], "user_ids must be in this world, .* first is 'u9'"),
            ([None], [["m0"]], "user_ids must be in this world, .* first is None"),
            ([1], [["m0"]], "user_ids must be in this world, .* first is 1"),
            (["u0"], [["m0", "m9"]], "must be in this world, .* first is 'm9'"),
            (["u0"], [["m0", None]], "must be in this world, .* first is None"),
            (["u0"], [["m0", np.nan]], "must be in this world, .* first is nan"),
            (["u0"], np.array([[0, 1]]), "must be in this world, .* first is .*0.*"),
            (["u0", "u1"], [["m0", "m1"], ["m2", "m2"]], "in a row, got 'm2' twice in row 1"),
            (["u0"], [["m3", "m0", "m1", "m3"]], "in a row, got 'm3' twice in row 0"),
            ("u0", [["m0"]], r"user_ids must be one-dimensional, got shape \(\)"),
            ([["u0"]], [["m0"]], r"user_ids must be one-dimensional, got shape \(1, 1\)"),
            (["u0"], ["m0"], r"for each person, \[1, list_length\], got shape \(1,\)"),
            (["u0"] * 2, [["m0"], ["m1", "m2"]], r"of the same length .* got shape \(2,\)"),
            (["u0"], [["m0"], ["m1"]], "must have the same length, got 1 and 2"),
            ([], np.empty((0, 3), object), r"must not be empty, got shape \(0, 3\)"),
            (["u0"], [[]], r"must not be empty, got shape \(1, 0\)"),
        ],
    )
    def test_lists(self, table, call, users, lists, message):
        with pytest.raises(ValueError, match=message):
            call(Audience(table), users, lists)

    def test_in_any_block(self, world, monkeypatch):
        """Refused before anything is drawn, and with the number of the row."""
        monkeypatch.setattr(audience, "_PAIRS_AT_ONCE", 4)
        random = np.random.default_rng(0)
        lists = [["1", "2"]] * 9 + [["3", "3"]]
        with pytest.raises(ValueError, match="got '3' twice in row 9"):
            Audience(world.truth).answer(["1"] * 10, lists, random)
        assert random.bit_generator.state == np.random.default_rng(0).bit_generator.state

    @pytest.mark.parametrize("random", [0, None, np.random, np.random.RandomState(0)])
    def test_generators(self, table, random):
        with pytest.raises(TypeError, match=r"random must be a numpy\.random\.Generator"):
            Audience(table).answer(["u0"], [["m0"]], random)

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ({"eta": -0.1}, ValueError, "eta must be a finite number at least 0, got -0.1"),
            ({"eta": np.nan}, ValueError, "eta must be a finite number"),
            ({"eta": np.inf}, ValueError, "eta must be a finite number"),
            ({"eta": 10**400}, ValueError, "eta must be a finite number"),
            ({"eta": "1"}, TypeError, "eta must be a number, got str"),
            ({"trust": -0.1}, ValueError, "trust must be a finite number at least 0"),
            ({"trust": 1.1}, ValueError, "trust must be between 0 and 1, got 1.1"),
            ({"trust": np.nan}, ValueError, "trust must be a finite number"),
            ({"trust": None}, TypeError, "trust must be a number"),
            ({"looking": "down"}, ValueError, "looking must be one of 'position', 'cascade'"),
            ({"looking": "cascade", "eta": 1.0}, ValueError, "eta must be left out"),
        ],
    )
    def test_settings(self, table, arguments, error, message):
        with pytest.raises(error, match=message):
            Audience(table, **arguments)

    @pytest.mark.parametrize("truth", [None, "world"])
    def test_real_data_has_no_truth(self, truth):
        with pytest.raises(TypeError, match=r"truth must be the Truth .* \(real data has none\)"):
            Audience(truth)

    def test_looking_falls_as_1_over_k_if_nothing_else_is_said(self, table):
        chance = Audience(table).looking_chance(["u0"], [["m0", "m1", "m2", "m3"]])
        np.testing.assert_allclose(chance, [[1, 1 / 2, 1 / 3, 1 / 4]])


@pytest.mark.parametrize(
    "kind",
    [
        tuple,
        np.array,
        lambda ids: np.array(ids, object),
        lambda ids: pd.DataFrame(ids) if isinstance(ids[0], list) else pd.Series(ids, index=[5, 6]),
        lambda ids: (
            pd.DataFrame(ids, dtype="string") if isinstance(ids[0], list) else pd.Index(ids)
        ),
        lambda ids: (
            pd.DataFrame(ids, dtype="category")
            if isinstance(ids[0], list)
            else pd.Series(ids, dtype="category")
        ),
    ],
)
def test_any_array_of_strings(world, kind):
    people = Audience(world.truth, "cascade", trust=0.3)
    users, lists = ["7", "12"], [["3", "1", "2"], ["5", "3", "9"]]
    found = people.answer(kind(users), kind(lists), np.random.default_rng(0))
    expected = people.answer(users, lists, np.random.default_rng(0))
    np.testing.assert_array_equal(found.stars, expected.stars)
    np.testing.assert_array_equal(
        as_array(people.expect(kind(users), kind(lists))), as_array(people.expect(users, lists))
    )
