"""What is known about a synthetic world: who would watch what, and with how many stars."""

from __future__ import annotations

from recutils._opinions import Opinions

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

STARS = np.arange(1, 6)


@dataclass(frozen=True, kw_only=True)
class Truth(Opinions):
    """The exact probabilities behind a synthetic world.

    A person's next film is drawn from a mixture of tastes: `mixtures @ taste_probability`. The
    stars of a person and a film come from a latent score, normal around
    `person_effect + film_effect + person_factors · film_factors`, cut at four places.

    Attributes:
      user_ids, movie_ids: str, in the order of `Movies.users` and `Movies.movies`.
      mixtures: [num_users, num_tastes] float64, rows sum to 1.
      taste_probability: [num_tastes, num_movies] float64, rows sum to 1.
      arrival: [num_movies] int64, the second from which a film can be watched.
      person_effect, film_effect: [num_users] and [num_movies] float64.
      person_factors, film_factors: [num_users, d] and [num_movies, d] float64.
      noise: standard deviation of the latent score.
      cuts: [4] float64, increasing: a latent score below the first gives 1 star, above the last 5.
      age_genre, occupation_genre: what an age or occupation adds to the latent score of a film for
        each of its genres; a film with n genres gets their sum divided by √n.

    See: the chapter basics/data.
    """

    user_ids: pd.Index
    movie_ids: pd.Index
    noise: float
    cuts: np.ndarray

    def watch_probability(
        self, user_ids: npt.ArrayLike, at: npt.ArrayLike | None = None
    ) -> np.ndarray:
        """Probability of each film to be a person's next choice, with nothing seen yet.

        Args:
          user_ids: [n] strings.
          at: [n] seconds, one a person: films that arrive later get 0. None: every film is there.

        Returns:
          [n, num_movies] float64, columns in the order of `Movies.movies`, rows sum to 1.

        Raises:
          ValueError: an id is unknown, `at` has another length, or there was no film at a time.
        """
        people = _positions("user_ids", user_ids, self.user_ids)
        probability = self._of_tastes(people)
        if at is not None:
            seconds = np.asarray(at)
            if seconds.shape != people.shape or seconds.dtype.kind not in "iuf":
                raise ValueError(
                    f"at must hold one timestamp for each of the {people.size} users, "
                    f"got {seconds.dtype} of shape {seconds.shape}"
                )
            probability *= self.arrival <= seconds[:, None]
        total = probability.sum(axis=1, keepdims=True)
        if (total == 0).any():
            raise ValueError(f"at {np.asarray(at)[(total == 0)[:, 0]][0]} no film had arrived yet")
        return probability / total

    def latent_score(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> np.ndarray:
        """Mean of the latent score whose cuts give the stars.

        Args:
          user_ids: [n] strings.
          movie_ids: [n] strings.

        Returns:
          [n] float64.

        Raises:
          ValueError: an id is unknown, or the lengths differ.
        """
        people = _positions("user_ids", user_ids, self.user_ids)
        films = _positions("movie_ids", movie_ids, self.movie_ids)
        if people.shape != films.shape:
            raise ValueError(
                f"user_ids and movie_ids must have one length, got {people.size} and {films.size}"
            )
        return self._latent(people, films)

    def rating_distribution(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> np.ndarray:
        """Probability of 1, 2, 3, 4 and 5 stars, for pairs of a person and a film.

        Args:
          user_ids: [n] strings.
          movie_ids: [n] strings.

        Returns:
          [n, 5] float64, rows sum to 1.

        Raises:
          ValueError: an id is unknown, or the lengths differ.
        """
        latent = self.latent_score(user_ids, movie_ids)
        below = ndtr((self.cuts - latent[:, None]) / self.noise)
        edge = np.ones((latent.size, 1))
        return np.diff(np.hstack([0 * edge, below, edge]), axis=1)

    def expected_rating(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> np.ndarray:
        """Mean number of stars: the best prediction in squared error.

        Args:
          user_ids: [n] strings, as for `rating_distribution`.
          movie_ids: [n] strings, as for `rating_distribution`.

        Returns:
          [n] float64, between 1 and 5.
        """
        return self.rating_distribution(user_ids, movie_ids) @ STARS

    def expected_gain(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> np.ndarray:
        """Mean of 2^stars − 1: ordering by it gives the best possible NDCG.

        Args:
          user_ids: [n] strings, as for `rating_distribution`.
          movie_ids: [n] strings, as for `rating_distribution`.

        Returns:
          [n] float64, between 1 and 31.
        """
        return self.rating_distribution(user_ids, movie_ids) @ (2.0**STARS - 1)

    def bayes_rmse(self, ratings: pd.DataFrame) -> float:
        """RMSE of the expected rating on these ratings: the floor for every model.

        Args:
          ratings: user_id, movie_id and user_rating.

        Returns:
          Stars.

        Raises:
          ValueError: there is no rating, or an id is unknown.
        """
        if ratings.empty:
            raise ValueError("ratings has no row, expected at least one")
        error = ratings["user_rating"] - self.expected_rating(
            ratings["user_id"], ratings["movie_id"]
        )
        return float(np.sqrt(np.mean(np.square(error))))


def _positions(name: str, ids: npt.ArrayLike, known: pd.Index) -> np.ndarray:
    wanted = np.asarray(ids, dtype=object)
    if wanted.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got shape {wanted.shape}")
    positions = known.get_indexer(pd.Index(wanted, dtype=object))
    if (positions < 0).any():
        raise ValueError(f"{name} has {wanted[positions < 0][0]!r}, which is not in this world")
    return positions
