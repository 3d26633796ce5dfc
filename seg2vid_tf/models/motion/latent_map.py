"""z as a motion: each group's part of z is the low frequencies of its velocities, over the frame and over time.

So a dimension says how a motion varies over frame and time, the first ones of the clip as a whole, and the number of
dimensions depends neither on the frame's size nor on how far into detail they go. The transform is a cosine transform
(DCT-II) along time, whose waves are the map's channels, and along the two sides of the frame, as in JPEG; z's
dimensions are scaled so that a posterior can be of the prior's size: a mean over the whole frame varies far more than
a fine detail.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

LATENT_GRID = (16, 32)
# More dimensions than this go into more channels, fewer into lower frequencies.
_DIMENSIONS_A_CHANNEL = 128


def map_channels(latent_dim: int) -> int:
    """Channels of the map whose low frequencies are latent_dim numbers: a pair (dy, dx) for each wave along time."""
    return max(2, -(-latent_dim // _DIMENSIONS_A_CHANNEL))


@functools.lru_cache
def _time_waves(channels: int, num_frames: int) -> np.ndarray:
    """float32 [channels,2T]: what a channel says of each frame's (dy, dx); a steady motion is the first pair itself."""
    waves = np.zeros([channels, num_frames, 2], np.float32)
    times = (np.arange(num_frames) + 0.5) / num_frames
    for channel in range(min(channels, 2 * num_frames)):
        wave = np.cos(np.pi * (channel // 2) * times)
        waves[channel, :, channel % 2] = wave / np.sqrt(np.mean(wave**2))
    return waves.reshape([channels, 2 * num_frames])


def velocities_of(motion: tf.Tensor, num_frames: int) -> tf.Tensor:
    """A map float32 [B,h,w,C] -> the velocities of frames 1..T, float32 [B,T,h,w,2]; channels beyond 2T say nothing."""
    waves = _time_waves(motion.shape[-1], num_frames).reshape([-1, num_frames, 2])
    return tf.einsum("bhwc,ctd->bthwd", motion, waves)


def map_of_velocities(velocities: tf.Tensor, channels: int) -> tf.Tensor:
    """Velocities float32 [B,T,h,w,2] -> the map whose velocities come closest, float32 [B,h,w,channels]."""
    num_frames = velocities.shape[1]
    waves = _time_waves(channels, num_frames).reshape([-1, num_frames, 2]) / num_frames
    return tf.einsum("bthwd,ctd->bhwc", velocities, waves)


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
        # A velocity of 1/2 everywhere, a fast one, is the constant wave's coefficient sqrt(h w) / 2; details of frame
        # and time are smaller in about the proportion of their wave lengths.
        times = 1.0 + 2.0 * (np.arange(map_channels(self.latent_dim)) // 2)
        spread = 0.5 * np.sqrt(np.prod(LATENT_GRID)) / np.outer(1.0 + frequencies, times).ravel()
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
