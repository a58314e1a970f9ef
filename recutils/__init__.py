"""Helpers of a book on recommender systems with TensorFlow Recommenders and TensorFlow Ranking.

Import it before TensorFlow: it selects Keras 2 and makes both libraries import.
"""

from recutils import _compat

_compat.select_keras_2()
_compat.provide_estimator()

from recutils.seeding import set_seed  # noqa: E402

__all__ = ["set_seed"]
