"""Searches: what is drawn, what is chosen, what is on record."""

import recutils
from recutils import records, searching
from recutils._spaces import draw_settings

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

SMALL = {"num_users": 30, "num_movies": 60, "num_ratings": 400}
SPACE = {"rate": stats.loguniform(1e-4, 1e-1), "size": [8, 16, 32]}
CODE = """
def arm(trial, rate, size):
    return rate * size

recutils.search("toy/arm", arm, SPACE, trials)
"""

pytestmark = pytest.mark.usefixtures("folder")


class Arm:
    """Counts its runs; its score is rate · size."""

    def __init__(self, curve=lambda score: score):
        self.runs, self.seeds, self._curve = [], [], curve

    def __call__(self, trial, rate, size, **more):
        self.runs.append({"rate": rate, "size": size, **more})
        self.seeds.append(trial.seed)
        return self._curve(rate * size)


def never(*_, **__):
    raise AssertionError("this was on record")


def search(arm, trials, **options):
    return recutils.search("toy/arm", arm, SPACE, trials, **({"draws": 4} | options))


class TestSearch:
    def test_chooses_the_best_draw(self, trials):
        arm = Arm()
        found = search(arm, trials)
        assert arm.runs == draw_settings(SPACE, 4)
        assert set(arm.seeds) == {1001}
        best = max(arm.runs, key=lambda run: run["rate"] * run["size"])
        assert found.settings == best
        assert found.score == pytest.approx(best["rate"] * best["size"], abs=1e-6)
        assert found.draws.index.tolist() == [1, 2, 3, 4]
        assert found.cpu_seconds == found.draws["cpu_seconds"].sum()
        worst = search(Arm(), trials, better="lower")
        assert worst.score == found.draws["score"].min()

    def test_published_settings_come_first_and_stay_outside_the_curve(self, trials):
        found = search(Arm(), trials, published={"size": 64, "rate": 1.0})
        assert found.settings == {"rate": 1.0, "size": 64}
        assert found.draws["score"].tolist()[0] == found.score == 64
        assert found.draws.index.tolist() == [0, 1, 2, 3, 4]
        assert len(found.expected_best()) == 4
        assert found.expected_best()[-1] == found.draws["score"][1:].max()
        shown = searching.table(found)
        assert shown.loc["arm", ["chosen", "score", "published", "draws"]].tolist() == [
            "rate 1.0, size 64",
            64,
            64,
            4,
        ]
        without = search(Arm(), trials)
        assert "published" not in searching.table(without)
        assert searching.table(found, replace(without, name="other"))["published"].isna().sum() == 1

    def test_the_best_epoch_is_read_off_the_curve(self, trials):
        arm = Arm(lambda score: [score, 3 * score, 2 * score])
        found = search(arm, trials, epochs=3)
        assert found.settings["epochs"] == 2
        assert found.score == found.draws["score"].max()
        assert found.draws["epochs"].tolist() == [2] * 4
        assert {run["epochs"] for run in arm.runs} == {3}
        rising = search(Arm(lambda score: [score, 2 * score]), trials, epochs=2)
        assert "epochs" in rising.at_edge

    def test_scores_are_averaged_over_worlds(self, trials):
        def arm(trial, rate, size):
            return float(trial.seed)

        assert search(arm, trials, worlds=3).score == 1002

    def test_a_failed_run_is_not_chosen(self, trials):
        scores = iter([np.nan, 1.0, -np.inf, 0.5])
        found = search(Arm(lambda _: next(scores)), trials)
        assert found.score == 1
        assert found.draws["score"].tolist() == [-np.inf, 1, -np.inf, 0.5]
        assert found.expected_best()[0] == pytest.approx((0.5 + 1 + 0.5 + 0.5) / 4)
        with pytest.raises(ValueError, match="toy/arm: no draw ended with a finite score"):
            search(Arm(lambda _: np.nan), trials)

    @pytest.mark.parametrize(
        ("space", "chosen", "edge"),
        [
            ([1, 2, 3], 3, True),
            ([1, 2, 3], 2, False),
            ([0, 1, 2], 0, False),  # off
            ([True, False], True, False),
            (["adam", "sgd"], "sgd", False),
            ([None, 1, 2], 2, True),
            ([[64], [64, 32]], [64, 32], False),
            (stats.uniform(0, 1), 0.98, True),
            (stats.uniform(0, 1), 0.97, False),
            (stats.uniform(0, 1), 0.02, True),
            (stats.uniform(0, 1), 3.0, True),
            (stats.randint(1, 5), 1, True),
            (stats.randint(1, 5), 2, False),
            (stats.randint(1, 5), 4, True),
        ],
    )
    def test_edges(self, trials, space, chosen, edge):
        def arm(trial, x):
            return float(x == chosen)

        options = {"draws": 1, "published": {"x": chosen}}
        found = recutils.search("toy/arm", arm, {"x": space}, trials, **options)
        assert found.at_edge == ["x"] * edge
        found = recutils.search("toy/arm", arm, {"x": space}, trials, bounded=["x"], **options)
        assert found.at_edge == []

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"draws": 0}, ValueError, "draws must be at least 1"),
            ({"worlds": 0}, ValueError, "worlds must be at least 1"),
            ({"epochs": 0}, ValueError, "epochs must be at least 1"),
            ({"better": "best"}, ValueError, "better must be one of"),
            ({"published": {"rate": 1}}, ValueError, r"published must name \['rate', 'size'\]"),
            ({"published": {"rate": never, "size": 1}}, TypeError, r"published\['rate'\] must be"),
            ({"bounded": ["rat"]}, ValueError, r"bounded must be .*got \['rat'\]"),
            ({"bounded": "rate"}, ValueError, "bounded must be a list of settings"),
            ({"arm": 3}, TypeError, "arm must be a function, got int"),
            ({"trials": [1]}, TypeError, "trials must come from recutils.trials, got list"),
            ({"arm": lambda *_, **__: "1"}, TypeError, "arm must return numbers, got str"),
            ({"arm": lambda *_, **__: [1, 2]}, ValueError, r"return one score, got shape \(2,\)"),
            (
                {"arm": lambda *_, **__: [1, 2], "epochs": 3},
                ValueError,
                r"return 3 scores, one per epoch, got shape \(2,\)",
            ),
        ],
    )
    def test_bad_arguments(self, trials, options, error, message):
        given_to = {"arm": Arm(), "trials": trials} | options
        with pytest.raises(error, match=message):
            search(given_to.pop("arm"), given_to.pop("trials"), **given_to)

    def test_epochs_are_not_searched_and_read_off(self, trials):
        with pytest.raises(ValueError, match="epochs are read off the curve or searched"):
            recutils.search("toy/arm", never, {"epochs": [1]}, trials, epochs=3)


class TestRecord:
    def test_nothing_is_stored_unless_asked(self, trials, folder, capsys):
        search(Arm(), trials)
        assert not list(folder.iterdir())
        assert "toy/arm: 4 draws are not on record; searching" in capsys.readouterr().err

    def test_a_record_is_read_and_not_computed(self, trials, make, monkeypatch, capsys):
        made = search(Arm(), trials)
        monkeypatch.delenv("RECUTILS_RECORD")
        read = search(never, trials)
        assert read.draws.equals(made.draws)
        assert read.settings == made.settings
        assert capsys.readouterr() == ("", "")
        (record,) = records.all_of("search", "toy/arm")
        assert record["at_edge"] == made.at_edge

    def test_bounded_edges_are_on_record(self, trials, make):
        search(Arm(), trials, published={"rate": 1.0, "size": 64}, bounded=["rate"])
        assert records.all_of("search", "toy/arm")[0]["at_edge"] == ["rate", "size"]

    def test_it_resumes_where_it_was_stopped(self, trials, make):
        def stop_at_third(score):
            if len(arm.runs) == 3:
                raise KeyboardInterrupt
            return score

        arm = Arm(stop_at_third)
        with pytest.raises(KeyboardInterrupt):
            search(arm, trials)
        assert len(records.all_of("search", "toy/arm")[0]["draws"]) == 2
        rest = Arm()
        search(rest, trials)
        assert rest.runs == draw_settings(SPACE, 4)[2:]

    def test_draws_can_be_raised_and_lowered(self, trials, make):
        search(Arm(), trials)
        more = Arm()
        assert len(search(more, trials, draws=6).draws) == 6
        assert more.runs == draw_settings(SPACE, 6)[4:]
        assert len(search(never, trials, draws=2).draws) == 2

    @pytest.fixture
    def stale(self, trials, make, monkeypatch):
        made = search(Arm(), trials)
        monkeypatch.setattr(records, "code_so_far", lambda: [CODE.replace("*", "+")])
        return made

    def test_a_stale_record_is_said_to_be_and_used(self, trials, stale, monkeypatch, capsys):
        monkeypatch.delenv("RECUTILS_RECORD")
        assert search(never, trials).settings == stale.settings
        out, err = capsys.readouterr()
        assert out == ""
        assert err == "toy/arm: the arm or the data have changed since; run `make search`\n"

    def test_a_stale_record_is_made_from_the_start(self, trials, stale):
        arm = Arm()
        search(arm, trials)
        assert len(arm.runs) == 4

    def test_a_record_with_other_settings_is_of_no_use(self, trials, stale, monkeypatch):
        monkeypatch.delenv("RECUTILS_RECORD")
        found = recutils.search("toy/arm", lambda _, x: x, {"x": [1, 2]}, trials, draws=3)
        assert found.score == 2

    def test_a_record_must_hold_the_settings_that_are_drawn(self, trials, make, monkeypatch):
        with monkeypatch.context() as others:
            others.setattr(searching, "draw_settings", lambda space, n: draw_settings(space, 8)[n:])
            search(Arm(), trials)
        with pytest.raises(ValueError, match=r"toy/arm: draw 0 on record .* delete the record"):
            search(never, trials)

    def test_one_draw_is_run_again_and_compared(self, trials, make, monkeypatch, capsys):
        search(Arm(), trials)
        monkeypatch.setenv("RECUTILS_RECORD", "check")
        arm = Arm(lambda score: 1.01 * score)
        search(arm, trials)
        assert len(arm.runs) == 1
        assert "run again, differs by 1.0% at most" in capsys.readouterr().err
        with pytest.raises(ValueError, match=r"run again, differs by 5.0% of its record"):
            search(Arm(lambda score: 1.05 * score), trials)
        with pytest.raises(ValueError, match="differs by inf% of its record"):
            search(Arm(lambda score: np.nan), trials)

    def test_a_stale_record_is_compared_as_well(self, trials, stale, monkeypatch, capsys):
        monkeypatch.setenv("RECUTILS_RECORD", "check")
        assert search(Arm(), trials).settings == stale.settings
        assert "run again, differs by 0.0% at most" in capsys.readouterr().err
        with pytest.raises(ValueError, match=r"run again, differs by 5.0% of its record"):
            search(Arm(lambda score: 1.05 * score), trials)

    def test_a_curve_of_another_length_does_not_agree(self, trials, make, monkeypatch):
        def arm(trial, rate, size, epochs):
            return [rate] * epochs

        recutils.search("toy/arm", arm, SPACE, trials, epochs=3)
        monkeypatch.setenv("RECUTILS_RECORD", "check")
        with pytest.raises(ValueError, match="has 4 scores and its record 3"):
            recutils.search("toy/arm", arm, SPACE, trials, epochs=4)

    def test_the_call_must_be_in_the_code(self, trials, monkeypatch):
        monkeypatch.setattr(records, "code_so_far", list)
        with pytest.raises(ValueError, match=r"no call recutils.search\('toy/arm'"):
            search(Arm(), trials)


class TestExpectedBest:
    @settings(deadline=None)
    @given(
        st.lists(st.floats(-10, 10), min_size=1, max_size=7), st.sampled_from(["higher", "lower"])
    )
    def test_is_the_mean_over_all_subsets(self, scores, better):
        best = max if better == "higher" else min
        expected = [
            np.mean([best(subset) for subset in itertools.combinations(scores, n)])
            for n in range(1, len(scores) + 1)
        ]
        found = searching.expected_best(scores, better)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    def test_a_failed_run_counts_as_the_worst_of_the_others(self):
        found = searching.expected_best([-np.inf, 2, 4])
        np.testing.assert_allclose(found, searching.expected_best([2, 2, 4]))
        found = searching.expected_best([np.inf, 2, 4], "lower")
        np.testing.assert_allclose(found, searching.expected_best([4, 2, 4], "lower"))

    @pytest.mark.parametrize(
        ("scores", "message"),
        [([], "must not be empty"), ([-np.inf], "finite number, got none"), ([np.nan], "no NaN")],
    )
    def test_bad_scores(self, scores, message):
        with pytest.raises(ValueError, match=message):
            searching.expected_best(scores)
