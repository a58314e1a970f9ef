"""What a history of choices says about the next one, to someone who doesn't know the person.

The unknown is the person's mixture of tastes (and the group that it comes from). We integrate over
it by importance sampling from the prior, Dirichlet distributions: each draw is weighted by the
exact probability of the history under it. So that few weights are negligible, most draws come from
where the history points: Gibbs samplers guess which taste made which choice, and given such a guess
the mixture has a Dirichlet distribution again. How good the guesses are affects only the size of
the error.
"""

from __future__ import annotations

from recutils._choices import Choices

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, logsumexp

_FROM_PRIOR = 0.2
# Guesses count only half: proposals that are too wide cost little, too narrow ones a lot.
_BELIEF = 0.5
_NUM_GUESSES = 100
_NUM_SWEEPS = 20
_NUMBERS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Prior:
    """What is known of a mixture in advance: Dirichlet distributions, each with a share.

    Attributes:
      parameters: [num_groups, num_tastes] float64.
      shares: [num_groups] float64, above 0, summing to 1.
    """

    parameters: np.ndarray
    shares: np.ndarray

    @classmethod
    def of_groups(cls, parameters: np.ndarray, shares: np.ndarray) -> Prior:
        """Leaves out groups that nobody is in, and merges identical ones."""
        parameters, shares = parameters[shares > 0], shares[shares > 0]
        distinct, place = np.unique(parameters, axis=0, return_inverse=True)
        return cls(distinct, np.bincount(place.ravel(), shares))


@dataclass(frozen=True)
class Steps:
    """The probability of each choice of a history, as a function of the mixture m.

    It is (from_last + m · by_taste) / (last_open + m · taste_open), step by step.

    Attributes:
      from_last: [k] float64, what the film before gives to the one chosen.
      by_taste: [k, num_tastes] float64, what each taste gives to it.
      last_open: [k] float64, what the film before gives to all films that could be chosen.
      taste_open: [k, num_tastes] float64, what each taste gives to them.
      taste_share: [k] float64, what tastes would give if all films could be chosen.
    """

    from_last: np.ndarray
    by_taste: np.ndarray
    last_open: np.ndarray
    taste_open: np.ndarray
    taste_share: np.ndarray

    def log_likelihood(self, mixtures: np.ndarray) -> np.ndarray:
        """[n] for [n, num_tastes] mixtures."""
        total = np.zeros(len(mixtures))
        at_once = max(1, _NUMBERS_AT_ONCE // len(mixtures))
        for start in range(0, len(self.from_last), at_once):
            part = slice(start, start + at_once)
            chosen = self.from_last[part] + mixtures @ self.by_taste[part].T
            possible = self.last_open[part] + mixtures @ self.taste_open[part].T
            with np.errstate(divide="ignore"):
                total += (np.log(chosen) - np.log(possible)).sum(axis=1)
        return total


def steps_of(choices: Choices, films: np.ndarray, seconds: np.ndarray) -> Steps:
    """The steps of one history.

    Args:
      choices: the world.
      films: [k] int, positions, oldest first, without repeats.
      seconds: [k], when they were chosen; never before a film's arrival.
    """
    tastes = choices.taste_probability
    in_time = np.argsort(choices.arrival, kind="stable")
    arrived = np.searchsorted(choices.arrival[in_time], seconds, side="right")
    upto = np.cumsum(tastes[:, in_time], axis=1).T[arrived - 1]
    by_taste = tastes[:, films].T
    # Rounding must never leave less than what was actually chosen.
    taste_open = np.maximum(upto - (np.cumsum(by_taste, axis=0) - by_taste), by_taste)
    from_last, last_open = np.zeros((2, films.size))
    if choices.follow and films.size > 1:
        when_chosen = np.full(choices.arrival.size, films.size)
        when_chosen[films] = np.arange(films.size)
        options, weights = choices.successors[films[:-1]], choices.successor_weights[films[:-1]]
        later = np.arange(1, films.size)[:, None]
        is_open = (when_chosen[options] >= later) & (choices.arrival[options] <= seconds[1:, None])
        last_open[1:] = (weights * is_open).sum(axis=1)
        from_last[1:] = (weights * (options == films[1:, None])).sum(axis=1)
    # Where no successor is open, tastes alone decide.
    follow = np.where(last_open > 0, choices.follow, 0.0)
    return Steps(
        from_last=follow * from_last,
        by_taste=(1 - follow)[:, None] * by_taste,
        last_open=follow * last_open,
        taste_open=(1 - follow)[:, None] * taste_open,
        taste_share=1 - follow,
    )


def draw_mixtures(
    random: np.random.Generator, prior: Prior, steps: Steps, num_draws: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mixtures of people who could have this history, and how much each counts.

    Returns:
      [num_draws, num_tastes] float64 and [num_draws] float64, weights that sum to 1.
    """
    if not len(steps.from_last):
        group = random.choice(prior.shares.size, num_draws, p=prior.shares)
        return _dirichlet(random, prior.parameters[group]), np.full(num_draws, 1 / num_draws)
    counts = _BELIEF * _guess(random, prior, steps)
    log_evidence = _log_evidence(prior, counts)
    is_prior = random.random(num_draws) < _FROM_PRIOR
    guess = random.integers(len(counts), size=num_draws)
    group = _draw_group(random, prior, log_evidence[:, guess])
    from_prior = random.choice(prior.shares.size, num_draws, p=prior.shares)
    group = np.where(is_prior, from_prior, group)
    parameters = prior.parameters[group] + np.where(is_prior[:, None], 0, counts[guess])
    mixtures = _dirichlet(random, parameters)
    # How much more likely a draw was here than from the prior.
    with np.errstate(divide="ignore"):
        log_power = np.maximum(np.log(mixtures), -1e6) @ counts.T
    log_ratio = logsumexp(log_power - logsumexp(log_evidence, axis=0), axis=1) - np.log(len(counts))
    log_ratio = np.logaddexp(np.log(_FROM_PRIOR), np.log1p(-_FROM_PRIOR) + log_ratio)
    log_weights = steps.log_likelihood(mixtures) - log_ratio
    largest = log_weights.max()
    if not np.isfinite(largest):
        raise ValueError(
            "histories contains one that nobody could have: "
            "where follow is 1, each film must be a successor of the one before"
        )
    weights = np.exp(log_weights - largest)
    return mixtures, weights / weights.sum()


def _guess(random: np.random.Generator, prior: Prior, steps: Steps) -> np.ndarray:
    """[num_guesses, num_tastes] how many draws each taste made, refused ones included."""
    num_tastes = prior.parameters.shape[1]
    expected = prior.shares @ prior.parameters
    mixtures = random.dirichlet(np.ones(num_tastes), _NUM_GUESSES)
    at_once = max(1, _NUMBERS_AT_ONCE // (_NUM_GUESSES * num_tastes))
    counts = np.zeros((_NUM_GUESSES, num_tastes))
    for _ in range(_NUM_SWEEPS):
        counts[:] = 0
        for start in range(0, len(steps.from_last), at_once):
            part = slice(start, start + at_once)
            share = np.cumsum(mixtures[:, None] * steps.by_taste[part], axis=2)
            uniform = random.random(share.shape[:2]) * (share[:, :, -1] + steps.from_last[part])
            taste = (uniform[:, :, None] >= share).sum(axis=2)
            counts += (taste[:, :, None] == np.arange(num_tastes)).sum(axis=1)
            possible = steps.last_open[part] + mixtures @ steps.taste_open[part].T
            refused = steps.taste_share[part, None] - steps.taste_open[part]
            # A step's number of refused draws is geometric: Poisson with an exponential mean.
            how_often = random.standard_exponential(possible.shape) / possible
            counts += random.poisson(mixtures * (how_often @ np.maximum(refused, 0)))
        mixtures = _dirichlet(random, expected + counts)
    return counts


def _log_evidence(prior: Prior, counts: np.ndarray) -> np.ndarray:
    """[num_groups, n]: log of a group's share times its likelihood of [n, num_tastes] counts."""

    def log_beta(parameters: np.ndarray) -> np.ndarray:
        return gammaln(parameters).sum(axis=-1) - gammaln(parameters.sum(axis=-1))

    both = log_beta(prior.parameters[:, None] + counts)
    return np.log(prior.shares)[:, None] + both - log_beta(prior.parameters)[:, None]


def _draw_group(random: np.random.Generator, prior: Prior, log_evidence: np.ndarray) -> np.ndarray:
    """[n] groups, drawn with probabilities given by [num_groups, n] log evidence."""
    if prior.shares.size == 1:
        return np.zeros(log_evidence.shape[1], np.int64)
    noise = random.gumbel(size=log_evidence.shape)
    return np.argmax(log_evidence + noise, axis=0)


def _dirichlet(random: np.random.Generator, parameters: np.ndarray) -> np.ndarray:
    gamma = random.standard_gamma(parameters)
    return gamma / gamma.sum(axis=1, keepdims=True)


def expected_next(
    choices: Choices,
    mixtures: np.ndarray,
    weights: np.ndarray,
    films: np.ndarray,
    second: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The next choice averaged over weighted mixtures.

    Args:
      choices: the world.
      mixtures, weights: [n, num_tastes] and [n] float64, from `draw_mixtures`.
      films: [k] int, positions of what was chosen before, oldest first.
      second: the moment of the choice.

    Returns:
      [num_movies] float64 probabilities, and [num_movies] float64 standard errors.
    """
    is_open = choices.arrival <= second
    is_open[films] = False
    from_tastes = choices.taste_probability * is_open
    from_last = np.zeros(is_open.size)
    if choices.follow and films.size:
        options = choices.successors[films[-1]]
        from_last[options] = choices.successor_weights[films[-1]] * is_open[options]
    follow = choices.follow if from_last.any() else 0.0
    parts = np.vstack([follow * from_last, (1 - follow) * from_tastes])
    if not parts.any():
        raise ValueError(f"at {second} no film is left")
    # A mixture gives the probabilities share @ parts: so the covariance of shares is enough.
    share = np.hstack([np.ones((len(mixtures), 1)), mixtures])
    share /= (share @ parts.sum(axis=1))[:, None]
    mean = weights @ share
    deviation = weights[:, None] * (share - mean)
    variance = np.einsum("im,ij,jm->m", parts, deviation.T @ deviation, parts, optimize=True)
    return mean @ parts, np.sqrt(np.maximum(variance, 0))
