"""Structure: the annotation of frame 0, warped along, must be the annotation of frame t."""

import tensorflow as tf

from seg2vid_tf.losses.reconstruction import visible_mean


def structure(target: tf.Tensor, prediction: tf.Tensor, visibility: tf.Tensor) -> tf.Tensor:
    """Share of each pixel that the warped annotation gives to another class than its own, on visible pixels.

    Args:
      target: float [B, T, H, W, K], one-hot annotation of the frames; a pixel without a class does not count.
      prediction: float [B, T, H, W, K], annotation of frame 0 warped to each frame.
      visibility: float [B, T, H, W, 1] in [0, 1]; no gradient flows to it.

    Returns:
      float32 scalar in [0, 1].
    """
    target = tf.cast(target, tf.float32)
    labelled = tf.reduce_sum(target, axis=-1, keepdims=True)
    missed = labelled - tf.reduce_sum(target * tf.cast(prediction, tf.float32), axis=-1, keepdims=True)
    return visible_mean(missed, tf.stop_gradient(tf.cast(visibility, tf.float32)) * labelled)
