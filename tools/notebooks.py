"""Runs chapters from the top and stores their outputs in one normal form.

    python -m tools.notebooks execute [NOTEBOOK …]  run, and store
    python -m tools.notebooks tidy [NOTEBOOK …]     bring into normal form without running

Without a notebook: all of book/. In the normal form, outputs are those of one run from the top
(counts 1, 2, 3 …) without stderr, consecutive pieces of stdout are joined, a declared error shows
the reader's lines and not the libraries', and tags and figure options are the only metadata. Cells
keep their ids. So a diff shows what changed in the chapter.
"""

import argparse
import copy
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools import kernels, reports
from tools.chapter import Chapter, chapters

# When each notebook last ran from the top, and how long it took; one file per notebook.
RUNS = reports.REPORTS / "runs"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# What a page needs of a cell's metadata; editors and kernels write more.
KEPT = ("tags", "mystnb")


def normal_form(notebook: NotebookNode) -> NotebookNode:
    """The notebook in its normal form; the argument doesn't change."""
    notebook = nbformat.v4.upgrade(copy.deepcopy(notebook))  # cells of older ones get an id
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode({k: cell.metadata[k] for k in KEPT if cell.metadata.get(k)})
        if cell.cell_type == "code":
            cell.outputs = _normal_outputs(cell.outputs, cell.execution_count)
    return notebook


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
    return [entry for entry in traceback if not kernels.without_colours(entry).startswith("File ")]


def write(chapter: Chapter) -> None:
    """Writes a notebook, all or nothing."""
    reports.write_text(nbformat.writes(chapter.document) + "\n", chapter.path)


def run_record(name: str) -> Path:
    """The file with the time of a notebook's last run."""
    return RUNS / f"{name.replace('/', '-')}.json"


def record_run(chapter: Chapter, start: os.times_result) -> None:
    """Records when a notebook of the book ran and how long it took; others leave no record.

    Args:
      chapter: with the outputs of this run, to which the times belong.
      start: `os.times()` before the run.
    """
    if not chapter.path.resolve().is_relative_to(reports.BOOK):
        return
    end = os.times()
    cpu = sum(getattr(end, f) - getattr(start, f) for f in ("children_user", "children_system"))
    record = {
        "date": reports.today(),
        "seconds": round(end.elapsed - start.elapsed, 1),
        "cpu_seconds": round(cpu, 1),
        "machine": reports.machine(),
        "fingerprint": chapter.fingerprint,
    }
    reports.write(record, run_record(chapter.name))


def execute(chapter: Chapter) -> list[str]:
    """Runs one notebook and stores its outputs, unless something is wrong.

    Returns:
      What is wrong; nothing is written then.
    """
    empty = copy.deepcopy(chapter.document)
    for cell in empty.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    start = os.times()
    try:
        ran = kernels.run(replace(chapter, document=empty))
    except kernels.Failed as error:
        return [kernels.without_colours(str(error))]
    ran = replace(ran, document=normal_form(ran.document))
    if not ran.problems:
        write(ran)
        record_run(ran, start)
    return ran.problems


def check(chapter: Chapter) -> list[str]:
    """Says what is not in normal form; tests ask it of every notebook."""
    normal = nbformat.writes(normal_form(chapter.document)) + "\n"
    if normal == chapter.path.read_text(encoding="utf-8"):
        return chapter.problems
    wrong = "outputs or metadata are not in normal form: `make execute` or `tidy`"
    return [*chapter.problems, wrong]


def tidy(chapter: Chapter) -> list[str]:
    """Brings a notebook into normal form without running it."""
    write(replace(chapter, document=normal_form(chapter.document)))
    return []


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if something is wrong with any notebook."""
    parser = argparse.ArgumentParser(description="Run chapters, store outputs in normal form.")
    parser.add_argument("command", choices=["execute", "tidy"])
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    options = parser.parse_intermixed_args(arguments)
    step = {"execute": execute, "tidy": tidy}[options.command]
    if os.environ.get("RECUTILS_DATA") and step is execute:
        print("RECUTILS_DATA is left out: stored outputs are those of the synthetic films")
    failed = 0
    for chapter in chapters(options.notebooks):
        start = time.perf_counter()
        problems = step(chapter)
        failed += bool(problems)
        took = f"{time.perf_counter() - start:6.1f} s  " if step is execute else ""
        print(f"{took}{'FAILED ' if problems else 'ok     '}{chapter.path}", flush=True)
        for problem in problems:
            print("    " + problem.strip().replace("\n", "\n    "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
