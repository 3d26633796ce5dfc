"""Occlusion: which pixels have a correspondence, and how the two sources of a frame are put together.

visibility is float32 [B, H, W, 1] in [0, 1]: 1 = has a correspondence, 0 = occluded. It never scales a flow: warp with
the full flow, composite afterwards.
"""

import tensorflow as tf

from seg2vid_tf.ops.warp import warp

# Two flows that contradict each other by more than this part of their length, and half a pixel, belong to two surfaces.
# Source: Meister et al., "UnFlow" (AAAI 2018), equation 3.
_ALPHA_1, _ALPHA_2 = 0.01, 0.5


def consistent_visibility(
    flow: tf.Tensor, flow_backward: tf.Tensor, warp_method: str = "native"
) -> tuple[tf.Tensor, tf.Tensor]:
    """What two flows say of visibility: a pixel is occluded where it came from outside, or the way back misses it.

    A pixel p of frame t came from q = p - f(p) and is visible where q lies in the picture and g(q) = f(p), up to
    |f(p) - g(q)|^2 < 0.01 (|f(p)|^2 + |g(q)|^2) + 0.5; a pixel x of frame 0 likewise, with f(x + g(x)) = g(x).

    Args:
      flow: f, float [B, H, W, 2], (dy, dx) in pixels on the grid of frame t.
      flow_backward: g, the same on the grid of frame 0; both point from frame 0 to frame t.
      warp_method: how the flows are sampled, one of ``seg2vid_tf.ops.warp.METHODS``.

    Returns:
      (visibility of frame t's pixels, of frame 0's pixels), float32 [B, H, W, 1] of zeros and ones; no gradient.
    """
    (_, visible), (_, visible_backward) = forward_backward_error(flow, flow_backward, warp_method)
    return visible, visible_backward


def forward_backward_error(flow: tf.Tensor, flow_backward: tf.Tensor, warp_method: str = "native") -> tuple:
    """f(p) - g(p - f(p)) of frame t's pixels, g(x) - f(x + g(x)) of frame 0's, each with what it says of visibility.

    Args:
      flow, flow_backward, warp_method: as ``consistent_visibility`` takes them.

    Returns:
      Two pairs (float32 [B, H, W, 2] in pixels, float32 [B, H, W, 1] as of ``consistent_visibility``); no gradient.
    """
    f, g = (tf.stop_gradient(tf.cast(value, tf.float32)) for value in (flow, flow_backward))
    return _consistency_check(f, g, f, warp_method), _consistency_check(g, f, -g, warp_method)


def in_frame_mask(displacement: tf.Tensor) -> tf.Tensor:
    """Where p - displacement(p) lies in the picture.

    Args:
      displacement: float [..., H, W, 2], (dy, dx) in pixels.

    Returns:
      float32 [..., H, W, 1] of zeros and ones.
    """
    height, width = tf.shape(displacement)[-3], tf.shape(displacement)[-2]
    rows = tf.cast(tf.range(height), tf.float32)[:, None] - displacement[..., 0]
    columns = tf.cast(tf.range(width), tf.float32) - displacement[..., 1]
    bottom, right = tf.cast(height, tf.float32) - 0.5, tf.cast(width, tf.float32) - 0.5
    inside = (rows >= -0.5) & (rows <= bottom) & (columns >= -0.5) & (columns <= right)
    return tf.cast(inside, tf.float32)[..., None]


def _consistency_check(here, there, displacement, warp_method):
    """``here`` at p minus ``there`` at p - displacement(p), and where they agree and that lies in the picture."""
    found = warp(there, displacement, method=warp_method)
    off = here - found
    difference, lengths = (tf.reduce_sum(v, -1) for v in (tf.square(off), tf.square(here) + tf.square(found)))
    agrees = tf.cast(difference < _ALPHA_1 * lengths + _ALPHA_2, tf.float32)[..., None]
    return off, in_frame_mask(displacement) * agrees


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
