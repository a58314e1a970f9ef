"""`make mutants`: which mistakes it makes, and what it says of them."""

import ast

import pytest

from tools import mistakes, mutants


def changes(source: str) -> set[tuple[str, str]]:
    """Kind of each mistake and the text with it."""
    return {(m.kind, m.source) for m in mistakes.mutants_of(source, "x.py")}


@pytest.mark.parametrize(
    ("kind", "source", "mutated"),
    [
        ("another loss", 'model.compile("adam", "mse")', 'model.compile("adam", "mae")'),
        ("another loss", "loss = SoftmaxLoss()", "loss = PairwiseHingeLoss()"),
        ("a flipped sign", "a = b - c", "a = b + c"),
        ("a wrong axis", "x.sum(axis=1)", "x.sum(axis=0)"),
        (
            "a dropped correction",
            "task(q, c, candidate_sampling_probability=p[ids])",
            "task(q, c)",
        ),
        ("another seed", "split(by, seed=42)", "split(by, seed=43)"),
        ("a swapped split", "model.fit(train, 1)", "model.fit(test, 1)"),
        ("k off by one", "top(k=10)", "top(k=11)"),
        ("k off by one", "x = order[:, :k]", "x = order[:, :k - 1]"),
        ("labels shuffled", "loss(labels, scores)", "loss(labels[::-1], scores)"),
        (
            "a layer removed",
            "f([tf.keras.layers.Dense(3), tf.keras.layers.Dense(1)])",
            "f([tf.keras.layers.Dense(3)])",
        ),
        ("another statistic", "x.mean()", "x.sum()"),
        ("an order turned round", "x.sort(ascending=False)", "x.sort(ascending=True)"),
        ("another setting", "adam(learning_rate=0.05)", "adam(learning_rate=0.1)"),
        ("a condition turned round", "x[~seen]", "x[seen]"),
        ("a limit off by one", "if k < 1: pass", "if k <= 1: pass"),
    ],
)
def test_each_kind_of_mistake(kind, source, mutated):
    assert (kind, mutated) in changes(source)


@pytest.mark.parametrize(
    "source",
    [
        "# a - b, axis=1",
        '''"""A sum - of axis=1 < 2."""''',
        'print("train - test", f"{x} k=10 - 3")',
        "adam(learning_rate=0.0)",  # twice nothing is the same
        "def fit(x, y): pass",  # not Python any more
        "%matplotlib inline - x",
    ],
)
def test_no_mistake_in_texts_and_none_that_changes_nothing(source):
    assert changes(source) == set()


def test_mutants_of_the_book_are_valid_and_the_sample_is_fixed():
    candidates = mutants.all_mutants()
    assert len(candidates) > 1_000
    drawn = mutants.sample(candidates)
    assert [m.key for m in drawn] == [m.key for m in mutants.sample(candidates[::-1])]
    for mutant in drawn:
        ast.parse(mutant.source)
        assert mutant.before != mutant.after


def test_a_mistake_is_made_in_the_copy_only(tmp_path):
    (tmp_path / "x.py").write_text("a = b - c\n", encoding="utf-8")
    (mutant,) = mistakes.mutants_of("a = b - c\n", "x.py")
    mutants.write_into(mutant, tmp_path)
    assert (tmp_path / "x.py").read_text("utf-8") == "a = b + c\n"


def test_cheapest_test_first():
    (module,) = mistakes.mutants_of("a = b - c\n", "recutils/truth.py")
    assert mutants.tests_for(module) == [["tests/recutils/test_truth.py"], ["tests/recutils"]]
    (cell,) = mistakes.mutants_of("a = b - c\n", "book/basics/testing.ipynb", "cell")
    assert mutants.tests_for(cell) == [["--nbval", "book/basics/testing.ipynb"]]
    (cell,) = mistakes.mutants_of("a = b - c\n", "book/serving/under_load.ipynb", "cell")
    check = ["--nbval", "book/serving/under_load.ipynb"]
    assert mutants.tests_for(cell) == [["tests/book/test_under_load.py"], check]
    (cell,) = mistakes.mutants_of("a = b - c\n", "book/features/order.ipynb", "cell")
    again = ["tools.search", "--check", "--stale", "book/features/order.ipynb"]
    assert mutants.tests_for(cell) == [["--nbval", "book/features/order.ipynb"], again]


def test_what_catches_a_mistake_must_pass_without_any(tmp_path, monkeypatch):
    drawn = {m.key: m for m in mistakes.mutants_of("x = (a - b).sum(axis=1) < 2\n", "x.py")}
    caught_by = dict(zip(drawn, ["test_a", "", "test_b (does not end)"], strict=False))
    done = {"seconds": 1, "kind": "a kind", "file": "x.py"}
    monkeypatch.setattr(mutants, "REPORT", tmp_path / "mutants.json")
    monkeypatch.setattr(mutants, "try_one", lambda m: {"caught by": caught_by[m.key], **done})
    monkeypatch.setattr(mutants, "try_none", lambda test: test == ["test_a"])
    report = {"mutants": {}, "without": {"test_of_old": True}}
    mutants.work(dict(list(drawn.items())[:3]), report)
    assert report["without"] == {"test_a": True, "test_b": False}
    assert mutants.read(mutants.REPORT) == report
    assert mutants.caught(report) == 2


def test_a_test_that_fails_or_hangs_has_caught_it(tmp_path, monkeypatch):
    (tmp_path / "test_good.py").write_text("def test_it(): assert True\n", encoding="utf-8")
    (tmp_path / "test_bad.py").write_text("def test_it(): assert False\n", encoding="utf-8")
    hang = "def test_it():\n    import time; time.sleep(60)\n"
    (tmp_path / "test_hang.py").write_text(hang, encoding="utf-8")
    assert mutants._passes(["test_good.py"], tmp_path) is True
    assert mutants._passes(["test_bad.py"], tmp_path) is False
    monkeypatch.setattr(mutants, "PATIENCE", 5)
    assert mutants._passes(["test_hang.py"], tmp_path) is None


def test_a_notebook_that_does_not_even_start_tells_nothing(tmp_path):
    busy = 'def test_it(): raise RuntimeError("Kernel didn\'t respond in 60 seconds")\n'
    (tmp_path / "test_busy.py").write_text(busy, encoding="utf-8")
    with pytest.raises(RuntimeError, match="try again when less is going on"):
        mutants._passes(["test_busy.py"], tmp_path)
