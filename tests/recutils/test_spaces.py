"""Spaces of settings: what is drawn from them."""

from recutils import _spaces

import json

import numpy as np
import pytest
from scipy import stats

SPACE = {"rate": stats.loguniform(1e-4, 1e-1), "size": [8, 16, 32]}


class TestDraws:
    def test_the_first_are_the_same_however_many_are_drawn(self):
        assert _spaces.draw_settings(SPACE, 9)[:4] == _spaces.draw_settings(SPACE, 4)

    def test_are_the_same_on_every_machine(self):
        """By quantiles of a sequence of a fixed seed: a release that moves it is noticed here."""
        assert _spaces.draw_settings(SPACE | {"k": stats.randint(1, 9)}, 2) == [
            {"rate": 0.000391, "size": 16, "k": 4},
            {"rate": 0.0222, "size": 32, "k": 7},
        ]

    @pytest.mark.parametrize("settings", [1, 2, 3, 8])
    @pytest.mark.parametrize("power", [2, 3, 4, 5])
    def test_leave_no_part_of_a_setting_empty(self, settings, power):
        """With 2^k draws each part of width 2^-k has one, in every setting."""
        space = {f"x{number}": stats.randint(0, 2**power) for number in range(settings)}
        draws = _spaces.draw_settings(space, 2**power)
        for name in space:
            assert sorted(draw[name] for draw in draws) == [*range(2**power)]

    def test_leave_no_corner_of_two_settings_empty(self):
        space = {"x": stats.randint(0, 4), "y": stats.randint(0, 4)}
        draws = _spaces.draw_settings(space, 16)
        assert len({(draw["x"], draw["y"]) for draw in draws}) == 16

    def test_come_from_the_space(self):
        draws = _spaces.draw_settings(SPACE | {"k": stats.randint(1, 4), "l2": [0.5]}, 300)
        rates = np.array([draw["rate"] for draw in draws])
        assert np.all((rates >= 1e-4) & (rates <= 1e-1))
        assert np.median(rates) == pytest.approx(10**-2.5, rel=0.5)
        assert {draw["size"] for draw in draws} == {8, 16, 32}
        assert {draw["k"] for draw in draws} == {1, 2, 3}
        assert all(type(draw["k"]) is int for draw in draws)
        assert all(draw["rate"] == float(f"{draw['rate']:.3g}") for draw in draws)

    def test_are_what_a_record_gives_back(self):
        space = {"layers": [(64, 32)], "n": list(np.arange(3, 4)), "loss": ["mse"], "off": [None]}
        (draw,) = _spaces.draw_settings(space, 1)
        assert draw == {"layers": [64, 32], "n": 3, "loss": "mse", "off": None}
        assert json.loads(json.dumps(draw)) == draw

    @pytest.mark.parametrize(
        ("space", "error", "message"),
        [
            ({}, ValueError, "space must name at least one setting"),
            ({"a": []}, ValueError, r"space\['a'\] must have at least one value"),
            ({"a": "12"}, TypeError, r"space\['a'\] must be a list or a distribution, got '12'"),
            ({"a": 3}, TypeError, "must be a list or a distribution, got 3"),
            ({"a": [print]}, TypeError, r"space\['a'\] must be numbers, text or lists of these"),
            ({"score": [1]}, ValueError, "a setting can't be named 'score'"),
        ],
    )
    def test_bad_spaces(self, space, error, message):
        with pytest.raises(error, match=message):
            _spaces.draw_settings(space, 2)

    @pytest.mark.parametrize("draws", [0, -1])
    def test_at_least_one(self, draws):
        with pytest.raises(ValueError, match=f"draws must be at least 1, got {draws}"):
            _spaces.draw_settings(SPACE, draws)
