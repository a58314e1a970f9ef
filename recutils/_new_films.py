"""How likely films are to be chosen if only their genres are known."""

from __future__ import annotations

from recutils._choices import Choices

import numpy as np
from scipy.special import softmax

_NUMBERS_AT_ONCE = 2_000_000


def expected_choice(
    random: np.random.Generator,
    choices: Choices,
    people: np.ndarray,
    films: np.ndarray,
    num_draws: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The probability of a choice, averaged over what genres don't say about a film.

    A film's popularity is divided among the tastes in proportion to exp(liking by genre + liking of
    its own + reach); the liking of its own is drawn from a normal distribution. Popularity is a
    factor, so its mean is all that is needed: one film's part of all films.

    Args:
      random: source of random numbers.
      choices: the world.
      people: [n] int, positions.
      films: [m] int, positions.
      num_draws: how often the liking of its own is drawn.

    Returns:
      [n, m] float64 means, and [n, m] float64 standard errors of them.
    """
    num_tastes, num_movies = choices.taste_probability.shape
    own = random.standard_normal((num_draws, num_tastes)) * choices.own_liking_sd
    mixtures = choices.mixtures[people]
    mean, error = np.empty((2, people.size, films.size))
    at_once = max(1, _NUMBERS_AT_ONCE // own.size)
    for start in range(0, films.size, at_once):
        part = slice(start, start + at_once)
        liking = (choices.genre_liking[:, films[part]] + choices.log_reach[:, None]).T
        share = softmax(liking[:, None] + own, axis=2)
        expected = share.mean(axis=1)
        deviation = share - expected[:, None]
        covariance = np.einsum("fds,fdt->fst", deviation, deviation, optimize=True)
        mean[:, part] = mixtures @ expected.T
        variance = np.einsum("ns,fst,nt->nf", mixtures, covariance, mixtures, optimize=True)
        error[:, part] = np.sqrt(np.maximum(variance, 0) / (num_draws - 1) / num_draws)
    to_probability = num_tastes / num_movies
    return to_probability * mean, to_probability * error
