"""Index libraries side by side: the same candidates, the same queries, on a quiet machine.

    python -m benchmarks.ann [--out FILE] [--candidates N] [--patience MINUTES] [--busy]

ScaNN, faiss and hnswlib search the candidates of the chapter serving/approximate_search, made
around the trained film vectors, for the model's own people. The main table has N candidates, other
parts a quarter of them (noise and dimension varied), two and a half times as many (the constants of
ScaNN's time, TFRS's layers), and up to ten times as many (the chapter's rule). Each part runs in a
process of its own. What isn't installed is skipped with a message (benchmarks/requirements.txt
names all). The result goes to FILE, a new benchmarks/ann-DATE.json without; older ones stay, since
chapters read the one that they name.

The machine has to be quiet: a fixed loop, timed on all cores before and after a part, stays within
10%, over all parts within 15% (by so much may times of different parts differ for no other reason),
and what runs on one thread takes no more than 1.05 times its CPU time. Otherwise a part waits or is
run again, and after --patience minutes without a quiet one nothing is written. Parts that only
count codes and matches don't wait. Finished parts are kept in _build/ann.parts until the result is
written: the same command continues there. With --busy the result is written all the same, and says
so.
Linux only: it reads /proc.
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import parts, quiet
from benchmarks.indexes import COMPETITORS
from benchmarks.quiet import Probe
from tools import reports

HERE = Path(__file__).parent
KEPT = HERE.parent / "_build" / "ann.parts"
NUM_CANDIDATES = 400_000
PACKAGES = ("scann", "faiss-cpu", "hnswlib", "tensorflow", "tensorflow-recommenders", "numpy")
# They count codes and matches, and time nothing: they need no quiet machine.
UNTIMED = {"prepare", "rule", "anisotropic"}
PATIENCE = 30
PAUSE_S = 5
# Set by whoever calls, they would bind every part to one thread.
THREADS = re.compile(r"(OMP|OPENBLAS|MKL)_NUM_THREADS|TF_NUM_\w+_THREADS")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE / f"ann-{reports.today()}.json")
    parser.add_argument("--candidates", type=int, default=NUM_CANDIDATES, help="of the main table")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="minutes a part may take")
    parser.add_argument("--busy", action="store_true", help="write even on a busy machine")
    parser.add_argument("--part", choices=parts.PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        parts.run(given.part, given.folder, given.candidates)
        return
    run_all(given.out, KEPT, given.candidates, None if given.busy else given.patience)


def run_all(out: Path, folder: Path, candidates: int, patience: float | None) -> None:
    """Runs what isn't in the folder yet; writes the result if the machine was quiet."""
    folder.mkdir(parents=True, exist_ok=True)
    check_size(folder, candidates)
    for part, package in parts.PARTS.items():
        if importlib.util.find_spec(package) is None:
            print(f"{part}: skipped, {package} is not installed", flush=True)
        elif not (folder / f"{part}.json").exists():
            run_part(part, folder, candidates, patience)
    done = finished(folder)
    against = quiet.complaints(*evidence(done), quiet.LOOP_DRIFT)
    if against and patience is not None:
        sys.exit("\n".join(["Nothing is written, since the machine wasn't quiet:", *against]))
    reports.write_text(lines(record(done, against)) + "\n", out)
    shutil.rmtree(folder)  # the next run measures all again
    print(f"written: {out}")


def check_size(folder: Path, candidates: int) -> None:
    """Kept parts belong to one number of candidates."""
    kept = folder / "candidates.json"
    if kept.exists() and json.loads(kept.read_text()) != candidates:
        sys.exit(f"{folder} holds parts with {kept.read_text()} candidates: remove it first")
    kept.write_text(json.dumps(candidates))


def run_part(part: str, folder: Path, candidates: int, patience: float | None) -> None:
    """Runs a part between two probes; again, if the machine was busy and there is patience left."""
    path = folder / f"{part}.json"
    if part in UNTIMED:
        start = time.perf_counter()
        result = measure(part, folder, candidates)
        keep(path, [], time.perf_counter() - start, result)
        return
    known, _ = evidence(finished(folder))
    begun = time.perf_counter()
    while True:
        before, start = quiet.probe(), time.perf_counter()
        against = quiet.complaints([*known, before], {}, quiet.LOOP_DRIFT)
        if not against or patience is None:
            result = measure(part, folder, candidates)
            seconds, after = time.perf_counter() - start, quiet.probe()
            against = [
                *quiet.complaints([before, after], ratios({part: result})),
                *quiet.complaints([*known, before, after], {}, quiet.LOOP_DRIFT),
            ]
            print(f"{part}: {seconds:.0f} s, {'; '.join(against) or 'quiet'}", flush=True)
            if not against or patience is None:
                keep(path, [before, after], seconds, result)
                return
        else:
            print(f"{part} waits: {'; '.join(against)}", flush=True)
        if time.perf_counter() - begun > 60 * patience:
            sys.exit("\n".join([f"{part}: the machine isn't quiet.", *against]))
        time.sleep(PAUSE_S)


def keep(path: Path, probes: list[Probe], seconds: float, result: Any) -> None:
    kept = {"probes": probes, "seconds": round(seconds, 1), "result": result}
    reports.write_text(json.dumps(kept), path)


def measure(part: str, folder: Path, candidates: int) -> Any:
    """A part's result, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.ann", "--part", part]
    options = ["--folder", str(folder), "--candidates", str(candidates)]
    subprocess.run([*command, *options], check=True, env=environment())
    path = folder / f"{part}.result.json"
    result = json.loads(path.read_text())
    path.unlink()
    return result


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not THREADS.fullmatch(name)}


def finished(folder: Path) -> dict[str, Any]:
    """The parts that are kept -> their probes, seconds and result."""
    paths = {part: folder / f"{part}.json" for part in parts.PARTS}
    return {part: reports.read(path) for part, path in paths.items() if path.exists()}


def ratios(results: dict[str, Any]) -> dict[str, float]:
    """Wall time over CPU time of the parts that measure on one thread."""
    return {
        part: result["wall_over_cpu"]
        for part, result in results.items()
        if isinstance(result, dict) and "wall_over_cpu" in result
    }


def evidence(done: dict[str, Any]) -> tuple[list[Probe], dict[str, float]]:
    """All probes, and all ratios of single-threaded parts."""
    probes = [Probe(*probe) for kept in done.values() for probe in kept["probes"]]
    return probes, ratios({part: kept["result"] for part, kept in done.items()})


def record(done: dict[str, Any], against: list[str]) -> dict[str, Any]:
    """What the chapters read.

    Args:
      done: part -> its probes, seconds and result.
      against: what speaks against a quiet machine.

    Returns:
      Date, machine, versions, the checks, and the results: "data", "indexes" by competitor,
      "large", "layers", "rule", "workload", "anisotropic".
    """
    probes, single = evidence(done)
    results = {part: kept["result"] for part, kept in done.items()}
    return {
        "date": reports.today(),
        "machine": machine(),
        "versions": reports.versions(PACKAGES),
        "busy": against,
        "noise": {
            "loop_s": {
                part: [round(loop_s, 5) for loop_s, _ in kept["probes"]]
                for part, kept in done.items()
            },
            "spread": round(quiet.spread(probe.loop_s for probe in probes), 4),
            "wall_over_cpu": {part: round(ratio, 4) for part, ratio in single.items()},
            "seconds": {part: kept["seconds"] for part, kept in done.items()},
        },
        "data": results.pop("prepare"),
        "indexes": {key: results.pop(key) for key in COMPETITORS if key in results},
        **results,
    }


def lines(value: Any, margin: str = "") -> str:
    """JSON in which what holds no list and no dict is on one line."""
    inner = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(value, dict | list) or not any(isinstance(v, dict | list) for v in inner):
        return json.dumps(value)
    more = margin + " "
    if isinstance(value, dict):
        shown = [f"{more}{json.dumps(key)}: {lines(v, more)}" for key, v in value.items()]
        return "{\n" + ",\n".join(shown) + f"\n{margin}}}"
    return "[\n" + ",\n".join(more + lines(v, more) for v in value) + f"\n{margin}]"


def machine() -> dict[str, Any]:
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model[1].strip() if model else platform.machine(),
        "cores": quiet.cores(),
        "memory_gb": round(memory / 2**30),
    }


if __name__ == "__main__":
    main()
