"""A space of settings: what is drawn from it, what lies in it, and where its edges are."""

from __future__ import annotations

from recutils import _checks

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

Settings = dict[str, Any]
# The share of a distribution that counts as its edge, on either side.
_EDGE = 0.025
_SEED = 1_001
# Names of other columns in the table of draws.
_TAKEN = ("score", "cpu_seconds")
_MOST_DRAWS = 100_000


def draw_settings(space: Mapping[str, Any], draws: int) -> list[Settings]:
    """Random settings, spread evenly; the first n are the same, however many are drawn.

    Each setting alone is a random draw from its values, but together they leave no part of the
    space empty: a scrambled Sobol sequence, which finds good settings in somewhat fewer draws than
    independent ones (Bergstra and Bengio 2012). Of eight draws, each eighth of a distribution has
    one.

    Args:
      space: setting -> a list of values, or a distribution of scipy.stats.
      draws: how many.

    Returns:
      [draws] dicts of settings.

    Raises:
      TypeError: draws is not an int, a setting is neither a list nor a distribution with its
        parameters, or a value is neither a number, text, a bool, None nor a list of these.
      ValueError: draws is below 1 or above 100,000, space or a list is empty, a number is not
        finite, or a setting has a name that is taken.

    See: CONTRIBUTING.md, “Searches and trials”.
    """
    draws = _checks.integer("draws", draws, low=1)
    if draws > _MOST_DRAWS:
        raise ValueError(f"draws must be at most {_MOST_DRAWS}, got {draws}")
    if not isinstance(space, Mapping) or not space:
        raise ValueError(f"space must name at least one setting, got {space!r}")
    for name, values in space.items():
        if not isinstance(name, str):
            raise TypeError(f"space must name its settings by strings, got {name!r}")
        if name in _TAKEN:
            raise ValueError(f"a setting can't be named {name!r}")
        if isinstance(values, str) or not (hasattr(values, "ppf") or isinstance(values, Sequence)):
            raise TypeError(f"space[{name!r}] must be a list or a distribution, got {values!r}")
        if isinstance(values, Sequence) and not values:
            raise ValueError(f"space[{name!r}] must have at least one value")
    # The sequence is balanced, and SciPy content, at powers of two.
    points = qmc.Sobol(len(space), rng=_SEED).random_base2((draws - 1).bit_length())[:draws]
    return [
        {
            name: _draw(name, space[name], uniform)
            for name, uniform in zip(space, point, strict=True)
        }
        for point in points
    ]


def _draw(name: str, values: Any, uniform: float) -> Any:
    if not hasattr(values, "ppf"):
        return plain(f"space[{name!r}]", values[int(uniform * len(values))])
    # Quantiles give the same draws, whatever method the distribution's library uses to draw.
    try:
        value = float(values.ppf(uniform))
    except TypeError:
        raise TypeError(
            f"space[{name!r}] must be a distribution with its parameters, such as "
            "stats.uniform(0, 1), got one without"
        ) from None
    if not np.isfinite(value):
        raise ValueError(f"space[{name!r}] must give finite numbers, got {value}")
    return int(value) if hasattr(values, "pmf") else float(f"{value:.3g}")


def require_planned(
    name: str, done: Sequence[Mapping[str, Any]], planned: Sequence[Settings]
) -> None:
    """Refuses draws on record that have other settings than this search draws."""
    for number, (draw, settings) in enumerate(zip(done, planned, strict=False)):
        if not _same(draw["settings"], settings):
            raise ValueError(
                f"{name}: draw {number} on record has the settings {draw['settings']}, and this "
                f"search draws {settings}; delete the record and run `make search`"
            )


def _same(recorded: Settings, drawn: Settings) -> bool:
    """Whether settings are equal, up to the rounding of their numbers."""
    if recorded.keys() != drawn.keys():
        return False
    return all(
        math.isclose(recorded[name], value, rel_tol=0.01)
        if _checks.is_number(recorded[name]) and _checks.is_number(value)
        else recorded[name] == value
        for name, value in drawn.items()
    )


def plain(name: str, value: Any) -> Any:
    """The value as it comes back from a record."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return [plain(name, part) for part in value]
    if value is not None and not isinstance(value, str | bool | int | float):
        raise TypeError(f"{name} must be numbers, text or lists of these, got {value!r}")
    if isinstance(value, float) and not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def at_edge(values: Any, chosen: Any) -> bool:
    if not _checks.is_number(chosen) or chosen == 0:
        return False
    if hasattr(values, "cdf"):
        return chosen in values.support() or not _EDGE < values.cdf(chosen) < 1 - _EDGE
    numeric = [v for v in values if _checks.is_number(v)]
    return len(numeric) > 1 and not min(numeric) < chosen < max(numeric)
