"""Which code a record belongs to, and which calls of a notebook read one."""

from recutils import sources

import ast
import json
import subprocess
import sys
import textwrap

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
    return sources.source_key(cells, function, name)


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
        "%config InlineBackend.figure_formats = ['png']\nfrom recutils import records, sources",
        *CELLS[1:3],
        "!true\n" + CELLS[3],
        *CELLS[4:6],
        "recutils.search = lambda *_, **__: None",
        "recutils.search('toy/arm', arm, SPACE, trials, worlds=2)\n"
        "print(sources.source_key(records.code_so_far(), 'search', 'toy/arm'))",
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
    assert run.stdout.split()[-1] == sources.source_key(cells, "search", "toy/arm")


def test_calls_of_a_notebook():
    cells = [
        "N = 7\ntrials = recutils.trials(N)",
        "recutils.search('a', arm, S, trials, draws=N, published={'x': 1}, bounded=['x'])",
        "recutils.search('b', arm, S, trials)\nrecutils.recorded('c', run, trials)",
    ]
    assert sources.calls_in(cells, "search") == [
        sources.Call("a", 1, 7, 8, ["x"]),
        sources.Call("b", 2, 20, 20, []),
    ]
    assert sources.calls_in(cells, "recorded") == [sources.Call("c", 2, 0, 7, [])]


def test_calls_that_other_data_may_not_reach():
    trials, call = "trials = recutils.trials(7)", "recutils.search('a', arm, S, trials)"
    for cell, conditional in {call: False, f"if truth is not None:\n    {call}": True}.items():
        (found,) = sources.calls_in([trials, cell], "search")
        assert found.conditional == conditional


def test_others_search_too():
    cells = ["index.search(queries, 10)\nre.search(pattern, text)\nsearch('a', 1)"]
    assert sources.calls_in(cells, "search") == []


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
        sources.calls_in([cell], cell.partition("(")[0].removeprefix("recutils."))


def test_canonical_tells_what_differs():
    def text(code):
        return sources.canonical(ast.parse(code))

    assert text("x = 1") != text("x = True")
    assert text("x = 'a'") != text("x = b'a'")
    assert text("x[1:2]") != text("x[1, 2]")
    assert text("f(*a)") != text("f(**a)")
    assert json.dumps(text("x = 'ü'"))
