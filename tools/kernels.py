"""How chapters run: their environment, and a run from the top.

It isn't in `recutils`, because no chapter calls it; and it is a library of its own, because the
commands and the pytest plugin all run chapters in the same way.
"""

import copy
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools.chapter import Chapter

# How a run ends if it doesn't reach the last cell.
Broken = (CellTimeoutError, DeadKernelError)
Failed = (CellExecutionError, *Broken)


def without_colours(text: str) -> str:
    """A traceback as plain text, without the codes that colour it in a terminal."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def environment() -> dict[str, str]:
    """The environment in which chapters run, in tests and when `make execute` stores their outputs.

    It is the caller's, except for what would change a chapter's numbers or hide a mistake in it:
    no GPU, the synthetic films, no colours, and no traces of pytest or of an earlier import of
    recutils.
    """
    left_out = {
        "RECUTILS_DATA",  # other films, other numbers
        "TF_USE_LEGACY_KERAS",  # `import recutils` has to set it, in every notebook
        "MPLBACKEND",  # figures go into the notebook
        "PYTEST_CURRENT_TEST",  # ipykernel then doesn't capture what C++ code prints
    }
    kept = {key: value for key, value in os.environ.items() if key not in left_out}
    # Since Python 3.13 programs that a chapter runs have coloured tracebacks.
    plain = {"PYTHON_COLORS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return kept | plain | {"CUDA_VISIBLE_DEVICES": "-1"}


def threads(count: int) -> dict[str, str]:
    """The variables that limit a process to this many threads."""
    names = (
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    )
    return dict.fromkeys(names, str(count))


def scann_is_impossible() -> bool:
    """Whether ScaNN is missing on a platform for which there are no wheels of it."""
    return sys.platform != "linux" and importlib.util.find_spec("scann") is None


def run(
    chapter: Chapter,
    changed: Mapping[str, str] | None = None,
    folder: Path | None = None,
    allow_errors: bool = False,
    timeout: float = 2000,
) -> Chapter:
    """Runs a chapter from the top, and returns a copy with the outputs of this run.

    Args:
      chapter: what to run; it stays as it is.
      changed: environment variables of the kernel besides the chapters' own.
      folder: working directory of the kernel; the chapter's own if None.
      allow_errors: continue after an error that no tag declares; it is then among the outputs.
      timeout: seconds that one cell may take.

    Raises:
      CellExecutionError: a cell raised an error that no tag declares.
      CellTimeoutError: a cell took too long.
      DeadKernelError: the kernel died.
    """
    document = copy.deepcopy(chapter.document)
    client = NotebookClient(
        document,
        kernel_name="python3",
        timeout=timeout,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder or chapter.path.parent)}},
    )
    client.execute(
        env=environment() | dict(changed or {}),
        stdout=subprocess.DEVNULL,  # the kernel's own; what cells print goes into the notebook
        stderr=subprocess.DEVNULL,
    )
    return replace(chapter, document=document)
