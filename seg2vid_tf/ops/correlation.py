"""Correlation of two feature maps: how alike each place of one is to the places around it in the other.

The matching step of optical flow networks (FlowNetC, Dosovitskiy et al., ICCV 2015; PWC-Net, Sun et al., CVPR 2018):
which displacement fits best is read off the result, which a convolution over stacked frames would have to learn anew
for every texture.
"""

import tensorflow as tf


def correlation(first: tf.Tensor, second: tf.Tensor, radius: int) -> tf.Tensor:
    """Pearson correlation, over the channels, of first(p) and second(p + d) for every d within the radius.

    Args:
      first, second: float [N, H, W, C].
      radius: r, in places; at least 0.

    Returns:
      float32 [N, H, W, (2r+1)^2] in [-1, 1], d in rows: (-r, -r), (-r, -r+1), ..; 0 where p + d lies outside.
    """
    first, second = (_unit(tf.cast(value, tf.float32)) for value in (first, second))
    height, width = tf.shape(first)[1], tf.shape(first)[2]
    padded = tf.pad(second, [[0, 0], [radius, radius], [radius, radius], [0, 0]])
    shifts = [(dy, dx) for dy in range(2 * radius + 1) for dx in range(2 * radius + 1)]
    return tf.stack(
        [tf.reduce_sum(first * padded[:, dy : dy + height, dx : dx + width], axis=-1) for dy, dx in shifts], axis=-1
    )


def _unit(x):
    # What all channels have in common says nothing of the place; left in, everything correlates with everything.
    x -= tf.reduce_mean(x, axis=-1, keepdims=True)
    return x * tf.math.rsqrt(tf.reduce_sum(tf.square(x), axis=-1, keepdims=True) + 1e-6)
