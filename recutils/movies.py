"""The tables of every chapter: ratings, users, movies, and the truth where it is known."""

from __future__ import annotations

from recutils._validation import Table, validated
from recutils.truth import Truth

from dataclasses import dataclass

import pandas as pd

RATING_COLUMNS = ["user_id", "movie_id", "movie_title", "user_rating", "timestamp"]
MOVIE_COLUMNS = ["movie_id", "movie_title", "movie_genres"]


@dataclass(frozen=True)
class Movies:
    """Ratings of films, with what is known about people and films.

    Attributes:
      ratings: user_id, movie_id, movie_title (str), user_rating (float32, stars) and timestamp
        (int64, seconds), in order of time. No person rates a film twice.
      users: user_id (str), unique, and whatever else is known about people.
      movies: movie_id, movie_title (str) and movie_genres (list of str); movie_id is unique.
      truth: how the ratings came about, or None for real data.

    See: the chapter basics/data.
    """

    ratings: pd.DataFrame
    users: pd.DataFrame
    movies: pd.DataFrame
    truth: Truth | None = None

    @classmethod
    def from_frames(
        cls,
        ratings: pd.DataFrame,
        users: pd.DataFrame | None = None,
        movies: pd.DataFrame | None = None,
    ) -> Movies:
        """Makes `Movies` from your own tables, and refuses what later steps would trip over.

        Args:
          ratings: user_id, movie_id, user_rating and timestamp (seconds); movie_title if `movies`
            is not given. Ids may be strings or integers; other columns are left out.
          users: user_id and any other columns; None: the people who rate.
          movies: movie_id and movie_title, movie_genres (list of str) if known; None: the films
            rated, without genres.

        Returns:
          `Movies` with truth None; ratings with equal timestamps keep their order.

        Raises:
          TypeError: an argument is not a DataFrame.
          ValueError: ratings has no row, a column is missing, an id is missing or given twice, a
            person rates a film twice, a rating is not a finite number, a timestamp is not a whole
            number, genres are not lists of strings, a film has two titles, or a rating names a
            person or film that its table lacks. The message names table, column and row.
        """
        return cls(
            *validated(
                Table("ratings", ratings),
                None if users is None else Table("users", users),
                None if movies is None else Table("movies", movies),
            )
        )
