"""What a seed stands for: style, noise and motion, each from a stream of its own.

The streams' numbers are part of what a seed means, so they are never renumbered. Who draws says by what: ``normal`` is
ops/noise.py's per_example_normal in a graph, ops/numpy_noise.py's where TensorFlow is not. So is TensorFlow imported by
``walked`` alone, which is a graph's.
"""

from collections.abc import Callable

import numpy as np

STYLE_STREAM, MOTION_STREAM, NOISE_STREAM = 0, 1, 2
# Chunk k of a longer video walks by stream WALK_STREAM + k.
WALK_STREAM = 1 << 16


def draw_style(seed, style_dim: int, normal: Callable):
    """The styles that seeds stand for: int64 [B] -> float32 [B,S], each row from its own seed alone."""
    return normal(seed, [style_dim], STYLE_STREAM)


def draw(seed, style_dim: int, stddev: np.ndarray, normal: Callable) -> tuple:
    """What seeds stand for, each row from its own seed alone.

    Args:
      seed: int64 [B].
      style_dim: S.
      stddev: float32 [Z], how widely z is drawn (latent_frequencies.sampling_stddev).
      normal: function of seeds, the shape of a row and a stream: the noise.

    Returns:
      float32 style [B,S] ~ N(0, I), z [B,Z] ~ N(0, diag(stddev^2)).
    """
    motion = normal(seed, [len(stddev)], MOTION_STREAM)
    return draw_style(seed, style_dim, normal), stddev * motion


def walk(z, seed, chunk, step, stddev: np.ndarray, normal: Callable):
    """The motion of a longer video's chunk, from that of the chunk before.

    z stays as likely as it was drawn: sqrt(1 - step^2) z + step * stddev * noise, noise ~ N(0, I).

    Args:
      z: float32 [B,Z].
      seed: int64 [B], the videos'.
      chunk: from 1, an integer.
      step: in [0, 1]; 0 keeps the motion, 1 draws another; float, or float32 [B,1].
      stddev, normal: as in ``draw``.
    """
    noise = normal(seed, [z.shape[-1]], WALK_STREAM + chunk)
    return (1.0 - step * step) ** 0.5 * z + step * stddev * noise


def walked(z, seed, chunks, step, stddev):
    """In a TensorFlow graph the motion of each video's chunk, from that of chunk 0: ``walk`` from one to the next.

    Args:
      z: float32 [B,Z].
      seed: int64 [B].
      chunks: int64 [B], from 0.
      step: float32 [B], in [0, 1].
      stddev: as in ``draw``.
    """
    import tensorflow as tf  # not above: who draws without a graph has none

    from seg2vid_tf.ops.noise import per_example_normal

    def on(chunk, z):
        there = walk(z, seed, chunk, step[:, None], stddev, per_example_normal)
        return chunk + 1, tf.where((chunk <= chunks)[:, None], there, z)

    last = tf.reduce_max(chunks)
    shapes = tf.TensorShape([]), z.shape
    first = tf.constant(1, tf.int64)
    return tf.while_loop(lambda chunk, _: chunk <= last, on, (first, z), shape_invariants=shapes)[1]
