"""Records: which code they belong to, and that they are stored whole or not at all."""

from recutils import experiments, records

import ast
import json
import subprocess
import sys
import textwrap
from unittest import mock

import pytest

CELLS = [
    "import recutils\nfrom recutils import baselines, datasets\nfrom scipy.stats import loguniform",
    "trials = recutils.trials(5)\nSIZE = 8",
    '''
class Tower:
    """A tower."""

    def __init__(self, size):
        self.size = size
''',
    '''
def helper(train, scale=SIZE):
    """What the arm calls."""
    return [x * scale for x in train]
''',
    '''
def arm(trial, rate):
    """The arm."""
    train = trial.train  # a name of its own
    return len(helper(train)) * rate * Tower(SIZE).size
''',
    'SPACE = {"rate": loguniform(1e-4, 1e-1)}',
    'found = recutils.search("toy/arm", arm, SPACE, trials, draws=4, worlds=2)',
]


def key(cells=CELLS, function="search", name="toy/arm"):
    return records.source_key(cells, function, name)


def changed(before, after):
    assert any(before in cell for cell in CELLS)
    return [cell.replace(before, after) for cell in CELLS]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("  # a name of its own", "  # another comment"),
        ('"""What the arm calls."""', '"""Says more.\n\n    Much more."""'),
        ('    """A tower."""\n', ""),
        ("[x * scale for x in train]", "[\n        x * scale for x in train\n    ]"),
        ("1e-4, 1e-1", "0.0001, 0.1"),
        ("draws=4", "draws=40"),
        ("draws=4, worlds=2", "worlds=2, draws=4, bounded=['rate']"),
        ("trials(5)", "trials(num_trials=20, first_seed=7)"),
        ("import baselines, datasets", "import datasets"),
    ],
)
def test_what_does_not_count(before, after):
    assert key(changed(before, after)) == key()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1e-4, 1e-1", "1e-4, 1"),  # the space
        ("* rate *", "+ rate *"),  # the arm
        ("[x * scale for", "[x + scale for"),  # a helper
        ("self.size = size", "self.size = 2 * size"),  # a class
        ("SIZE = 8", "SIZE = 16"),  # a constant
        ("import loguniform", "import reciprocal as loguniform"),  # what a name stands for
        ("worlds=2", "worlds=3"),
        ("worlds=2", "epochs=2"),
        ("trials(5)", "trials(5, follow=0.2)"),  # the data
        ("trials(5)", 'trials(5, split="user")'),
    ],
)
def test_what_counts(before, after):
    assert key(changed(before, after)) != key()


@pytest.mark.parametrize(
    "later", ["SPACE['rate'] = [1]", "SPACE |= {'rate': [1]}", "if SIZE:\n    SPACE = {}"]
)
def test_what_changes_a_name_later_counts(later):
    assert key([*CELLS[:-1], later, CELLS[-1]]) != key()


def test_a_cell_that_nothing_reaches_does_not_count():
    more = ["train = 3\nx = 4\ndef other(): return 1", "plt.show()", "for seed in range(3): pass"]
    assert key([*CELLS[:5], *more, *CELLS[5:]]) == key()


def test_a_conditional_definition_does_not_hide_the_one_before():
    conditional = [*CELLS[:-1], "if SIZE > 3:\n    SPACE = {'rate': [1]}", CELLS[-1]]
    other = [cell.replace("1e-4, 1e-1", "1e-4, 1") for cell in conditional]
    assert key(conditional) != key(other)


def test_the_last_definition_counts():
    twice = [*CELLS[:4], "def arm(trial, rate):\n    return 0", *CELLS[4:]]
    assert key(twice) == key()
    assert key([*CELLS[:-1], "def arm(trial, rate):\n    return 0", CELLS[-1]]) != key()


def test_magics_are_ignored_and_the_rest_of_their_cell_is_not():
    magic = [CELLS[0] + "\n%matplotlib inline\n!ls\nrecutils?", *CELLS[1:]]
    assert key(magic) == key()
    assert key(["%%bash\nSIZE = 9", *CELLS, "%%time\nSIZE = 9"]) == key()
    # As IPython keeps it once it has run.
    ran = [CELLS[0] + "\nget_ipython().run_line_magic('matplotlib', 'inline')\n", *CELLS[1:]]
    assert key(ran) == key()


def test_a_script_is_one_cell():
    assert key(["\n".join(CELLS)]) == key()


@pytest.mark.parametrize("missing", [("search", "toy/other"), ("recorded", "toy/arm")])
def test_there_must_be_such_a_call(missing):
    with pytest.raises(
        ValueError, match=r"no call recutils.\w+\('toy/\w+', …\) with its name written out"
    ):
        key(CELLS, *missing)
    with pytest.raises(ValueError, match="written out"):
        key([*CELLS[:-1], "n = 'toy/arm'\nrecutils.search(n, arm, SPACE, trials)"])


def test_every_python_gives_the_same_key():
    """The syntax tree differs from version to version; this key was made by Python 3.11."""
    cells = [
        "import numpy as np\nSIZES = [f'{{{n:>{w}}}}{n!r}{n = }' for n, w in {1: 2}.items()]",
        "@np.vectorize\ndef helper(a, /, b=1, *c, d: int = -1, **e) -> 'int':\n"
        "    '''Doc.'''\n    return lambda x: (yield x) if (y := x) else {**e, 'k': a[1:, ...]}",
        "async def other():\n    async with a as b: return [i async for i in b if await i]",
        "class A(dict, metaclass=type):\n    x: int = 1_000\n    def f(self): super().f(b'1', 1j)",
        "def arm(t, r):\n    global G\n    try: return helper(A, *SIZES)\n"
        "    except (ValueError, TypeError) as error: raise other from error",
        "recutils.search('a', arm, dict(r=[1, 2.5e-7, True, None, 'ü\\n']), trials, draws=3)",
    ]
    assert key(cells, name="a") == "ef4b81bd4517a6c1"


def test_a_running_notebook_and_its_file_give_one_key(tmp_path):
    """What IPython hands to a cell that runs, against the cells as they are stored."""
    cells = [
        "%config InlineBackend.figure_formats = ['png']\nfrom recutils import records",
        *CELLS[1:3],
        "!true\n" + CELLS[3],
        *CELLS[4:6],
        "recutils.search = lambda *_, **__: None",
        "recutils.search('toy/arm', arm, SPACE, trials, worlds=2)\n"
        "print(records.source_key(records.code_so_far(), 'search', 'toy/arm'))",
    ]
    cells[1] = "import recutils\nfrom scipy.stats import loguniform\n" + cells[1]
    program = f"""
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        for cell in {cells!r}:
            shell.run_cell(cell, store_history=True)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split()[-1] == records.source_key(cells, "search", "toy/arm")


def test_calls_of_a_notebook():
    cells = [
        "N = 7\ntrials = recutils.trials(N)",
        "recutils.search('a', arm, S, trials, draws=N, published={'x': 1}, bounded=['x'])",
        "recutils.search('b', arm, S, trials)\nrecutils.recorded('c', run, trials)",
    ]
    assert records.calls_in(cells, "search") == [
        records.Call("a", 1, 7, 8, ["x"]),
        records.Call("b", 2, 20, 20, []),
    ]
    assert records.calls_in(cells, "recorded") == [records.Call("c", 2, 0, 7, [])]


def test_others_search_too():
    cells = ["index.search(queries, 10)\nre.search(pattern, text)\nsearch('a', 1)"]
    assert records.calls_in(cells, "search") == []


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("recutils.search(name, arm, S, trials)", "needs its name written out"),
        ("recutils.search('a', arm, S, trials, draws=2 * 3)", "must be written out or have a name"),
        ("recutils.recorded('a', run, worlds)", "needs trials that the notebook makes"),
    ],
)
def test_calls_that_nobody_can_read(cell, message):
    with pytest.raises(ValueError, match=message):
        records.calls_in([cell], cell.partition("(")[0].removeprefix("recutils."))


@pytest.mark.parametrize(
    ("value", "mode"), [(None, "read"), ("", "read"), ("make", "make"), ("check", "check")]
)
def test_mode(monkeypatch, value, mode):
    monkeypatch.delenv("RECUTILS_RECORD", raising=False)
    if value is not None:
        monkeypatch.setenv("RECUTILS_RECORD", value)
    assert records.mode() == mode


def test_no_other_mode(monkeypatch):
    monkeypatch.setenv("RECUTILS_RECORD", "always")
    with pytest.raises(ValueError, match="must be read, make or check, got 'always'"):
        records.mode()


class TestFiles:
    @pytest.fixture(autouse=True)
    def folder(self, monkeypatch, tmp_path):
        monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
        monkeypatch.delenv("RECUTILS_DATA", raising=False)
        return tmp_path / "records"

    trials = experiments.trials(5, split="user", num_users=50)

    def write(self, **parts):
        whole = {"key": "k", "draws": [1.5]} | parts
        records.write("search", "part/an arm", self.trials, whole)

    def test_are_read_as_they_were_written(self, folder):
        assert records.read("search", "part/an arm", "synthetic") is None
        self.write()
        record = records.read("search", "part/an arm", "synthetic-user-num_users=50")
        assert record["draws"] == [1.5]
        assert record["world"] == {"num_users": 50}
        assert set(record["versions"]) > {"python", "numpy", "tensorflow"}
        assert [path.name for path in folder.iterdir()] == [
            "search-part-an_arm-synthetic-user-num_users=50.json"
        ]
        assert records.all_of("search", "part/an arm") == [record]
        assert records.all_of("search", "part/arm") == []

    @pytest.mark.parametrize("bad", [float("nan"), {1, 2}])
    def test_what_cannot_be_stored_leaves_the_old_record(self, folder, bad):
        self.write()
        (before,) = folder.iterdir()
        text = before.read_text()
        with pytest.raises((ValueError, TypeError)):
            self.write(draws=[bad])
        assert [path.read_text() for path in folder.iterdir()] == [text]

    def test_an_interrupted_write_leaves_the_old_record(self, folder, monkeypatch):
        self.write()
        with monkeypatch.context() as patch:
            patch.setattr("pathlib.Path.replace", mock.Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                self.write(draws=[2.5])
        assert records.all_of("search", "part/an arm")[0]["draws"] == [1.5]

    @pytest.mark.parametrize("text", ["", '{"name": ', "[]", '{"name": "part/an arm", "key": "k"}'])
    def test_damage_is_noticed(self, folder, text):
        self.write()
        next(folder.iterdir()).write_text(text)
        with pytest.raises(ValueError, match=r"search-part-an_arm\S*.json is damaged"):
            records.read("search", "part/an arm", "synthetic-user-num_users=50")
        with pytest.raises(ValueError, match="is damaged"):
            records.all_of("search", "part/an arm")

    @pytest.mark.parametrize("name", ["", "../up", "a:b", "a\nb"])
    def test_names_are_those_of_files(self, name):
        with pytest.raises(ValueError, match="name must be made of letters"):
            records.write("search", name, self.trials, {})


class TestData:
    def test_a_world_is_known_by_its_dials_and_split(self, monkeypatch):
        monkeypatch.delenv("RECUTILS_DATA", raising=False)
        plain = experiments.trials(5)
        assert records.data_label(plain) == "synthetic"
        assert records.data_label(experiments.trials(split="time", num_users=9)) == (
            "synthetic-time-num_users=9"
        )
        assert records.fingerprint(plain) == records.fingerprint(experiments.trials(9))
        assert records.fingerprint(plain) != records.fingerprint(experiments.trials(split="user"))

    def test_another_generator_makes_other_data(self, monkeypatch):
        monkeypatch.delenv("RECUTILS_DATA", raising=False)
        before = records.fingerprint(experiments.trials())
        movies = experiments.synthetic_movies
        other = {"num_users": 41, "num_movies": 120, "num_ratings": 600}
        monkeypatch.setattr(
            experiments, "synthetic_movies", lambda seed, **_: movies(**other, seed=seed)
        )
        assert records.fingerprint(experiments.trials()) != before


def test_canonical_tells_what_differs():
    def text(code):
        return records.canonical(ast.parse(code))

    assert text("x = 1") != text("x = True")
    assert text("x = 'a'") != text("x = b'a'")
    assert text("x[1:2]") != text("x[1, 2]")
    assert text("f(*a)") != text("f(**a)")
    assert json.dumps(text("x = 'ü'"))


def test_notes_go_to_those_who_watch(capsys):
    records.note("hello")
    assert capsys.readouterr() == ("", "hello\n")
