"""Wrong input: an error names the argument, what came and what was expected, in one short line."""

import recutils
from recutils import answers, plots, records, searching, synthetic
from recutils.audience import Audience

import json
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

SMALL = {"num_users": 30, "num_movies": 60, "num_ratings": 400}
CODE = """
recutils.search("toy/arm", arm, SPACE, trials)
recutils.recorded("toy/run", run, trials)
"""
SPACE = {"rate": [1, 2, 3, 4]}
LATE = 2 * 10**9
RAGGED = [[1.0], [1.0, 2.0], [3.0]]
LONG = [str(number) for number in range(10_000)]

pytestmark = pytest.mark.usefixtures("folder")


def search(arm=lambda trial, rate: rate, space=SPACE, **options):
    trials = recutils.trials(3, **SMALL)
    return recutils.search("toy/arm", arm, space, trials, **({"draws": 3} | options))


def recorded(run=lambda trial: {"a": 1.0}):
    return recutils.recorded("toy/run", run, recutils.trials(3, **SMALL))


class TestArrays:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda t: searching.expected_best(RAGGED),
                "scores must hold lists of the same",
            ),
            (
                lambda t: recutils.conclude("A beats B", RAGGED, RAGGED),
                "ours must hold lists of the same",
            ),
            (
                lambda t: Audience(t).policy_value(["1"] * 3, [["1", "2"]] * 3, RAGGED),
                "probabilities must hold lists of the same length",
            ),
            (
                lambda t: t.watch_probability(["1"] * 3, at=RAGGED),
                "at must hold lists of the same length",
            ),
            (
                lambda t: t.next_probability(["1"], [[["1"], ["2", "3"]]], [LATE]),
                r"histories\[0\] must hold lists of the same length",
            ),
        ],
    )
    def test_lists_of_different_lengths(self, world, call, message):
        with pytest.raises(ValueError, match=message):
            call(world.truth)

    @pytest.mark.parametrize(
        "call",
        [
            lambda t: t.next_probability(["1"], LONG, [LATE]),
            lambda t: t.next_given_history([[]], LONG, [LATE]),
        ],
    )
    def test_an_error_is_short_however_long_the_input(self, world, call):
        with pytest.raises(
            ValueError, match=r"one list for each person, got '0' at \[0\]"
        ) as error:
            call(world.truth)
        assert len(str(error.value)) < 200

    @pytest.mark.parametrize(
        "call",
        [
            lambda t, n: t.next_given_history([[]], [[]], [LATE], num_draws=n),
            lambda t, n: t.new_film_probability(["1"], ["1"], num_draws=n),
        ],
    )
    def test_more_draws_than_memory_holds(self, world, call):
        with pytest.raises(ValueError, match="num_draws must be between 2 and 1000000, got 10000"):
            call(world.truth, 10**12)


class TestAnswers:
    YES = np.ones((2, 2), bool)
    FOUR = np.full((2, 2), 4, np.float32)

    @pytest.mark.parametrize(
        ("parts", "error", "message"),
        [
            (([[True]], FOUR, YES), TypeError, "looked must be an array of bools, got list"),
            ((YES, FOUR.astype(str), YES), TypeError, "stars must be an array of floats, got <U"),
            ((YES, FOUR, FOUR), TypeError, "clicked must be an array of bools, got float32"),
            ((YES[0], FOUR[0], YES[0]), ValueError, r"looked must have the shape .* got \(2,\)"),
            ((YES, FOUR[:1], YES), ValueError, r"stars must have the shape .* got \(1, 2\)"),
            ((~YES, FOUR * np.nan, YES), ValueError, r"got one without at \[0, 0\]"),
            ((YES, FOUR * np.nan, YES), ValueError, r"stars must be NaN .* got nan at \[0, 0\]"),
            ((~YES, FOUR, ~YES), ValueError, r"stars must be NaN .* got 4.0 at \[0, 0\]"),
        ],
    )
    def test_made_by_hand(self, parts, error, message):
        with pytest.raises(error, match=message):
            answers.Answers(*parts)

    def test_times_beyond_64_bits(self, world):
        made = answers.Answers(self.YES[:1], self.FOUR[:1], self.YES[:1])
        with pytest.raises(ValueError, match="timestamps must be at most 2"):
            answers.to_ratings(made, ["1"], [["1", "2"]], np.uint64(2**64 - 1), world.movies)


class TestMoreChoices:
    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"random": 3}, TypeError, r"random must be a numpy\.random\.Generator, .* got int"),
            ({"truth": None}, TypeError, "truth must be the Truth of a world, got NoneType"),
            ({"people": ["1", "2"]}, TypeError, "people must hold integers, got dtype <U1"),
            (
                {"people": [[0, 1]]},
                ValueError,
                r"people must have one dimension, got shape \(1, 2\)",
            ),
            ({"people": [0, 999]}, ValueError, "people must be positions from 0 to .* got 999"),
            ({"people": [0, -1]}, ValueError, "people must be positions from 0 to .* got -1"),
            ({"counts": [1, -1]}, ValueError, r"counts must be at least 0, .* got \[1, -1\]"),
            ({"counts": [1]}, ValueError, r"counts must be at least 0, .* got \[1\]"),
            ({"seconds": [LATE]}, ValueError, "seconds must be one for each of 2 choices, got 1"),
            (
                {"seconds": [0.5, np.nan]},
                TypeError,
                "seconds must hold integers, got dtype float64",
            ),
            (
                {"seconds": [LATE, -5]},
                ValueError,
                "got -5 for choice number 1 of a person: 0 films",
            ),
            (
                {"counts": [10_000, 1], "seconds": [LATE] * 10_001},
                ValueError,
                r"counts and seconds must leave a film .* of a person: \d+ films have arrived",
            ),
        ],
    )
    def test_that_cannot_be_made(self, world, change, error, message):
        """Without a check the last two would never end."""
        arguments = {
            "random": np.random.default_rng(0),
            "truth": world.truth,
            "people": [0, 1],
            "counts": [1, 1],
            "seconds": [LATE, LATE],
        }
        with pytest.raises(error, match=message):
            synthetic.choose_films(**arguments | change)

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"random": None}, TypeError, "random must be a numpy.random.Generator"),
            ({"truth": 3}, TypeError, "truth must be the Truth of a world, got int"),
            ({"latent": "a"}, TypeError, "latent must hold numbers"),
            ({"latent": [np.nan]}, ValueError, r"latent must hold finite numbers only, got nan at"),
        ],
    )
    def test_stars_of_nothing(self, world, change, error, message):
        arguments = {"random": np.random.default_rng(0), "truth": world.truth, "latent": [0.0]}
        with pytest.raises(error, match=message):
            synthetic.rate(**arguments | change)


def test_a_single_number_is_no_list_of_scores():
    with pytest.raises(TypeError, match="ours must be a list of scores, got ndarray"):
        recutils.trials(3, **SMALL).conclude("A beats B", np.array(3.0), [1.0, 2.0, 3.0])


class TestSearches:
    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"space": None}, ValueError, "space must name at least one setting, got None"),
            ({"space": {1: [2]}}, TypeError, "space must name its settings by strings, got 1"),
            ({"space": {"rate": [np.nan]}}, ValueError, r"space\['rate'\] must be finite, got nan"),
            ({"space": {"rate": [[1, np.inf]]}}, ValueError, "must be finite, got inf"),
            (
                {"space": {"rate": stats.loguniform(-1, 1)}},
                ValueError,
                r"space\['rate'\] must give finite numbers, got nan",
            ),
            ({"space": {"rate": stats.randint(5, 1)}}, ValueError, "must give finite numbers"),
            (
                {"space": {"rate": stats.loguniform}},
                TypeError,
                r"space\['rate'\] must be a distribution with its parameters",
            ),
            ({"draws": 10**12}, ValueError, "draws must be at most 100000, got 1000000000000"),
            ({"published": 3}, TypeError, "published must be a dict of settings, got int"),
            ({"published": ["rate"]}, TypeError, "published must be a dict of settings, got list"),
            ({"published": {"rate": np.nan}}, ValueError, r"published\['rate'\] must be finite"),
            ({"bounded": 3}, ValueError, "bounded must be a list of settings of space, got 3"),
            ({"bounded": [["x"]]}, ValueError, r"bounded must be .* got \[\['x'\]\]"),
            (
                {"arm": lambda *_, **__: RAGGED},
                ValueError,
                "the arm returns must hold lists of the same",
            ),
        ],
    )
    def test_are_refused_before_they_run(self, options, error, message):
        with pytest.raises(error, match=message):
            search(**options)

    def test_a_table_of_something_else(self):
        with pytest.raises(TypeError, match=r"must come from recutils\.search, got int"):
            searching.table(3)
        with pytest.raises(ValueError, match="at least one search, got none"):
            searching.table()

    @pytest.mark.parametrize("returned", [1.0, None, [1.0], {}, {1: 2.0}])
    def test_trials_that_return_no_scores(self, returned):
        with pytest.raises(
            TypeError, match="toy/run: run must return a dict with a score for each"
        ):
            recorded(lambda trial: returned)

    def test_trials_that_score_different_things(self, folder, make):
        with pytest.raises(ValueError, match=r"same scores .* \['a1'\], got \['a2'\] in trial 2"):
            recorded(lambda trial: {f"a{trial.seed}": 1.0})
        (stored,) = folder.iterdir()
        assert list(json.loads(stored.read_text())["trials"]) == ["1"]


@pytest.mark.parametrize(
    ("curves", "error", "message"),
    [
        ([1, 2], TypeError, "searches must be a dict of curves, got list"),
        ({"a": "abc"}, TypeError, r"searches\['a'\] must hold numbers"),
        ({"a": [[1, 2]]}, ValueError, r"searches\['a'\] must have 1 dimension"),
        ({"a": [np.nan]}, ValueError, r"searches\['a'\] must hold finite numbers only"),
    ],
)
def test_figures_of_searches(curves, error, message):
    with pytest.raises(error, match=message):
        plots.expected_best(plt.figure().add_subplot(), curves)
    plt.close("all")


def edited(change):
    """Changes what a record says."""

    def edit(path):
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record))

    return edit


def a_folder(path):
    path.unlink()
    path.mkdir()


ANY = {
    "cut in the middle": lambda path: path.write_text(path.read_text()[:200]),
    "cut at its last bracket": lambda path: path.write_text(path.read_text().rstrip()[:-1]),
    "twice": lambda path: path.write_text(2 * path.read_text()),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a folder": a_folder,
    "NaN": lambda path: path.write_text(path.read_text().replace("1.0", "NaN")),
    "of another name": edited(lambda record: record.update(name="toy/other")),
    "of other data": edited(lambda record: record.update(data="synthetic")),
    "key a number": edited(lambda record: record.update(key=3)),
    "without its world": edited(lambda record: record.pop("world")),
    "world a list": edited(lambda record: record.update(world=[])),
}
OF_SEARCHES = {
    "no list": edited(lambda record: record.update(draws={"1": 2})),
    "empty": edited(lambda record: record.update(draws=[])),
    "a draw null": edited(lambda record: record["draws"].append(None)),
    "no curve": edited(lambda record: record["draws"][0].pop("curve")),
    "curve empty": edited(lambda record: record["draws"][0].update(curve=[])),
    "curve of texts": edited(lambda record: record["draws"][0].update(curve=["1"])),
    "settings null": edited(lambda record: record["draws"][0].update(settings=None)),
    "a curve cut off": edited(lambda record: record["draws"][0]["curve"].append(0.5)),
    "no cost": edited(lambda record: record["draws"][0].pop("cpu_seconds")),
    "other settings": edited(lambda record: record["draws"][0].update(settings={"x": 1})),
    "another value": edited(lambda record: record["draws"][0]["settings"].update(rate=99)),
}
OF_TRIALS = {
    "no dict": edited(lambda record: record.update(trials=[1])),
    "empty": edited(lambda record: record.update(trials={})),
    "a trial a number": edited(lambda record: record["trials"].update({"2": 3})),
    "a score text": edited(lambda record: record["trials"]["2"].update(a="1")),
    "another score": edited(lambda record: record["trials"].update({"2": {"b": 1.0}})),
}


class TestDamagedRecords:
    """Cut off, edited or in the way: noticed when read and when continued, and left as it is."""

    @pytest.fixture(autouse=True)
    def made(self, folder, monkeypatch):
        monkeypatch.setenv("RECUTILS_RECORD", "make")

    def check(self, folder, call, damage, monkeypatch):
        call()
        (path,) = folder.iterdir()
        damage(path)
        before = path.read_bytes() if path.is_file() else None
        for mode in ("read", "make"):
            monkeypatch.setenv("RECUTILS_RECORD", mode)
            with pytest.raises(ValueError, match=r"\.json is damaged: |toy/arm: draw \d on record"):
                call()
            assert [*folder.iterdir()] == [path]
            assert (path.read_bytes() if path.is_file() else None) == before

    @pytest.mark.parametrize("damage", [*ANY.values(), *OF_SEARCHES.values()])
    def test_of_searches(self, folder, damage, monkeypatch):
        self.check(folder, search, damage, monkeypatch)

    @pytest.mark.parametrize("damage", [*ANY.values(), *OF_TRIALS.values()])
    def test_of_trials(self, folder, damage, monkeypatch):
        self.check(folder, recorded, damage, monkeypatch)

    def test_a_stale_record_without_draws(self, folder, monkeypatch):
        search()
        (path,) = folder.iterdir()
        edited(lambda record: record.update(key="old", draws=[]))(path)
        monkeypatch.delenv("RECUTILS_RECORD")
        with pytest.raises(ValueError, match="draws must be a list, not empty"):
            search()

    @pytest.mark.parametrize("call", [search, recorded])
    def test_a_whole_record_is_read(self, folder, call):
        call()
        call()
        assert len([*folder.iterdir()]) == 1

    def test_what_is_no_record(self, folder):
        for kind, name, message in [
            ("searches", "toy/arm", "kind must be one of 'search', 'trials', got 'searches'"),
            ("search", None, "name must be made of letters, .* got None"),
        ]:
            with pytest.raises(ValueError, match=message):
                records.read(kind, name, "synthetic")
        with pytest.raises(ValueError, match="kind must be one of"):
            records.all_of("draws")
        shutil.rmtree(folder)
