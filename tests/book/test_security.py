"""Nothing that a reader runs loads from the network or from a pickle, or runs what it has loaded.

Each code cell and each script is parsed, together with the programs in their strings,
and searched for what could do so. What is there for a good reason is named below, with the reason.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.chapter import Chapter

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("book", "recutils", "tools", "benchmarks")

NETWORK = [
    "aiohttp",
    "boto3",
    "fsspec",
    "ftplib",
    "gdown",
    "google.cloud",
    "http",
    "httpx",
    "huggingface_hub",
    "kagglehub",
    "pooch",
    "pymilvus",
    "requests",
    "s3fs",
    "smtplib",
    "socket",
    "tensorflow_datasets",
    "tensorflow_hub",
    "urllib",
    "urllib3",
    "webbrowser",
    "wget",
]
# Ray is among them, since its processes exchange objects as pickles.
PICKLES = ["cloudpickle", "dill", "joblib", "marshal", "pickle", "ray", "shelve"]
NETWORK_CALLS = ["get_file", "urlopen", "urlretrieve", "create_connection", "fetch_openml"]
PICKLE_CALLS = [
    "read_pickle",
    "to_pickle",
    "enable_unsafe_deserialization",
    "unsafe_load",
    "full_load",
]
PROGRAM_CALLS = ["system", "popen", "execv", "run_cell", "run_line_magic"]
# file -> what it does -> the reason why it may.
ALLOWED: dict[str, dict[str, str]] = {
    "basics/testing.ipynb": {
        "runs text": "a function of the chapter itself with one change, to see whether tests see it"
    },
    "beyond/scaling_out.ipynb": {
        "network": "workers talk to each other, on this machine; a cluster if MILVUS_URI names one",
        "address": "of the dispatcher that it has started",
        "other programs": "its own workers",
        "import by name": "its own worker, and pymilvus, which isn't installed everywhere",
    },
    "beyond/train_worker.py": {"network": "asks whether this machine's own port is free"},
    "reference/more_pitfalls.ipynb": {
        "other programs": "a fresh Python, with the lines of the cell",
        "import by name": "the two packages that the cell names",
    },
    "serving/export.ipynb": {
        "other programs": "a fresh Python as the client that loads what was saved"
    },
    "serving/load_generator.py": {
        "network": "asks the service, at the address that it is given",
        "address": "how one begins, to tell whether one was given",
    },
    "serving/load_service.py": {
        "network": "looks for a free port of this machine",
        "address": "of itself, on this machine",
        "pickle": "Ray's, between processes that Ray has started; none is read from a file",
        "a model from elsewhere": "the export that whoever starts the service names",
    },
    "serving/under_load.ipynb": {"import by name": "the two files beside it"},
    "tools/kernels.py": {"other programs": "a kernel for each notebook"},
    "tools/mutants.py": {"other programs": "the tests, on changed copies"},
    "tools/perturb.py": {"other programs": "Python loops as load for the machine"},
    "tools/reports.py": {"other programs": "none: platform.system() is a name of the machine's"},
    "tools/setup.py": {"other programs": "pip and, on Debian, apt-get: it installs what is pinned"},
    "tools/site/bookpages.py": {"address": "of a clone; it is written, not followed"},
    "tools/site/contents.py": {"other programs": "git, for the dates of the pages"},
    "tools/site/docstrings.py": {"address": "links of the site; they are written, not followed"},
    "tools/upstream.py": {"other programs": "the libraries' own tests, in a checkout"},
    "benchmarks/ann.py": {
        "other programs": "itself, once a part, so that they don't disturb each other"
    },
    "benchmarks/parts.py": {"import by name": "one of the libraries that its table names"},
    "benchmarks/quiet.py": {"other programs": "itself, the fixed loop, once a core"},
}


def name_of(node: ast.AST) -> str:
    """The dotted name of a function, or as much of it as is a name."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def of_module(module: str) -> Iterator[str]:
    parts = module.split(".")
    heads = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    if heads & set(NETWORK) and "urllib.parse" not in heads:
        yield "network"
    if heads & set(PICKLES):
        yield "pickle"
    if heads & {"subprocess", "pty", "pexpect"}:
        yield "other programs"


def is_(node: ast.AST, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def of_call(call: ast.Call) -> Iterator[str]:
    name = name_of(call.func)
    last = name.rpartition(".")[2]
    if name in ("eval", "exec", "compile"):
        yield "runs text"
    if last in NETWORK_CALLS:
        yield "network"
    if last in PICKLE_CALLS or name == "yaml.load":
        yield "pickle"
    if last in PROGRAM_CALLS:
        yield "other programs"
    if last in ("import_module", "__import__"):
        first = call.args[0] if call.args else None
        yield "import by name"
        if isinstance(first, ast.Constant):
            yield from of_module(str(first.value))
    for keyword in call.keywords:
        if keyword.arg == "allow_pickle" and not is_(keyword.value, False):
            yield "pickle"
        if keyword.arg == "safe_mode" and not is_(keyword.value, True):
            yield "pickle"
        if keyword.arg == "shell" and not is_(keyword.value, False):
            yield "other programs"


def docstrings(tree: ast.AST) -> set[int]:
    """Ids of the constants that are nothing but text between the code."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def inner_program(text: str) -> ast.AST | None:
    """A program in a string."""
    if "\n" not in text:
        return None
    try:
        return ast.parse(text)
    except SyntaxError:
        return None


def findings(tree: ast.AST) -> Iterator[str]:
    """What a program does that could bring in something foreign."""
    texts = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from of_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield from of_module(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Call):
            yield from of_call(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if (
                re.search(r"\b(https?|ftp|gs|s3|hdfs|grpc)://", node.value)
                and id(node) not in texts
            ):
                yield "address"
            inner = inner_program(node.value)
            if inner and id(node) not in texts:
                yield from findings(inner)


def sources(path: Path) -> list[str]:
    """The Python in a file: all of it, or each cell of a notebook."""
    if path.suffix == ".py":
        return [path.read_text(encoding="utf-8")]
    return [cell.source for cell in Chapter.read(path).codes]


def foreign(codes: list[str]) -> set[str]:
    """What the sources of one file do; a line that isn't Python (`!pip`, `%run`) counts, too."""
    found, loads, saves = set(), False, False
    for code in codes:
        try:
            found.update(findings(ast.parse(code)))
        except SyntaxError:
            found.add("not Python")
        loads |= bool(re.search(r"saved_model\.load\(|load_model\(|load_weights\(", code))
        saves |= bool(re.search(r"saved_model\.save\(|\.save\(|\bship\(", code))
    return found | ({"a model from elsewhere"} if loads and not saves else set())


FILES = {
    path.relative_to(ROOT / "book" if path.is_relative_to(ROOT / "book") else ROOT).as_posix(): path
    for folder in FOLDERS
    for suffix in ("py", "ipynb")
    for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
    if ".ipynb_checkpoints" not in path.parts
} | {"conftest.py": ROOT / "conftest.py"}


@pytest.mark.parametrize("name", FILES)
def test_nothing_foreign_is_loaded_or_run(name):
    found, allowed = foreign(sources(FILES[name])), ALLOWED.get(name, {})
    assert found <= allowed.keys(), f"{name}: give the reason in ALLOWED, or do without"
    assert found >= allowed.keys(), f"{name}: not needed any more in ALLOWED"


def test_allowed_files_are_there():
    assert ALLOWED.keys() <= FILES.keys()


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import requests", "network"),
        ("import urllib.request as web", "network"),
        ("from urllib import request", "network"),
        ("from http.client import HTTPSConnection", "network"),
        ("import tensorflow_datasets as tfds", "network"),
        ("import_module('socket')", "network"),
        ("tf.keras.utils.get_file('ratings.csv', address)", "network"),
        ("pd.read_csv('https://example.org/ratings.csv')", "address"),
        ("tf.data.TextLineDataset(f'gs://{bucket}/ratings')", "address"),
        ("import pickle", "pickle"),
        ("from joblib import load", "pickle"),
        ("pd.read_pickle(path)", "pickle"),
        ("np.load(path, allow_pickle=True)", "pickle"),
        ("np.load(path, allow_pickle=trust)", "pickle"),
        ("tf.keras.models.load_model(path, safe_mode=False)\nmodel.save(path)", "pickle"),
        ("yaml.load(text)", "pickle"),
        ("eval(line)", "runs text"),
        ("exec(line)", "runs text"),
        ("import subprocess", "other programs"),
        ("os.system('ls')", "other programs"),
        ("run('ls', shell=True)", "other programs"),
        ("__import__(package)", "import by name"),
        ("%pip install something", "not Python"),
        ("!wget something", "not Python"),
        ("tf.saved_model.load(path)", "a model from elsewhere"),
        ('program = """\nimport requests\nrequests.get(address)\n"""', "network"),
        ('run("""\nfor line in lines:\n    eval(line)\n""")', "runs text"),
    ],
)
def test_what_is_seen(code, what):
    assert what in foreign([code])


@pytest.mark.parametrize(
    "code",
    [
        '"""See https://example.org."""',
        "from urllib.parse import quote",
        "np.load(path)",
        "np.load(path, allow_pickle=False)",
        "yaml.safe_load(text)",
        "re.compile('a')",
        "model.compile('adam')",
        "model.save(path)\nloaded = tf.keras.models.load_model(path)",
        "ast.literal_eval(text)",
        "from . import _words",
    ],
)
def test_what_is_harmless(code):
    assert foreign([code]) == set()
