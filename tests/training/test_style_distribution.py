"""The Gaussian that follows the encoded styles: its moments by hand, and where it puts draws."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.training.replicas import mirrored_strategy
from seg2vid_tf.training.style_distribution import StyleDistribution

MEANS = np.array([[3.0, -1.0], [1.0, 1.0], [2.0, 3.0]], np.float32)
VARIANCES = np.array([[0.5, 0.1], [0.1, 0.1], [0.3, 0.4]], np.float32)


def followed(steps, distribution):
    strategy = mirrored_strategy()

    @tf.function
    def update(step):
        strategy.run(lambda: distribution.update(tf.constant(MEANS), tf.constant(np.log(VARIANCES)), step))

    for step in range(steps):
        update(tf.constant(step, tf.int64))
    return distribution


def test_draws_lie_where_the_styles_of_batches_that_never_change_lie():
    with mirrored_strategy().scope():
        distribution = followed(400, StyleDistribution(2))
    covariance = np.cov(MEANS, rowvar=False, bias=True) + np.diag(VARIANCES.mean(axis=0))
    standard = np.random.default_rng(0).normal(size=(200_000, 2)).astype(np.float32)
    styles = distribution.to_styles(tf.constant(standard)).numpy()
    np.testing.assert_allclose(styles.mean(axis=0), [2.0, 1.0], atol=0.02)
    np.testing.assert_allclose(np.cov(styles, rowvar=False), covariance, atol=0.03)
    assert np.abs(covariance - np.eye(2)).max() > 1.0  # N(0, I) would fail
    with mirrored_strategy().scope():
        wider = followed(400, StyleDistribution(2, spread=3.0)).to_styles(tf.constant(standard)).numpy()
    np.testing.assert_allclose(wider, styles.mean(axis=0) + 3.0 * (styles - styles.mean(axis=0)), atol=0.05)


def test_the_first_update_keeps_a_tenth_of_where_it_began():
    with mirrored_strategy().scope():
        distribution = followed(1, StyleDistribution(2))
    np.testing.assert_allclose(distribution.mean.numpy(), 0.9 * np.array([2.0, 1.0]), rtol=1e-6)
    # E[s s^T]: 14/3 + 0.3 for the first number, 11/3 + 0.2 for the second, 4/3 for both.
    expected = 0.1 * np.eye(2) + 0.9 * np.array([[14 / 3 + 0.3, 4 / 3], [4 / 3, 11 / 3 + 0.2]])
    np.testing.assert_allclose(distribution.second_moment.numpy(), expected, rtol=1e-6)


def test_standardised_styles_are_the_draws_themselves():
    with mirrored_strategy().scope():
        distribution = followed(3, StyleDistribution(2, standardised=True))
    standard = tf.constant([[0.5, -2.0]])
    np.testing.assert_array_equal(distribution.to_styles(standard).numpy(), standard.numpy())
