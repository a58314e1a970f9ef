"""The numeric check of the notebooks: `pytest --nbval`, with numbers compared as numbers.

nbval runs every notebook and compares what it prints, letter by letter, with what is stored. This
plugin (switched on by conftest.py) compares by the rules of tools/compare.py instead.

Tags of a cell: `atol-0.02` and `rtol-0.05` give its decimals more room, `nbval-ignore-output`
compares nothing (timings), `raises-exception` declares an error, which must occur.
`needs-scann` compares nothing where ScaNN has no wheels (macOS, Windows) and is not installed.
Other ways of leaving a cell out are refused: `nbval-skip`, since a cell that doesn't run is a hole
in the chapter, `nbval-raises-exception`, since `jupyter execute` stops there, and nbval's comments
in the source.

A cell that never ran, or ran out of order, fails: nbval would let it pass.
"""

import os
import sys
import warnings
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from tools import kernels, reports
from tools.chapter import Chapter, stored_problem, tags
from tools.compare import Tolerance, compare_outputs, indent
from tools.notebooks import run_record

MAX_REPORTED = 8
# About how many seconds a file with tests marked slow takes.
SLOW = 120


class NumericFile(IPyNbFile):
    """A notebook, run in the Python that runs pytest and in the chapters' environment."""

    def setup(self) -> None:
        """Starts the kernel."""
        if not self.config.option.nbval_kernel_name:
            self.config.option.nbval_current_env = True
        with mock.patch.dict(os.environ, kernels.environment(), clear=True):
            super().setup()
        # `recutils.records` finds the code that has run in the history, which nbval doesn't keep.
        execute = self.kernel.kc.execute
        self.kernel.kc.execute = lambda *arguments, **options: execute(
            *arguments, **(options | {"store_history": True})
        )

    def collect(self) -> Iterator["NumericCell"]:
        """Makes a test of each code cell."""
        count = 0
        for found in super().collect():
            count += bool(found.cell.source.strip())
            yield NumericCell.from_parent(
                self,
                name=found.name,
                cell_num=found.cell_num,
                cell=found.cell,
                options=found.options,
                expected_count=count,
            )


class NumericCell(IPyNbCell):
    """A code cell, whose numbers are compared as numbers."""

    def __init__(self, *, expected_count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_timeout = 60  # seconds; a busy machine may need more than nbval's 5
        written = bool(self.cell.source.strip())
        self.stored_problem = stored_problem(self.cell, expected_count) if written else ""

    def runtest(self) -> None:
        """Runs the cell, and compares."""
        if "needs-scann" in tags(self.cell) and kernels.scann_is_impossible():
            self.options["check"] = False
            text = f"ScaNN has no wheels for {sys.platform}: the outputs were not compared"
            warnings.warn(text, stacklevel=1)
        if not self.stored_problem:
            super().runtest()
            return
        # It runs anyway, because later cells need it. What it prints doesn't matter.
        self.options.update(skip=False, check=False, check_exception=True)
        self.cell.outputs = []
        super().runtest()
        self.raise_cell_error(self.stored_problem)

    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        """Called by nbval: `test` is the new output, `ref` the stored one."""
        problems = compare_outputs(ref, test, Tolerance.from_tags(tags(self.cell))).problems
        self.comparison_traceback = problems[:MAX_REPORTED]
        if len(problems) > MAX_REPORTED:
            self.comparison_traceback.append(f"and {len(problems) - MAX_REPORTED} more")
        return not problems

    def repr_failure(self, excinfo: Any) -> str:
        """Says which cell, what is wrong, and shows the source."""
        error = excinfo.value
        if not isinstance(error, NbCellError):
            return str(super().repr_failure(excinfo))
        path = os.path.relpath(self.path, self.config.invocation_params.dir)
        counted = self.cell.execution_count
        where = f"{path}, Cell {self.cell_num} (In [{'' if counted is None else counted}])"
        message = {"Cell outputs differ": "what it prints is not what is stored"}
        reason = message.get(str(error), str(error))
        detail = f"\n{indent(error.inner_traceback.strip())}" if error.inner_traceback else ""
        return f"{where}: {reason}{detail}\n\n  The cell:\n{indent(error.source)}\n"


def pytest_configure(config: pytest.Config) -> None:
    """Gives each file one thread if files run in parallel (pytest-xdist).

    More would compete for the same cores. No number depends on it: `make perturb` tries both.
    """
    if hasattr(config, "workerinput"):
        os.environ.update(kernels.threads(1))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Starts with the longest files if they run in parallel, so that none is left for the end.

    A notebook takes about as long as `make execute` took; of other files, those with slow tests
    come first.
    """
    if not hasattr(config, "workerinput"):
        return
    seconds: dict[Path, float] = defaultdict(float)
    for item in items:
        if item.get_closest_marker("slow"):
            seconds[item.path] = SLOW
    for notebook in {item.path for item in items if isinstance(item, NumericCell)}:
        record = reports.read(run_record(Chapter.read(notebook).name), seconds=0)
        seconds[notebook] = record["seconds"]
    items.sort(key=lambda item: -seconds[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Lets nbval choose the notebooks, and compares them our way."""
    collectors = yield
    return [
        NumericFile.from_parent(parent, path=file_path) if isinstance(c, IPyNbFile) else c
        for c in collectors
    ]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Says which variable the kernels don't get."""
    if config.option.nbval and os.environ.get("RECUTILS_DATA"):
        return ["nbcheck: RECUTILS_DATA is left out; notebooks are checked on the synthetic films"]
    return []
