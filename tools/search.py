"""Runs the searches and long trials of the chapters that are not on record yet.

    python -m tools.search [NOTEBOOK …] [--data FOLDER] [--check [--stale]]

runs, in each chapter that reads a record, the cells up to the last one that does, and stores each
draw and each trial as soon as it is done: it can be stopped at any time and resumes where it left
off. A chapter whose records are complete and up to date is not run. With --check, one draw or trial
of each record is run again, and must agree; a record that is out of date is no evidence, and fails.
With --stale, too, it counts like the others: that shows whether a change in the code matters.
"""

from recutils import experiments, records, sources

import argparse
import copy
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools import kernels
from tools.chapter import Chapter, chapters

KINDS = {"search": "search", "recorded": "trials"}
PARTS = {"search": "draws", "trials": "trials"}


def records_of(function: str, call: sources.Call, real: bool = False) -> list[dict[str, Any]]:
    """The records of a call's name, on synthetic films or real ratings, up to date or not."""
    found = records.all_of(KINDS[function], call.name)
    return [record for record in found if record["data"].startswith("real") == real]


def fresh_record(
    cells: Sequence[str], function: str, call: sources.Call, real: bool = False
) -> dict[str, Any] | None:
    """The record of a call, if it is complete and belongs to the present code and data.

    Args:
      cells: code of the notebook's cells.
      function: "search" or "recorded".
      call: from `recutils.sources.calls_in`.
      real: whether the data are those in RECUTILS_DATA.

    Returns:
      The record, or None.
    """
    kind = KINDS[function]
    for record in records_of(function, call, real):
        asked = {name: record[name] for name in ("split", "test_fraction") if name in record}
        trials = experiments.trials(**asked, **record["world"])
        key = records.key(cells[: call.cell + 1], function, call.name, trials)
        same_data = record["data"] == records.data_label(trials)
        if same_data and record["key"] == key and len(record[PARTS[kind]]) >= call.parts:
            return record
    return None


def always_synthetic(cells: Sequence[str]) -> bool:
    """Whether a notebook puts real ratings aside, since only synthetic people answer it."""
    return any('os.environ.pop("RECUTILS_DATA"' in cell for cell in cells)


def stale_records(cells: Sequence[str], real: bool = False) -> list[str]:
    """Names of a notebook's records that are missing, out of date or incomplete.

    On real ratings, a call inside an `if` isn't reached, because it needs the truth or a dial of
    the world: it counts only if there is a record of it, and that is stale.

    Args:
      cells: code of the notebook's cells.
      real: whether to look for records of the ratings in RECUTILS_DATA.

    Returns:
      "search logQ" or "trials main", in the order of the calls.
    """
    return [
        f"{kind} {call.name}"
        for function, kind in KINDS.items()
        for call in sources.calls_in(cells, function)
        if fresh_record(cells, function, call, real) is None
        and not (real and call.conditional and not records_of(function, call, real))
    ]


def run(chapter: Chapter, mode: str, data: Path | None = None) -> list[str]:
    """Runs a notebook up to the last cell that reads a record.

    Args:
      chapter: the notebook.
      mode: "make" or "check", for RECUTILS_RECORD.
      data: folder of real ratings.

    Returns:
      What the cells reported about their records.

    Raises:
      CellExecutionError: a cell raised an error; a record didn't agree, say.
      DeadKernelError: the kernel died.
    """
    cells = [cell.source for cell in chapter.codes]
    last = max(call.cell for function in KINDS for call in sources.calls_in(cells, function))
    end = chapter.cells.index(chapter.codes[last]) + 1
    document = copy.copy(chapter.document)
    document.cells = chapter.cells[:end]
    changed = {"RECUTILS_RECORD": mode} | ({"RECUTILS_DATA": str(data)} if data else {})
    ran = kernels.run(replace(chapter, document=document), changed, timeout=10 * 3_600)
    outputs = [output for cell in ran.codes for output in cell.outputs]
    said = "".join(output.text for output in outputs if output.get("name") == "stderr")
    return re.findall(r"^.*, run again, .*$", said, re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if a chapter fails, or with --check a record is stale."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all chapters")
    parser.add_argument("--data", type=Path, help="folder of real ratings")
    parser.add_argument("--check", action="store_true", help="run one part of each record again")
    parser.add_argument("--stale", action="store_true", help="with --check: stale records, too")
    options = parser.parse_intermixed_args(arguments)
    if options.stale and not options.check:
        parser.error("--stale needs --check")
    os.environ.pop("RECUTILS_DATA", None)
    data = options.data and options.data.expanduser().resolve()
    if data:
        os.environ["RECUTILS_DATA"] = str(data)
    failed = 0
    for chapter in chapters(options.notebooks):
        cells = [cell.source for cell in chapter.codes]
        if not any(sources.calls_in(cells, function) for function in KINDS):
            continue
        if data and always_synthetic(cells):
            print(f"{chapter.name}: synthetic films only")
            continue
        stale = stale_records(cells, real=bool(data))
        if options.check and stale and not options.stale:
            print(f"{chapter.name}: first run `make search` for {', '.join(stale)}")
            failed += 1
        elif options.check or stale:
            what = "one part of each record again" if options.check else ", ".join(stale)
            print(f"{chapter.name}: {what}", flush=True)
            try:
                for line in run(chapter, "check" if options.check else "make", data):
                    print(f"  {line}")
            except kernels.Failed as error:
                print(kernels.without_colours(str(error)))
                failed += 1
        else:
            print(f"{chapter.name}: nothing to do")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
