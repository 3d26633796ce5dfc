"""What a seed stands for: style, noise and motion, each from a stream of its own; TensorFlow without Keras.

The streams' numbers are part of what a seed means, so they are never renumbered.
"""

import numpy as np
import tensorflow as tf

from seg2vid_tf.config import NOISE_VERSION
from seg2vid_tf.ops.noise import per_example_normal

STYLE_STREAM, MOTION_STREAM, NOISE_STREAM = 0, 1, 2
# Chunk k of a longer video walks by stream WALK_STREAM + k.
WALK_STREAM = 1 << 16


def draw_style(seed: tf.Tensor, style_dim: int, noise_version: int = NOISE_VERSION) -> tf.Tensor:
    """The styles that seeds stand for: int64 [B] -> float32 [B,S], each row from its own seed alone."""
    return per_example_normal(seed, [style_dim], STYLE_STREAM, noise_version)


def draw(
    seed: tf.Tensor, style_dim: int, stddev: np.ndarray, noise_version: int = NOISE_VERSION
) -> tuple[tf.Tensor, tf.Tensor]:
    """What seeds stand for, each row from its own seed alone.

    Args:
      seed: int64 [B].
      style_dim: S.
      stddev: float32 [Z], how widely z is drawn (latent_frequencies.drawn_stddev).
      noise_version: an old export's, beside one (ops/noise.py).

    Returns:
      float32 style [B,S] ~ N(0, I), z [B,Z] ~ N(0, diag(stddev^2)).
    """
    motion = per_example_normal(seed, [len(stddev)], MOTION_STREAM, noise_version)
    return draw_style(seed, style_dim, noise_version), stddev * motion


def walk(
    z: tf.Tensor,
    seed: tf.Tensor,
    chunk: int | tf.Tensor,
    step: float | tf.Tensor,
    stddev: np.ndarray,
    noise_version: int = NOISE_VERSION,
) -> tf.Tensor:
    """The motion of a longer video's chunk, from that of the chunk before.

    z stays as likely as it was drawn: sqrt(1 - step^2) z + step * stddev * noise, noise ~ N(0, I).

    Args:
      z: float32 [B,Z].
      seed: int64 [B], the videos'.
      chunk: from 1.
      step: in [0, 1]; 0 keeps the motion, 1 draws another; float, or float32 [B,1].
      stddev, noise_version: as in ``draw``.
    """
    noise = per_example_normal(seed, [z.shape[-1]], WALK_STREAM + chunk, noise_version)
    return (1.0 - step * step) ** 0.5 * z + step * stddev * noise


def walked(z: tf.Tensor, seed: tf.Tensor, chunks: tf.Tensor, step: tf.Tensor, stddev) -> tf.Tensor:
    """The motion of each video's chunk, from that of chunk 0: ``walk`` from one to the next.

    Args:
      z: float32 [B,Z].
      seed: int64 [B].
      chunks: int64 [B], from 0.
      step: float32 [B], in [0, 1].
      stddev: as in ``draw``.
    """

    def on(chunk, z):
        there = walk(z, seed, chunk, step[:, None], stddev)
        return chunk + 1, tf.where((chunk <= chunks)[:, None], there, z)

    last = tf.reduce_max(chunks)
    shapes = tf.TensorShape([]), z.shape
    first = tf.constant(1, tf.int64)
    return tf.while_loop(lambda chunk, _: chunk <= last, on, (first, z), shape_invariants=shapes)[1]
