"""The line that closes an argument, and the intervals behind it."""

from recutils import conclusions

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

scores = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=12
).map(lambda pairs: np.array(pairs).T)


class TestConclude:
    def test_prints_one_line_by_the_contract(self, capsys):
        theirs = np.array([0.287, 0.290, 0.281, 0.285, 0.288])
        ours = theirs + np.array([0.125, 0.118, 0.132, 0.121, 0.129])
        conclusions.conclude("hit rate@100: two towers beat popularity", ours, theirs)
        assert capsys.readouterr().out == (
            "holds     +0.125 [+0.118, +0.132]   "
            "hit rate@100: two towers beat popularity   (5 seeds, paired)\n"
        )

    def test_main_claims_hold_together(self, capsys):
        ours, theirs = [1.0, 2.0, 4.0], [0.0, 0.5, 1.0]
        conclusions.conclude("A beats B", ours, theirs, digits=2, main_of=2)
        interval = conclusions.paired_interval(ours, theirs, confidence=0.975)
        assert capsys.readouterr().out == (
            f"open      +1.83 [{interval.low:+.2f}, {interval.high:+.2f}]   "
            "A beats B   (3 seeds, paired, main)\n"
        )
        with pytest.raises(ValueError, match="main_of must be between 1 and 3, got 4"):
            conclusions.conclude("A beats B", ours, theirs, main_of=4)

    @pytest.mark.parametrize(
        ("ours", "theirs", "better", "line"),
        [
            ([1.0, 2.0], [3.0, 4.0], "higher", "reversed  -2.00 [-2.00, -2.00]"),
            ([1.0, 2.0], [3.0, 4.0], "lower", "holds     -2.00 [-2.00, -2.00]"),
            ([3.0, 4.0], [1.0, 2.0], "lower", "reversed  +2.00 [+2.00, +2.00]"),
            ([1.0, 2.0], [1.0, 2.0], "higher", "open      +0.00 [+0.00, +0.00]"),
            ([1.0, 2.0], [1.0, 2.0], "lower", "open      +0.00 [+0.00, +0.00]"),
            ([1.0, 0.0], [0.0, 1.0], "higher", "open      +0.00 [-12.71, +12.71]"),
            ([0.0, 0.0], [0.001, 0.001], "higher", "reversed  -0.001 [-0.001, -0.001]"),
        ],
    )
    def test_verdicts(self, capsys, ours, theirs, better, line):
        conclusions.conclude("A beats B", ours, theirs, better=better, digits=2)
        assert capsys.readouterr().out == f"{line}   A beats B   (2 seeds, paired)\n"

    @settings(deadline=None)
    @given(scores)
    def test_the_verdict_is_where_the_interval_lies(self, pair):
        ours, theirs = pair
        interval = conclusions.paired_interval(ours, theirs)

        def verdict(*arguments, **options):
            with pytest.MonkeyPatch.context() as patch:
                printed = []
                patch.setattr("builtins.print", printed.append)
                conclusions.conclude("A beats B", *arguments, **options)
            assert len(printed) == 1
            return printed[0].split()[0]

        expected = "holds" if interval.low > 0 else "reversed" if interval.high < 0 else "open"
        assert verdict(ours, theirs) == expected
        assert verdict(theirs, ours, better="lower") == expected
        assert verdict(list(-ours), list(-theirs), better="lower") == expected

    @pytest.mark.parametrize(
        ("arguments", "error", "message"),
        [
            ((5, [1, 2], [1, 2]), TypeError, "claim must be a string, got int"),
            (("", [1, 2], [1, 2]), ValueError, "claim must be one line of text"),
            (("a\nb", [1, 2], [1, 2]), ValueError, "claim must be one line of text"),
            ((" a", [1, 2], [1, 2]), ValueError, "without spaces around it, got ' a'"),
            (("a", [1, 2], [1, 2], "more"), ValueError, "one of 'higher', 'lower', got 'more'"),
            (("a", [1, 2], [1, 2], "lower", -1), ValueError, "digits must be between 0 and 15"),
            (("a", [1, 2, 3], [1, 2]), ValueError, "one score per seed each, got 3 and 2"),
            (("a", [1], [2]), ValueError, "at least 2 scores, got 1"),
            (("a", [], []), ValueError, "ours must not be empty"),
            (("a", [1, np.nan], [1, 2]), ValueError, r"ours must hold finite.*nan at \[1\]"),
            (("a", [1, 2], [1, np.inf]), ValueError, "theirs must hold finite"),
            (("a", 1, 2), ValueError, "ours must have 1 dimension"),
            (("a", [[1, 2]], [[1, 2]]), ValueError, "ours must have 1 dimension"),
            (("a", ["1", "2"], [1, 2]), TypeError, "ours must hold numbers"),
        ],
    )
    def test_bad_input(self, capsys, arguments, error, message):
        with pytest.raises(error, match=message):
            conclusions.conclude(*arguments)
        assert not capsys.readouterr().out


def printed(capsys, low, high, **options):
    interval = conclusions.Interval((low + high) / 2, low, high)
    conclusions.print_conclusion("A beats B", interval, ["5 worlds"], **options)
    return capsys.readouterr().out


class TestPrintConclusion:
    @pytest.mark.parametrize(
        ("low", "high", "verdict"),
        [
            (-0.009, 0.009, "holds"),
            (0.002, 0.004, "holds"),
            (0.002, 0.012, "open"),
            (-0.012, 0.0, "open"),
            (-0.02, 0.02, "open"),
            (-0.01, 0.01, "open"),
            (0.011, 0.02, "reversed"),
            (-0.02, -0.011, "reversed"),
        ],
    )
    def test_equivalence(self, capsys, low, high, verdict):
        line = printed(capsys, low, high, margin=0.01)
        assert line.split()[0] == verdict
        assert line.endswith("A beats B   (5 worlds, within ±0.01)\n")

    @pytest.mark.parametrize(
        ("low", "high", "options", "ends"),
        [
            (0.0004, 0.2, {}, "[+0.0004, +0.2000]"),
            (-0.2, -0.00004, {}, "[-0.20000, -0.00004]"),
            (1e-9, 1.0, {}, "[+0.000000001, +1.000000000]"),
            (0.0, 0.2, {}, "[+0.000, +0.200]"),  # it does touch 0
            (-0.0004, 0.2, {}, "[-0.0004, +0.2000]"),
            (0.0101, 0.02, {"margin": 0.01}, "[+0.0101, +0.0200]"),
            (-0.0099, 0.005, {"margin": 0.01, "digits": 2}, "[-0.0099, +0.0050]"),
            (0.4, 0.6, {"digits": 0}, "[+0.4, +0.6]"),
        ],
    )
    def test_so_many_digits_that_the_verdict_shows(self, capsys, low, high, options, ends):
        assert ends in printed(capsys, low, high, **options)

    def test_says_what_is_a_main_claim(self, capsys):
        assert printed(capsys, 1, 2, main=True).endswith("(5 worlds, main)\n")
        line = printed(capsys, 1, 2, main=True, margin=3)
        assert line.endswith("(5 worlds, within ±3, main)\n")

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"better": "higher", "margin": 1.0}, ValueError, "a claim has a side or a margin"),
            ({"margin": -1}, ValueError, "margin must be a finite number above 0"),
            ({"margin": "1"}, TypeError, "margin must be a number"),
            ({"digits": 16}, ValueError, "digits must be between 0 and 15"),
        ],
    )
    def test_bad_input(self, capsys, options, error, message):
        with pytest.raises(error, match=message):
            printed(capsys, 1, 2, **options)


class TestPairedInterval:
    def test_nadeau_and_bengio_by_hand(self):
        """Differences 1, 2, 3: their variance is 1. Test sets are a quarter of training sets."""
        interval = conclusions.paired_interval([1, 2, 3], [0, 0, 0], 0.9, test_to_train=0.25)
        half = stats.t.ppf(0.95, 2) * np.sqrt(1 / 3 + 1 / 4)
        np.testing.assert_allclose(interval, [2, 2 - half, 2 + half])

    def test_bad_ratio(self):
        with pytest.raises(ValueError, match="test_to_train must be a finite number at least 0"):
            conclusions.paired_interval([1, 2], [1, 2], test_to_train=-0.1)

    @settings(deadline=None)
    @given(scores)
    def test_is_scipys(self, pair):
        ours, theirs = pair
        interval = conclusions.paired_interval(ours, theirs)
        assert interval.low <= interval.mean <= interval.high
        if np.ptp(ours - theirs) > 1e-6:
            expected = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
            np.testing.assert_allclose(interval[1:], expected, rtol=1e-9, atol=1e-12)

    def test_covers_the_truth_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        draws = rng.normal(0.3, 1, (2_000, 2, 5))
        draws[:, 1] -= 0.3
        intervals = [conclusions.paired_interval(*draw, confidence=0.8) for draw in draws]
        covered = np.mean([interval.low < 0.3 < interval.high for interval in intervals])
        assert covered == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 2_000))

    def test_equal_differences_have_an_interval_of_no_width(self):
        theirs = np.array([0.1, 0.2, 0.3])
        interval = conclusions.paired_interval(theirs + 0.1, theirs)
        assert interval.low == interval.mean == interval.high == pytest.approx(0.1)

    @pytest.mark.parametrize("confidence", [0, 1, -1, 2, np.nan])
    def test_bad_confidence(self, confidence):
        with pytest.raises(ValueError, match="confidence must be"):
            conclusions.paired_interval([1, 2], [1, 2], confidence)
        with pytest.raises(TypeError, match="confidence must be a number, got str"):
            conclusions.paired_interval([1, 2], [1, 2], "0.95")


class TestBootstrapInterval:
    def test_agrees_with_the_t_interval_for_many_people(self):
        rng = np.random.default_rng(1)
        theirs = rng.normal(0, 1, 2_000)
        ours = theirs + rng.normal(0.1, 0.5, 2_000)
        expected = conclusions.paired_interval(ours, theirs)
        interval = conclusions.bootstrap_interval(ours, theirs)
        assert interval.mean == expected.mean
        np.testing.assert_allclose(interval, expected, atol=0.004)
        assert interval == conclusions.bootstrap_interval(ours, theirs)
        assert interval != conclusions.bootstrap_interval(ours, theirs, seed=1)

    def test_equal_differences(self):
        assert conclusions.bootstrap_interval([1, 1], [0, 0]) == (1, 1, 1)

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"num_resamples": 0}, ValueError, "num_resamples must be at least 1, got 0"),
            ({"seed": -1}, ValueError, "seed must be at least 0"),
            ({"seed": 0.5}, TypeError, "seed must be an int"),
            ({"confidence": 1}, ValueError, "confidence must be below 1"),
        ],
    )
    def test_bad_input(self, options, error, message):
        with pytest.raises(error, match=message):
            conclusions.bootstrap_interval([1, 2], [1, 2], **options)
        with pytest.raises(ValueError, match="at least 2 scores"):
            conclusions.bootstrap_interval([1], [2])
