"""Correlation of two pictures or feature maps: how alike the patch around each place of one is to those of the other.

The matching step of optical flow networks (FlowNetC, Dosovitskiy et al., ICCV 2015; PWC-Net, Sun et al., CVPR 2018):
which displacement fits best is read off the result, which a convolution over stacked frames would have to learn anew
for every texture.
"""

import tensorflow as tf

from seg2vid_tf.ops.image import with_border


def correlation(first: tf.Tensor, second: tf.Tensor, radius: int, patch: int = 1) -> tf.Tensor:
    """Pearson correlation of the patches around first(p) and second(p + d), for every d within the radius.

    Args:
      first, second: float [N, H, W, C].
      radius: r, in places; at least 0.
      patch: side of a patch in places, odd; all its channels count, and beyond the border lies what is at the border.

    Returns:
      float32 [N, H, W, (2r+1)^2] in [-1, 1], d in rows: (-r, -r), (-r, -r+1), ..; 0 where p + d lies outside.
    """
    # Sums over patches are shared by all that overlap there. What is left when the means' share is taken from them can
    # be a millionth of them (a bright, even sky), so they need float64.
    first, second = (with_border(tf.cast(value, tf.float64), patch // 2) for value in (first, second))
    terms = patch * patch * first.shape[-1]
    sums, scales = zip(*(_statistics(value, patch, terms) for value in (first, second)), strict=True)
    products = first[..., None, :] * _around(second, radius)
    products = _patch_sum(tf.reduce_sum(products, axis=-1), patch)
    shared = sums[0] * _around(sums[1], radius)[..., 0] / terms
    return tf.cast((products - shared) * scales[0] * _around(scales[1], radius)[..., 0], tf.float32)


def _around(x, radius):
    """[N, h, w, C] -> [N, h, w, (2r+1)^2, C]: what is at each d from a place, 0 outside."""
    side = 2 * radius + 1
    found = tf.image.extract_patches(x, [1, side, side, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME")
    return tf.reshape(found, [*tf.unstack(tf.shape(x)[:3]), side * side, x.shape[-1]])


def _statistics(x, patch, terms):
    """Sum of each patch, and 1 / the length of what is left of the patch once its mean is subtracted."""
    total = _patch_sum(tf.reduce_sum(x, axis=-1, keepdims=True), patch)
    squares = _patch_sum(tf.reduce_sum(tf.square(x), axis=-1, keepdims=True), patch)
    # What all have in common says nothing of the place; left in, everything correlates with everything.
    return total, tf.math.rsqrt(tf.nn.relu(squares - tf.square(total) / terms) + 1e-6)


def _patch_sum(x, patch):
    """[N, h, w, C] -> [N, h - patch + 1, w - patch + 1, C]: sums over patch x patch places."""
    columns = tf.nn.avg_pool2d(x, (patch, 1), 1, "VALID")
    return patch * patch * tf.nn.avg_pool2d(columns, (1, patch), 1, "VALID")
