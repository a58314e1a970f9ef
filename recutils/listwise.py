"""Lists of films that one person rated: what listwise models train on and are judged by."""

from recutils import _checks

import numpy as np
import numpy.typing as npt
import pandas as pd

_COLUMNS = ("user_id", "movie_title", "movie_id", "user_rating")


def sample_lists(
    ratings: pd.DataFrame, lists_per_user: int, list_size: int, seed: int = 42
) -> dict[str, npt.NDArray]:
    """Draws lists of rated films, as `tfrs.examples.movielens.sample_listwise` does.

    A list is an ordered draw without repeats, each order equally likely; a person's lists are
    independent and overlap. People with fewer ratings than a list is long get none. However many
    lists are drawn, busy people's ratings are seen less often than others': see `partition_lists`.

    Args:
      ratings: frame with user_id, movie_id, movie_title and user_rating; no film twice per person.
      lists_per_user: lists to draw for each person.
      list_size: films in a list.
      seed: seed of the draws.

    Returns:
      A dict of arrays: "user_id" [num_lists], "movie_title" and "movie_id" [num_lists, list_size]
      of str objects, and "user_rating" [num_lists, list_size] float32 stars. A person's lists
      are next to each other, people in order of first appearance.

    Raises:
      TypeError: ratings is not a frame, its ratings are not numbers, or a number is not an int.
      ValueError: ratings is empty, lacks a column or value or has a pair twice, a number is below
        1, or nobody has list_size ratings.

    See: the chapter listwise/listwise_ranking.
    """
    lists_per_user = _checks.integer("lists_per_user", lists_per_user, low=1)
    users, rows, starts, counts = _by_user(ratings, list_size)
    rng = np.random.default_rng(_checks.integer("seed", seed, low=0))
    enough = np.flatnonzero(counts >= list_size)
    owners = np.repeat(enough, lists_per_user)
    # Floyd's draw without repeats, for all lists at once: place i takes a number up to `last`, or
    # `last` itself if the list has that number already. Every set is equally likely.
    drawn = np.empty((len(owners), list_size), np.intp)
    for i in range(list_size):
        last = counts[owners] - list_size + i
        number = rng.integers(last + 1)
        taken = (drawn[:, :i] == number[:, None]).any(axis=1)
        drawn[:, i] = np.where(taken, last, number)
    rng.permuted(drawn, axis=1, out=drawn)
    return _lists(ratings, users[owners], rows[starts[owners][:, None] + drawn])


def partition_lists(
    ratings: pd.DataFrame, list_size: int, rounds: int = 1, seed: int = 42
) -> dict[str, npt.NDArray]:
    """Deals each person's ratings into lists at random, round by round, so that all are seen.

    If a person's n ratings are a multiple of list_size, each round shows each of them once.
    Otherwise n mod list_size of them sit out a round: those seen most often so far, chosen at
    random among equals. So after any number of rounds the ratings of a person have been seen
    equally often or differ by one. People with fewer ratings than a list is long get no list.

    Args:
      ratings: frame with user_id, movie_id, movie_title and user_rating; no film twice per person.
      list_size: films in a list.
      rounds: how often to deal.
      seed: seed of the deals.

    Returns:
      A dict of arrays, as for `sample_lists`; the lists of one round are next to each other.

    Raises:
      TypeError: ratings is not a frame, its ratings are not numbers, or a number is not an int.
      ValueError: ratings is empty, lacks a column or value or has a pair twice, a number is below
        1, or nobody has list_size ratings.

    See: the chapter listwise/listwise_ranking.
    """
    rounds = _checks.integer("rounds", rounds, low=1)
    users, rows, starts, counts = _by_user(ratings, list_size)
    rng = np.random.default_rng(_checks.integer("seed", seed, low=0))
    owners = np.repeat(np.arange(len(users)), counts)
    dealt = np.repeat(counts // list_size * list_size, counts)
    place = np.arange(len(rows)) - np.repeat(starts, counts)
    seen = np.zeros(len(rows), np.intp)
    deals = []
    for _ in range(rounds):
        # The ratings seen least often so far are in this round, and are dealt at random.
        least_seen = np.lexsort((rng.random(len(rows)), seen, owners))
        chosen = least_seen[place < dealt]
        seen[chosen] += 1
        deals.append(chosen[np.lexsort((rng.random(len(chosen)), owners[chosen]))])
    lists = np.concatenate(deals).reshape(-1, list_size)
    return _lists(ratings, users[owners[lists[:, 0]]], rows[lists])


def _by_user(
    ratings: pd.DataFrame, list_size: int
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray]:
    """Returns the people, the rows in order of people, and where theirs start and how many."""
    _checks.ratings("ratings", ratings, _COLUMNS, unique=True)
    _checks.integer("list_size", list_size, low=1)
    codes, users = pd.factorize(ratings["user_id"])
    counts = np.bincount(codes)
    if counts.max() < list_size:
        raise ValueError(
            f"list_size must be at most {counts.max()}, the most ratings a person has, "
            f"got {list_size}"
        )
    return (
        np.asarray(users, object),
        np.argsort(codes, kind="stable"),
        np.cumsum(counts) - counts,
        counts,
    )


def _lists(
    ratings: pd.DataFrame, users: npt.NDArray[np.object_], rows: npt.NDArray[np.intp]
) -> dict[str, npt.NDArray]:
    return {
        "user_id": users,
        "movie_title": ratings["movie_title"].astype(object).to_numpy()[rows],
        "movie_id": ratings["movie_id"].astype(object).to_numpy()[rows],
        "user_rating": ratings["user_rating"].to_numpy(np.float32)[rows],
    }
