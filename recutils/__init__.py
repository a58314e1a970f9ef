"""Helpers of a book on recommender systems with TensorFlow Recommenders and TensorFlow Ranking.

Import it before TensorFlow: it selects Keras 2 and makes both libraries import.
"""

from recutils import _compat

_compat.select_keras_2()
_compat.provide_estimator()

from recutils.conclusions import conclude  # noqa: E402
from recutils.experiments import trials  # noqa: E402
from recutils.loading import load_movies  # noqa: E402
from recutils.movies import Movies  # noqa: E402
from recutils.recording import recorded  # noqa: E402
from recutils.searching import search  # noqa: E402
from recutils.seeding import set_seed  # noqa: E402

_compat.log_to_stderr()

__all__ = ["Movies", "conclude", "load_movies", "recorded", "search", "set_seed", "trials"]
