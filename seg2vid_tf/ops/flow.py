"""Flow fields on another grid: the vectors change with it, and edges that blurred are made sharp again.

Flow is [..., H, W, 2], (dy, dx) in pixels of its own grid, so that half the height means half the dy.
"""

import tensorflow as tf

from seg2vid_tf.ops.image import with_border


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


def chosen_neighbours(flow: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Each pixel's flow as a weighted mean of its own and of those two pixels above, below, left and right.

    A flow that was doubled in size is blurred at an edge, which may lie anywhere in the larger pixel; two pixels away
    it is that of one surface again, and the weights say on which side of the edge the pixel is. Source of the form: the
    convex upsampling of Teed and Deng, "RAFT" (ECCV 2020).

    Args:
      flow: float [B, H, W, C]; every channel is moved alike.
      logits: float [B, H, W, 5] of the pixel's own place and the other four, in this order; their softmax is the
        weights. Beside the picture lies what is at its border.

    Returns:
      float32 [B, H, W, C].
    """
    flow, weights = tf.cast(flow, tf.float32), tf.nn.softmax(tf.cast(logits, tf.float32))
    wide = with_border(flow, 2)
    places = flow, wide[:, :-4, 2:-2], wide[:, 4:, 2:-2], wide[:, 2:-2, :-4], wide[:, 2:-2, 4:]
    # A channel at a time: the products then run over whole rows, in two thirds of the time.
    planes = zip(*(tf.unstack(place, axis=-1) for place in places), strict=True)
    weights = tf.unstack(weights, axis=-1)
    return tf.stack([tf.add_n([w * p for w, p in zip(weights, plane, strict=True)]) for plane in planes], -1)
