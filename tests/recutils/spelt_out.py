"""A small world as a table, and every way to answer a list in it, spelt out."""

from recutils import synthetic
from recutils.truth import Truth

import itertools
import math

import numpy as np
import pandas as pd
import pytest

SETTINGS = [
    ("position", 0, 0),
    ("position", 1, 0),
    ("position", 0.5, 0.6),
    ("position", 2, 1),
    ("cascade", None, 0),
    ("cascade", None, 0.7),
    ("cascade", None, 1),
]
every_setting = pytest.mark.parametrize("setting", SETTINGS)


class Table(Truth):
    """The truth about a few people and films, whose ratings have any distribution."""

    def __init__(self, chances):
        chances = np.asarray(chances, float)
        vars(self).update(
            chances=chances,
            user_ids=pd.Index([f"u{i}" for i in range(chances.shape[0])]),
            movie_ids=pd.Index([f"m{i}" for i in range(chances.shape[1])]),
        )

    def rating_distribution(self, user_ids, movie_ids):
        person = self.user_ids.get_indexer(pd.Index(user_ids))
        return self.chances[person, self.movie_ids.get_indexer(pd.Index(movie_ids))]


def every_way(chances, looking, eta, trust, misled=None):
    """Every way to answer a list of [list_length, 5] chances of stars, with its probability.

    Spelt out as the story goes: a person goes down the list with a coin for each place, one that
    says whether to look and one that says whether to click what isn't liked.
    """
    misled = misled or (lambda k: trust / k)
    places = range(1, len(chances) + 1)
    looks = [1.0 if looking == "cascade" else 1 / k**eta for k in places]
    per_place = [
        [
            (stars, look, fooled, chance)
            for stars, p in enumerate(row, start=1)
            for look in (True, False)
            for fooled in (True, False)
            for chance in [p * (q if look else 1 - q) * (misled(k) if fooled else 1 - misled(k))]
            if chance > 0
        ]
        for k, row, q in zip(places, chances, looks, strict=True)
    ]
    for way in itertools.product(*per_place):
        answer, has_clicked = [], False
        for stars, would_look, fooled, _ in way:
            looked = would_look and not (looking == "cascade" and has_clicked)
            clicked = looked and (stars >= 4 or fooled)
            has_clicked |= clicked
            answer.append((looked, stars if looked else 0, clicked))
        yield math.prod(chance for *_, chance in way), tuple(answer)


def value_of(answer):
    """Clicks, stars and satisfaction of one answer."""
    return np.array(
        [
            sum(clicked for _, _, clicked in answer),
            sum(stars for _, stars, clicked in answer if clicked),
            sum(stars - 3 for looked, stars, _ in answer if looked),
        ]
    )


def by_hand(chances, *setting):
    """[3]: the expected value of a list, over every way to answer it."""
    return sum(p * value_of(answer) for p, answer in every_way(chances, *setting))


def as_array(value):
    return np.array([value.clicks, value.stars, value.satisfaction])


def small_world():
    return synthetic.movies(60, 40, 1_000, seed=3)


def lists_of_six(world):
    """2,000 people, some several times, and a list of six films for each."""
    random = np.random.default_rng(5)
    people = random.choice(world.truth.user_ids.to_numpy(object), 2_000)
    films = world.truth.movie_ids.to_numpy(object)
    lists = films[random.permuted(np.tile(np.arange(40), (2_000, 1)), axis=1)[:, :6]]
    return people, lists


def any_table():
    """Two people and four films."""
    return Table(np.random.default_rng(8).dirichlet([0.7] * 5, (2, 4)))
