"""Holes filled from their surroundings, near and far: push and pull.

Source: Gortler et al., "The lumigraph" (SIGGRAPH 1996), section 3.4. Nothing is learned, so the colours are those of
this picture.
"""

import tensorflow as tf

# Halvings: what lies 2 ** 8 pixels away is the farthest that fills a hole.
_LEVELS = 8


def fill_holes(picture: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """The picture where its weight is 1, the smooth continuation of its surroundings where that is 0.

    Args:
      picture: float32 [N,H,W,C].
      weight: float32 [N,H,W,1] in [0,1].

    Returns:
      float32 [N,H,W,C]; 0 where the whole picture has no weight.
    """
    known, shares = [picture * weight], [weight]
    for _ in range(_LEVELS):
        known.append(tf.nn.avg_pool2d(known[-1], 2, 2, "SAME"))
        shares.append(tf.nn.avg_pool2d(shares[-1], 2, 2, "SAME"))
    value = known[-1] / tf.maximum(shares[-1], 1e-3)
    for part, share in zip(reversed(known[:-1]), reversed(shares[:-1]), strict=True):
        value = part + (1.0 - share) * tf.image.resize(value, tf.shape(part)[1:3])
    return value
