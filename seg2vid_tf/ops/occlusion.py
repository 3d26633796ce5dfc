"""Occlusion: where a flow has a correspondence and how the two sources of a frame are put together.

visibility is float32 [B, H, W, 1] in [0, 1]: 1 = has a correspondence, 0 = occluded. It never scales a flow: warp with
the full flow, composite afterwards. The forward-backward check follows Sundaram, Brox and Keutzer, ECCV 2010, with the
constants of UnFlow (Meister, Hur and Roth, AAAI 2018).
"""

import tensorflow as tf

from seg2vid_tf.ops.warp import dense_image_warp


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


def inside_image(flow: tf.Tensor) -> tf.Tensor:
    """1 where p - flow(p) lies inside the image (its outermost pixel centres included), else 0.

    Pass ``-flow_backward`` for the grid of frame 0. No gradient.

    Args:
      flow: float [..., H, W, 2], (dy, dx) in pixels.

    Returns:
      float32 [..., H, W, 1] of zeros and ones; 0 where the flow is NaN.
    """
    flow = tf.cast(flow, tf.float32)
    shape = tf.shape(flow)
    height, width = shape[-3], shape[-2]
    y = tf.cast(tf.range(height), tf.float32)[:, None] - flow[..., 0]
    x = tf.cast(tf.range(width), tf.float32)[None, :] - flow[..., 1]
    inside_y = tf.logical_and(y >= 0.0, y <= tf.cast(height - 1, tf.float32))
    inside_x = tf.logical_and(x >= 0.0, x <= tf.cast(width - 1, tf.float32))
    return tf.cast(tf.logical_and(inside_y, inside_x), tf.float32)[..., None]


def forward_backward_visibility(
    flow: tf.Tensor, flow_backward: tf.Tensor, alpha1: float = 0.01, alpha2: float = 0.5
) -> tf.Tensor:
    """Visibility on the frame-t grid by consistency: visible where flow_backward at p - flow(p) agrees with flow(p).

        |flow - flow_backward(p - flow)|^2 < alpha1 (|flow|^2 + |flow_backward(p - flow)|^2) + alpha2

    For the frame-0 grid call it with (-flow_backward, -flow). No gradient.

    Args:
      flow: float [B, H, W, 2], (dy, dx) in pixels, on the frame-t grid, pointing from frame 0 to frame t.
      flow_backward: float [B, H, W, 2], the same motion on the frame-0 grid.
      alpha1: tolerated share of the squared motion.
      alpha2: tolerated squared difference, in pixels squared.

    Returns:
      float32 [B, H, W, 1] of zeros and ones; 0 also where p - flow(p) leaves the image.
    """
    flow, flow_backward = tf.stop_gradient(tf.cast(flow, tf.float32)), tf.stop_gradient(flow_backward)
    there = dense_image_warp(flow_backward, flow)
    difference = tf.reduce_sum(tf.square(flow - there), -1, keepdims=True)
    motion = tf.reduce_sum(tf.square(flow) + tf.square(there), -1, keepdims=True)
    return tf.cast(difference < alpha1 * motion + alpha2, tf.float32) * inside_image(flow)
