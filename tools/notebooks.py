"""Runs chapters from the top and stores their outputs in one normal form.

    python tools/notebooks.py execute [NOTEBOOK …]          run, and store
    python tools/notebooks.py execute --check [NOTEBOOK …]  only say which are not in normal form
    python tools/notebooks.py tidy [NOTEBOOK …]             bring into normal form without running

Without a notebook: all of book/. In the normal form, outputs are those of one run from the top
(counts 1, 2, 3 …) without stderr, stdout is one piece where nothing stands between, a declared
error shows the reader's lines and not the libraries', and of all metadata only tags and figure
options are left. Cells keep their ids. So a diff shows what changed in the chapter.
"""

import argparse
import copy
import datetime
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbcheck
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

BOOK = Path(__file__).resolve().parent.parent / "book"
REPORTS = BOOK.parent / "reports"
# When each notebook last ran from the top, and how long it took; a file a notebook.
RUNS = REPORTS / "runs"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What a page needs of a cell's metadata; editors and kernels write more.
KEPT = ("tags", "mystnb")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def find(paths: Sequence[Path] = ()) -> list[Path]:
    """The notebooks of the book, or those that were named.

    Raises:
      FileNotFoundError: a named one isn't there.
    """
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"no notebook {path}")
    return list(paths) or sorted(
        path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
    )


def name_of(path: Path) -> str:
    """A chapter's name: its path below book/ (or just its own, elsewhere) without .ipynb."""
    path = path.resolve()
    inside = path.relative_to(BOOK) if path.is_relative_to(BOOK) else Path(path.name)
    return inside.with_suffix("").as_posix()


def run(
    notebook: NotebookNode,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    timeout: float = 2000,
    allow_errors: bool = False,
) -> NotebookNode:
    """Runs a notebook from the top, and gives back a copy with the outputs of this run.

    Args:
      notebook: what to run; it stays as it is.
      folder: working directory of the kernel.
      environment: all environment variables of the kernel; the chapters' own if None.
      timeout: seconds that one cell may take.
      allow_errors: go on after an error that no tag declares; it then stands in the outputs.

    Raises:
      CellExecutionError: a cell raised an error that no tag declares.
      CellTimeoutError: a cell took too long.
      DeadKernelError: the kernel died.
    """
    notebook = copy.deepcopy(notebook)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=timeout,
        allow_errors=allow_errors,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(
        env=dict(nbcheck.kernel_environment() if environment is None else environment),
        stdout=subprocess.DEVNULL,  # the kernel's own; what cells print goes into the notebook
        stderr=subprocess.DEVNULL,
    )
    return notebook


def normal_form(notebook: NotebookNode) -> NotebookNode:
    """Brings a notebook into the normal form; the argument stays as it is."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: set[str] = set()
    for cell in notebook.cells:
        cell.metadata = NotebookNode({k: cell.metadata[k] for k in KEPT if cell.metadata.get(k)})
        if not cell.get("id") or cell.id in seen:
            cell.id = _new_id(cell.source, seen)
        seen.add(cell.id)
        if cell.cell_type == "code":
            cell.outputs = _normal_outputs(cell.outputs, cell.execution_count)
    return notebook


def _new_id(source: str, seen: set[str]) -> str:
    """An id that depends on nothing but the text, and on which ids are taken."""
    repeat = 0
    while (new := hashlib.sha256(f"{repeat}{source}".encode()).hexdigest()[:8]) in seen:
        repeat += 1
    return new


def _normal_outputs(outputs: Sequence[NotebookNode], count: int | None) -> list[NotebookNode]:
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stderr":
                continue
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
                continue
        elif output.output_type == "error":
            output.traceback = _readers_lines(output.traceback)
        else:
            output.metadata = NotebookNode()
            if output.output_type == "execute_result":
                output.execution_count = count
        kept.append(output)
    return kept


def _readers_lines(traceback: Sequence[str]) -> list[str]:
    """A traceback without the frames in files: they name folders of one machine."""
    return [entry for entry in traceback if not ANSI.sub("", entry).startswith("File ")]


def fingerprint(notebook: NotebookNode) -> str:
    """A hash of what a notebook computes and prints: code, tags and outputs.

    Neither prose is in it nor tolerances, which change what a check says and not what a run does.
    """
    content = [
        [
            cell.source,
            [tag for tag in cell.metadata.get("tags", []) if not tag.startswith(nbcheck.WIDENING)],
            [(p.kind, p.text) for p in parts],
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for parts in [nbcheck.parts(cell.outputs)]
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def undeclared_errors(notebook: NotebookNode) -> list[str]:
    """Errors among the outputs that no tag declares, as "cell id: name: message"."""
    return [
        f"cell {cell.id}: {output.ename}: {output.evalue}"
        for cell in notebook.cells
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if output.output_type == "error"
    ]


def write(notebook: NotebookNode, path: Path) -> None:
    """Writes a notebook, all of it or nothing."""
    write_text(nbformat.writes(notebook) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Writes a file, all of it or nothing: what was there stays until the new text is complete."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Writes a report as JSON, all of it or nothing, into a folder that need not be there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", path)


def today() -> str:
    """The date in UTC, as reports have it: "2026-11-24"."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def machine() -> str:
    """What a report says of the machine: no name, only of what kind it is."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def stored_problems(notebook: NotebookNode) -> list[str]:
    """What would fail the check before any comparison: cells not run, errors not declared."""
    problems: list[str] = []
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source.strip():
            count += 1
            problem = nbcheck.stored_problem(cell, count)
            problems += [f"code cell {count}: {problem}"] if problem else []
    return problems


def run_record(name: str, folder: Path = RUNS) -> Path:
    """Where the time of a notebook's last run is kept."""
    return folder / f"{name.replace('/', '-')}.json"


def record_run(path: Path, notebook: NotebookNode, start: os.times_result) -> None:
    """Keeps when a notebook of the book ran, and how long it took; of others nothing is kept.

    Args:
      path: of the notebook.
      notebook: with the outputs of this run, to which the times belong.
      start: `os.times()` before the run.
    """
    if not path.resolve().is_relative_to(BOOK):
        return
    end = os.times()
    cpu = sum(getattr(end, f) - getattr(start, f) for f in ("children_user", "children_system"))
    record = {
        "date": today(),
        "seconds": round(end.elapsed - start.elapsed, 1),
        "cpu_seconds": round(cpu, 1),
        "machine": machine(),
        "fingerprint": fingerprint(notebook),
    }
    write_report(record, run_record(name_of(path)))


def execute(path: Path) -> list[str]:
    """Runs one notebook and stores its outputs, unless something is wrong.

    Returns:
      What is wrong; nothing is written then.
    """
    stored = nbformat.read(path, as_version=4)
    for cell in stored.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    start = os.times()
    try:
        notebook = normal_form(run(stored, path.parent))
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return [ANSI.sub("", str(error))]
    problems = stored_problems(notebook)
    if not problems:
        write(notebook, path)
        record_run(path, notebook, start)
    return problems


def check(path: Path) -> list[str]:
    """Says what keeps a notebook from the normal form."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    problems = stored_problems(notebook)
    if nbformat.writes(normal_form(notebook)) + "\n" != text:
        problems.append("outputs or metadata are not in normal form: `make execute` or `tidy`")
    return problems


def tidy(path: Path) -> list[str]:
    """Brings a notebook into normal form; its outputs stay as old as they are."""
    write(normal_form(nbformat.read(path, as_version=4)), path)
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if something is wrong with any notebook."""
    parser = argparse.ArgumentParser(description="Run chapters, store outputs in normal form.")
    parser.add_argument("command", choices=["execute", "tidy"])
    parser.add_argument("--check", action="store_true", help="only say what isn't in normal form")
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_intermixed_args(arguments)
    step: Any = check if options.check else {"execute": execute, "tidy": tidy}[options.command]
    if os.environ.get("RECUTILS_DATA") and step is execute:
        print("RECUTILS_DATA is left out: stored outputs are those of the synthetic films")
    failed = 0
    for path in find(options.notebooks):
        start = time.perf_counter()
        problems = step(path)
        failed += bool(problems)
        took = f"{time.perf_counter() - start:6.1f} s  " if step is execute else ""
        print(f"{took}{'FAILED ' if problems else 'ok     '}{path}", flush=True)
        for problem in problems:
            print("    " + problem.strip().replace("\n", "\n    "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
