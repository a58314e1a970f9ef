"""Every public name of recutils is documented and typed, and its chapter uses it."""

import recutils

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"

MODULES = [
    importlib.import_module(f"recutils.{module.name}")
    for module in pkgutil.iter_modules(recutils.__path__)
    if not module.name.startswith("_")
]


def public(owner, module):
    """Public functions and classes that a module, or a package's own modules, define."""
    for name, member in vars(owner).items():
        value = getattr(member, "__func__", member)  # of a class or static method
        value = value.fget if isinstance(value, property) else value
        if (
            not name.startswith("_")
            and (inspect.isfunction(value) or inspect.isclass(value))
            and f"{value.__module__}.".startswith(f"{module.__name__}.")
        ):
            yield name, value
            if inspect.isclass(value):
                for inner, method in public(value, module):
                    yield f"{name}.{inner}", method


NAMES = {
    f"{module.__name__.removeprefix('recutils.')}.{name}": value
    for module in MODULES
    for name, value in public(module, module)
}


def is_override(name):
    """Whether a method fills in one of a library's class, such as a Keras model's `call`.

    The library says when it is called and with what; the docstring of our class says the rest.
    """
    module, *owner, method = name.split(".")
    return bool(owner) and any(
        hasattr(base, method)
        for base in NAMES[f"{module}.{owner[0]}"].__mro__
        if not base.__module__.startswith("recutils.")
    )


EXPLAINED = [name for name in NAMES if not is_override(name)]
FUNCTIONS = {name: value for name, value in NAMES.items() if inspect.isfunction(value)}


def parameters(function):
    return [
        parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if name not in ("self", "cls")
    ]


def section(function, title):
    """The text of a section of a docstring, up to the next one."""
    found = re.search(rf"^{title}:\n(.*?)(?=^\S|\Z)", inspect.getdoc(function), re.M | re.S)
    return found.group(1) if found else ""


def test_finds_the_contract():
    promised = {
        "seeding.set_seed",
        "synthetic.blender_ads",
        "synthetic.movies",
        "movielens.load",
        "movies.Movies.from_frames",
        "loading.load_movies",
        "conclusions.conclude",
        "experiments.trials",
        "experiments.Trials.conclude",
        "experiments.Trials.searched",
        "searching.search",
        "recording.recorded",
        "searching.table",
        "searching.Search.expected_best",
        "datasets.split",
        "datasets.vocabulary",
        "datasets.to_dataset",
        "datasets.sampling_probability",
        "listwise.sample_lists",
        "listwise.partition_lists",
        "evaluation.top_k",
        "evaluation.top_k_scores",
        "evaluation.positions",
        "evaluation.precision_recall_at_k",
        "evaluation.retrieval_metrics",
        "evaluation.ndcg",
        "evaluation.coverage",
        "evaluation.mean_popularity",
        "evaluation.index_recall",
        "timing.measure",
        "truth.Truth.rating_distribution",
        "truth.Truth.watch_probability",
    }
    assert promised <= set(NAMES)
    for name in ("set_seed", "load_movies", "conclude", "trials", "search", "recorded"):
        assert inspect.isfunction(getattr(recutils, name))
        assert name in recutils.__all__


def test_the_page_of_the_package_is_complete():
    """It shows every public function and class of ours, once."""
    page = (BOOK / "reference" / "api.md").read_text(encoding="utf-8")
    homes = {value: name for name, value in NAMES.items() if name.count(".") == 1}
    exported = re.findall(r"^\.\. autofunction:: (\w+)$", page, re.M)
    shown = [homes[getattr(recutils, name)] for name in exported]
    modules = r"^\.\. automodule:: recutils\.(\w+)\n   :members:\n(?:   :exclude-members: (.+)\n)?`"
    for module, excluded in re.findall(modules, page, re.M):
        left_out = {f"{module}.{name}" for name in excluded.split(", ")}
        shown += [n for n in homes.values() if n.split(".")[0] == module and n not in left_out]
    assert sorted(shown) == sorted(homes.values())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_modules_say_what_they_are_for(module):
    first = inspect.getdoc(module).splitlines()[0]
    assert first.endswith((".", "?"))


@pytest.mark.parametrize("name", EXPLAINED)
def test_is_documented(name):
    text = NAMES[name].__doc__
    assert text, "no docstring of its own"
    first = text.splitlines()[0]
    assert first.strip().endswith("."), f"the first line must be a sentence, got {first!r}"
    # A method or property is explained by its class; a function by itself names its chapter.
    if "." not in name.split(".", 1)[1] and inspect.isfunction(NAMES[name]):
        assert re.search(r"^\s*See: ", text, re.M), "no link back to a chapter"


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() & EXPLAINED))
def test_arguments_and_results_are_documented(name):
    function = FUNCTIONS[name]
    arguments = section(function, "Args")
    for parameter in parameters(function):
        assert re.search(rf"^  \*{{0,2}}{parameter.name}: \S", arguments, re.M), parameter.name
    described = re.findall(r"^  \*{0,2}(\w+): ", arguments, re.M)
    assert described == [parameter.name for parameter in parameters(function)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_is_typed(name):
    function = FUNCTIONS[name]
    for parameter in parameters(function):
        assert parameter.annotation is not inspect.Parameter.empty, parameter.name
    assert inspect.signature(function).return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() & EXPLAINED))
def test_results_are_documented(name):
    function = FUNCTIONS[name]
    if inspect.signature(function).return_annotation in (None, "None"):
        assert not section(function, "Returns")
    elif "." not in name.split(".", 1)[1]:
        assert section(function, "Returns")


# What chapters use without naming it, and through what.
THROUGH = {
    "synthetic.movies": "recutils.load_movies",
    "movielens.load": "recutils.load_movies",
    "truth.Truth": ".truth",
    "baselines.Biases": "baselines.ridge_biases",
}


def names_in(source):
    """What a cell names: `recutils.x`, `module.x`, `.x`, and x if imported or a class of its own.

    A class may be derived in the cell; a function of the same name may be another one.
    """
    found = set()
    code = "\n".join(
        line for line in source.split("\n") if not line.lstrip().startswith(("%", "!"))
    )
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            found |= {ast.unparse(node), f".{node.attr}"}
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("recutils."):
            found |= {alias.name for alias in node.names}
    return found


CHAPTERS = {
    path.relative_to(BOOK).with_suffix("").as_posix(): set().union(
        *(
            names_in(cell.source)
            for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code"
        )
    )
    for path in sorted(BOOK.glob("*/*.ipynb"))
}


def users(name):
    """The chapters that use a public name."""
    short = name.split(".", 1)[1]
    forms = {name, short, f"recutils.{name}", THROUGH.get(name, name)}
    if getattr(recutils, short, None) is NAMES[name]:
        forms.add(f"recutils.{short}")
    return [chapter for chapter, names in CHAPTERS.items() if forms & names]


SEES = {
    name: chapter
    for name, value in NAMES.items()
    for chapter in re.findall(r"^\s*See: the chapter ([\w/]+)", value.__doc__ or "", re.M)
}


@pytest.mark.parametrize("name", SEES)
def test_the_chapter_to_see_uses_the_name(name):
    assert SEES[name] in CHAPTERS
    if not users(name):
        pytest.skip(f"no chapter uses recutils.{name}")
    assert SEES[name] in users(name)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("top = evaluation.top_k(q, c, 5)", {"evaluation.top_k", ".top_k"}),
        ("from recutils.models import TwoTowers", {"TwoTowers"}),
        ("from sklearn.metrics import ndcg", set()),
        ("%time top_k = 5\nclass TwoTowers: ...", {"TwoTowers"}),
        ("def top_k(): ...\ntop_k()", set()),
    ],
)
def test_what_a_cell_names(source, names):
    assert names_in(source) == names
