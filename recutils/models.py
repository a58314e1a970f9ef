"""Models that one chapter derives and a later one needs, with the exact text of that chapter."""

from recutils import _compat  # noqa: F401

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs


class TwoTowers(tfrs.Model):
    """A vector for each person and each film; watched pairs get a large dot product.

    Args:
      user_ids: [num_users] str, the people known.
      movie_ids: [num_movies] str, the films known.
      dimension: length of the vectors.

    Called with user_id and movie_id, [n] str each, it returns both vectors, [n, dimension] float32.

    See: the chapter basics/retrieval.
    """

    def __init__(self, user_ids: np.ndarray, movie_ids: np.ndarray, dimension: int = 32) -> None:
        super().__init__()
        self.query_tower = tf.keras.Sequential(
            [
                tf.keras.layers.StringLookup(vocabulary=list(user_ids), mask_token=None),
                tf.keras.layers.Embedding(len(user_ids) + 1, dimension),
            ]
        )
        self.candidate_tower = tf.keras.Sequential(
            [
                tf.keras.layers.StringLookup(vocabulary=list(movie_ids), mask_token=None),
                tf.keras.layers.Embedding(len(movie_ids) + 1, dimension),
            ]
        )
        self.task = tfrs.tasks.Retrieval()

    def call(self, features: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        return self.query_tower(features["user_id"]), self.candidate_tower(features["movie_id"])

    def compute_loss(self, features: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        queries, candidates = self(features)
        return self.task(
            queries,
            candidates,
            candidate_ids=features["movie_id"],
            compute_metrics=not training,
        )


class CorrectedTwoTowers(TwoTowers):
    """Two towers that know how often each film comes up as a negative.

    Args:
      user_ids: [num_users] str, the people known.
      movie_ids: [num_movies] str, the films known.
      dimension: length of the vectors.
      l2: weight of the squared length of the batch's vectors in the loss.

    To train, it needs sampling_probability too, [n] float32: each film's share of all ratings.

    See: the chapter basics/retrieval.
    """

    def __init__(
        self,
        user_ids: np.ndarray,
        movie_ids: np.ndarray,
        dimension: int = 32,
        l2: float = 0.0,
    ) -> None:
        super().__init__(user_ids, movie_ids, dimension)
        self.l2 = l2

    def compute_loss(self, features: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        queries, candidates = self(features)
        loss = self.task(
            queries,
            candidates,
            candidate_ids=features["movie_id"],
            candidate_sampling_probability=features["sampling_probability"],
            compute_metrics=not training,
        )
        return loss + self.l2 * (tf.reduce_sum(queries**2) + tf.reduce_sum(candidates**2))


class BiasedDotProduct(tfrs.Model):
    """Stars = mean + the person's bias + the film's bias + the dot product of their vectors.

    Args:
      user_ids: [num_users] str, the people known.
      movie_ids: [num_movies] str, the films known.
      mean: mean stars of the training ratings.
      l2: weight of the summed squares of all four tables, added to the mean squared error.
      dimension: length of the vectors.

    Called with user_id and movie_id, [n] str each, it returns [n, 1] float32 stars. To train, it
    needs user_rating, [n] float32, too.

    See: the chapter basics/ranking.
    """

    def __init__(
        self,
        user_ids: np.ndarray,
        movie_ids: np.ndarray,
        mean: float,
        l2: float = 0.0,
        dimension: int = 16,
    ) -> None:
        super().__init__()
        self.mean = float(mean)
        self.user_index = tf.keras.layers.StringLookup(vocabulary=list(user_ids), mask_token=None)
        self.movie_index = tf.keras.layers.StringLookup(vocabulary=list(movie_ids), mask_token=None)
        penalty = tf.keras.regularizers.L2(l2)
        users, films = len(user_ids) + 1, len(movie_ids) + 1
        self.user_bias = tf.keras.layers.Embedding(users, 1, "zeros", penalty)
        self.movie_bias = tf.keras.layers.Embedding(films, 1, "zeros", penalty)
        self.user_vector = tf.keras.layers.Embedding(users, dimension, "uniform", penalty)
        self.movie_vector = tf.keras.layers.Embedding(films, dimension, "uniform", penalty)
        self.task = tfrs.tasks.Ranking(
            loss=tf.keras.losses.MeanSquaredError(),
            metrics=[tf.keras.metrics.RootMeanSquaredError("rmse")],
        )

    def call(self, features: dict[str, tf.Tensor]) -> tf.Tensor:
        user, movie = self.user_index(features["user_id"]), self.movie_index(features["movie_id"])
        fit = tf.reduce_sum(self.user_vector(user) * self.movie_vector(movie), 1, keepdims=True)
        return self.mean + self.user_bias(user) + self.movie_bias(movie) + fit

    def compute_loss(self, features: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        predictions = self({name: features[name] for name in ["user_id", "movie_id"]})
        labels = features["user_rating"][:, tf.newaxis]
        return self.task(labels=labels, predictions=predictions, compute_metrics=not training)
