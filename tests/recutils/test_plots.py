"""The shared figures show what they are given, and refuse what they can't show."""

from recutils import plots

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_style_is_the_books_and_a_figure_is_small(tmp_path):
    with mpl.rc_context():
        plots.use_style()
        figure, ax = plt.subplots()
        lines = [ax.plot([0, 1], [i, i])[0] for i in range(3)]
        assert [line.get_color() for line in lines] == list(plots.COLORS[:3])
        assert not ax.spines["top"].get_visible()
        figure.savefig(tmp_path / "figure.png")
        plt.close(figure)
    assert (tmp_path / "figure.png").stat().st_size < 100_000


@pytest.mark.parametrize("background", ["white", "#14181e"])
def test_colors_stand_out_from_a_light_and_a_dark_page(background):
    """At least 2:1 for lines two points wide; WCAG's formula for contrast."""

    def luminance(color):
        rgb = np.array(mpl.colors.to_rgb(color))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    page = luminance(background)
    for color in (*plots.COLORS, plots.GREY):
        low, high = sorted([page, luminance(color)])
        assert (high + 0.05) / (low + 0.05) > 2, color


def test_reference_lines_stand_at_their_scores(ax):
    plots.reference_lines(ax, {"popularity": 0.2, "EASE": 0.4}, ceiling=0.5)
    assert [line.get_ydata()[0] for line in ax.lines] == [0.2, 0.4, 0.5]
    assert {line.get_color() for line in ax.lines} == {plots.GREY}
    assert [line.get_linestyle() for line in ax.lines] == ["-", "-", "--"]
    assert [text.get_text() for text in ax.texts] == ["popularity", "EASE", "ceiling"]


def test_reference_lines_can_be_upright_and_without_ceiling(ax):
    plots.reference_lines(ax, {"random": 0.1}, axis="x")
    assert [line.get_xdata()[0] for line in ax.lines] == [0.1]
    assert [text.get_text() for text in ax.texts] == ["random"]


def test_reference_lines_refuse_another_axis(ax):
    with pytest.raises(ValueError, match="""axis must be "x" or "y", got 'z'"""):
        plots.reference_lines(ax, {}, axis="z")


def test_ladder_goes_from_low_to_high_and_shows_every_run(ax):
    runs = pd.DataFrame({"strong": [0.5, 0.7], "weak": [0.1, 0.3]})
    plots.ladder(ax, runs, {"baseline": 0.4}, ceiling=[0.8, 1.0])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["weak", "baseline", "strong"]
    dots, means = ax.lines[0:6:2], ax.lines[1:6:2]
    assert [line.get_xdata().tolist() for line in dots] == [[0.1, 0.3], [0.4], [0.5, 0.7]]
    np.testing.assert_allclose([line.get_xdata()[0] for line in means], [0.2, 0.4, 0.6])
    assert means[1].get_color() == plots.GREY != means[0].get_color()
    np.testing.assert_allclose(ax.lines[6].get_xdata(), 0.9)  # the ceiling's mean


@pytest.mark.parametrize(("best", "name"), [(0.9, "ceiling"), (0.45, "ceiling"), (0.05, "floor")])
def test_the_best_possible_error_is_a_floor(ax, best, name):
    """One lucky model above the ceiling doesn't make it a floor."""
    plots.ladder(ax, {"lucky": 0.5, "weak": 0.1, "weaker": 0.1}, {}, ceiling=best)
    assert [text.get_text() for text in ax.texts] == [name]


def test_ladder_without_ceiling(ax):
    plots.ladder(ax, {"model": 0.5}, {})
    assert not ax.texts


@pytest.mark.parametrize(
    ("runs", "baselines", "named"),
    [({}, {}, "anything"), ({"model": []}, {"random": 0.1}, "model")],
)
def test_ladder_refuses_empty_rungs(ax, runs, baselines, named):
    with pytest.raises(ValueError, match=f"every rung needs a score, got none for .*{named}"):
        plots.ladder(ax, runs, baselines)


def test_expected_best_draws_each_arm_to_its_last_draw(ax):
    plots.expected_best(ax, {"logQ": [0.1, 0.3, 0.4], "plain": [0.2, 0.25]})
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2, 3], [1, 2]]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.1, 0.3, 0.4], [0.2, 0.25]]
    assert [text.get_text().strip() for text in ax.texts] == ["logQ", "plain"]
    assert [text.xy for text in ax.texts] == [(3, 0.4), (2, 0.25)]
    assert ax.texts[0].get_color() == ax.lines[0].get_color() != ax.texts[1].get_color()
    assert all(tick == int(tick) for tick in ax.get_xticks())


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_labels_of_lines_that_end_close_do_not_overlap(ax, scale):
    """Also when baselines, the scale and the limits come after the curves."""
    ends = {"a": 0.4, "b": 0.401, "c": 0.4, "far": 0.1}
    plots.expected_best(ax, {name: [0.05, end] for name, end in ends.items()})
    plots.reference_lines(ax, {"baseline": 0.402})
    ax.set_yscale(scale)
    ax.set_ylim(0.01, 1)
    ax.figure.canvas.draw()
    boxes = {text.get_text(): text.get_window_extent() for text in ax.texts}
    for lower, upper in itertools.pairwise(["far", "a", "c", "b", "baseline"]):
        assert boxes[lower].y1 < boxes[upper].y0, (lower, upper)
    alone = boxes["far"].y0 + boxes["far"].height / 2
    assert alone == pytest.approx(ax.transData.transform((2, 0.1))[1], abs=2), "nothing in its way"


@pytest.mark.parametrize(("searches", "named"), [({}, "anything"), ({"logQ": []}, "logQ")])
def test_expected_best_needs_draws(ax, searches, named):
    with pytest.raises(ValueError, match=f"every arm needs a draw, got none for .*{named}"):
        plots.expected_best(ax, searches)
