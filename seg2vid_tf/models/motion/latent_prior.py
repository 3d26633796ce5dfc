"""LatentPrior: p(z | start frame, annotation), where it is learned.

Outside the network the prior of z is always standard normal, whichever a model has: for what a seed draws, what is
walked, interpolated and transferred. Inside, a learned prior stretches and shifts it,

    z_inside = mean(start frame, annotation) + stddev(start frame, annotation) * z,

and a posterior comes out with the inverse of that. KL(q || p) does not change under such a map, so it is everywhere the
KL from N(0, I).
"""

import keras
import tensorflow as tf


class LatentPrior(keras.layers.Layer):
    """The image encoder's coarsest features -> mean and standard deviation of z; N(0, I) at the start of training.

    Args:
      latent_dim: Z.
    """

    def __init__(self, latent_dim: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.mean = keras.layers.Dense(latent_dim, kernel_initializer="zeros", dtype="float32", name="mean")
        self.log_stddev = keras.layers.Dense(latent_dim, kernel_initializer="zeros", dtype="float32", name="log_stddev")
        self.latent_dim = latent_dim

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim}

    def call(self, code):
        """code [B,h,w,C] -> float32 mean, stddev, each [B,Z]; no standard deviation leaves exp(-3) .. exp(3)."""
        pooled = tf.reduce_mean(tf.cast(code, tf.float32), axis=[1, 2])
        return self.mean(pooled), tf.exp(3.0 * tf.tanh(self.log_stddev(pooled) / 3.0))
