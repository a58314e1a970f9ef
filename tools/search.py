"""Searches and long trials of the chapters: computes what is not on record yet, and stores it.

    python tools/search.py [NOTEBOOK …] [--data FOLDER] [--check]

runs, of each chapter that reads a record, the cells up to the last one that does, and stores each
draw and each trial as soon as it is there: it can be stopped at any time and resumes where it left
off. A chapter whose records are whole and fresh is not run. With --check, one draw or trial of each
record is run again, and must agree.
"""

from recutils import experiments, records

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbcheck
import nbformat
import notebooks
from nbclient.exceptions import CellExecutionError, DeadKernelError

KINDS = {"search": "search", "recorded": "trials"}
PARTS = {"search": "draws", "trials": "trials"}


def codes(path: Path) -> list[str]:
    """The code cells of a notebook.

    Args:
      path: of the notebook.

    Returns:
      Their text, in order.
    """
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def fresh_record(
    cells: Sequence[str], function: str, call: records.Call, real: bool = False
) -> dict[str, Any] | None:
    """The record of a call, if it is whole and belongs to the code and the data as they are.

    Args:
      cells: code of the notebook's cells.
      function: "search" or "recorded".
      call: from `recutils.records.calls_in`.
      real: whether the data are those in RECUTILS_DATA.

    Returns:
      The record, or None.
    """
    kind = KINDS[function]
    for record in records.all_of(kind, call.name):
        if record["data"].startswith("real") != real:
            continue
        trials = experiments.trials(split=record["split"], **record["world"])
        key = records.key(cells[: call.cell + 1], function, call.name, trials)
        same_data = record["data"] == records.data_label(trials)
        if same_data and record["key"] == key and len(record[PARTS[kind]]) >= call.parts:
            return record
    return None


def stale_records(cells: Sequence[str], real: bool = False) -> list[str]:
    """Names of a notebook's records that are missing, out of date or cut short.

    Args:
      cells: code of the notebook's cells.
      real: whether to look for records of the ratings in RECUTILS_DATA.

    Returns:
      "search logQ" or "trials main", in the order of the calls.
    """
    return [
        f"{kind} {call.name}"
        for function, kind in KINDS.items()
        for call in records.calls_in(cells, function)
        if fresh_record(cells, function, call, real) is None
    ]


def run(path: Path, mode: str, data: Path | None = None) -> list[str]:
    """Runs a notebook up to the last cell that reads a record.

    Args:
      path: of the notebook.
      mode: "make" or "check", for RECUTILS_RECORD.
      data: folder of real ratings.

    Returns:
      What cells said about their records.

    Raises:
      CellExecutionError: a cell raised an error; a record didn't agree, say.
      DeadKernelError: the kernel died.
    """
    document = nbformat.read(path, as_version=4)
    cells = codes(path)
    last = max(call.cell for function in KINDS for call in records.calls_in(cells, function))
    numbers = [i for i, cell in enumerate(document.cells) if cell.cell_type == "code"]
    document.cells = document.cells[: numbers[last] + 1]
    environment = nbcheck.kernel_environment() | {"RECUTILS_RECORD": mode}
    if data is not None:
        environment["RECUTILS_DATA"] = str(data)
    ran = notebooks.run(document, path.parent, environment, timeout=10 * 3_600)
    said = [
        output.text
        for cell in ran.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr"
    ]
    return re.findall(r"^.*, run again, .*$", "".join(said), re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a chapter fails, or with --check a record is stale."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all chapters")
    parser.add_argument("--data", type=Path, help="folder of real ratings")
    parser.add_argument("--check", action="store_true", help="run one part of each record again")
    options = parser.parse_intermixed_args(arguments)
    os.environ.pop("RECUTILS_DATA", None)
    data = options.data and options.data.expanduser().resolve()
    if data:
        os.environ["RECUTILS_DATA"] = str(data)
    failed = 0
    for path in notebooks.find(options.notebooks):
        cells = codes(path)
        if not any(records.calls_in(cells, function) for function in KINDS):
            continue
        name = notebooks.name_of(path)
        stale = stale_records(cells, real=bool(data))
        if options.check and stale:
            print(f"{name}: first run `make search` for {', '.join(stale)}")
            failed += 1
        elif options.check or stale:
            print(f"{name}: {', '.join(stale) or 'one part of each record again'}", flush=True)
            try:
                for line in run(path, "check" if options.check else "make", data):
                    print(f"  {line}")
            except (CellExecutionError, DeadKernelError) as error:
                print(notebooks.ANSI.sub("", str(error)))
                failed += 1
        else:
            print(f"{name}: nothing to do")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
