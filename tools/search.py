"""Searches and long trials of the chapters: computes what is not on record yet, and stores it.

`make search` runs, of each chapter that reads a record, the cells up to the last one that does,
and stores each draw and each trial as soon as it is there: it can be stopped at any time and
resumes where it left off. A chapter whose records are there and up to date is not run.
"""

from recutils import records

import argparse
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent


def codes(path: Path) -> list[str]:
    """The code cells of a notebook.

    Args:
      path: of the notebook.

    Returns:
      Their text, in order.
    """
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def stale_records(cells: list[str], real: bool = False) -> list[str]:
    """Names of a notebook's records that are missing, out of date or cut short.

    Args:
      cells: code of the notebook's cells.
      real: whether to look for records of the ratings in RECUTILS_DATA.

    Returns:
      "search logQ" or "trials main", in the order of the calls.
    """
    stale = []
    for function, kind, part in (("search", "search", "draws"), ("recorded", "trials", "trials")):
        for name, number, draws in records.calls_in(cells, function):
            key = records.source_key(cells[: number + 1], function, name)
            stored = [r for r in records.all_of(kind, name) if r["data"].startswith("real") == real]
            if not any(r["key"] == key and len(r[part]) >= draws for r in stored):
                stale.append(f"{kind} {name}")
    return stale


def make_records(path: Path, mode: str) -> None:
    """Runs a notebook up to the last cell that reads a record.

    Args:
      path: of the notebook.
      mode: "make" or "check", for RECUTILS_RECORD.
    """
    document = nbformat.read(path, as_version=4)
    code_numbers = [i for i, cell in enumerate(document.cells) if cell.cell_type == "code"]
    calls = [
        number
        for function in ("search", "recorded")
        for _, number, _ in records.calls_in(codes(path), function)
    ]
    if not calls:
        return
    document.cells = document.cells[: code_numbers[max(calls)] + 1]
    os.environ["RECUTILS_RECORD"] = mode
    client = NotebookClient(document, timeout=None, resources={"metadata": {"path": path.parent}})
    client.execute()
    for cell in document.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and "agai" in output.text:
                print(output.text, end="")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all chapters")
    parser.add_argument("--data", help="folder of real ratings; default: the synthetic films")
    parser.add_argument("--check", action="store_true", help="run one draw of each record again")
    arguments = parser.parse_args()
    if arguments.data:
        os.environ["RECUTILS_DATA"] = str(Path(arguments.data).expanduser().resolve())
    for path in arguments.notebooks or sorted((ROOT / "book").glob("*/*.ipynb")):
        stale = stale_records(codes(path), real=bool(arguments.data))
        if arguments.check or stale:
            print(f"{path.stem}: {', '.join(stale) or 'checked'}", flush=True)
            make_records(path, "check" if arguments.check else "make")
        else:
            print(f"{path.stem}: nothing to do")


if __name__ == "__main__":
    main()
