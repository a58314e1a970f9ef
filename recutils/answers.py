"""What people did with the lists that they were shown, and the ratings that follow from it."""

from __future__ import annotations

from recutils import _checks
from recutils.movies import RATING_COLUMNS

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Answers:
    """What people did with the lists that they were shown, place by place.

    Attributes:
      looked: [n, list_length] bool.
      stars: [n, list_length] float32, 1 to 5; NaN where nobody looked.
      clicked: [n, list_length] bool; only what was looked at is clicked.

    See: the chapter feedback/clicks.
    """

    looked: np.ndarray
    stars: np.ndarray
    clicked: np.ndarray

    def __post_init__(self) -> None:
        for name, kind, what in (
            ("looked", "b", "bools"),
            ("stars", "f", "floats"),
            ("clicked", "b", "bools"),
        ):
            part = getattr(self, name)
            if not isinstance(part, np.ndarray) or part.dtype.kind != kind:
                came = getattr(part, "dtype", type(part).__name__)
                raise TypeError(f"{name} must be an array of {what}, got {came}")
            if part.ndim != 2 or part.shape != self.looked.shape:
                raise ValueError(
                    f"{name} must have the shape [n, list_length] of all three, "
                    f"got {part.shape} and looked {self.looked.shape}"
                )
        if (self.clicked > self.looked).any():
            row, place = np.argwhere(self.clicked > self.looked)[0]
            raise ValueError(f"clicks need a look, got one without at [{row}, {place}]")
        if (np.isnan(self.stars) == self.looked).any():
            row, place = np.argwhere(np.isnan(self.stars) == self.looked)[0]
            raise ValueError(
                "stars must be NaN where nobody looked and nowhere else, "
                f"got {self.stars[row, place]} at [{row}, {place}]"
            )

    def value(self) -> Value:
        """What each list achieved: the sums whose expectations `Audience.expect` gives."""
        stars = self.stars.astype(np.float64)
        return Value(
            clicks=self.clicked.sum(axis=1).astype(np.float64),
            stars=np.where(self.clicked, stars, 0).sum(axis=1),
            satisfaction=np.where(self.looked, stars - 3, 0).sum(axis=1),
        )


@dataclass(frozen=True)
class Value:
    """What each of n lists, or of n people under a policy, is worth.

    Attributes:
      clicks: [n] float64, clicks on the list.
      stars: [n] float64, sum of the stars of what is clicked.
      satisfaction: [n] float64, sum of stars − 3 over what is looked at, clicked or not.

    See: the chapter feedback/clicks.
    """

    clicks: np.ndarray
    stars: np.ndarray
    satisfaction: np.ndarray


def to_ratings(
    answers: Answers,
    user_ids: npt.ArrayLike,
    movie_ids: npt.ArrayLike,
    timestamps: npt.ArrayLike,
    movies: pd.DataFrame,
) -> pd.DataFrame:
    """Ratings from answers: who clicks on a film watches it, and gives it the stars drawn.

    Args:
      answers: to the lists of n people.
      user_ids: [n] strings, the people who were asked.
      movie_ids: [n, list_length] strings, what they were shown.
      timestamps: whole seconds, [n], one per list, or one number for all.
      movies: frame with movie_id and movie_title, such as `Movies.movies`.

    Returns:
      A frame with the columns of `Movies.ratings`, in order of time; within a list, in order of
      places. A film that a person clicks in several lists is rated once, at the first click. It
      has no rows if nobody clicks.

    Raises:
      TypeError: answers are not `Answers`, timestamps not integers, or movies is not a frame.
      ValueError: the shapes don't fit, or a film that was clicked is not in movies.

    See: the chapter feedback/clicks.
    """
    if not isinstance(answers, Answers):
        raise TypeError(f"answers must be Answers, got {type(answers).__name__}")
    people, lists, seconds = (
        _checks.objects(user_ids),
        _checks.objects(movie_ids),
        _checks.array("timestamps", timestamps),
    )
    shape = answers.clicked.shape
    if people.shape != shape[:1] or lists.shape != shape:
        raise ValueError(
            f"user_ids and movie_ids must have the shapes of the answers, {shape[:1]} and {shape}, "
            f"got {people.shape} and {lists.shape}"
        )
    if seconds.dtype.kind not in "iu":
        raise TypeError(f"timestamps must hold integers, got dtype {seconds.dtype}")
    if seconds.size and seconds.max() > np.iinfo(np.int64).max:
        raise ValueError(f"timestamps must be at most 2^63 - 1, got {seconds.max()}")
    if seconds.shape not in ((), shape[:1]):
        raise ValueError(f"timestamps must be one number or {shape[:1]}, got shape {seconds.shape}")
    _checks.frame("movies", movies, ["movie_id", "movie_title"])
    row, place = np.nonzero(answers.clicked)
    in_time = np.argsort(np.broadcast_to(seconds, shape[:1])[row], kind="stable")
    row, place = row[in_time], place[in_time]
    film = lists[row, place].astype(object)
    known = _checks.ids("movies.movie_id", movies["movie_id"])
    title = movies["movie_title"].to_numpy(object)[
        _checks.positions("movie_id that is clicked", film, known, "movies")
    ]
    ratings = pd.DataFrame(
        {
            "user_id": people[row].astype(object),
            "movie_id": film,
            "movie_title": title,
            "user_rating": answers.stars[row, place].astype(np.float32),
            "timestamp": np.broadcast_to(seconds, shape[:1])[row].astype(np.int64),
        }
    )
    return ratings[RATING_COLUMNS].drop_duplicates(["user_id", "movie_id"], ignore_index=True)
