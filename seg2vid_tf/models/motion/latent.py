"""The latent of stage 2 as TFP distributions, and its way into the decoder.

q(z | clip, annotation) = N(mean, diag(exp(log_variance)))        the posterior, while training or reconstructing
p(z)                    = N(0, I)                                 the prior, when generating
z = background part ++ foreground part
"""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from seg2vid_tf.models.motion.motion_encoder import LATENT_GRID

tfd = tfp.distributions

# Keeps exp(log_variance) and its inverse finite in float32 whatever an encoder says.
MAX_LOG_VARIANCE = 20.0


def posterior(mean: tf.Tensor, log_variance: tf.Tensor) -> tfd.MultivariateNormalDiag:
    """q(z | clip, annotation) from float32 [B,Z] each."""
    log_variance = tf.clip_by_value(log_variance, -MAX_LOG_VARIANCE, MAX_LOG_VARIANCE)
    return tfd.MultivariateNormalDiag(loc=mean, scale_diag=tf.exp(0.5 * log_variance))


def reparameterise(distribution: tfd.MultivariateNormalDiag, noise: tf.Tensor) -> tf.Tensor:
    """The posterior's sample that standard normal noise [B,Z] stands for: differentiable, and seeded by the caller."""
    return distribution.mean() + distribution.stddev() * noise


def kl_per_dimension(distribution: tfd.MultivariateNormalDiag) -> tf.Tensor:
    """KL(q || N(0, I)) of each latent dimension, nats [B,Z]; their sum is the KL of the clip."""
    marginals = tfd.Normal(distribution.mean(), distribution.stddev())
    return tfd.kl_divergence(marginals, tfd.Normal(0.0, 1.0))


class LatentInjection(keras.layers.Layer):
    """z -> one feature map per predicted frame, on any grid.

    z becomes a map on a fixed grid, which is resized to the decoder's: the number of weights does not depend on the
    frame's size.

    Args:
      num_frames: T.
      filters: channels per frame.
    """

    def __init__(self, num_frames: int, filters: int, **kwargs):
        super().__init__(**kwargs)
        height, width = LATENT_GRID
        self.to_grid = keras.layers.Dense(height * width * num_frames * filters, name="to_grid")
        self.num_frames = num_frames
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "num_frames": self.num_frames, "filters": self.filters}

    def call(self, z, size):
        """z [B,Z], size int32 [2] = (h, w) -> [B*T,h,w,filters], frames folded into the batch."""
        height, width = LATENT_GRID
        grid = tf.nn.leaky_relu(self.to_grid(z), 0.2)
        grid = tf.reshape(grid, [-1, height, width, self.filters])
        return tf.cast(tf.image.resize(grid, size), grid.dtype)
