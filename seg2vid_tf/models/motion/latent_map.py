"""z as a motion: each group's part of z is the low frequencies of its velocities, over the frame and over time.

So a dimension says how a motion varies over frame and time, the first ones of the clip as a whole, and the number of
dimensions depends neither on the frame's size nor on how far into detail they go. The transform is a cosine transform
(DCT-II) along time, whose waves are the map's channels, and along the two sides of the frame, as in JPEG; z's
dimensions are scaled so that a posterior can be of the prior's size: a mean over the whole frame varies far more than
a fine detail.
"""

import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

LATENT_GRID = (16, 32)
# More dimensions than this go into more waves along time, fewer into lower frequencies of the frame.
_DIMENSIONS_A_WAVE = 256


def map_channels(latent_dim: int, num_frames: int) -> int:
    """Channels of the map whose low frequencies are latent_dim numbers: a pair (dy, dx) for each wave along time.

    Raises:
      ValueError: the motion of num_frames frames has fewer numbers than latent_dim on LATENT_GRID.
    """
    most = 2 * num_frames * LATENT_GRID[0] * LATENT_GRID[1]
    if latent_dim > most:
        raise ValueError(f"a latent of {num_frames} frames has at most {most} dimensions, received {latent_dim}")
    return 2 * min(-(-latent_dim // _DIMENSIONS_A_WAVE), num_frames)


@functools.lru_cache
def _time_waves(channels: int, num_frames: int) -> np.ndarray:
    """float32 [C,T,2]: what a channel says of each frame's (dy, dx); a steady motion is the first pair itself."""
    waves = np.zeros([channels, num_frames, 2], np.float32)
    times = (np.arange(num_frames) + 0.5) / num_frames
    for channel in range(channels):
        wave = np.cos(np.pi * (channel // 2) * times)
        waves[channel, :, channel % 2] = wave / np.sqrt(np.mean(wave**2))
    return waves


def velocities_of(motion: tf.Tensor, num_frames: int) -> tf.Tensor:
    """A map float32 [B,h,w,C], C at most 2T -> the velocities of frames 1..T, float32 [B,T,h,w,2]."""
    return tf.einsum("bhwc,ctd->bthwd", motion, _time_waves(motion.shape[-1], num_frames))


def map_of_velocities(velocities: tf.Tensor, channels: int) -> tf.Tensor:
    """Velocities float32 [B,T,h,w,2] -> the map whose velocities come closest, float32 [B,h,w,channels]."""
    num_frames = velocities.shape[1]
    return tf.einsum("bthwd,ctd->bhwc", velocities, _time_waves(channels, num_frames) / num_frames)


@functools.lru_cache
def _frame_waves(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(waves float32 [F,h,w], each of norm 1, low frequencies first; their frequencies float32 [F], 0 = constant)."""
    height, width = LATENT_GRID
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
    """A map float32 [B,*LATENT_GRID,C] -> its latent_dim lowest frequencies, float32 [B,latent_dim]."""
    waves, _ = _frame_waves(-(-latent_dim // grid.shape[-1]))
    found = tf.einsum("bhwc,fhw->bfc", grid, waves)
    return tf.reshape(found, [-1, waves.shape[0] * grid.shape[-1]])[:, :latent_dim]


def map_of(coefficients: tf.Tensor, channels: int) -> tf.Tensor:
    """float32 [B,Z] -> the smoothest map with these low frequencies, float32 [B,h,w,channels]."""
    latent_dim = coefficients.shape[-1]
    waves, _ = _frame_waves(-(-latent_dim // channels))
    padded = tf.pad(coefficients, [[0, 0], [0, waves.shape[0] * channels - latent_dim]])
    return tf.einsum("bfc,fhw->bhwc", tf.reshape(padded, [-1, waves.shape[0], channels]), waves)


def drawn_stddev(latent_sizes: Sequence[int], num_frames: int, temperature: float, smoothness: float) -> np.ndarray:
    """How widely each dimension of z is drawn when nothing is known of the motion.

    Each as the prior has it, details would bend what is straight: the prior knows how large they are, not which of them
    belong together. So they are drawn narrower, the more so the more often they change across the frame.

    Args:
      latent_sizes: dimensions of each group's part of z.
      num_frames: T.
      temperature: standard deviation of the dimensions that are one motion of the whole frame; below the prior's 1
        fewer motions are drawn, and likelier ones. Source: Kingma and Dhariwal, "Glow" (NeurIPS 2018), section 6.
      smoothness: a detail of frequency f is drawn narrower by (1 + f) ** smoothness; 0: as wide as the rest.

    Returns:
      float32 [sum of latent_sizes].
    """
    parts = []
    for size in latent_sizes:
        channels = map_channels(size, num_frames) or 2  # of no dimensions any number is right
        _, frequencies = _frame_waves(-(-size // channels))
        parts.append(np.repeat(temperature * (1.0 + frequencies) ** -smoothness, channels)[:size])
    return np.float32(np.concatenate(parts))


def usual_sizes(latent_dim: int, num_frames: int) -> np.ndarray:
    """float32 [latent_dim]: how large rendered streets' and Cityscapes' coefficients usually are, in units of velocity.

    1/4 where a motion is the same in the whole clip, details of frame and time so much less.
    """
    channels = map_channels(latent_dim, num_frames)
    _, frequencies = _frame_waves(-(-latent_dim // channels))
    usual = 0.25 / np.square(1.0 + np.add.outer(frequencies, 2.0 * (np.arange(channels) // 2))).ravel()
    return np.float32(usual[:latent_dim] * np.sqrt(np.prod(LATENT_GRID)))


class LatentScale(keras.layers.Layer):
    """One learned factor for each dimension of z.

    Args:
      latent_dim: Z.
      num_frames: T.
      to_map: from z to a map's coefficients, or back.
    """

    def __init__(self, latent_dim: int, num_frames: int, to_map: bool, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.latent_dim = latent_dim
        self.num_frames = num_frames
        self.to_map = to_map

    def build(self, input_shape):
        # So a draw from N(0, I) is a motion like theirs before any training.
        usual = usual_sizes(self.latent_dim, self.num_frames)
        self.factors = self.add_weight(
            name="factors",
            shape=[self.latent_dim],
            initializer=keras.initializers.Constant(usual if self.to_map else 1.0 / usual),
        )
        super().build(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "num_frames": self.num_frames,
            "to_map": self.to_map,
        }

    def call(self, x):
        """x [B,Z] -> the same shape."""
        return x * self.factors
