"""The models that chapters share compute what their docstrings say."""

import recutils
from recutils import models

import numpy as np
import pytest
import tensorflow as tf

USERS = np.array(["ann", "bob", "eve"], object)
FILMS = np.array(["7", "8", "9", "10"], object)
BATCH = {
    "user_id": tf.constant(["ann", "bob", "eve"]),
    "movie_id": tf.constant(["7", "10", "9"]),
    "user_rating": tf.constant([4.0, 2.0, 5.0]),
    "sampling_probability": tf.constant([0.5, 0.1, 0.4]),
}


@pytest.fixture(autouse=True)
def seed():
    recutils.set_seed(1)


def same_weights(source, target):
    for model in (source, target):
        model(BATCH)
    target.set_weights(source.get_weights())


def test_towers_give_a_vector_each_and_one_for_all_they_do_not_know():
    towers = models.TwoTowers(USERS, FILMS, dimension=5)
    queries, candidates = towers(BATCH)
    assert queries.shape == candidates.shape == (3, 5)
    unknown = towers.query_tower(tf.constant(["zoe", "max", "ann"])).numpy()
    assert (unknown[0] == unknown[1]).all()
    assert (unknown[0] != unknown[2]).any()


def test_towers_loss_is_the_softmax_over_the_batch():
    towers = models.TwoTowers(USERS, FILMS)
    queries, candidates = (vectors.numpy() for vectors in towers(BATCH))
    logits = queries @ candidates.T
    by_hand = (np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)).sum()
    np.testing.assert_allclose(towers.compute_loss(BATCH), by_hand, rtol=1e-5)


def test_corrected_towers_subtract_log_p_and_add_the_squared_length():
    plain, corrected = models.TwoTowers(USERS, FILMS), models.CorrectedTwoTowers(USERS, FILMS)
    priced = models.CorrectedTwoTowers(USERS, FILMS, l2=0.5)
    same_weights(plain, corrected)
    same_weights(plain, priced)
    queries, candidates = (vectors.numpy() for vectors in plain(BATCH))
    logits = queries @ candidates.T - np.log(BATCH["sampling_probability"])
    by_hand = (np.log(np.exp(logits).sum(axis=1)) - np.diag(logits)).sum()
    np.testing.assert_allclose(corrected.compute_loss(BATCH), by_hand, rtol=1e-5)
    length = 0.5 * ((queries**2).sum() + (candidates**2).sum())
    np.testing.assert_allclose(priced.compute_loss(BATCH), by_hand + length, rtol=1e-5)


def test_stars_are_mean_biases_and_dot_product():
    model = models.BiasedDotProduct(USERS, FILMS, mean=3.5, l2=0.1, dimension=4)
    model(BATCH)
    recutils.set_seed(2)
    model.set_weights([np.random.default_rng(2).normal(size=w.shape) for w in model.get_weights()])
    user, movie = model.user_index(BATCH["user_id"]), model.movie_index(BATCH["movie_id"])
    by_hand = 3.5 + model.user_bias(user) + model.movie_bias(movie)
    by_hand += tf.reduce_sum(model.user_vector(user) * model.movie_vector(movie), 1, keepdims=True)
    np.testing.assert_allclose(model(BATCH), by_hand, rtol=1e-6)
    error = np.mean((by_hand.numpy()[:, 0] - BATCH["user_rating"].numpy()) ** 2)
    np.testing.assert_allclose(model.compute_loss(BATCH), error, rtol=1e-5)
    squares = sum((weights**2).sum() for weights in model.get_weights())
    np.testing.assert_allclose(sum(model.losses), 0.1 * squares, rtol=1e-5)


def test_stars_get_closer_by_training():
    model = models.BiasedDotProduct(USERS, FILMS, mean=3.5)
    model.compile(tf.keras.optimizers.Adam(0.1))
    data = tf.data.Dataset.from_tensors(BATCH)
    before = float(model.compute_loss(BATCH))
    model.fit(data, epochs=30, verbose=0)
    assert float(model.compute_loss(BATCH)) < before / 10
