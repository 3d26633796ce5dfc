"""Reconstruction losses: L1, L1 on visible pixels, SSIM and their photometric mixture (the paper's loss).

target and prediction are float [B, T, H, W, C] clips (or [B, H, W, C] images) in [-1, 1]; visibility is [B, T, H, W, 1]
in [0, 1], 1 = visible. All are averages, so no weight depends on T, H, W or the visible area.
"""

import tensorflow as tf

from seg2vid_tf.ops.image import fold_time

# Wang et al., 2004, for images in [0, 1].
SSIM_C1 = 0.01**2
SSIM_C2 = 0.03**2


def l1(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference.

    Args:
      target, prediction: float tensors of one shape.

    Returns:
      float32 scalar.
    """
    return tf.reduce_mean(tf.abs(tf.cast(target, tf.float32) - tf.cast(prediction, tf.float32)))


def masked_l1(target: tf.Tensor, prediction: tf.Tensor, visibility: tf.Tensor) -> tf.Tensor:
    """Absolute difference averaged over each clip's visible area: hiding a pixel of average error changes nothing.

    Args:
      target, prediction: float [B, T, H, W, C].
      visibility: float [B, T, H, W, 1] in [0, 1]; gradient flows to it.

    Returns:
      float32 scalar; 0 where nothing is visible.
    """
    error = tf.abs(tf.cast(target, tf.float32) - tf.cast(prediction, tf.float32))
    return visible_mean(error, visibility)


def ssim_distance(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """(1 - SSIM) / 2 with 3 x 3 mean windows that lie fully inside the image, averaged over pixels and channels.

    Args:
      target, prediction: float [..., H, W, C] in [-1, 1], H and W at least 3.

    Returns:
      float32 scalar: 0 for equal images, about 0.5 for unrelated ones, at most 1.
    """
    # The constants are meant for [0, 1].
    x, y = (fold_time(tf.cast(value, tf.float32) * 0.5 + 0.5) for value in (target, prediction))
    maps = tf.concat([x, y, x * x + y * y, x * y], -1)
    means = tf.nn.avg_pool2d(maps, 3, 1, "VALID")
    mean_x, mean_y, mean_squares, mean_product = tf.split(means, 4, -1)
    product, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    luminance = (2.0 * product + SSIM_C1) / (squares + SSIM_C1)
    structure = (2.0 * (mean_product - product) + SSIM_C2) / (mean_squares - squares + SSIM_C2)
    return tf.reduce_mean(0.5 - 0.5 * luminance * structure)


def photometric(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """0.85 ssim_distance + 0.15 L1, the paper's mixture.

    Args:
      target, prediction: float [B, T, H, W, C] in [-1, 1].

    Returns:
      float32 scalar.
    """
    return 0.85 * ssim_distance(target, prediction) + 0.15 * l1(target, prediction)


def visible_mean(error: tf.Tensor, visibility: tf.Tensor) -> tf.Tensor:
    """Average of ``error`` over channels and each clip's visible area, then over the batch.

    Args:
      error: float32 [B, ..., H, W, C].
      visibility: float [B, ..., H, W, 1] in [0, 1].

    Returns:
      float32 scalar.
    """
    visibility = tf.cast(visibility, tf.float32)
    axes = list(range(1, error.shape.rank))
    total = tf.reduce_sum(tf.reduce_mean(error, -1, keepdims=True) * visibility, axes)
    # Below one visible pixel the area counts as one: the value fades to 0 and no gradient explodes.
    return tf.reduce_mean(total / tf.maximum(tf.reduce_sum(visibility, axes), 1.0))
