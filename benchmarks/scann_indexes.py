"""ScaNN's indexes: as TFRS's layer builds them, with an anisotropic threshold, SOAR, brute force.

A function here builds one index over the candidates and returns the settings to search it.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.catalogue import K
from benchmarks.measuring import Setting

# Trees: leaves opened, of a thousand (others by the rule's square root), and candidates reordered.
OPENED = (5, 10, 21, 42)
REORDERED = (50, 100, 200, 400)
# In units of the candidates' mean length. ScaNN's guide has 0.2 for vectors of length one; of those
# that the part "anisotropic" tries, 0.4 does best on a small catalogue of these films.
THRESHOLD = 0.4
Settings = Iterator[Setting]


def num_leaves(candidates: np.ndarray) -> int:
    """The square root of the number of candidates."""
    return round(len(candidates) ** 0.5)


def grid(leaves: int) -> list[tuple[int, int]]:
    """Leaves opened and candidates reordered: every pair."""
    opened = [max(1, round(number * (leaves / 1000) ** 0.5)) for number in OPENED]
    return [(number, reorder) for number in opened for reorder in REORDERED]


def opened_codes(index: Any, queries: np.ndarray) -> np.ndarray:
    """[num_leaves] float: codes in a query's first 1, 2, ... leaves, averaged over the queries."""
    from scann.partitioning import partitioner_pb2

    partition = partitioner_pb2.SerializedPartitioner()
    with tempfile.TemporaryDirectory() as folder:
        index.serialize(folder)
        leaf_of = np.load(f"{folder}/datapoint_to_token.npy").reshape(-1)
        partition.ParseFromString(Path(f"{folder}/serialized_partitioner.pb").read_bytes())
    root = partition.kmeans.kmeans_tree.root.centers
    centres = np.array([centre.dimension for centre in root], np.float32)
    sizes = np.bincount(leaf_of[leaf_of >= 0], minlength=len(centres))
    best = np.argsort(-(queries @ centres.T), axis=1)
    return np.cumsum(sizes[best], axis=1).mean(axis=0)


def mean_length(candidates: np.ndarray) -> float:
    return float(np.linalg.norm(candidates, axis=1).mean())


def tree(
    candidates: np.ndarray,
    queries: np.ndarray,
    threshold: float | None = THRESHOLD,
    soar: bool = False,
    settings: list[tuple[int, int]] | None = None,
) -> Settings:
    """A tree with codes of four bits for two dimensions.

    Args:
      candidates: [num_candidates, dimension] float32.
      queries: [num_queries, dimension] float32, for which codes are counted.
      threshold: the anisotropic one, in units of the candidates' mean length; None for an index as
        TFRS's layer builds it.
      soar: put candidates into a second leaf.
      settings: pairs of leaves opened and candidates reordered; the grid without.

    Returns:
      The settings, after the index is built.
    """
    from scann import scann_ops_pybind

    leaves = num_leaves(candidates)
    spill = {"soar_lambda": 1.5, "overretrieve_factor": 2.0} if soar else {}
    sample, finer = {}, {}
    if threshold is not None:
        sample["training_sample_size"] = 250_000
        finer["anisotropic_quantization_threshold"] = threshold * mean_length(candidates)
    builder = scann_ops_pybind.builder(candidates, K, "dot_product")
    index = builder.tree(leaves, 10, **sample, **spill).score_ah(2, **finer).reorder(300).build()

    def ways() -> Settings:
        codes = opened_codes(index, queries)
        for opened, reorder in settings or grid(leaves):
            use = {"leaves_to_search": opened, "pre_reorder_num_neighbors": reorder}
            counts = float(codes[opened - 1]), float(reorder)
            yield Setting(
                f"{opened} leaves, {reorder} reordered",
                {"leaves": opened, "reordered": reorder},
                lambda query, use=use: index.search(query, **use)[0],
                lambda block, on, use=use: search_many(index, block, on, use),
                lambda counts=counts: counts,
            )

    return ways()


def search_many(index: Any, block: np.ndarray, on: int, use: dict[str, int]) -> np.ndarray:
    search = index.search_batched if on == 1 else index.search_batched_parallel
    return search(block, **use)[0]


def brute(candidates: np.ndarray, queries: np.ndarray, quantised: bool) -> Settings:
    """All candidates: as float32, or as int8 with the best scored again."""
    from scann import scann_ops_pybind

    builder = scann_ops_pybind.builder(candidates, K, "dot_product")
    builder = builder.score_brute_force(quantize=quantised)
    index = (builder.reorder(100) if quantised else builder).build()
    everything = float(len(candidates))

    def ways() -> Settings:
        for reorder in (10, 30, 100) if quantised else (0,):
            use = {"pre_reorder_num_neighbors": reorder} if quantised else {}
            counts = (everything, float(reorder)) if quantised else (0.0, everything)
            yield Setting(
                f"all, {reorder} reordered" if quantised else "all",
                {"reordered": reorder},
                lambda query, use=use: index.search(query, **use)[0],
                lambda block, on, use=use: search_many(index, block, on, use),
                lambda counts=counts: counts,
            )

    return ways()
