"""Images: the two doors between uint8 outside and [-1, 1] inside, clips as images, borders."""

import tensorflow as tf


def to_float(image: tf.Tensor) -> tf.Tensor:
    """uint8 of any shape -> float32 in [-1, 1]."""
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def to_uint8(image: tf.Tensor) -> tf.Tensor:
    """float in [-1, 1] of any shape -> uint8, rounded; values outside are clipped."""
    return tf.cast(tf.clip_by_value(tf.round((tf.cast(image, tf.float32) + 1.0) * 127.5), 0.0, 255.0), tf.uint8)


def fold_time(clip: tf.Tensor) -> tf.Tensor:
    """[..., H, W, C] -> [N, H, W, C]: the frames of clips are images of a larger batch."""
    return tf.reshape(clip, tf.concat([[-1], tf.shape(clip)[-3:-1], [clip.shape[-1]]], axis=0))


def with_border(image: tf.Tensor, width: int) -> tf.Tensor:
    """[N, H, W, C] -> [N, H + 2 width, W + 2 width, C]: beside the image lies what is at its border."""
    rows = tf.concat([image[:, :1]] * width + [image] + [image[:, -1:]] * width, axis=1)
    return tf.concat([rows[:, :, :1]] * width + [rows] + [rows[:, :, -1:]] * width, axis=2)
