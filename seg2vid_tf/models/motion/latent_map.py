"""z as a picture: each group's part of z is a motion map's low frequencies (a two-dimensional cosine transform).

So a dimension says how a motion varies over the frame, the first ones of the frame as a whole, and the number of
dimensions depends neither on the frame's size nor on how far into detail they go. The transform is the orthonormal
DCT-II, as in JPEG; z's dimensions are scaled so that a posterior can be of the prior's size: a mean over the whole
frame varies far more than a fine detail.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

LATENT_GRID = (16, 32)
# More dimensions than this go into more channels, fewer into lower frequencies.
_DIMENSIONS_A_CHANNEL = 128


def map_channels(latent_dim: int) -> int:
    """Channels of the map whose low frequencies are latent_dim numbers.

    A steady motion has two, (dy, dx); one that changes from frame to frame has up to two for each frame.
    """
    return max(2, -(-latent_dim // _DIMENSIONS_A_CHANNEL))


@functools.lru_cache
def _basis(latent_dim: int) -> tuple[np.ndarray, np.ndarray]:
    """(waves float32 [F,h,w], each of norm 1, low frequencies first; their frequencies float32 [F], 0 = constant)."""
    height, width = LATENT_GRID
    count = -(-latent_dim // map_channels(latent_dim))
    ky, kx = (k.ravel() for k in np.meshgrid(np.arange(height), np.arange(width), indexing="ij"))
    frequency = np.hypot(ky, kx * height / width)
    order = np.argsort(frequency, kind="stable")[:count]
    waves = []
    for y, x in zip(ky[order], kx[order], strict=True):
        rows = np.cos(np.pi * (np.arange(height) + 0.5) * y / height)
        columns = np.cos(np.pi * (np.arange(width) + 0.5) * x / width)
        wave = np.outer(rows, columns)
        waves.append(wave / np.linalg.norm(wave))
    return np.float32(waves), np.float32(frequency[order])


def coefficients_of(grid: tf.Tensor, latent_dim: int) -> tf.Tensor:
    """float32 [B,h,w,C] on LATENT_GRID, C = map_channels(latent_dim) -> its low frequencies, float32 [B,latent_dim]."""
    waves, _ = _basis(latent_dim)
    found = tf.einsum("bhwc,fhw->bfc", grid, waves)
    return tf.reshape(found, [-1, waves.shape[0] * grid.shape[-1]])[:, :latent_dim]


def map_of(coefficients: tf.Tensor) -> tf.Tensor:
    """float32 [B,Z] -> the smoothest map with these low frequencies, float32 [B,h,w,C]: coefficients_of's transpose."""
    latent_dim = coefficients.shape[-1]
    waves, _ = _basis(latent_dim)
    channels = map_channels(latent_dim)
    padded = tf.pad(coefficients, [[0, 0], [0, waves.shape[0] * channels - latent_dim]])
    return tf.einsum("bfc,fhw->bhwc", tf.reshape(padded, [-1, waves.shape[0], channels]), waves)


class LatentScale(keras.layers.Layer):
    """One learned factor for each dimension of z.

    Args:
      latent_dim: Z.
      to_map: from z to a map's coefficients, or back.
    """

    def __init__(self, latent_dim: int, to_map: bool, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.latent_dim = latent_dim
        self.to_map = to_map

    def build(self, input_shape):
        _, frequencies = _basis(self.latent_dim)
        # A map that is 1 everywhere has the constant wave's coefficient sqrt(h w); details are smaller in about the
        # proportion of their wave lengths.
        spread = np.sqrt(np.prod(LATENT_GRID)) / (1.0 + np.repeat(frequencies, map_channels(self.latent_dim)))
        start = spread if self.to_map else 1.0 / spread
        self.factors = self.add_weight(
            name="factors",
            shape=[self.latent_dim],
            initializer=keras.initializers.Constant(np.float32(start[: self.latent_dim])),
        )
        super().build(input_shape)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "to_map": self.to_map}

    def call(self, x):
        """x [B,Z] -> the same shape."""
        return x * self.factors
