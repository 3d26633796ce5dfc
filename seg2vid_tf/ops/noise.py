"""Noise that depends on the example's own seed and on nothing else in the batch.

The same (seed, stream) gives the same numbers in every batch, on one replica or two, before and after export, on both
TensorFlow stacks, compiled by XLA or not: TensorFlow and XLA agree on Philox's integer words, and not on the normals
that they make of them, so these are made here (Box and Muller, "A note on the generation of random normal deviates",
1958), in float64, whose last bits, where libraries differ, do not reach float32.
"""

import math

import tensorflow as tf

from seg2vid_tf.config import NOISE_VERSION


def per_example_normal(
    seeds: tf.Tensor, shape, stream: int | tf.Tensor, noise_version: int = NOISE_VERSION
) -> tf.Tensor:
    """Standard normal noise, one seed per row.

    Args:
      seeds: int64 [B], any values.
      shape: shape of one row; integers or a 1-D int32 tensor.
      stream: which of the independent noises of one seed is meant (their numbers: models/seeds.py).
      noise_version: 1 beside an export that draws so itself.

    Returns:
      float32 [B, *shape].

    Raises:
      ValueError: seeds is not a vector of integers, or nobody knows the version.
    """
    seeds = tf.convert_to_tensor(seeds)
    if not seeds.dtype.is_integer or seeds.shape.rank != 1:
        raise ValueError(f"seeds must be an int64 vector [B], received {seeds.dtype.name} {seeds.shape}")
    if noise_version not in _DRAWN_BY:
        raise ValueError(
            f"noise_version must be one of {sorted(_DRAWN_BY)}, received {noise_version!r}: a newer seg2vid_tf knows it"
        )
    drawn = _DRAWN_BY[noise_version]
    return tf.map_fn(
        lambda seed: drawn(shape, tf.stack([seed, tf.cast(stream, tf.int64)])),
        tf.cast(seeds, tf.int64),
        fn_output_signature=tf.float32,
    )


def _normal(shape, key):
    """Two words are two normals: their radius and their angle."""
    size = tf.reduce_prod(tf.convert_to_tensor(shape, tf.int32))
    # Philox is named because the default generator differs between devices.
    words = tf.random.stateless_uniform([(size + 1) // 2, 2], key, None, None, tf.uint32, alg="philox")
    first, second = tf.unstack(tf.cast(words, tf.float64) / 2.0**32, axis=1)
    radius = tf.sqrt(-2.0 * tf.math.log(first + 2.0**-32))  # in (0, 1]: no logarithm of 0
    angle = 2.0 * math.pi * second
    pairs = tf.stack([radius * tf.cos(angle), radius * tf.sin(angle)], axis=1)
    return tf.reshape(tf.cast(tf.reshape(pairs, [-1])[:size], tf.float32), shape)


def _normal_of_version_1(shape, key):
    return tf.random.stateless_normal(shape, key, alg="philox")


_DRAWN_BY = {1: _normal_of_version_1, 2: _normal}
