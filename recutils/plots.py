"""The figures that chapters share, in one style.

Models are drawn in colours that colour-blind readers can tell apart, baselines in grey, and the
ceiling that the truth gives as a dashed line: the same in every chapter.
"""

from recutils import _checks

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D, Transform
from scipy.optimize import isotonic_regression

# Okabe and Ito's palette without yellow and black, which vanish on a light or a dark page.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#767676"
_LABEL_SIZE = 9
# Marks the names at the right ends of lines, which keep clear of each other.
_RIGHT = "right of its line"


def use_style() -> None:
    """Sets matplotlib's defaults to the book's: wide and low, without a frame.

    See: CONTRIBUTING.md, “Figures”.
    """
    plt.rcParams.update(
        {
            "figure.figsize": (7.2, 3.4),
            "figure.dpi": 110,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.labelcolor": "#333333",
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.prop_cycle": cycler(color=COLORS),
            "xtick.color": "#555555",
            "ytick.color": "#555555",
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )


def reference_lines(
    ax: Axes,
    baselines: Mapping[str, float],
    ceiling: float | None = None,
    axis: str = "y",
    ceiling_name: str = "ceiling",
) -> None:
    """Draws baselines as grey lines and the ceiling as a dashed one, each labelled at its end.

    Args:
      ax: where to draw; its data should be there already.
      baselines: name of a baseline -> its score, in the units of the axis.
      ceiling: best possible score, or None where no truth is known.
      axis: "y" for horizontal lines, "x" for vertical ones.
      ceiling_name: its label; call the best possible error a "floor".

    Raises:
      ValueError: `axis` is neither "x" nor "y".

    See: the chapter basics/ranking.
    """
    if axis not in ("x", "y"):
        raise ValueError(f'axis must be "x" or "y", got {axis!r}')
    lines = [(name, score, "-") for name, score in baselines.items()]
    if ceiling is not None:
        lines.append((ceiling_name, ceiling, "--"))
    for name, score, dashes in lines:
        if axis == "y":
            ax.axhline(score, color=GREY, linewidth=1, linestyle=dashes, zorder=0)
            _label_right(ax, name, (1, score), ax.get_yaxis_transform(), GREY)
        else:
            ax.axvline(score, color=GREY, linewidth=1, linestyle=dashes, zorder=0)
            end = ax.get_xaxis_transform()
            ax.text(score, 1.01, name, color=GREY, fontsize=_LABEL_SIZE, ha="center", transform=end)


def ladder(
    ax: Axes,
    runs: Mapping[str, npt.ArrayLike],
    baselines: Mapping[str, npt.ArrayLike],
    ceiling: npt.ArrayLike | None = None,
) -> None:
    """Draws every run of every model on one scale, one rung per model, from low to high.

    Args:
      ax: where to draw.
      runs: name of a model -> its scores, one per seed, [num_seeds] floats.
      baselines: the same for baselines, drawn in grey.
      ceiling: best possible scores, one per seed, or None where no truth is known. Labelled "floor"
        where most rungs lie above it, which means that they are errors.

    Raises:
      ValueError: there is no model and no baseline, or one has no score.

    See: the chapter basics/retrieval.
    """
    rungs = {name: np.atleast_1d(np.asarray(s, float)) for name, s in {**baselines, **runs}.items()}
    empty = [name for name, scores in rungs.items() if not scores.size]
    if not rungs or empty:
        raise ValueError(f"every rung needs a score, got none for {empty or 'anything'}")
    names = sorted(rungs, key=lambda name: rungs[name].mean())
    for height, name in enumerate(names):
        scores, color = rungs[name], GREY if name in baselines else COLORS[0]
        ax.plot(scores, np.full(scores.size, height), "o", color=color, alpha=0.5, markersize=5)
        ax.plot(scores.mean(), height, "|", color=color, markersize=16, markeredgewidth=2.5)
    if ceiling is not None:
        best = float(np.asarray(ceiling, float).mean())
        above = np.mean([rungs[name].mean() > best for name in names])
        reference_lines(ax, {}, best, axis="x", ceiling_name="floor" if above > 0.5 else "ceiling")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.grid(axis="x", color="#e5e5e5")
    ax.set_axisbelow(True)


def expected_best(ax: Axes, searches: Mapping[str, npt.ArrayLike]) -> None:
    """Draws the expected best of n random draws for each arm of a comparison.

    Args:
      ax: where to draw.
      searches: name of an arm -> its expected best for n = 1, 2, …, [num_draws] floats, from
        `Search.expected_best`.

    Raises:
      TypeError: searches is not a dict, or a curve doesn't hold numbers.
      ValueError: there is no arm, one has no draw, or a number is not finite.

    See: the chapter basics/ranking.
    """
    if not isinstance(searches, Mapping):
        raise TypeError(f"searches must be a dict of curves, got {type(searches).__name__}")
    empty = [name for name, curve in searches.items() if not np.size(curve)]
    if not searches or empty:
        raise ValueError(f"every arm needs a draw, got none for {empty or 'anything'}")
    curves = {
        name: _checks.floats(f"searches[{name!r}]", curve, ndim=1).astype(np.float64)
        for name, curve in searches.items()
    }
    lines = [ax.plot(np.arange(1, curve.size + 1), curve)[0] for curve in curves.values()]
    ax.set_xlabel("number of random draws")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.02)
    for (name, curve), line in zip(curves.items(), lines, strict=True):
        _label_right(ax, name, (curve.size, curve[-1]), ax.transData, line.get_color())


def _label_right(
    ax: Axes, name: str, end: tuple[float, float], coordinates: Transform, color: Any
) -> None:
    """Names a line to the right of its end, above or below the names of others that end there.

    Where that is is asked for with each drawing: scales, limits and lines may come later.
    """

    def beside(_: Any) -> Transform:
        pixels = ax.figure.dpi / 72
        x, y = coordinates.transform(end)
        return Affine2D().scale(pixels).translate(x, y + pixels * _rises(ax)[label])

    label = ax.annotate(
        name,
        end,
        xycoords=coordinates,
        xytext=(3, 0),
        textcoords=beside,
        color=color,
        va="center",
        fontsize=_LABEL_SIZE,
        gid=_RIGHT,
    )


def _rises(ax: Axes) -> dict[Annotation, float]:
    """How far, in points, the names at the ends of lines must move so as not to overlap."""
    heights = {
        text: text.xycoords.transform(text.xy)[1]
        for text in ax.texts
        if isinstance(text, Annotation)
        and isinstance(text.xycoords, Transform)
        and text.get_gid() == _RIGHT
    }
    pixels = np.array(list(heights.values()))
    points = pixels * 72 / ax.figure.dpi
    order = np.argsort(points, kind="stable")
    steps = 1.2 * _LABEL_SIZE * np.arange(points.size)
    apart = np.empty(points.size)
    apart[order] = isotonic_regression(points[order] - steps).x + steps
    return dict(zip(heights, apart - points, strict=True))
