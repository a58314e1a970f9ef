"""What is known about a synthetic world: who would watch what, and with how many stars."""

from __future__ import annotations

from recutils import _arguments, _checks, _histories, _new_films
from recutils._opinions import Opinions

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

STARS = np.arange(1, 6)
# More would not fit into memory.
_MOST_DRAWS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Truth(Opinions):
    """The exact probabilities behind a synthetic world.

    A person's first film is drawn from a mixture of tastes: `mixtures @ taste_probability`. So are
    later ones, except that with probability `follow` they are drawn from the successors of the film
    before; a draw of a film that was seen, or has not arrived yet, starts over. The stars of a
    person and a film come from a latent score, normal around
    `person_effect + film_effect + person_factors · film_factors`, cut at four places.

    Attributes:
      user_ids: [num_users] str, in the order of `Movies.users`.
      movie_ids: [num_movies] str, in the order of `Movies.movies`.
      mixtures: [num_users, num_tastes] float64, rows sum to 1.
      taste_probability: [num_tastes, num_movies] float64, rows sum to 1.
      arrival: [num_movies] int64, the second from which a film can be watched.
      mixture_prior: [num_ages, num_occupations, num_tastes] float64, parameters of the Dirichlet
        distribution that a group's mixtures are drawn from; ages and occupations in the order of
        `age_genre` and `occupation_genre`.
      group_share: [num_ages, num_occupations] float64, each group's share of the people.
      genre_liking: [num_tastes, num_movies] float64, how much a taste likes a film for its genres.
      own_liking_sd: [num_tastes] float64, the standard deviation of how much it likes the rest of a
        film; both are terms of the log of `taste_probability`.
      log_reach: [num_tastes] float64, the shift in the log of a taste that makes no taste more
        popular than another.
      follow: probability that a choice is drawn from the successors of the film before.
      successors: [num_movies, s] int64, positions of films; s is 0 if `follow` is 0.
      successor_weights: [num_movies, s] float64, the probability of each, rows sum to 1.
      person_effect: [num_users] float64.
      film_effect: [num_movies] float64.
      person_factors: [num_users, d] float64.
      film_factors: [num_movies, d] float64.
      age_genre: what an age adds to the latent score of a film for each of its genres; a film with
        n genres gets their sum divided by √n.
      occupation_genre: the same for an occupation.
      age_occupation_genre: the same for pairs of an age and an occupation, beyond what each adds.
      agreement: how latent scores are tied to the watch probability (`shift`, `scale`, `slope`:
        [num_users] float64, for `shift + scale · score + slope · log(probability)`), or None.
      noise: standard deviation of the latent score.
      cuts: [4] float64, increasing: a latent score below the first gives 1 star, above the last 5.

    See: the chapter basics/data.
    """

    user_ids: pd.Index
    movie_ids: pd.Index
    noise: float
    cuts: np.ndarray

    def watch_probability(
        self, user_ids: npt.ArrayLike, at: npt.ArrayLike | None = None
    ) -> np.ndarray:
        """Probability that a person's first choice is each film, with nothing seen yet.

        If films follow each other, the ceiling for later choices is `next_probability`, not this.

        Args:
          user_ids: [n] strings.
          at: [n] seconds, one per person: films that arrive later get 0. None: every film is there.

        Returns:
          [n, num_movies] float64, columns in the order of `Movies.movies`, rows sum to 1.

        Raises:
          ValueError: an id is unknown, `at` has another length, or no film had arrived by then.
        """
        people = _checks.positions("user_ids", user_ids, self.user_ids, "this world")
        probability = self._of_tastes(people)
        if at is not None:
            seconds = _arguments.seconds("at", at, people.size, "users")
            probability *= self.arrival <= seconds[:, None]
        total = probability.sum(axis=1, keepdims=True)
        if (total == 0).any():
            raise ValueError(f"at {np.asarray(at)[(total == 0)[:, 0]][0]} no film had arrived yet")
        return probability / total

    def next_probability(
        self,
        user_ids: npt.ArrayLike,
        histories: Sequence[npt.ArrayLike],
        timestamps: npt.ArrayLike,
    ) -> np.ndarray:
        """Probability that a person's next choice is each film, after a history.

        It knows the person's mixture of tastes: ordering by it is the best that can be done.

        Args:
          user_ids: [n] strings.
          histories: n lists of movie ids, what each of them chose so far, oldest first; may be
            empty.
          timestamps: [n] seconds, the moment of the next choice: films that arrive later get 0.

        Returns:
          [n, num_movies] float64, columns in the order of `Movies.movies`, rows sum to 1; films of
          the history get 0.

        Raises:
          ValueError: an id is unknown, lengths differ, a history has a film twice, or nothing is
            left to choose.
        """
        people = _checks.positions("user_ids", user_ids, self.user_ids, "this world")
        films, lengths = _arguments.histories(histories, self.movie_ids, people.size)
        seconds = _arguments.seconds("timestamps", timestamps, people.size, "users")
        probability = self._next(people, films, lengths, seconds)
        has_none = probability.sum(axis=1) == 0
        if has_none.any():
            row = np.flatnonzero(has_none)[0]
            raise ValueError(
                f"user {self.user_ids[people[row]]!r} has nothing left to choose at {seconds[row]}"
            )
        return probability

    def group_probability(self, ages: npt.ArrayLike, occupations: npt.ArrayLike) -> np.ndarray:
        """Probability that the first choice is each film, for someone whose group is all we know.

        It is exact if all films have arrived. With arrivals, `next_given_history` with empty
        histories gives it by Monte Carlo.

        Args:
          ages: [n] strings, as in `bucketized_user_age`.
          occupations: [n] strings, as in `user_occupation_text`.

        Returns:
          [n, num_movies] float64, columns in the order of `Movies.movies`, rows sum to 1.

        Raises:
          ValueError: an age or occupation is unknown, or the lengths differ.
        """
        age, occupation = self._groups(ages, occupations)
        parameters = self.mixture_prior[age, occupation]
        return parameters / parameters.sum(axis=1, keepdims=True) @ self.taste_probability

    def next_given_history(
        self,
        histories: Sequence[npt.ArrayLike],
        history_timestamps: Sequence[npt.ArrayLike],
        timestamps: npt.ArrayLike,
        num_draws: int = 2000,
        seed: int = 0,
        *,
        ages: npt.ArrayLike | None = None,
        occupations: npt.ArrayLike | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Probability that the next choice is each film, given all that a history can tell.

        It doesn't know the person: it averages over all mixtures of tastes, each weighted by its
        probability in the world and by how well it explains the history. So it is the ceiling of
        models that know only histories (with `ages` and `occupations`: histories and groups).

        Args:
          histories: n lists of movie ids, what each person chose so far, oldest first; may be
            empty.
          history_timestamps: n lists of seconds, when they chose it.
          timestamps: [n] seconds, the moment of the next choice.
          num_draws: number of mixtures drawn for each person, 2 to a million.
          seed: seed of the random numbers, >= 0.
          ages: [n] strings, as in `bucketized_user_age`, if groups are known; otherwise each group
            counts by its share of the world's people.
          occupations: [n] strings, as in `user_occupation_text`; needed if `ages` is given.

        Returns:
          [n, num_movies] float64 probabilities, columns in the order of `Movies.movies`, rows sum
          to 1; and [n, num_movies] float64, their standard errors by Monte Carlo.

        Raises:
          TypeError: num_draws or seed is not an int.
          ValueError: an id, age or occupation is unknown, lengths differ, times decrease, a history
            has a film twice or before its arrival, or nothing is left to choose.
        """
        num_draws = _checks.integer("num_draws", num_draws, 2, _MOST_DRAWS)
        random = np.random.default_rng(_checks.integer("seed", seed, low=0))
        films, lengths = _arguments.histories(histories, self.movie_ids, None)
        seconds = _arguments.seconds("timestamps", timestamps, lengths.size, "histories")
        chosen_at = _arguments.history_seconds(history_timestamps, lengths, seconds)
        is_early = chosen_at < self.arrival[films]
        if is_early.any():
            film = self.movie_ids[films[is_early][0]]
            raise ValueError(
                f"histories has {film!r} at {chosen_at[is_early][0]}, before its arrival"
            )
        if (ages is None) != (occupations is None):
            raise ValueError("ages and occupations must both be given, or neither")
        if ages is None or occupations is None:
            everyone = _histories.Prior.of_groups(
                self.mixture_prior.reshape(-1, self.mixture_prior.shape[-1]),
                self.group_share.ravel(),
            )
            priors = [everyone] * lengths.size
        else:
            age, occupation = self._groups(ages, occupations)
            if age.size != lengths.size:
                raise ValueError(
                    f"ages must hold one for each of the {lengths.size} histories, got {age.size}"
                )
            priors = [
                _histories.Prior(parameters[None], np.ones(1))
                for parameters in self.mixture_prior[age, occupation]
            ]
        probability, error = np.empty((2, lengths.size, self.movie_ids.size))
        ends = np.cumsum(lengths)
        for row, (prior, end) in enumerate(zip(priors, ends, strict=True)):
            past = slice(end - lengths[row], end)
            steps = _histories.steps_of(self, films[past], chosen_at[past])
            mixtures, weights = _histories.draw_mixtures(random, prior, steps, num_draws)
            probability[row], error[row] = _histories.expected_next(
                self, mixtures, weights, films[past], seconds[row]
            )
        return probability, error

    def new_film_probability(
        self,
        user_ids: npt.ArrayLike,
        movie_ids: npt.ArrayLike,
        num_draws: int = 1000,
        seed: int = 0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Probability that a person's first choice is a film of which only the genres are known.

        Its popularity, and how much tastes like it beyond its genres, are drawn again, and the
        probability is averaged. So it is the ceiling of models that know only a new film's genres.
        All other films stay the same, so the result is off by up to the film's own share of all.

        Args:
          user_ids: [n] strings.
          movie_ids: [m] strings, each film as if it alone were new.
          num_draws: number of redraws, 2 to a million; the same for all films, so that films with
            the same genres get the same probability.
          seed: seed of the random numbers, >= 0.

        Returns:
          [n, m] float64 probabilities, and [n, m] float64, their standard errors by Monte Carlo.

        Raises:
          TypeError: num_draws or seed is not an int.
          ValueError: an id is unknown.
        """
        num_draws = _checks.integer("num_draws", num_draws, 2, _MOST_DRAWS)
        random = np.random.default_rng(_checks.integer("seed", seed, low=0))
        people = _checks.positions("user_ids", user_ids, self.user_ids, "this world")
        films = _checks.positions("movie_ids", movie_ids, self.movie_ids, "this world")
        return _new_films.expected_choice(random, self, people, films, num_draws)

    def latent_score(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> np.ndarray:
        """Mean of the latent score that is cut into stars.

        Args:
          user_ids: [n] strings.
          movie_ids: [n] strings.

        Returns:
          [n] float64.

        Raises:
          ValueError: an id is unknown, or the lengths differ.
        """
        people = _checks.positions("user_ids", user_ids, self.user_ids, "this world")
        films = _checks.positions("movie_ids", movie_ids, self.movie_ids, "this world")
        if people.shape != films.shape:
            raise ValueError(
                "user_ids and movie_ids must have the same length, "
                f"got {people.size} and {films.size}"
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
          TypeError: ratings is not a frame, or its stars are not numbers.
          ValueError: there is no rating, a column or a value is missing, or an id is unknown.
        """
        ratings = _checks.ratings("ratings", ratings, ("user_id", "movie_id", "user_rating"))
        error = ratings["user_rating"] - self.expected_rating(
            ratings["user_id"], ratings["movie_id"]
        )
        return float(np.sqrt(np.mean(np.square(error))))

    def _groups(
        self, ages: npt.ArrayLike, occupations: npt.ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        age = _checks.positions("ages", ages, self.age_genre.index, "this world")
        occupation = _checks.positions(
            "occupations", occupations, self.occupation_genre.index, "this world"
        )
        if age.shape != occupation.shape:
            raise ValueError(
                "ages and occupations must have the same length, "
                f"got {age.size} and {occupation.size}"
            )
        return age, occupation
