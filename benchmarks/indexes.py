"""The competitors, each in the form that its own documentation recommends for inner products.

A function here builds one index over the candidates and returns the settings to search it; ScaNN's
are in scann_indexes.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from benchmarks import scann_indexes
from benchmarks.catalogue import K
from benchmarks.measuring import Setting, threads
from benchmarks.quiet import cores
from benchmarks.scann_indexes import Settings, grid, num_leaves

EF = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256)
Search = Callable[[np.ndarray, int], np.ndarray]


def of_faiss(index: Any, statistics: Any = None) -> tuple[Callable[[np.ndarray], Any], Search]:
    """Its search of one query, and of many, on as many threads as `threads` allows.

    Counters start from zero with each block.
    """

    def many(block: np.ndarray, on: int) -> np.ndarray:
        if statistics is not None:
            statistics.reset()
        return index.search(block, K)[1]

    return lambda query: index.search(query[None], K)[1], many


def faiss_flat(candidates: np.ndarray, queries: np.ndarray) -> Settings:
    """All candidates as float32."""
    import faiss

    index = faiss.IndexFlatIP(candidates.shape[1])
    index.add(candidates)
    everything = float(len(candidates))
    return iter([Setting("all", {"reordered": 0}, *of_faiss(index), lambda: (0.0, everything))])


def faiss_sq8(candidates: np.ndarray, queries: np.ndarray) -> Settings:
    """All candidates in bytes, with the best scored again."""
    import faiss

    codes = faiss.IndexScalarQuantizer(
        candidates.shape[1], faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    with threads(cores()):
        codes.train(candidates)
        codes.add(candidates)
    index = faiss.IndexRefineFlat(codes, faiss.swig_ptr(candidates))

    def ways() -> Settings:
        for reorder in (10, 30, 100):
            index.k_factor = reorder / K
            counts = float(len(candidates)), float(reorder)
            yield Setting(
                f"all, {reorder} reordered",
                {"reordered": reorder},
                *of_faiss(index),
                lambda counts=counts: counts,
            )

    return ways()


def faiss_ivfpq(
    candidates: np.ndarray,
    queries: np.ndarray,
    *,
    residual: bool,
    bits: int = 2,
    settings: list[tuple[int, int]] | None = None,
    reorder: bool = True,
) -> Settings:
    """The tree with product quantisation in codes of four bits, scanned in bulk.

    Args:
      candidates: [num_candidates, dimension] float32.
      queries: [num_queries, dimension] float32.
      residual: False is what faiss's factory makes of an inner product: codes of the vectors
        themselves and a spherical k-means. True encodes the difference from the leaf's centre,
        k-means is a plain one, and a candidate goes into the leaf of its nearest centre. Queries
        open the leaves whose centres have the largest inner product in both.
      bits: of the code, for each dimension: 2 as in ScaNN's tree, or 4.
      settings: pairs of leaves opened and candidates reordered; the grid without.
      reorder: score the best again; without, the pairs' leaves count alone.

    Returns:
      The settings, after the index is built.
    """
    import faiss

    dimension, leaves = candidates.shape[1], num_leaves(candidates)
    kind = f"IVF{leaves},PQ{dimension * bits // 4}x4fs{'r' if residual else ''}"
    lists = faiss.index_factory(dimension, kind, faiss.METRIC_INNER_PRODUCT)
    nearest, best = faiss.IndexFlatL2(dimension), faiss.IndexFlatIP(dimension)
    if residual:
        lists.cp.spherical, lists.quantizer, lists.own_fields = False, nearest, False
        lists.referenced_objects = [nearest, best]
    with threads(cores()):
        lists.train(candidates[:100_000])
        lists.add(candidates)
    if residual:
        best.add(nearest.reconstruct_n(0, leaves))
        lists.quantizer = best
    index = faiss.IndexRefineFlat(lists, faiss.swig_ptr(candidates)) if reorder else lists
    statistics = faiss.cvar.indexIVF_stats

    def ways() -> Settings:
        pairs = settings or grid(leaves)
        for opened, number in pairs if reorder else sorted({(opened, 0) for opened, _ in pairs}):
            lists.nprobe = opened
            if reorder:
                index.k_factor = number / K
            yield Setting(
                f"{opened} leaves, {number or 'none'} reordered",
                {"leaves": opened, "reordered": number},
                *of_faiss(index, statistics),
                lambda number=number: (statistics.ndis / len(queries), float(number)),
            )

    return ways()


def faiss_hnsw(candidates: np.ndarray, queries: np.ndarray) -> Settings:
    """The graph with faiss's own 32 links and efConstruction 40."""
    import faiss

    index = faiss.IndexHNSWFlat(candidates.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    with threads(cores()):
        index.add(candidates)
    statistics = faiss.cvar.hnsw_stats

    def ways() -> Settings:
        for ef in EF:
            index.hnsw.efSearch = ef
            yield Setting(
                f"ef {ef}",
                {"ef": ef},
                *of_faiss(index, statistics),
                lambda: (0.0, statistics.ndis / len(queries)),
            )

    return ways()


def lengthened(candidates: np.ndarray) -> np.ndarray:
    """One more number for each, so that all have one length: the nearest is the best inner product.

    Queries get a zero. See Bachrach et al. 2014, "Speeding up the Xbox recommender system".
    """
    squares = (candidates.astype(np.float64) ** 2).sum(axis=1)
    extra = np.sqrt(squares.max() - squares).astype(np.float32)
    return np.column_stack([candidates, extra])


def hnswlib(candidates: np.ndarray, queries: np.ndarray, space: str) -> Settings:
    """The graph over raw inner products ("ip"), or over distances by one more dimension ("l2")."""
    import hnswlib as library

    points = lengthened(candidates) if space == "l2" else candidates
    zero = np.zeros(points.shape[1] - candidates.shape[1], np.float32)
    index = library.Index(space, points.shape[1])
    index.init_index(len(points), M=16, ef_construction=200, random_seed=42)
    index.add_items(points, num_threads=cores())

    def one(query: np.ndarray) -> np.ndarray:
        return index.knn_query(np.concatenate([query, zero]), K, num_threads=1)[0]

    def many(block: np.ndarray, on: int) -> np.ndarray:
        longer = np.column_stack([block, np.tile(zero, (len(block), 1))])
        return index.knn_query(longer, K, num_threads=on)[0].astype(np.int64)

    def ways() -> Settings:
        for ef in EF:
            index.set_ef(ef)
            yield Setting(f"ef {ef}", {"ef": ef}, one, many, lambda: (None, None))

    return ways()


class Competitor(NamedTuple):
    """What the benchmark compares.

    Attributes:
      package: that has to be installed.
      name: in tables and figures.
      kind: "brute force", "tree" or "graph".
      build: candidates and queries -> the settings.
      builds: how many at most, each with the candidates in another order.
    """

    package: str
    name: str
    kind: str
    build: Callable[[np.ndarray, np.ndarray], Iterator[Setting]]
    builds: int = 3


COMPETITORS = {
    "scann_brute": Competitor(
        "scann", "ScaNN, float32", "brute force", lambda c, q: scann_indexes.brute(c, q, False), 1
    ),
    "faiss_flat": Competitor("faiss", "faiss, float32", "brute force", faiss_flat, 1),
    "scann_int8": Competitor(
        "scann", "ScaNN, int8", "brute force", lambda c, q: scann_indexes.brute(c, q, True), 1
    ),
    "faiss_sq8": Competitor("faiss", "faiss, SQ8", "brute force", faiss_sq8, 1),
    "scann_tfrs": Competitor(
        "scann", "ScaNN as in TFRS", "tree", lambda c, q: scann_indexes.tree(c, q, threshold=None)
    ),
    "scann": Competitor("scann", "ScaNN", "tree", scann_indexes.tree),
    "scann_soar": Competitor(
        "scann", "ScaNN with SOAR", "tree", lambda c, q: scann_indexes.tree(c, q, soar=True)
    ),
    "ivfpq_raw": Competitor(
        "faiss", "faiss IVF-PQ, raw", "tree", lambda c, q: faiss_ivfpq(c, q, residual=False)
    ),
    "ivfpq": Competitor(
        "faiss", "faiss IVF-PQ", "tree", lambda c, q: faiss_ivfpq(c, q, residual=True)
    ),
    "ivfpq_codes": Competitor(
        "faiss",
        "faiss IVF-PQ, codes alone",
        "tree",
        lambda c, q: faiss_ivfpq(c, q, residual=True, reorder=False),
        1,
    ),
    "ivfpq4": Competitor(
        "faiss",
        "faiss IVF-PQ, twice the bits",
        "tree",
        lambda c, q: faiss_ivfpq(c, q, residual=True, bits=4),
    ),
    "faiss_hnsw": Competitor("faiss", "faiss HNSW", "graph", faiss_hnsw),
    "hnswlib_ip": Competitor(
        "hnswlib", "hnswlib, inner product", "graph", lambda c, q: hnswlib(c, q, "ip")
    ),
    "hnswlib": Competitor(
        "hnswlib", "hnswlib, distance", "graph", lambda c, q: hnswlib(c, q, "l2")
    ),
}
