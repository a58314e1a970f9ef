"""The benchmark's catalogues: trained films, grown by noise; people who ask; exact answers."""

import numpy as np

K = 10
NOISE = 0.7


def towers(dimension: int, epochs: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Trains the two towers of the chapter serving/approximate_search.

    Args:
      dimension: length of the vectors.
      epochs: how often training sees each pair.

    Returns:
      [num_people, dimension] and [num_films, dimension] float32.
    """
    import recutils
    from recutils import datasets
    from recutils.models import CorrectedTwoTowers

    import tensorflow as tf

    recutils.set_seed(42)
    movies = recutils.load_movies()
    train, _ = datasets.split(movies.ratings, by="random", test_fraction=0.2, seed=42)
    shares = datasets.sampling_probability(train["movie_id"])
    users = movies.users["user_id"].to_numpy(object)
    films = movies.movies["movie_id"].to_numpy(object)
    model = CorrectedTwoTowers(users, films, dimension=dimension, l2=0.05)
    model.compile(tf.keras.optimizers.Adagrad(0.1))
    columns = ["user_id", "movie_id", "sampling_probability"]
    pairs = train.assign(sampling_probability=shares)
    model.fit(datasets.to_dataset(pairs, columns, 512, seed=42), epochs=epochs, verbose=0)
    return model.query_tower(users).numpy(), model.candidate_tower(films).numpy()


def grow(
    vectors: np.ndarray, number: int, noise: float = NOISE, seed: int = 42, copies: float = 0
) -> np.ndarray:
    """The films' vectors, and around them as many again as it takes, as in the chapter.

    Args:
      vectors: [num_films, dimension] float32.
      number: how many candidates to make, at least num_films.
      noise: their distance to the film that they are made from, in standard deviations.
      seed: of the noise.
      copies: share of the candidates that are exact copies of others.

    Returns:
      [number, dimension] float32; the films come first.
    """
    if number < len(vectors):
        raise ValueError(f"number must be at least num_films={len(vectors)}, got {number}")
    rng = np.random.default_rng(seed)
    parent = rng.integers(len(vectors), size=number)
    parent[: len(vectors)] = np.arange(len(vectors))
    grown = rng.standard_normal((number, vectors.shape[1]), dtype=np.float32)
    grown *= noise * vectors.std(axis=0)
    grown[: len(vectors)] = 0
    grown += vectors[parent]
    if copies:
        again = rng.choice(np.arange(len(vectors), number), round(copies * number), replace=False)
        others = np.setdiff1d(np.arange(number), again)
        grown[again] = grown[rng.choice(others, len(again))]
    return grown


def exact(queries: np.ndarray, candidates: np.ndarray, k: int = K) -> tuple[np.ndarray, np.ndarray]:
    """The k best candidates of each query by inner product, best first, and their scores.

    Args:
      queries: [num_queries, dimension] float32.
      candidates: [num_candidates, dimension] float32.
      k: length of the lists.

    Returns:
      [num_queries, k] int ids and [num_queries, k] float32 scores.
    """
    ids, scores = [], []
    size = max(1, 20_000_000 // len(candidates))  # so that all scores of a block fit into memory
    for block in np.array_split(queries, -(-len(queries) // size)):
        dots = block @ candidates.T
        best = np.argpartition(-dots, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(dots, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        ids.append(np.take_along_axis(best, order, axis=1))
        scores.append(np.take_along_axis(values, order, axis=1))
    return np.concatenate(ids), np.concatenate(scores)


def recall_by_id(truth: np.ndarray, found: np.ndarray) -> float:
    """Share of the true ids that were found, as `recutils.evaluation.index_recall`."""
    return float((truth[:, :, None] == found[:, None, :]).any(axis=2).mean())


def recall_by_score(
    scores: np.ndarray, queries: np.ndarray, candidates: np.ndarray, found: np.ndarray
) -> float:
    """Share of the places that hold a candidate as good as the true k-th: ties don't count.

    Args:
      scores: [num_queries, k] float32, the true scores, best first.
      queries: [num_queries, dimension] float32.
      candidates: [num_candidates, dimension] float32.
      found: [num_queries, k] int ids; below 0 is an empty place.

    Returns:
      A number between 0 and 1.
    """
    ids = np.sort(found, axis=1)
    new = (ids >= 0) & np.column_stack([np.full(len(ids), True), ids[:, 1:] > ids[:, :-1]])
    dots = np.einsum("qkd,qd->qk", candidates[np.maximum(ids, 0)], queries)
    least = scores[:, -1:] - 1e-5 * np.maximum(1, np.abs(scores[:, -1:]))
    return float((new & (dots >= least)).sum() / scores.size)
