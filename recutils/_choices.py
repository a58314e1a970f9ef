"""Who chooses what in a synthetic world, and with what probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The ingredients of the probability of a choice; `Truth` explains each attribute."""

    mixtures: np.ndarray
    taste_probability: np.ndarray
    arrival: np.ndarray
    mixture_prior: np.ndarray
    group_share: np.ndarray
    genre_liking: np.ndarray
    own_liking_sd: np.ndarray
    log_reach: np.ndarray
    follow: float
    successors: np.ndarray
    successor_weights: np.ndarray

    def _of_tastes(self, people: np.ndarray) -> np.ndarray:
        """[n, num_movies]: each film's probability given the tastes of these people."""
        return self.mixtures[people] @ self.taste_probability

    def _next(
        self, people: np.ndarray, films: np.ndarray, lengths: np.ndarray, seconds: np.ndarray
    ) -> np.ndarray:
        """Each film's share of a person's next choice.

        Args:
          people: [n] int, positions.
          films: [lengths.sum()] int, positions of what they chose before, person by person.
          lengths: [n] int, how many films each of them chose.
          seconds: [n], the moment of the choice.

        Returns:
          [n, num_movies] float64; rows sum to 1, or to 0 where no film is left.
        """
        rows = np.arange(people.size)
        is_open = self.arrival <= seconds[:, None]
        is_open[np.repeat(rows, lengths), films] = False
        chance = _shares(self._of_tastes(people) * is_open)
        if self.follow:
            rows = rows[lengths > 0]
            last = films[(np.cumsum(lengths) - 1)[rows]]
            options = self.successors[last]
            reachable = self.successor_weights[last] * is_open[rows[:, None], options]
            # A refused draw starts over, from the choice between successors and tastes: so we mix
            # the open parts of both, not their shares. With no open successor, tastes decide alone.
            goes_on = reachable.any(axis=1)
            rows, options, reachable = rows[goes_on], options[goes_on], reachable[goes_on]
            chance[rows] = (1 - self.follow) * (self._of_tastes(people[rows]) * is_open[rows])
            chance[rows[:, None], options] += self.follow * reachable
            chance[rows] = _shares(chance[rows])
        return chance


def _shares(values: np.ndarray) -> np.ndarray:
    """Rows divided by their sums; a row of zeros stays."""
    total = values.sum(axis=1, keepdims=True)
    return np.divide(values, total, out=np.zeros_like(values), where=total > 0)
