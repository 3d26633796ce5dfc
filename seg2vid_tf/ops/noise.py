"""Noise that depends on the example's own seed and on nothing else in the batch.

The same (seed, stream) gives the same numbers in every batch, on one replica or two, before and after export, and on
both TensorFlow stacks. XLA draws other numbers for the same call: sample outside jit-compiled functions.
"""

import tensorflow as tf


def per_example_normal(seeds: tf.Tensor, shape, stream: int | tf.Tensor) -> tf.Tensor:
    """Standard normal noise, one seed per row.

    Args:
      seeds: int64 [B], any values.
      shape: shape of one row; integers or a 1-D int32 tensor.
      stream: which of the independent noises of one seed is meant (their numbers: models/seg2vid.py, painter.py).

    Returns:
      float32 [B, *shape].

    Raises:
      ValueError: seeds is not a vector of integers.
    """
    seeds = tf.convert_to_tensor(seeds)
    if not seeds.dtype.is_integer or seeds.shape.rank != 1:
        raise ValueError(f"seeds must be an int64 vector [B], received {seeds.dtype.name} {seeds.shape}")
    # Philox is named because the default generator differs between devices.
    return tf.map_fn(
        lambda seed: tf.random.stateless_normal(shape, tf.stack([seed, tf.cast(stream, tf.int64)]), alg="philox"),
        tf.cast(seeds, tf.int64),
        fn_output_signature=tf.float32,
    )
