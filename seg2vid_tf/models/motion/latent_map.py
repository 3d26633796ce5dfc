"""z as a motion: each group's part of z is the low frequencies of its velocities, over the frame and over time.

So a dimension says how a motion varies over frame and time, the first ones of the clip as a whole, and the number of
dimensions depends neither on the frame's size nor on how far into detail they go. The transform is a cosine transform
(DCT-II) along time, whose waves are the map's channels, and along the two sides of the frame, as in JPEG; z's
dimensions are scaled so that a posterior can be of the prior's size: a mean over the whole frame varies far more than
a fine detail. The transform is two small matrix products and not tf.signal.dct, which computes all frequencies of one
axis by a Fourier transform that ONNX and OpenVINO do not have.
"""

import functools

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID, frame_frequencies, initial_coefficient_scale


@functools.lru_cache
def _temporal_basis(channels: int, num_frames: int) -> np.ndarray:
    """float32 [C,T,2]: what a channel says of each frame's (dy, dx); a steady motion is the first pair itself."""
    basis = np.zeros([channels, num_frames, 2], np.float32)
    for channel in range(channels):
        basis[channel, :, channel % 2] = temporal_waves(channels // 2, num_frames)[channel // 2]
    return basis


def temporal_waves(count: int, num_frames: int) -> np.ndarray:
    """float64 [count,T]: the lowest waves along time, each of mean square 1; the first one is 1, a steady motion."""
    waves = np.cos(np.pi * np.outer(np.arange(count), (np.arange(num_frames) + 0.5) / num_frames))
    return waves / np.sqrt(np.mean(waves**2, axis=1, keepdims=True))


def map_to_velocities(motion: tf.Tensor, num_frames: int) -> tf.Tensor:
    """A map float32 [B,h,w,C], C at most 2T -> the velocities of frames 1..T, float32 [B,T,h,w,2]."""
    return tf.einsum("bhwc,ctd->bthwd", motion, _temporal_basis(motion.shape[-1], num_frames))


def velocities_to_map(velocities: tf.Tensor, channels: int) -> tf.Tensor:
    """Velocities float32 [B,T,h,w,2] -> the map whose velocities come closest, float32 [B,h,w,channels]."""
    num_frames = velocities.shape[1]
    return tf.einsum("bthwd,ctd->bhwc", velocities, _temporal_basis(channels, num_frames) / num_frames)


@functools.lru_cache
def _dct_basis(side: int, count: int) -> np.ndarray:
    """float32 [count,side]: the lowest waves along one side, each of norm 1."""
    waves = np.cos(np.pi * np.outer(np.arange(count), (np.arange(side) + 0.5) / side))
    return np.float32(waves / np.linalg.norm(waves, axis=1, keepdims=True))


def map_to_coefficients(grid: tf.Tensor, latent_dim: int) -> tf.Tensor:
    """A map float32 [B,*LATENT_GRID,C] -> its latent_dim lowest frequencies, float32 [B,latent_dim]."""
    channels = grid.shape[-1]
    down, across, _ = frame_frequencies(-(-latent_dim // channels))
    # A wave of the frame is one down times one across: side by side they are two small tables, not one of F pictures.
    rows, columns = _dct_basis(LATENT_GRID[0], down.max() + 1), _dct_basis(LATENT_GRID[1], across.max() + 1)
    spectrum = tf.einsum("byxc,kx->bykc", tf.einsum("bhxc,kh->bkxc", grid, rows), columns)
    spectrum = tf.reshape(spectrum, [-1, len(rows) * len(columns), channels])
    found = tf.gather(spectrum, np.int32(down * len(columns) + across), axis=1)
    return tf.reshape(found, [-1, len(down) * channels])[:, :latent_dim]


def coefficients_to_map(coefficients: tf.Tensor, channels: int) -> tf.Tensor:
    """float32 [B,Z] -> the smoothest map with these low frequencies, float32 [B,h,w,channels]."""
    latent_dim = coefficients.shape[-1]
    count = -(-latent_dim // channels)
    down, across, _ = frame_frequencies(count)
    rows, columns = _dct_basis(LATENT_GRID[0], down.max() + 1), _dct_basis(LATENT_GRID[1], across.max() + 1)
    # One frequency more, of zeros, for the places of the two waves' table that no dimension of z has.
    padded = tf.pad(coefficients, [[0, 0], [0, (count + 1) * channels - latent_dim]])
    place = np.full([len(rows), len(columns)], count, np.int32)
    place[down, across] = np.arange(count)
    spectrum = tf.gather(tf.reshape(padded, [-1, count + 1, channels]), place, axis=1)
    return tf.einsum("bhxc,xw->bhwc", tf.einsum("byxc,yh->bhxc", spectrum, rows), columns)


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
        usual = initial_coefficient_scale(self.latent_dim, self.num_frames)
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
