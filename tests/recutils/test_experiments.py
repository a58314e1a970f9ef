"""Trials: worlds of their own, or splits of real ratings; and the line that concludes."""

import recutils
from recutils import conclusions, synthetic

import numpy as np
import pandas as pd
import pytest
from scipy import stats

SMALL = {"num_users": 30, "num_movies": 60, "num_ratings": 400}
DIALS = {"follow": 0.2, "by_group": 0.5, "agreement": 0.6, "interactions": 0.3}


def pairs(ratings):
    return set(zip(ratings["user_id"], ratings["movie_id"], strict=True))


@pytest.fixture(autouse=True)
def no_real_data(monkeypatch):
    monkeypatch.delenv("RECUTILS_DATA", raising=False)


@pytest.fixture
def real(monkeypatch, tmp_path):
    """A folder of 20 people who rate 10 of 15 films each."""
    rows = ["userId,movieId,rating,timestamp"]
    for person in range(20):
        films = [(person + step) % 15 for step in range(10)]
        times = [964_982_703 + 997 * ((person * 7 + f) % 150) for f in films]
        rows += [
            f"{person + 1},{f + 1},{1 + f % 5}.0,{t}" for f, t in zip(films, times, strict=True)
        ]
    (tmp_path / "ratings.csv").write_text("\n".join(rows) + "\n")
    films = "".join(f"{f + 1},Film {f + 1} (1994),Drama\n" for f in range(15))
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n" + films)
    monkeypatch.setenv("RECUTILS_DATA", str(tmp_path))
    return tmp_path


class TestWorlds:
    def test_each_trial_is_a_world_of_its_own(self):
        found = list(recutils.trials(3, **SMALL))
        assert [trial.seed for trial in found] == [1, 2, 3]
        assert len({frozenset(pairs(trial.movies.ratings)) for trial in found}) == 3
        for trial in found:
            assert len(trial.movies.users) == 30
            assert trial.movies.truth is not None
            assert trial.seen is trial.train
            assert pairs(trial.train) | pairs(trial.test) == pairs(trial.movies.ratings)
            assert not pairs(trial.train) & pairs(trial.test)
            assert len(trial.test) == 80

    def test_a_trial_is_the_same_alone_and_in_the_row(self):
        *_, in_the_row = recutils.trials(3, **SMALL)
        (alone,) = recutils.trials(1, first_seed=3, **SMALL)
        pd.testing.assert_frame_equal(alone.train, in_the_row.train)
        pd.testing.assert_frame_equal(alone.test, in_the_row.test)
        assert alone.seed == in_the_row.seed

    def test_it_can_be_passed_through_again(self):
        trials = recutils.trials(2, **SMALL)
        first, second = list(trials), list(trials)
        assert len(trials) == 2
        pd.testing.assert_frame_equal(first[1].test, second[1].test)

    @pytest.mark.parametrize("split", ["user", "time"])
    def test_other_splits(self, split):
        (trial,) = recutils.trials(1, split=split, test_fraction=0.3, **SMALL)
        if split == "user":
            assert not set(trial.train["user_id"]) & set(trial.test["user_id"])
            assert trial.test["user_id"].nunique() == 9
        else:
            assert trial.train["timestamp"].max() <= trial.test["timestamp"].min()
            assert len(trial.test) == 120

    def test_searches_have_worlds_that_no_trial_has(self):
        searched = recutils.trials(5, **SMALL).searched(2)
        assert [trial.seed for trial in searched] == [1001, 1002]
        (same,) = recutils.trials(1, first_seed=1001, **SMALL)
        pd.testing.assert_frame_equal(searched[0].train, same.train)

    @pytest.mark.parametrize("dial", DIALS)
    def test_sizes_and_dials_reach_the_world(self, dial):
        sizes = SMALL | {"num_users": 300}
        turned = {dial: DIALS[dial]}
        trials = recutils.trials(1, **sizes, **turned)
        for (trial,), seed in ((trials, 1), (trials.searched(), 1001)):
            assert trial.seed == seed
            world = synthetic.movies(**sizes, **turned, seed=seed)
            pd.testing.assert_frame_equal(trial.movies.ratings, world.ratings)
            assert not trial.movies.ratings.equals(synthetic.movies(**sizes, seed=seed).ratings)

    def test_say_what_they_are(self):
        assert str(recutils.trials(5)) == "5 worlds of their own"
        assert str(recutils.trials(5, num_users=9)) == "5 worlds of their own (num_users=9)"


class TestRealRatings:
    def test_each_trial_is_another_split(self, real):
        found = list(recutils.trials(3, **SMALL))
        for trial in found:
            assert len(trial.movies.ratings) == 160
            assert pairs(trial.train) | pairs(trial.test) == pairs(trial.movies.ratings)
            assert len(trial.test) == 32
            assert trial.movies.truth is None
        assert len({frozenset(pairs(trial.test)) for trial in found}) == 3

    @pytest.mark.parametrize("split", ["random", "user", "time"])
    def test_no_trial_contains_what_is_set_aside(self, real, split):
        trials = recutils.trials(3, split=split)
        (searched,) = trials.searched(4)
        everything = pairs(searched.movies.ratings)
        aside = pairs(searched.test)
        assert len(aside) == 40
        assert len(pairs(searched.seen) | aside) == 200
        assert pairs(searched.train) == everything - aside
        assert pairs(searched.seen) > pairs(searched.train)
        for trial in trials:
            assert not aside & (pairs(trial.train) | pairs(trial.test))
            # But a list doesn't show these films again.
            assert pairs(trial.seen) == pairs(trial.train) | aside
            assert pairs(searched.seen) == pairs(trial.train) | pairs(trial.test)
        if split != "random":
            assert not set(searched.train["user_id"]) & set(searched.test["user_id"])

    @pytest.mark.parametrize("split", ["random", "user", "time"])
    def test_a_search_trains_on_as_many_ratings_as_a_trial(self, real, split):
        trials = recutils.trials(3, split=split, test_fraction=0.5)
        (searched,) = trials.searched()
        assert {len(trial.train) for trial in trials} == {len(searched.train)} == {80}

    def test_another_folder_is_another_data_set(self, real, monkeypatch, tmp_path_factory):
        list(recutils.trials(1))
        other = tmp_path_factory.mktemp("other")
        text = (real / "ratings.csv").read_text().splitlines()
        (other / "ratings.csv").write_text("\n".join(text[:101]) + "\n")
        (other / "movies.csv").write_text((real / "movies.csv").read_text())
        monkeypatch.setenv("RECUTILS_DATA", str(other))
        (trial,) = recutils.trials(1)
        assert len(trial.movies.ratings) == 80

    @pytest.mark.parametrize("dial", DIALS)
    def test_have_no_dials(self, real, dial):
        message = rf"have no dials, got {dial}={DIALS[dial]}: only the synthetic films have them"
        with pytest.raises(ValueError, match=message):
            recutils.trials(5, num_users=9, **{dial: DIALS[dial]})

    def test_say_what_they_are(self, real):
        assert str(recutils.trials(5)) == "5 splits of the real ratings"
        assert str(recutils.trials(5, split="time", num_users=9)) == (
            "one split of the real ratings in time, 5 initialisations; "
            "num_users: as the data has it"
        )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_trials": 0}, ValueError, "num_trials must be at least 1"),
        ({"num_trials": 2.0}, TypeError, "num_trials must be an int"),
        ({"split": "film"}, ValueError, "split must be one of 'random', 'user', 'time'"),
        ({"test_fraction": 1}, ValueError, "test_fraction must be below 1, got 1"),
        ({"test_fraction": 0}, ValueError, "test_fraction must be a finite number above 0"),
        ({"test_to_train": 0}, ValueError, "test_to_train must be a finite number above 0"),
        ({"first_seed": -1}, ValueError, "first_seed must be at least 0"),
        ({"seed": 3}, TypeError, r"sizes and dials of the world, num_users.*; got \['seed'\]"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        recutils.trials(**options)


def test_bad_number_of_searched_worlds():
    with pytest.raises(ValueError, match="num_trials must be at least 1"):
        recutils.trials(5).searched(0)


OURS, THEIRS = [0.52, 0.55, 0.51, 0.56, 0.53], [0.50, 0.51, 0.50, 0.50, 0.52]


def by_person(*scores):
    """A Series of scores for each trial, of people a, b, c …"""
    return [pd.Series(row, index=list("abcdefgh")[: len(row)]) for row in scores]


class TestConclude:
    def test_worlds_are_independent(self, capsys):
        recutils.trials(5).conclude("P@10: A beats B", OURS, THEIRS)
        low, high = stats.ttest_rel(OURS, THEIRS).confidence_interval()
        assert capsys.readouterr().out == (
            f"holds     +0.028 [{low:+.3f}, {high:+.3f}]   P@10: A beats B   (5 worlds)\n"
        )

    def test_a_main_claim_of_three_has_an_interval_of_98_33_percent(self, capsys):
        recutils.trials(5).conclude("A beats B", OURS, THEIRS, main_of=3)
        low, high = stats.ttest_rel(OURS, THEIRS).confidence_interval(1 - 0.05 / 3)
        assert (
            f"[{low:+.3f}, {high:+.3f}]   A beats B   (5 worlds, main)" in capsys.readouterr().out
        )

    def test_the_only_main_claim_has_the_usual_interval(self, capsys):
        recutils.trials(5).conclude("A beats B", OURS, THEIRS, main_of=1)
        low, high = stats.ttest_rel(OURS, THEIRS).confidence_interval()
        assert (
            f"[{low:+.3f}, {high:+.3f}]   A beats B   (5 worlds, main)" in capsys.readouterr().out
        )

    def test_splits_of_real_ratings_are_corrected(self, capsys, real):
        """By hand: the differences 1, 2, 3 have variance 1; a test set is a quarter of train."""
        recutils.trials(3).conclude("A beats B", [1, 2, 3], [0, 0, 0])
        half = stats.t.ppf(0.975, 2) * np.sqrt(1 / 3 + 1 / 4)
        assert capsys.readouterr().out == (
            f"open      +2.000 [{2 - half:+.3f}, {2 + half:+.3f}]   A beats B   "
            "(3 splits, corrected)\n"
        )

    def test_the_size_of_a_test_set_may_be_given(self, capsys, real):
        recutils.trials(3, test_to_train=1 / 8).conclude("A beats B", [1, 2, 3], [0, 0, 0])
        half = stats.t.ppf(0.975, 2) * np.sqrt(1 / 3 + 1 / 8)
        assert f"[{2 - half:+.3f}, {2 + half:+.3f}]" in capsys.readouterr().out

    def test_scores_by_person_are_averaged(self, capsys):
        series = by_person([0.1, 0.3], [0.5, 0.9])
        trials = recutils.trials(2)
        trials.conclude("A beats B", series, [0.1, 0.1])
        trials.conclude("A beats B", [0.2, 0.7], [0.1, 0.1])
        first, second = capsys.readouterr().out.splitlines()
        assert first == second

    def test_after_a_split_in_time_of_real_ratings_people_are_resampled(self, capsys, real):
        rng = np.random.default_rng(0)
        ours, theirs = by_person(*rng.random((2, 8))), by_person(*rng.random((2, 8)))
        shuffled = [series.sample(frac=1, random_state=1) for series in theirs]
        recutils.trials(2, split="time").conclude("A beats B", ours, shuffled, main_of=2)
        interval = conclusions.bootstrap_interval(
            np.mean(ours, axis=0), np.mean(theirs, axis=0), 0.975
        )
        mean, low, high = (f"{number:+.3f}" for number in interval)
        assert f"{mean} [{low}, {high}]   A beats B   (1 split, 8 people resampled, main)" in (
            capsys.readouterr().out
        )

    def test_a_world_split_in_time_needs_no_people(self, capsys):
        recutils.trials(5, split="time").conclude("A beats B", OURS, THEIRS)
        assert "(5 worlds)" in capsys.readouterr().out

    def test_a_split_in_time_needs_people(self, real):
        with pytest.raises(TypeError, match="ours must hold a Series of scores by user_id"):
            recutils.trials(2, split="time").conclude("A", [1, 2], by_person([1, 2], [1, 2]))

    def test_people_may_not_come_and_go(self, real):
        sides = by_person([1, 2], [1, 2, 3])
        with pytest.raises(ValueError, match="ours must have a score for every person in every"):
            recutils.trials(2, split="time").conclude("A beats B", sides, sides)

    @pytest.mark.parametrize(
        ("ours", "theirs", "error", "message"),
        [
            ([1, 2, 3], [1, 2], ValueError, "ours must have a score for each of the 2 trials"),
            ([1, 2], [1], ValueError, "theirs must have a score for each of the 2 trials, got 1"),
            ([1, np.nan], [1, 2], ValueError, r"ours\[1\] must hold finite numbers"),
            ([1, "2"], [1, 2], TypeError, r"ours\[1\] must hold numbers"),
            ([1, [2, 3]], [1, 2], TypeError, r"ours\[1\] must be a number or a Series"),
            ({1: 2, 3: 4}, [1, 2], TypeError, "ours must be a list of scores, got dict"),
            ("12", [1, 2], TypeError, "ours must be a list of scores, got str"),
            (
                by_person([1, 2], [1, np.nan]),
                [1, 2],
                ValueError,
                r"ours\[1\] must hold finite numbers only, got nan",
            ),
            (
                by_person([1, 2], [1, 2]),
                by_person([1, 2], [1, 2, 3]),
                ValueError,
                "scores for the same people in trial 1",
            ),
            (
                [pd.Series([1, 2], index=["a", "a"])] * 2,
                [1, 2],
                ValueError,
                "a person has more than one score in trial 0",
            ),
        ],
    )
    def test_bad_scores(self, capsys, ours, theirs, error, message):
        with pytest.raises(error, match=message):
            recutils.trials(2).conclude("A beats B", ours, theirs)
        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"main_of": 4}, ValueError, "main_of must be between 1 and 3, got 4"),
            ({"main_of": True}, TypeError, "main_of must be an int"),
            ({"better": "higher", "margin": 1}, ValueError, "a claim has a side or a margin"),
            ({"margin": 0}, ValueError, "margin must be a finite number above 0"),
            ({"better": "more"}, ValueError, "better must be one of"),
        ],
    )
    def test_bad_options(self, options, error, message):
        with pytest.raises(error, match=message):
            recutils.trials(5).conclude("A beats B", OURS, THEIRS, **options)

    def test_one_trial_is_a_look_and_no_conclusion(self):
        with pytest.raises(ValueError, match="at least 2 scores, got 1"):
            recutils.trials(1).conclude("A beats B", [1], [2])
