"""The data of the chapters: synthetic films, or a folder of the reader's choice."""

from recutils.movielens import load
from recutils.movies import Movies
from recutils.synthetic import movies

import os
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent.parent


def load_movies() -> Movies:
    """Loads the data that all chapters run on.

    Set the environment variable RECUTILS_DATA to a folder, and every chapter runs on it instead of
    the synthetic films: an unpacked MovieLens folder, or one with ratings.csv, users.csv and
    movies.csv in the schema of `Movies`. A relative path counts from the repository's root.

    Returns:
      `Movies`; synthetic ones, of the size of MovieLens-100K and with a truth, if the variable is
      not set.

    Raises:
      ValueError, FileNotFoundError: what `recutils.movielens.load` raises for the folder.

    See: the chapter basics/data.
    """
    folder = os.environ.get("RECUTILS_DATA")
    if not folder:
        return movies()
    return load(_REPOSITORY / Path(folder).expanduser())
