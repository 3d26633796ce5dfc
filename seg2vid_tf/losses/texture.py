"""Texture: how much a frame varies from pixel to pixel within each class, wherever exactly it does.

A generated facade need not have its windows where the real one has them, and its grain cannot: a loss that compares
pixel with pixel, or feature with feature at the same place, answers both with blur. So what three pixels in a row,
column or line 1, 2 or 4 apart deviate from a straight slope is gathered over each class's region: the mean of its size
and of its square (much grain everywhere, or few edges). The three distances are three bands of frequency, around 1/2,
1/4 and 1/8 of a cycle per pixel. Statistics of that kind are what texture synthesis goes by (Portilla and Simoncelli,
"A Parametric Texture Model", IJCV 2000).
"""

import tensorflow as tf

LAGS = (1, 2, 4)
# Four grey levels of 255: below it differences count little, and flat colours do not drown everything else.
_JUST_VISIBLE = 0.03


def texture_distance(target: tf.Tensor, prediction: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """|log| of the ratio of the two frames' variation, averaged over bands, directions, colours and classes by area.

    Args:
      target, prediction: float [B,H,W,3] in [-1,1].
      classes: float [B,H,W,K], one-hot; three pixels count where they are of one class.

    Returns:
      float32 scalar, the mean over the examples; 0.7 = twice or half as much everywhere. An example without a class
      counts 0.
    """
    distances = []
    for lag in LAGS:
        for axis in (1, 2):
            first, middle, last = _three(tf.cast(classes, tf.float32), axis, lag)
            here = first * middle * last
            area = tf.reduce_sum(here, [1, 2])
            share = tf.math.divide_no_nan(area, tf.reduce_sum(area, -1, keepdims=True))
            for size, root in ((tf.abs, tf.identity), (tf.square, tf.sqrt)):
                amounts = []
                for frame in (target, prediction):
                    first, middle, last = _three(tf.cast(frame, tf.float32), axis, lag)
                    deviation = middle - (first + last) / 2.0
                    gathered = tf.einsum("bhwk,bhwc->bkc", here, size(deviation))
                    mean = tf.math.divide_no_nan(gathered, area[..., None])
                    amounts.append(tf.math.log(root(mean + size(_JUST_VISIBLE))))
                by_class = tf.reduce_mean(tf.abs(amounts[0] - amounts[1]), -1)
                distances.append(tf.reduce_mean(tf.reduce_sum(share * by_class, -1)))
    return tf.add_n(distances) / len(distances)


def _three(x, axis, lag):
    """x [B,H,W,C] at p, p + lag and p + 2 lag along the axis, wherever all three exist."""
    return [_cut(x, axis, start, stop) for start, stop in ((0, -2 * lag), (lag, -lag), (2 * lag, None))]


def _cut(x, axis, start, stop):
    return x[:, start:stop] if axis == 1 else x[:, :, start:stop]
