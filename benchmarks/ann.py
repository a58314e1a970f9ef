"""Index libraries side by side: the same million candidates, the same queries.

    python benchmarks/ann.py [--out FILE]

ScaNN, faiss (HNSW and IVF-PQ) and hnswlib search the candidates of the chapter
serving/approximate_search, made around the trained film vectors, for the model's own people; then
TFRS's layers do, and the chapter's rule for ScaNN's settings is tried on other sizes. Each part
runs in a process of its own, on all cores but with single queries on one thread. What is installed
is measured, what isn't is skipped with a message (benchmarks/requirements.txt names all). The
result, with date, machine and versions, goes to FILE (benchmarks/ann-<date>.json), from which the
chapter draws its figure. Linux only: it reads /proc.
"""

import argparse
import ctypes
import datetime
import gc
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

K = 10
NUM_CANDIDATES = 1_000_000
RULE_SIZES = (250_000, 1_000_000, 4_000_000)
ROUNDS = 3
# What an index gives: how to search, as (label, one query -> ids, all queries -> ids).
Setting = tuple[str, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="file for the result")
    parser.add_argument("--part", choices=[*LIBRARIES, *OTHERS], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        run_part(arguments.part, arguments.folder)
        return
    today = datetime.date.today().isoformat()
    out = arguments.out or Path(__file__).parent / f"ann-{today}.json"
    result: dict[str, Any] = {"date": today, "machine": machine(), "versions": versions()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(command("prepare", folder), check=True)
        result["data"] = json.loads((folder / "prepare.json").read_text())
        for part in [*LIBRARIES, "layers", "rule"]:
            package = LIBRARIES.get(part, ("tensorflow_recommenders",))[0]
            if importlib.util.find_spec(package) is None:
                print(f"{part}: skipped, {package} is not installed", flush=True)
                continue
            subprocess.run(command(part, folder), check=True)
            result[part] = json.loads((folder / f"{part}.json").read_text())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written: {out}")


def command(part: str, folder: Path) -> list[str]:
    return [sys.executable, __file__, "--part", part, "--folder", str(folder)]


def run_part(part: str, folder: Path) -> None:
    measured = library(part, folder) if part in LIBRARIES else OTHERS[part](folder)
    (folder / f"{part}.json").write_text(json.dumps(measured))


# --- The data -------------------------------------------------------------------------------------


def prepare(folder: Path) -> dict[str, int]:
    """Trains the towers of the chapter, and writes candidates, queries and true neighbours."""
    import recutils
    from recutils import datasets, evaluation
    from recutils.models import CorrectedTwoTowers

    import tensorflow as tf

    recutils.set_seed(42)
    movies = recutils.load_movies()
    train, _ = datasets.split(movies.ratings, by="random", test_fraction=0.2, seed=42)
    shares = datasets.sampling_probability(train["movie_id"])
    users, films = (
        movies.users["user_id"].to_numpy(object),
        movies.movies["movie_id"].to_numpy(object),
    )
    model = CorrectedTwoTowers(users, films, dimension=32, l2=0.05)
    model.compile(tf.keras.optimizers.Adagrad(0.1))
    columns = ["user_id", "movie_id", "sampling_probability"]
    pairs = train.assign(sampling_probability=shares)
    model.fit(datasets.to_dataset(pairs, columns, 512, seed=42), epochs=5, verbose=0)
    queries, vectors = model.query_tower(users).numpy(), model.candidate_tower(films).numpy()
    candidates = make_candidates(vectors, NUM_CANDIDATES)
    np.save(folder / "queries.npy", queries)
    np.save(folder / "films.npy", vectors)
    np.save(folder / "candidates.npy", candidates)
    np.save(folder / "truth.npy", evaluation.top_k(queries, candidates, K))
    return {
        "candidates": NUM_CANDIDATES,
        "dimension": vectors.shape[1],
        "queries": len(queries),
        "k": K,
    }


def make_candidates(vectors: np.ndarray, number: int, seed: int = 42) -> np.ndarray:
    """The films' vectors, and around them as many again as it takes, as in the chapter."""
    rng = np.random.default_rng(seed)
    parent = rng.integers(len(vectors), size=number)
    parent[: len(vectors)] = np.arange(len(vectors))
    noise = rng.standard_normal((number, vectors.shape[1]), dtype=np.float32)
    noise *= 0.7 * vectors.std(axis=0)
    noise[: len(vectors)] = 0
    noise += vectors[parent]
    return noise


# --- The libraries: each builds its index, then yields settings to search it ----------------------


def scann(candidates: np.ndarray, soar: bool = False) -> Iterator[Setting]:
    from scann import scann_ops_pybind

    spill = {"soar_lambda": 1.5, "overretrieve_factor": 2.0} if soar else {}
    builder = scann_ops_pybind.builder(candidates, K, "dot_product")
    index = builder.tree(1000, 24, **spill).score_ah(2).reorder(300).build()
    for leaves, reorder in [(5, 100), (8, 100), (12, 200), (16, 200), (24, 300), (40, 400)]:
        options = {"leaves_to_search": leaves, "pre_reorder_num_neighbors": reorder}
        yield (
            f"{leaves} leaves, {reorder} reordered",
            lambda query, o=options: index.search(query, **o)[0],
            lambda queries, o=options: index.search_batched_parallel(queries, **o)[0],
        )


def faiss_hnsw(candidates: np.ndarray) -> Iterator[Setting]:
    import faiss

    index = faiss.IndexHNSWFlat(candidates.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(candidates)

    def use(ef: int) -> None:
        index.hnsw.efSearch = ef

    yield from faiss_settings(index, [(f"ef {ef}", lambda ef=ef: use(ef)) for ef in EF])


def faiss_ivfpq(candidates: np.ndarray, code: str) -> Iterator[Setting]:
    import faiss

    kind = f"IVF1000,{code},RFlat"
    index = faiss.index_factory(candidates.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(candidates[:100_000])
    index.add(candidates)
    lists = faiss.extract_index_ivf(index)

    def use(probe: int, reorder: int) -> None:
        lists.nprobe, index.k_factor = probe, reorder / K

    settings = [(5, 100), (8, 100), (12, 200), (16, 200), (24, 300), (40, 400)]
    yield from faiss_settings(
        index, [(f"{p} lists, {r} reordered", lambda p=p, r=r: use(p, r)) for p, r in settings]
    )


def faiss_settings(index: Any, settings: list[tuple[str, Callable[[], None]]]) -> Iterator[Setting]:
    import faiss

    def search(queries: np.ndarray, threads: int) -> np.ndarray:
        faiss.omp_set_num_threads(threads)
        return index.search(queries, K)[1]

    for label, use in settings:
        use()
        yield (
            label,
            lambda query: search(query[None], 1)[0],
            lambda queries: search(queries, cores()),
        )


def hnswlib(candidates: np.ndarray) -> Iterator[Setting]:
    import hnswlib as library

    index = library.Index("ip", candidates.shape[1])
    index.init_index(len(candidates), M=16, ef_construction=200, random_seed=42)
    index.add_items(candidates, num_threads=cores())
    for ef in EF:
        index.set_ef(ef)
        yield (
            f"ef {ef}",
            lambda query: index.knn_query(query, K, num_threads=1)[0][0],
            lambda queries: index.knn_query(queries, K, num_threads=cores())[0],
        )


EF = (20, 40, 60, 80, 120, 200)
# part -> its package, the name in the figure, and how it is built.
LIBRARIES: dict[str, tuple[str, str, Callable[[np.ndarray], Iterator[Setting]]]] = {
    "scann": ("scann", "ScaNN", scann),
    "scann_soar": ("scann", "ScaNN with SOAR", lambda c: scann(c, soar=True)),
    "faiss_hnsw": ("faiss", "faiss HNSW", faiss_hnsw),
    "faiss_ivfpq": ("faiss", "faiss IVF-PQ, 8 bytes", lambda c: faiss_ivfpq(c, "PQ16x4fs")),
    "faiss_ivfpq16": ("faiss", "faiss IVF-PQ, 16 bytes", lambda c: faiss_ivfpq(c, "PQ32x4fs")),
    "hnswlib": ("hnswlib", "hnswlib", hnswlib),
}


def library(part: str, folder: Path) -> dict[str, Any]:
    """Builds one library's index, and measures every setting."""
    from recutils import evaluation

    # Mapped, not read: so the index's own memory is what is added to the process.
    candidates = np.load(folder / "candidates.npy", mmap_mode="r")
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    _, name, build = LIBRARIES[part]
    importlib.import_module(LIBRARIES[part][0])
    before = memory_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    settings = build(candidates)
    setting = next(settings, None)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory = memory_mb() - before
    measured = []
    while setting is not None:
        label, one, many = setting
        found = np.asarray(many(queries))
        measured.append(
            {
                "setting": label,
                "recall": round(evaluation.index_recall(truth, found), 4),
                "ms_one": round(min(milliseconds(one, queries) for _ in range(ROUNDS)), 4),
                "ms_batch": round(per_query(many, queries), 4),
            }
        )
        print(f"{name:24} {measured[-1]}", flush=True)
        setting = next(settings, None)
    built = {"build_s": round(wall, 1), "build_cpu_s": round(cpu, 1), "memory_mb": round(memory)}
    print(f"{name:24} {built}", flush=True)
    return {"name": name, **built, "settings": measured}


# --- TFRS's layers, and the chapter's rule --------------------------------------------------------


def layers(folder: Path) -> dict[str, Any]:
    """BruteForce and ScaNN as TFRS has them: one query at a time and in batches."""
    from recutils import evaluation

    import tensorflow as tf
    from tensorflow_recommenders.layers import factorized_top_k

    candidates, truth = np.load(folder / "candidates.npy"), np.load(folder / "truth.npy")
    queries = np.load(folder / "queries.npy")
    exact = factorized_top_k.BruteForce(k=K).index(tf.constant(candidates))
    approximate = factorized_top_k.ScaNN(
        k=K, num_leaves=1000, num_leaves_to_search=21, num_reordering_candidates=300
    )
    approximate.index(tf.constant(candidates))
    measured: dict[str, Any] = {
        "recall": round(
            evaluation.index_recall(truth, approximate(tf.constant(queries))[1].numpy()), 4
        )
    }
    for name, layer, batch in [("BruteForce", exact, 100), ("ScaNN", approximate, 1000)]:
        compiled = tf.function(layer)
        few, block = queries[:100], tf.constant(queries[:batch])
        for label, search in [("eager", layer), ("tf.function", compiled)]:
            one = lambda query, search=search: search(tf.constant(query[None]))[1].numpy()  # noqa: E731
            times = [milliseconds(one, few) for _ in range(ROUNDS)]
            measured[f"{name}, {label}"] = round(min(times), 4)
        times = per_query(lambda block, search=compiled: search(block)[1].numpy(), block)
        measured[f"{name}, batches of {batch:,}"] = round(times, 4)
    for label, value in measured.items():
        print(f"{label:32} {value}", flush=True)
    return measured


def rule(folder: Path) -> list[dict[str, Any]]:
    """Recall and cost of the chapter's rule for ScaNN's settings, on several sizes."""
    from recutils import evaluation

    from scann import scann_ops_pybind

    queries, vectors = np.load(folder / "queries.npy")[:100], np.load(folder / "films.npy")
    rows = []
    for size in RULE_SIZES:
        candidates = make_candidates(vectors, size)
        truth = evaluation.top_k(queries, candidates, K)
        num_leaves = round(size**0.5)
        leaves = round(2 / 3 * num_leaves**0.5)
        builder = scann_ops_pybind.builder(candidates, K, "dot_product")
        index = builder.tree(num_leaves, leaves).score_ah(2).reorder(300).build()
        # Where the rule is furthest from where it was found: what would help, leaves or reordering?
        tries = [(1, 1), (2, 1), (1, 2)] if size == max(RULE_SIZES) else [(1, 1)]
        for more_leaves, more_reorder in tries:
            opened, reorder = more_leaves * leaves, more_reorder * 300
            found = index.search_batched(
                queries, leaves_to_search=opened, pre_reorder_num_neighbors=reorder
            )[0]
            most = 4 * size * opened // num_leaves
            scores = index.search_batched(
                queries[:50],
                leaves_to_search=opened,
                final_num_neighbors=most,
                pre_reorder_num_neighbors=most,
            )[1]
            looked_at = (~np.isnan(scores)).sum(axis=1).mean()
            rows.append(
                {
                    "candidates": size,
                    "leaves": num_leaves,
                    "searched": opened,
                    "reordered": reorder,
                    "recall": round(evaluation.index_recall(truth, found), 4),
                    "share": round(float((looked_at + reorder) / size), 5),
                }
            )
            print(rows[-1], flush=True)
    return rows


OTHERS: dict[str, Callable[[Path], Any]] = {"prepare": prepare, "layers": layers, "rule": rule}


# --- Measuring ------------------------------------------------------------------------------------


def milliseconds(search: Callable[[np.ndarray], object], queries: np.ndarray) -> float:
    """The median time of a query, one at a time."""
    search(queries[0])
    seconds = np.empty(len(queries))
    for row, query in enumerate(queries):
        start = time.perf_counter()
        search(query)
        seconds[row] = time.perf_counter() - start
    return float(np.median(seconds) * 1e3)


def per_query(search: Callable[[Any], object], queries: Any) -> float:
    """Milliseconds a query when all come in one call; the best of a few, others use the machine."""
    search(queries)
    seconds = []
    for _ in range(5 * ROUNDS):
        start = time.perf_counter()
        search(queries)
        seconds.append(time.perf_counter() - start)
    return min(seconds) * 1e3 / len(queries)


def memory_mb() -> float:
    """What the process holds itself, mapped files apart, in MB."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    found = re.search(r"RssAnon:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1000


def cores() -> int:
    return len(os.sched_getaffinity(0))


def machine() -> dict[str, Any]:
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model[1].strip() if model else platform.machine(),
        "cores": cores(),
        "memory_gb": round(memory / 2**30),
    }


def versions() -> dict[str, str]:
    names = ("scann", "faiss-cpu", "hnswlib", "tensorflow", "tensorflow-recommenders", "numpy")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
