"""The parts of the benchmark, each for a process of its own: a dict that JSON can hold."""

import gc
import importlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import catalogue, measuring, scann_indexes
from benchmarks.indexes import COMPETITORS, faiss_ivfpq
from benchmarks.measuring import Setting, Stopwatch, Task

DIMENSIONS = (16, 32, 64)
NOISES = (0.3, 0.7, 1.0)
# Finer than the main table's grid: how few codes are enough?
FINE = [(leaves, reorder) for leaves in (2, 4, 6, 8, 12, 16, 24) for reorder in (100, 300, 600)]
THRESHOLDS = (None, 0.1, 0.2, 0.3, 0.4, 0.6)
# Seconds that the builds of one competitor may take before no further one is started.
BUILDS_S = 60


def sizes(candidates: int) -> dict[str, int]:
    """How many candidates each part has, by the number in the main table."""
    return {
        "candidates": candidates,
        "large": candidates * 5 // 2,
        "workload": candidates // 4,
        "rule": candidates * 10,
    }


def prepare(folder: Path, candidates: int) -> dict[str, Any]:
    """Trains the towers; writes people, films, candidates and exact answers into the folder."""
    for dimension in DIMENSIONS:
        people, films = catalogue.towers(dimension)
        np.save(folder / f"people-{dimension}.npy", people)
        np.save(folder / f"films-{dimension}.npy", films)
        print(f"towers of {dimension} numbers trained", flush=True)
    people, films = np.load(folder / "people-32.npy"), np.load(folder / "films-32.npy")
    for name in ("candidates", "large"):
        grown = catalogue.grow(films, sizes(candidates)[name])
        ids, scores = catalogue.exact(people, grown)
        for kind, array in [("points", grown), ("ids", ids), ("scores", scores)]:
            np.save(folder / f"{name}-{kind}.npy", array)
        print(f"{len(grown):,} candidates made and searched", flush=True)
    shape = {"queries": len(people), "k": catalogue.K, "dimension": 32, "noise": catalogue.NOISE}
    return {**sizes(candidates), **shape}


def load(folder: Path, name: str = "candidates") -> Task:
    points, ids, scores = (
        np.load(folder / f"{name}-{kind}.npy") for kind in ("points", "ids", "scores")
    )
    return Task(points, np.load(folder / "people-32.npy"), ids, scores)


# --- The main table -------------------------------------------------------------------------------


def competitor(key: str, folder: Path) -> dict[str, Any]:
    """Builds one index several times, each with the candidates in another order; measures all."""
    package, name, kind, build, most = COMPETITORS[key]
    importlib.import_module(package)
    task, watch = load(folder), Stopwatch()
    builds: list[dict[str, Any]] = []
    for seed in range(most):
        builds.append(one_build(build, task, seed, watch))
        print(f"{name}, build {seed + 1}: {summary(builds[-1])}", flush=True)
        spent = sum(b["build_s"] for b in builds)
        if spent + builds[-1]["build_s"] > BUILDS_S:
            break
    return {"name": name, "kind": kind, "builds": builds, "wall_over_cpu": watch.ratio}


def one_build(build: Callable[..., Any], task: Task, seed: int, watch: Stopwatch) -> dict[str, Any]:
    """Builds an index over the candidates in the order of the seed, and measures its settings."""
    order = np.random.default_rng(seed).permutation(len(task.candidates))
    shuffled = task.candidates[order]
    before = measuring.memory_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    settings = build(shuffled, task.queries)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = measuring.memory_mb() - before
    rows = [measuring.measure(setting, task, watch, order) for setting in settings]
    del settings
    gc.collect()
    return {
        "seed": seed,
        "build_s": round(wall, 2),
        "build_cpu_s": round(cpu, 2),
        "memory_mb": round(memory),
        "settings": rows,
    }


def summary(build: dict[str, Any]) -> str:
    """A line for whoever waits."""
    good = [row["ms_one"] for row in build["settings"] if row["recall"] >= 0.98]
    fastest = f"{min(good):.4f} ms at .98" if good else "never .98"
    best = max(row["recall"] for row in build["settings"])
    return f"{build['build_s']} s, recall up to {best:.3f}, {fastest}"


# --- A larger catalogue: constants, TFRS's layers, the chapter's rule -----------------------------


def large(folder: Path) -> dict[str, Any]:
    """ScaNN over the larger catalogue, and the constants that explain its single queries."""
    task, watch = load(folder, "large"), Stopwatch()
    found: dict[str, Any] = {}
    for name, threshold, number in [("tfrs", None, 3), ("threshold", scann_indexes.THRESHOLD, 1)]:
        build = lambda c, q, t=threshold: scann_indexes.tree(c, q, t)  # noqa: E731
        found[name] = [one_build(build, task, seed, watch) for seed in range(number)]
        for built in found[name]:
            built["constants"] = measuring.constants(built["settings"])
            print(f"{name}: {summary(built)}, {built['constants']}", flush=True)
    return {**found, "wall_over_cpu": watch.ratio}


def layers(folder: Path) -> dict[str, Any]:
    """BruteForce and ScaNN as TFRS has them: one query at a time and in batches."""
    import recutils  # noqa: F401  (it selects Keras 2)

    import tensorflow as tf
    from tensorflow_recommenders.layers import factorized_top_k

    task = load(folder, "large")
    exact = factorized_top_k.BruteForce(k=catalogue.K).index(tf.constant(task.candidates))
    approximate = factorized_top_k.ScaNN(
        k=catalogue.K,
        num_leaves=scann_indexes.num_leaves(task.candidates),
        num_leaves_to_search=rule_leaves(len(task.candidates)),
        num_reordering_candidates=300,
    ).index(tf.constant(task.candidates))
    ids = approximate(tf.constant(task.queries))[1].numpy()
    measured: dict[str, Any] = {"recall": round(catalogue.recall_by_id(task.ids, ids), 4)}
    watch = Stopwatch()
    for name, layer, batch in [("BruteForce", exact, 100), ("ScaNN", approximate, 1000)]:
        compiled = tf.function(layer)
        for label, call in [("eager", layer), ("tf.function", compiled)]:
            search = lambda block, call=call: call(tf.constant(block))[1].numpy()  # noqa: E731
            way = Setting(
                label,
                {},
                lambda query, search=search: search(query[None]),
                lambda block, on, search=search: search(block),
                lambda: (None, None),
            )
            few = task.queries[:200]
            measured[f"{name}, {label}"] = round(measuring.one_by_one(way, few, watch), 4)
        block = task.queries[:batch]
        way.many(block, 0)
        measured[f"{name}, batches of {batch:,}"] = round(measuring.batched(way, block, 0), 5)
    for label, value in measured.items():
        print(f"{label:32} {value}", flush=True)
    # TensorFlow uses all cores, so its wall time isn't above its CPU time on a busy machine either.
    return measured


def rule_leaves(candidates: int) -> int:
    """The chapter's rule: two thirds of the square root of the number of leaves."""
    return round(2 / 3 * round(candidates**0.5) ** 0.5)


def rule(folder: Path, candidates: int) -> list[dict[str, Any]]:
    """Recall and counted work of the chapter's rule for ScaNN's settings, on several sizes."""
    people, films = np.load(folder / "people-32.npy")[:200], np.load(folder / "films-32.npy")
    largest, rows = sizes(candidates)["rule"], []
    for size in (largest // 16, largest // 4, largest):
        grown, opened = catalogue.grow(films, size), rule_leaves(size)
        task = Task(grown, people, *catalogue.exact(people, grown))
        pairs = [(opened, 300)]
        if size == largest:  # furthest from where the rule was found: what helps, and how much?
            more = [(2, 1), (1, 2), (1.5, 2), (2, 2)]
            pairs += [(round(wide * opened), deep * 300) for wide, deep in more]
        for setting in scann_indexes.tree(grown, people, threshold=None, settings=pairs):
            row = measuring.count(setting, task)
            rows.append({"candidates": size, "of": scann_indexes.num_leaves(grown), **row})
            print(rows[-1], flush=True)
    return rows


# --- Other catalogues -----------------------------------------------------------------------------


def workload(folder: Path, candidates: int) -> dict[str, Any]:
    """Noise, dimension and copies varied: what an index finds for which counted work."""
    cases = [(dimension, noise, 0.0) for dimension in DIMENSIONS for noise in NOISES]
    rows, fits, watch = [], [], Stopwatch()
    for dimension, noise, copies in [*cases, (32, catalogue.NOISE, 0.3)]:
        people = np.load(folder / f"people-{dimension}.npy")
        films = np.load(folder / f"films-{dimension}.npy")
        grown = catalogue.grow(films, sizes(candidates)["workload"], noise, copies=copies)
        task = Task(grown, people, *catalogue.exact(people, grown))
        case = {"dimension": dimension, "noise": noise, "copies": copies}
        for name, settings in [
            ("ScaNN as in TFRS", scann_indexes.tree(grown, people, None, settings=FINE)),
            ("ScaNN", scann_indexes.tree(grown, people, settings=FINE)),
            ("faiss IVF-PQ", faiss_ivfpq(grown, people, residual=True, settings=FINE)),
        ]:
            timed = []
            for setting in settings:
                row = measuring.count(setting, task)
                del row["setting"]  # leaves and reordered say it
                rows.append({**case, "index": name, **row})
                if name == "ScaNN" and noise == catalogue.NOISE and not copies:
                    with measuring.threads(1):
                        ms_one = measuring.one_by_one(setting, people, watch)
                    timed.append({**row, "ms_one": ms_one})
            if timed:
                fits.append({"dimension": dimension, **measuring.constants(timed)})
            best = max(row["recall"] for row in rows[-len(FINE) :])
            print(f"{case} {name}: recall up to {best:.3f}", flush=True)
    return {"rows": rows, "constants": fits, "wall_over_cpu": watch.ratio}


def anisotropic(folder: Path, candidates: int) -> list[dict[str, Any]]:
    """Recall against ScaNN's anisotropic threshold, in units of the candidates' mean length."""
    people, films = np.load(folder / "people-32.npy"), np.load(folder / "films-32.npy")
    grown = catalogue.grow(films, sizes(candidates)["workload"])
    task = Task(grown, people, *catalogue.exact(people, grown))
    wide = max(opened for opened, _ in scann_indexes.grid(scann_indexes.num_leaves(grown)))
    pairs, rows = [(wide, reorder) for reorder in (10, 30, 100)], []
    for threshold in THRESHOLDS:
        for seed in range(3):
            order = np.random.default_rng(seed).permutation(len(grown))
            shuffled = grown[order]
            for setting in scann_indexes.tree(shuffled, people, threshold, settings=pairs):
                row = measuring.count(setting, task, order)
                rows.append({"threshold": threshold, "seed": seed, **row})
        print(f"threshold {threshold}: recall {[row['recall'] for row in rows[-3:]]}", flush=True)
    return rows


def run(part: str, folder: Path, candidates: int) -> None:
    """Runs a part and writes its result into the folder."""
    if part in COMPETITORS:
        result: Any = competitor(part, folder)
    elif part in ("large", "layers"):
        result = {"large": large, "layers": layers}[part](folder)
    else:
        result = OTHERS[part](folder, candidates)
    (folder / f"{part}.result.json").write_text(json.dumps(result))


OTHERS: dict[str, Callable[[Path, int], Any]] = {
    "prepare": prepare,
    "rule": rule,
    "workload": workload,
    "anisotropic": anisotropic,
}
# part -> the package that it needs beside what requirements.txt has.
PARTS = {
    "prepare": "tensorflow_recommenders",
    "large": "scann",
    **{key: rival.package for key, rival in COMPETITORS.items()},
    "layers": "scann",
    "rule": "scann",
    "workload": "faiss",
    "anisotropic": "scann",
}
