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
    side = 2 * radius + 1
    rows = []
    for dy in range(side):
        # Each place with every place of its row: BLAS is faster at all of them than at the few that count.
        products = tf.matmul(first, padded[:, dy : dy + height], transpose_b=True)
        # Place x wants the columns x .. x + 2 r, a diagonal band: with one column more to a row it becomes upright.
        flat = tf.reshape(products, [-1, height, width * (width + side - 1)])
        skewed = tf.reshape(tf.pad(flat, [[0, 0], [0, 0], [0, width]]), [-1, height, width, width + side])
        rows.append(skewed[..., :side])
    return tf.concat(rows, axis=-1)


def _unit(x):
    # What all channels have in common says nothing of the place; left in, everything correlates with everything.
    x -= tf.reduce_mean(x, axis=-1, keepdims=True)
    return x * tf.math.rsqrt(tf.reduce_sum(tf.square(x), axis=-1, keepdims=True) + 1e-6)
