"""Latents as TFP distributions: the motion of stage 2 and the style of stage 1.

q(z | what is encoded) = N(mean, diag(exp(log_variance)))        the posterior, while training or reconstructing
p(z)                   = N(0, I)                                 the prior; generating narrows it (seeds.draw)
"""

import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions

# Keeps exp(log_variance) and its inverse finite in float32 whatever an encoder says.
MAX_LOG_VARIANCE = 20.0


def posterior(mean: tf.Tensor, log_variance: tf.Tensor) -> tfd.MultivariateNormalDiag:
    """q(z | what is encoded) from float32 [B,Z] each."""
    log_variance = tf.clip_by_value(log_variance, -MAX_LOG_VARIANCE, MAX_LOG_VARIANCE)
    return tfd.MultivariateNormalDiag(loc=mean, scale_diag=tf.exp(0.5 * log_variance))


def reparameterise(distribution: tfd.MultivariateNormalDiag, noise: tf.Tensor) -> tf.Tensor:
    """The posterior's sample that standard normal noise [B,Z] stands for: differentiable, and seeded by the caller."""
    return distribution.mean() + distribution.stddev() * noise


def affine_normal(offset: tf.Tensor, matrix: tf.Tensor) -> tfd.MultivariateNormalLinearOperator:
    """Of offset [Z] + matrix [Z,Z] n, n ~ N(0, I); the matrix can be inverted."""
    return tfd.MultivariateNormalLinearOperator(offset, tf.linalg.LinearOperatorFullMatrix(matrix))


def kl_per_dimension(distribution: tfd.MultivariateNormalDiag) -> tf.Tensor:
    """KL(q || N(0, I)) of each latent dimension, nats [B,Z]; their sum is the KL of the example."""
    marginals = tfd.Normal(distribution.mean(), distribution.stddev())
    return tfd.kl_divergence(marginals, tfd.Normal(0.0, 1.0))
