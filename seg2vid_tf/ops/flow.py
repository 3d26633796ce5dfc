"""Resizing of flow fields: the grid changes and the vectors with it.

Flow is [..., H, W, 2], (dy, dx) in pixels of its own grid, so that half the height means half the dy.
"""

import tensorflow as tf


def resize_flow(flow: tf.Tensor, size: tuple) -> tf.Tensor:
    """Resizes a flow field bilinearly (half-pixel centres) and rescales dy by the height's ratio, dx by the width's.

    Args:
      flow: float [..., H, W, 2] with one or more leading dimensions, (dy, dx) in pixels of the H x W grid.
      size: (height, width) of the result; integers or scalar int32 tensors.

    Returns:
      float32 [..., height, width, 2], (dy, dx) in pixels of the new grid.

    Raises:
      ValueError: flow does not end in 2 or has fewer than four dimensions.
    """
    flow = tf.cast(tf.convert_to_tensor(flow), tf.float32)
    if flow.shape.rank is None or flow.shape.rank < 4 or flow.shape[-1] != 2:
        raise ValueError(f"flow must be [..., H, W, 2] with a leading batch dimension, received {flow.shape}")
    size = tf.convert_to_tensor(size, tf.int32)
    old = tf.shape(flow)[-3:-1]
    images = tf.reshape(flow, tf.concat([[-1], old, [2]], 0))
    resized = tf.image.resize(images, size) * (tf.cast(size, tf.float32) / tf.cast(old, tf.float32))
    return tf.reshape(resized, tf.concat([tf.shape(flow)[:-3], size, [2]], 0))
