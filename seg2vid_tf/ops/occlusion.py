"""Occlusion: how the two sources of a frame are put together.

visibility is float32 [B, H, W, 1] in [0, 1]: 1 = has a correspondence, 0 = occluded. It never scales a flow: warp with
the full flow, composite afterwards.
"""

import tensorflow as tf


def composite(visible: tf.Tensor, fill: tf.Tensor, visibility: tf.Tensor) -> tf.Tensor:
    """``visible`` where visibility is 1, ``fill`` where it is 0, a blend between, in float32.

    Args:
      visible, fill: float [..., H, W, C] of one shape and value range.
      visibility: float [..., H, W, 1] in [0, 1].

    Returns:
      float32 [..., H, W, C].
    """
    visible, fill, visibility = (tf.cast(value, tf.float32) for value in (visible, fill, visibility))
    return visibility * visible + (1.0 - visibility) * fill
