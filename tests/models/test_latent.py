"""The latent: TFP posterior, reparameterisation and KL against closed forms."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from seg2vid_tf.models.latent import kl_per_dimension, posterior, reparameterise

MEAN = tf.constant([[0.0, 1.0, -2.0]])
LOG_VARIANCE = tf.constant([[0.0, np.log(4.0), np.log(0.25)]], tf.float32)


def test_posterior_is_a_diagonal_normal_of_tfp():
    distribution = posterior(MEAN, LOG_VARIANCE)
    assert isinstance(distribution, tfp.distributions.MultivariateNormalDiag)
    assert distribution.event_shape == (3,) and distribution.batch_shape == (1,)
    np.testing.assert_allclose(distribution.stddev(), [[1.0, 2.0, 0.5]], rtol=1e-6)


def test_reparameterise_by_hand():
    noise = tf.constant([[1.0, -1.0, 2.0]])
    z = reparameterise(posterior(MEAN, LOG_VARIANCE), noise)
    np.testing.assert_allclose(z, [[1.0, -1.0, -1.0]], atol=1e-6)
    mean_only = reparameterise(posterior(MEAN, LOG_VARIANCE), tf.zeros([1, 3]))
    np.testing.assert_array_equal(mean_only, MEAN)


def test_kl_per_dimension_is_the_closed_form():
    kl = kl_per_dimension(posterior(MEAN, LOG_VARIANCE))
    # 0.5 (mean^2 + variance - 1 - log variance)
    expected = [[0.0, 0.5 * (1 + 4 - 1 - np.log(4.0)), 0.5 * (4 + 0.25 - 1 - np.log(0.25))]]
    np.testing.assert_allclose(kl, expected, rtol=1e-5, atol=1e-6)
    prior = tfp.distributions.MultivariateNormalDiag(tf.zeros([3]), tf.ones([3]))
    whole = tfp.distributions.kl_divergence(posterior(MEAN, LOG_VARIANCE), prior)
    np.testing.assert_allclose(tf.reduce_sum(kl, -1), whole, rtol=1e-5)


def test_a_wild_encoder_gives_a_finite_kl_and_gradient():
    log_variance = tf.constant([[1e4, -1e4, 0.0]])
    mean = tf.Variable(MEAN)
    with tf.GradientTape() as tape:
        kl = tf.reduce_sum(kl_per_dimension(posterior(mean, log_variance)))
    assert np.isfinite(kl) and np.isfinite(tape.gradient(kl, mean)).all()
