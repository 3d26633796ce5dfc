"""Flow fields on another grid: the vectors change with it, and edges stay sharp where weights say so.

Flow is [..., H, W, 2], (dy, dx) in pixels of its own grid, so that half the height means half the dy.
"""

import numpy as np
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


def convex_upsample(flow: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """A field of twice the size: each pixel a weighted mean of the nine places around it in the small one.

    With logits of zero it is bilinear; learned ones tell on which side of an edge, which may lie anywhere in a place,
    a pixel is. Source: Teed and Deng, "RAFT" (ECCV 2020), for a scale of two, and beginning at bilinear.

    Args:
      flow: float [B, H, W, C], in pixels of the large grid; every channel is moved alike.
      logits: float [B, H, W, 36], for each of a place's four pixels, row by row, nine places, row by row; their
        softmax, with the logarithms of the bilinear weights added, is the weights. Borders are replicated.

    Returns:
      float32 [B, 2H, 2W, C].
    """
    shape = tf.shape(flow)
    logits = tf.reshape(tf.cast(logits, tf.float32), [shape[0], shape[1], shape[2], 4, 9]) + _BILINEAR
    weights = tf.unstack(tf.nn.softmax(logits), axis=-1)
    wide = with_border(tf.cast(flow, tf.float32), 1)
    places = [wide[:, y : y + shape[1], x : x + shape[2], None] for y in range(3) for x in range(3)]
    # A channel at a time: the products then run over whole rows.
    planes = zip(*(tf.unstack(place, axis=-1) for place in places), strict=True)
    fine = [tf.add_n([w * p for w, p in zip(weights, plane, strict=True)]) for plane in planes]
    return tf.concat([tf.nn.depth_to_space(channel, 2) for channel in fine], axis=-1)


def _bilinear():
    """The logarithms of bilinear weights, float32 [4,9]; where those are 0, of a thousandth."""
    near, far = [0.25, 0.75, 0.0], [0.0, 0.75, 0.25]
    weights = [np.outer(rows, columns).ravel() for rows in (near, far) for columns in (near, far)]
    return np.log(np.maximum(weights, 1e-3)).astype(np.float32)


_BILINEAR = _bilinear()
