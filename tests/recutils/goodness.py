"""How well draws fit the probabilities that they should have: p-values."""

import numpy as np
from scipy import stats

# Of 10,000 right worlds one fails here; with a fixed seed that doesn't change from run to run.
UNLIKELY = 1e-4


def distance(counts, probability):
    """The p-value of counts under a distribution; rare outcomes are counted together.

    The statistic compares each error with the one that the number of draws allows. So passing with
    n and with 16 n draws means: the error falls as 1/√n.
    """
    n = counts.sum()
    rarest_first = np.argsort(probability)
    cell = (np.cumsum(probability[rarest_first]) * n // 12).astype(int)
    cell = np.unique(cell, return_inverse=True)[1]
    expected = np.bincount(cell, probability[rarest_first] * n)
    found = np.bincount(cell, counts[rarest_first])
    possible = expected > 0
    assert found[~possible].sum() == 0
    expected, found = expected[possible], found[possible]
    return stats.chisquare(found, expected * n / expected.sum()).pvalue


def fit(film, chance):
    """The p-value of one film drawn by each row of probabilities.

    Where a draw falls within its row is uniform, if the row is right. Films are taken in the order
    in which the row likes them more than other rows do.
    """
    mean = chance.mean(axis=0)
    order = np.argsort(-chance / np.where(mean > 0, mean, 1), axis=1, kind="stable")
    place = np.argmax(order == film[:, None], axis=1)[:, None]
    upto = np.take_along_axis(chance, order, axis=1).cumsum(axis=1)
    own = np.take_along_axis(chance, film[:, None], axis=1)
    upper = np.take_along_axis(upto, place, axis=1)
    uniform = upper - own * np.random.default_rng(0).random((len(film), 1))
    return stats.kstest(uniform[:, 0], "uniform").pvalue
