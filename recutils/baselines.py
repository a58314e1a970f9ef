"""What a model has to beat: popularity, EASE, film means, and biases by ridge regression.

All are fitted on frames of ratings, and answer for the ids of people and films that you name.
"""

from recutils import _checks

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse


def popularity(train: pd.DataFrame, movie_ids: npt.ArrayLike) -> pd.Series:
    """Counts each film's ratings: the score that recommends what everyone watches.

    Args:
      train: ratings with movie_id.
      movie_ids: [num_movies] unique ids, the catalogue; every film of train is in it.

    Returns:
      [num_movies] int64 counts, by movie id, in the order of `movie_ids`.

    Raises:
      TypeError: train is not a frame.
      ValueError: train is empty or lacks a column or value, or an id repeats or is unknown.

    See: the chapter basics/retrieval.
    """
    _checks.frame("train", train, ["movie_id"])
    movies = _checks.ids("movie_ids", movie_ids)
    films = _checks.positions("movie_id of train", train["movie_id"], movies, "movie_ids")
    counts = np.bincount(films, minlength=len(movies))
    return pd.Series(counts, index=movies, name="popularity")


def ease(
    train: pd.DataFrame,
    user_ids: npt.ArrayLike,
    movie_ids: npt.ArrayLike,
    l2: float = 200.0,
    min_ratings: int = 5,
) -> pd.DataFrame:
    """Scores films by EASE, the linear autoencoder with a zero diagonal, in closed form.

    A person's score for a film is a weighted sum over the films they rated; the weights are those
    that best reconstruct everyone's films from their other films, with a ridge penalty.

    Args:
      train: ratings with user_id and movie_id, each pair once; stars don't matter.
      user_ids: [num_users] unique ids, the people to score; those without ratings get only zeros.
      movie_ids: [num_movies] unique ids, the catalogue; every film of train is in it.
      l2: λ, the weight of the penalty, above 0.
      min_ratings: films with fewer ratings are left out, so that the inverse of a matrix of
        [num_kept, num_kept] float64 takes seconds; they score -inf and are never recommended.

    Returns:
      [num_users, num_movies] float32 scores; index: user ids, columns: movie ids.

    Raises:
      TypeError: an argument is of the wrong kind.
      ValueError: train is empty, lacks a column or value or has a pair twice, an id repeats or is
        unknown, l2 <= 0, min_ratings < 1, or no film has min_ratings ratings.

    See: the chapter basics/retrieval; Steck 2019, arXiv:1905.03375.
    """
    _checks.ratings("train", train, unique=True)
    users, movies = _checks.ids("user_ids", user_ids), _checks.ids("movie_ids", movie_ids)
    l2 = _checks.number("l2", l2, low=0, strict=True)
    min_ratings = _checks.integer("min_ratings", min_ratings, low=1)
    rows, people = pd.factorize(train["user_id"])
    films = _checks.positions("movie_id of train", train["movie_id"], movies, "movie_ids")
    watched = sparse.csr_array(
        (np.ones(len(train)), (rows, films)), shape=(len(people), len(movies))
    )
    kept = np.flatnonzero(watched.sum(axis=0) >= min_ratings)
    if not kept.size:
        raise ValueError(f"no film has min_ratings={min_ratings} ratings")
    watched = watched[:, kept]
    inverse = np.linalg.inv((watched.T @ watched).toarray() + l2 * np.eye(len(kept)))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)

    scores = np.full((len(users), len(movies)), -np.inf, np.float32)
    scores[:, kept] = 0
    places = pd.Index(people).get_indexer(users)
    known = np.flatnonzero(places >= 0)
    scores[np.ix_(known, kept)] = watched[places[known]] @ weights
    return pd.DataFrame(scores, index=users, columns=movies)


def film_means(train: pd.DataFrame, movie_ids: npt.ArrayLike, shrink: float = 0.0) -> pd.Series:
    """Each film's mean stars.

    Args:
      train: ratings with movie_id and user_rating.
      movie_ids: [num_movies] unique ids, the catalogue; every film of train is in it.
      shrink: how many ratings at the overall mean are added to each film, at least 0.

    Returns:
      [num_movies] float64 stars, by movie id; the overall mean for films without a rating.

    Raises:
      TypeError: train is not a frame, or its ratings or shrink are not numbers.
      ValueError: train is empty or lacks a column or value, an id repeats or is unknown, or
        shrink < 0.

    See: the chapter listwise/listwise_ranking.
    """
    _checks.ratings("train", train, ["movie_id", "user_rating"])
    movies = _checks.ids("movie_ids", movie_ids)
    shrink = _checks.number("shrink", shrink, low=0)
    films = _checks.positions("movie_id of train", train["movie_id"], movies, "movie_ids")
    stars = train["user_rating"].to_numpy(np.float64)
    mean = stars.mean()
    counts = np.bincount(films, minlength=len(movies)) + shrink
    sums = np.bincount(films, stars - mean, len(movies))
    means = mean + np.divide(sums, counts, out=np.zeros(len(movies)), where=counts > 0)
    return pd.Series(means, index=movies, name="film_mean")


@dataclass(frozen=True)
class Biases:
    """Stars = mean + the person's bias + the film's bias.

    Attributes:
      mean: mean stars of the training ratings.
      users: [num_users] float64 biases in stars, by user id.
      movies: [num_movies] float64 biases in stars, by movie id.

    See: the chapter basics/ranking.
    """

    mean: float
    users: pd.Series
    movies: pd.Series

    def predict(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Predicts stars for pairs; a person or film without training ratings has bias 0.

        Args:
          user_ids: [n] ids.
          movie_ids: [n] ids.

        Returns:
          [n] float64 stars, not cut to the scale.

        Raises:
          ValueError: the ids are not one-dimensional or of different lengths, or one is missing.
        """
        users, movies = np.asarray(user_ids), np.asarray(movie_ids)
        if users.ndim != 1 or users.shape != movies.shape:
            raise ValueError(
                "user_ids and movie_ids must be one-dimensional and of the same length, "
                f"got shapes {users.shape} and {movies.shape}"
            )
        stars = np.full(len(users), self.mean)
        for name, ids, biases in (
            ("user_ids", users, self.users),
            ("movie_ids", movies, self.movies),
        ):
            index = pd.Index(ids)
            if index.hasnans:
                raise ValueError(f"{name} must have no missing values")
            codes, distinct = pd.factorize(index)
            stars += biases.reindex(distinct, fill_value=0.0).to_numpy()[codes]
        return stars


def ridge_biases(train: pd.DataFrame, l2: float = 3.0) -> Biases:
    """Fits person and film biases by ridge regression, in turn until it converges.

    Minimises the sum of (stars - mean - person - film)² + l2 · (sum of squared biases).

    Args:
      train: ratings with user_id, movie_id and user_rating.
      l2: λ, the weight of the penalty, above 0: a bias shrinks as if l2 more ratings were the mean.

    Returns:
      The biases of everyone and every film in train.

    Raises:
      TypeError: train is not a frame, or its ratings or l2 are not numbers.
      ValueError: train is empty or lacks a column or value, or l2 <= 0.

    See: the chapter basics/ranking.
    """
    _checks.ratings("train", train, ["user_id", "movie_id", "user_rating"])
    l2 = _checks.number("l2", l2, low=0, strict=True)
    rows, users = pd.factorize(train["user_id"])
    films, movies = pd.factorize(train["movie_id"])
    stars = train["user_rating"].to_numpy(np.float64)
    mean = float(stars.mean())
    rest = stars - mean
    user_counts, film_counts = np.bincount(rows) + l2, np.bincount(films) + l2
    user_bias, film_bias = np.zeros(len(users)), np.zeros(len(movies))
    for _ in range(1_000):
        user_bias = np.bincount(rows, rest - film_bias[films]) / user_counts
        previous = film_bias
        film_bias = np.bincount(films, rest - user_bias[rows]) / film_counts
        if np.abs(film_bias - previous).max() < 1e-9:
            break
    return Biases(
        mean,
        pd.Series(user_bias, index=pd.Index(users, name="user_id")),
        pd.Series(film_bias, index=pd.Index(movies, name="movie_id")),
    )
