"""Distance of two pictures' colours, class by class: what "in the style of that picture" can be held to.

Two pictures of other layouts share no pixel, but both have a road and a sky, and each of these has a mean colour.
"""

import tensorflow as tf

# A class with less of a picture than this has hardly a colour of its own: its weight falls with its share.
FULL_SHARE = 0.02


def class_color_distance(
    reference: tf.Tensor, reference_classes: tf.Tensor, frame: tf.Tensor, frame_classes: tf.Tensor
) -> tf.Tensor:
    """L1 between the mean colours of the classes that both pictures show.

    Args:
      reference, frame: float [B,H,W,3] in [-1, 1]; no gradient flows to the reference.
      reference_classes, frame_classes: float [B,H,W,K], one-hot or all 0 where a pixel has no class.

    Returns:
      float32 [B], the mean over channels and over classes, each weighted by the smaller of its two shares up to
      ``FULL_SHARE`` of the picture; 0 where the pictures have no class in common.
    """
    target, target_share = _mean_colors(tf.stop_gradient(reference), reference_classes)
    color, share = _mean_colors(frame, frame_classes)
    return _weighted_l1(target, color, tf.minimum(target_share, share))


def palette_distance(frame: tf.Tensor, classes: tf.Tensor, colors: tf.Tensor) -> tf.Tensor:
    """L1 between colours said for each class and the classes' mean colours in a frame.

    Args:
      frame: float [B,H,W,3] in [-1, 1]; no gradient flows to it.
      classes: float [B,H,W,K], one-hot or all 0 where a pixel has no class.
      colors: float [B,K,3].

    Returns:
      float32 [B], weighted as ``class_color_distance``; 0 where the frame has no class.
    """
    target, share = _mean_colors(tf.stop_gradient(frame), classes)
    return _weighted_l1(target, colors, share)


def _weighted_l1(colors, others, share):
    """Colours [B,K,3] each, shares [B,K] of the picture -> [B]; a class counts by its share, up to ``FULL_SHARE``."""
    weight = tf.minimum(share, FULL_SHARE)
    difference = tf.reduce_mean(tf.abs(colors - others), axis=-1)
    return tf.math.divide_no_nan(tf.reduce_sum(weight * difference, -1), tf.reduce_sum(weight, -1))


def _mean_colors(frame, classes):
    """Mean colours float32 [B,K,3] and shares of the picture float32 [B,K] of each class."""
    frame, classes = tf.cast(frame, tf.float32), tf.cast(classes, tf.float32)
    share = tf.reduce_mean(classes, axis=[1, 2])
    size = tf.cast(tf.shape(frame)[1] * tf.shape(frame)[2], tf.float32)
    sums = tf.einsum("bhwk,bhwc->bkc", classes, frame) / size
    return tf.math.divide_no_nan(sums, share[..., None]), share
