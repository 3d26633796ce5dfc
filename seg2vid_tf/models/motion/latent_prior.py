"""LatentPrior: p(z | start frame, annotation) of one group, where it is learned.

How far things move is sampled; how motions go together is predicted from the picture: a camera that drives moves what
is near more than what is far. So the group's coarsest frequencies are drawn first, and every finer one is expected from
them, with factors that are read off the start frame: the motion of each place is linear in the motion of the whole.

Outside the network the prior of z is always standard normal, whichever a model has: for what a seed draws, what is
walked, interpolated and transferred. Inside, a learned prior stretches it, shifts it and adds what it expects,

    z_decoder = x + expected details(x),    x = mean + stddev * z,

and a posterior comes out with the inverse of that: of its own width, about the motion that it found. KL(q || p) does
not change under such a map, so it is everywhere the KL from N(0, I).
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock
from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID, initial_coefficient_scale, map_channels
from seg2vid_tf.models.motion.latent_map import map_to_coefficients
from seg2vid_tf.models.pointwise import PointwiseDense

# Frequencies of the frame that say how it moves as a whole: the mean, one and two half waves across, one down.
_COARSE = 4
_FILTERS = 32


class SceneMotion(NamedTuple):
    """What a scene says of its motion; F frequencies of each of W waves along time, C = min(4, F) coarse ones.

    Fields:
      mean: float32 [B,Z].
      stddev: float32 [B,Z], within exp(-3) .. exp(3).
      factors: float32 [B,F-C,2,C,2], what a finer frequency of dy and dx is per coarse one of dy and dx, in every wave.
    """

    mean: tf.Tensor
    stddev: tf.Tensor
    factors: tf.Tensor


class LatentPrior(BuiltByCall, keras.layers.Layer):
    """Start frame and annotation -> what the group's part of z is like; N(0, I) at the start of training.

    Args:
      latent_dim: Z of the group.
      num_frames: T.
    """

    def __init__(self, latent_dim: int, num_frames: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.latent_dim = latent_dim
        self.num_frames = num_frames
        self.channels = map_channels(latent_dim, num_frames)
        self.frequencies = -(-latent_dim // self.channels)
        self.coarse = min(_COARSE, self.frequencies)
        self.convs = [ConvBlock(_FILTERS, name=f"conv_{i}") for i in range(3)]
        self.coarse_dim = min(self.coarse * self.channels, latent_dim)
        starts_at_0 = {"kernel_initializer": "zeros", "dtype": "float32"}
        self.to_map = PointwiseDense(self.channels + 4 * self.coarse, name="to_map", **starts_at_0)
        self.coarse_mean = keras.layers.Dense(self.coarse_dim, name="coarse_mean", **starts_at_0)
        self.log_stddev = keras.layers.Dense(latent_dim, name="log_stddev", **starts_at_0)
        # z's dimensions are of one size, a map's are not.
        sizes = np.ones([self.frequencies * self.channels], np.float32)
        sizes[:latent_dim] = initial_coefficient_scale(latent_dim, num_frames)
        self._sizes = sizes / sizes[0]

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "num_frames": self.num_frames}

    def call(self, start_frame, annotation) -> SceneMotion:
        """start_frame [B,H,W,3], annotation [B,H,W,K] of all classes -> SceneMotion."""
        picture = tf.concat([start_frame, annotation], axis=-1)
        x = tf.image.resize(picture, LATENT_GRID, method=tf.image.ResizeMethod.AREA)
        x = tf.concat([x, tf.repeat(_coordinates(), tf.shape(x)[0], axis=0)], axis=-1)
        for conv in self.convs:
            x = conv(x)
        x = tf.cast(x, tf.float32)
        pooled = tf.reduce_mean(x, axis=[1, 2])
        # So that a map of factors that is 1 everywhere copies the coarse motion.
        output = self.to_map(x) / np.sqrt(np.prod(LATENT_GRID))
        details, factors = output[..., : self.channels], output[..., self.channels :]
        details = map_to_coefficients(details, self.latent_dim) / self._sizes[: self.latent_dim]
        factors = map_to_coefficients(factors, self.frequencies * factors.shape[-1])
        factors = tf.reshape(factors, [-1, self.frequencies, 2, self.coarse, 2])[:, self.coarse :]
        return SceneMotion(
            mean=tf.concat([self.coarse_mean(pooled), details[:, self.coarse_dim :]], axis=-1),
            stddev=tf.exp(3.0 * tf.tanh(self.log_stddev(pooled) / 3.0)),
            factors=factors,
        )

    def denormalise(self, scene: SceneMotion, z):
        """z [B,Z], standard normal -> z as the decoder reads it."""
        x = scene.mean + scene.stddev * z
        return x + self._predicted_details(scene, x)

    def normalise(self, scene: SceneMotion, mean, log_variance):
        """A posterior as the encoder says it, [B,Z] each -> the same of a z whose prior is N(0, I)."""
        x = mean - self._predicted_details(scene, mean)
        return (x - scene.mean) / scene.stddev, log_variance - 2.0 * tf.math.log(scene.stddev)

    def _predicted_details(self, scene, x):
        """The details that go with x's coarse frequencies, [B,Z]; its own details are not looked at."""
        coarse, channels = self.coarse, self.channels
        x = tf.pad(x[:, : self.coarse_dim], [[0, 0], [0, coarse * channels - self.coarse_dim]])
        x = tf.reshape(x * self._sizes[: coarse * channels], [-1, coarse, channels // 2, 2])
        details = tf.einsum("bfdcs,bcws->bfwd", scene.factors, x)
        details = tf.reshape(details, [tf.shape(x)[0], (self.frequencies - coarse) * channels])
        details = tf.pad(details, [[0, 0], [coarse * channels, 0]]) / self._sizes
        return details[:, : self.latent_dim]


def _coordinates() -> np.ndarray:
    """float32 [1,*LATENT_GRID,3]: y and x, both -1 .. 1, and how far from the frame's middle."""
    y, x = np.meshgrid(*(np.linspace(-1.0, 1.0, side) for side in LATENT_GRID), indexing="ij")
    return np.float32(np.stack([y, x, np.hypot(y, x)], axis=-1))[None]
