"""Imports in tools lead downwards only, the site's build needs no pytest, and files stay short."""

import ast
import subprocess
import sys

import pytest

from tools.reports import ROOT

LAYERS = [
    {"reports", "compare", "claims", "mistakes"},
    {"chapter"},
    {"kernels"},
    {
        "notebooks",
        "toc",
        "replicate",
        "perturb",
        "mutants",
        "upstream",
        "search",
        "fourfold",
        "intervals",
        "setup",
        "obd",
    },
    {"nbcheck", "site"},
    {"pdf"},
]
MODULES = {
    path.relative_to(ROOT / "tools").with_suffix("").as_posix(): path
    for path in (ROOT / "tools").rglob("*.py")
    if path.name != "__init__.py"
}


def layer(module: str) -> int:
    (found,) = [n for n, names in enumerate(LAYERS) if module.split("/", maxsplit=1)[0] in names]
    return found


def imported(source: str) -> set[str]:
    """Modules of tools that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "tools":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tools."):
            found.add((node.module or "").split(".")[1])
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_lower_layers(module):
    own = layer(module)
    for name in imported(MODULES[module].read_text(encoding="utf-8")):
        assert layer(name) < own or (name, module.split("/")[0]) == ("site", "site"), name


def test_setup_needs_nothing_but_python():
    nothing = "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p]"
    program = f"{nothing}; import tools.setup"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_site_needs_no_pytest():
    program = "import sys, tools.site.bookpages; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


@pytest.mark.parametrize("room", ["recutils", "tools", "tests", "benchmarks", "book"])
def test_no_file_has_more_than_400_lines(room):
    long = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / room).rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    assert not long
