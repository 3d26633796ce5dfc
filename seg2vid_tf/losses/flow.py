"""Losses of the flow fields: smoothness, cycle consistency, and the price of hiding a pixel (the paper's loss).

flow float [B, T, H, W, 2], (dy, dx) in pixels on the frame-t grid, flow_backward the same on the frame-0 grid, both
pointing from frame 0 to frame t; images [-1, 1]; visibility [B, T, H, W, 1] in [0, 1].
"""

import math

import tensorflow as tf

from seg2vid_tf.losses.reconstruction import visible_mean
from seg2vid_tf.ops.warp import warp

# A 5 x 5 neighbourhood is symmetric: a pair of pixels is counted once, from its upper or left end.
NEIGHBOURS = [(dy, dx) for dy in range(3) for dx in range(-2, 3) if dy > 0 or dx > 0]


def smoothness(flow: tf.Tensor, image: tf.Tensor, edge_weight: float = 1.0) -> tf.Tensor:
    """L1 difference of the flow between neighbours, in pixels, weighted by how alike the neighbours look.

    The weight of a pair is exp(-edge_weight |colour difference|^2 - |offset|^2); the offsets' part is normalised to 1
    over the neighbourhood, so that on an image of one colour the value is the mean difference between neighbours.

    Args:
      flow: float [B, T, H, W, 2], in pixels, H and W at least 3.
      image: float [B, T, H, W, 3] in [-1, 1] on the flow's grid, or [B, H, W, 3] for a grid that all T share.
      edge_weight: how sharply a colour edge frees the flow, at least 0.

    Returns:
      float32 scalar.

    Raises:
      ValueError: the shapes are not the documented ones.
    """
    flow, image = tf.cast(flow, tf.float32), tf.stop_gradient(tf.cast(image, tf.float32))
    if flow.shape.rank != 5 or image.shape.rank not in (4, 5):
        raise ValueError(f"flow must be [B, T, H, W, 2] and image 4-D or 5-D, received {flow.shape}, {image.shape}")
    if any(size is not None and size < 3 for size in flow.shape[2:4]):
        raise ValueError(f"smoothness looks two pixels far: flow must be at least 3 x 3, received {flow.shape}")
    if image.shape.rank == 4:
        image = image[:, None]
    terms, total = [], 0.0
    for dy, dx in NEIGHBOURS:
        offset_weight = math.exp(-(dy * dy + dx * dx))
        colour = tf.reduce_sum(tf.square(_difference(image, dy, dx)), -1, keepdims=True)
        terms.append(offset_weight * tf.reduce_mean(tf.exp(-edge_weight * colour) * tf.abs(_difference(flow, dy, dx))))
        total += offset_weight
    return tf.add_n(terms) / total


def cycle_consistency(
    flow: tf.Tensor,
    flow_backward: tf.Tensor,
    visibility: tf.Tensor,
    visibility_backward: tf.Tensor,
    warp_method: str = "native",
) -> tf.Tensor:
    """f(x + g(x)) = g(x) and g(x - f(x)) = f(x) on visible pixels: L1 in pixels, the two ways added.

    Args:
      flow: f, float [B, T, H, W, 2], in pixels; gradient flows to all four arguments.
      flow_backward: g, float [B, T, H, W, 2].
      visibility: float [B, T, H, W, 1], of frame t's pixels in frame 0.
      visibility_backward: float [B, T, H, W, 1], of frame 0's pixels in frame t.
      warp_method: how the flows are sampled, one of ``seg2vid_tf.ops.warp.METHODS``.

    Returns:
      float32 scalar; each direction is averaged over its clip's visible area and the two components.
    """
    flow, flow_backward = tf.cast(flow, tf.float32), tf.cast(flow_backward, tf.float32)
    shape = tf.shape(flow)
    fold = tf.concat([[-1], shape[2:]], 0)
    f, g = tf.reshape(flow, fold), tf.reshape(flow_backward, fold)
    f_at_frame_0 = tf.reshape(warp(f, -g, warp_method), shape)
    g_at_frame_t = tf.reshape(warp(g, f, warp_method), shape)
    return visible_mean(tf.abs(f_at_frame_0 - flow_backward), visibility_backward) + visible_mean(
        tf.abs(g_at_frame_t - flow), visibility
    )


def occlusion_penalty(visibility: tf.Tensor) -> tf.Tensor:
    """mean(1 - visibility): what it costs to call a pixel occluded.

    Args:
      visibility: float tensor in [0, 1].

    Returns:
      float32 scalar in [0, 1].
    """
    return tf.reduce_mean(1.0 - tf.cast(visibility, tf.float32))


def visibility_cross_entropy(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of predicted visibility against the exact one, or what the two flows say of it.

    Args:
      target: float [...], 0 or 1.
      prediction: float of the same shape in [0, 1].

    Returns:
      float32 scalar, the mean over all pixels.
    """
    target, prediction = tf.cast(target, tf.float32), tf.clip_by_value(tf.cast(prediction, tf.float32), 1e-6, 1 - 1e-6)
    return -tf.reduce_mean(target * tf.math.log(prediction) + (1.0 - target) * tf.math.log(1.0 - prediction))


def occlusion_mismatch(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """How little the occluded pixels of two visibilities overlap: 1 - Dice coefficient of each clip, their mean.

    Few pixels are occluded, and cross-entropy alone predicts no occlusion as long as each is more likely visible; this
    is the share that F1 counts. Source: Milletari et al., "V-Net" (3DV 2016), without its squares.

    Args:
      target, prediction: float [B, T, H, W, 1] in [0, 1].

    Returns:
      float32 scalar in [0, 1); 0 where both say the same, of zeros and ones.
    """
    occluded, predicted = 1.0 - tf.cast(target, tf.float32), 1.0 - tf.cast(prediction, tf.float32)
    both, each = (tf.reduce_sum(v, axis=[1, 2, 3, 4]) for v in (occluded * predicted, occluded + predicted))
    # The pixel that is added keeps a clip without occlusion away from 0 / 0.
    return tf.reduce_mean(1.0 - (2.0 * both + 1.0) / (each + 1.0))


def flow_error(target: tf.Tensor, prediction: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Mean length of the difference of two flows on the pixels that count, in pixels (end-point error).

    Args:
      target: exact flow, float [B, T, H, W, 2], (dy, dx) in pixels.
      prediction: float [B, T, H, W, 2].
      weight: float [B, T, H, W, 1] in [0, 1], how much a pixel counts.

    Returns:
      float32 scalar; 0 where no pixel counts.
    """
    difference = tf.cast(target, tf.float32) - tf.cast(prediction, tf.float32)
    # The square root's derivative at 0 is infinite: a thousandth of a pixel keeps away from it.
    length = tf.sqrt(tf.reduce_sum(tf.square(difference), axis=-1, keepdims=True) + 1e-6) - 1e-3
    return visible_mean(length, weight)


def _difference(field, dy, dx):
    """field at (y + dy, x + dx) minus field at (y, x), where both exist; field [B, T, H, W, C], dy >= 0."""
    left, right = max(-dx, 0), max(dx, 0)
    near = field[:, :, : -dy or None, left : -right or None]
    return field[:, :, dy:, right : -left or None] - near
