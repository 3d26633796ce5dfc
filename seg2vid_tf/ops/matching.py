"""Matching: where the parts of one frame are in the frames after it, by comparing patches, without learned weights.

Patches are compared by normalised cross-correlation, coarse to fine, each frame beginning where the one before it
suggests; what no place fits exactly is found by the brightness gradient (Lucas and Kanade, 1981). What comes out is
rough: good where there is texture, a guess where there is none or where something is hidden. It is what a network that
reads motion starts from: nothing has to be learned of matching, and nothing unlearned on other data.
"""

import tensorflow as tf

from seg2vid_tf.ops.correlation import correlation
from seg2vid_tf.ops.image import with_border
from seg2vid_tf.ops.warp import warp

# To be raised with whatever changes what estimate_flow finds, here or in the ops that it uses: what it found before is
# kept beside the data (data/matching_cache.py), under the version that found it.
MATCHING_VERSION = 2
# Displacements come out on a grid with one place for so many pixels.
STRIDE = 4
# (pixels of a place, places searched each way) for frame 1, which may move anywhere, and for those after it.
_LEVELS_FRAME_1, _LEVELS_LATER = ((16, 3), (8, 2), (4, 2)), ((8, 1), (4, 1))
# Then, at these, so many pixels to a place, by the gradient.
_GRADIENT = (2, 2, 1)
_PATCH = 5
# How clearly the best displacement wins: exp(80 x difference of two correlations).
_SHARPNESS = 80.0
# A place whose best correlation is 1 counts exp(4) times as much among its neighbours as one of 0.
_CONFIDENCE = 4.0
# Variance of the gradient, in units of [-1, 1] a place, below which a neighbourhood says nothing.
_FLAT = 3e-4


def estimate_flow(frames: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Displacement of frame 0's pixels to frames 1..T, and how well it fits.

    Args:
      frames: float [B, T+1, H, W, 3], T at least 1.

    Returns:
      (displacement float32 [B, T, h, w, 2]: (dy, dx) in pixels of the frame on the grid of frame 0, x of frame 0 is at
      x + displacement; correlation float32 [B, T, h, w, 1] in [-1, 1]), h and w a quarter of H and W, at least 2;
      without gradient.
    """
    pictures = tf.unstack(tf.stop_gradient(tf.cast(frames, tf.float32)), axis=1)
    size = tf.shape(pictures[0])[1:3]
    strides = [stride for stride, _ in _LEVELS_FRAME_1]
    shrunk = {stride: [_shrunk(picture, stride) for picture in pictures] for stride in (*strides, *_GRADIENT)}
    slopes = {stride: _slopes(shrunk[stride][0]) for stride in set(_GRADIENT)}
    displacements, fits = [], []
    for t in range(1, len(pictures)):
        pixels = displacements[-1] * (t / (t - 1)) if displacements else tf.zeros_like(shrunk[STRIDE][0][..., :2])
        at = STRIDE
        for stride, radius in _LEVELS_LATER if displacements else _LEVELS_FRAME_1:
            target = shrunk[stride][t]
            start, place = _to_places(_resized(pixels, target, at, stride), size)
            places, fit = _correlation_step(shrunk[stride][0], target, start, radius)
            pixels, at = places * place, stride
        for stride in _GRADIENT:
            target = shrunk[stride][t]
            start, place = _to_places(_resized(pixels, target, at, stride), size)
            pixels, at = _lucas_kanade_step(slopes[stride], shrunk[stride][0], target, start) * place, stride
        displacements.append(_resized(pixels, fit, at, STRIDE))
        fits.append(fit)
    return tf.stack(displacements, axis=1), tf.stack(fits, axis=1)


def _resized(pixels, like, stride, new_stride):
    """A displacement on the grid of ``like``."""
    # What grows stays the same with antialiasing, and takes three times as long.
    return tf.image.resize(pixels, tf.shape(like)[1:3], antialias=new_stride > stride)


def _to_places(pixels, size):
    """A displacement in pixels of frames of that size -> in places of its grid, and pixels of a place."""
    place = tf.cast(size / tf.shape(pixels)[1:3], tf.float32)
    return pixels / place, place


def _correlation_step(source, target, start, radius):
    """The displacement, in places, that fits best around ``start``, smoothed; and its correlation."""
    alike = _mean(correlation(source, warp(target, -start), radius, _PATCH))
    side = tf.range(-radius, radius + 1, dtype=tf.float32)
    offsets = tf.reshape(tf.stack(tf.meshgrid(side, side, indexing="ij"), axis=-1), [-1, 2])
    # A mean, not the best alone: where nothing stands out, as on a plain road, it stays where it started.
    found = start + tf.tensordot(tf.nn.softmax(_SHARPNESS * alike), offsets, 1)
    fit = tf.reduce_max(alike, axis=-1, keepdims=True)
    confidence = tf.exp(_CONFIDENCE * fit)
    return _mean(_mean(found * confidence)) / _mean(_mean(confidence)), fit


def _slopes(source):
    """The source's slopes (down, right) in value a place, [N,h,w,C] each, and what their products are around a place.

    The source's own slopes, and not those of the frame that is moved on it, are the same for all frames and steps
    (inverse compositional alignment; Baker and Matthews, 2004).
    """
    edged = with_border(source, 1)
    down, right = edged[:, 2:, 1:-1] - edged[:, :-2, 1:-1], edged[:, 1:-1, 2:] - edged[:, 1:-1, :-2]
    down, right = 0.5 * down, 0.5 * right  # a central difference spans two places
    yy, yx, xx = tf.split(_around((down, down), (down, right), (right, right)), 3, axis=-1)
    return down, right, yy + _FLAT, yx, xx + _FLAT


def _lucas_kanade_step(slopes, source, target, start):
    """One step of Lucas and Kanade from ``start``, in places, of at most one place each way."""
    down, right, yy, yx, xx = slopes
    difference = source - warp(target, -start)
    y, x = tf.split(_around((down, difference), (right, difference)), 2, axis=-1)
    step = tf.concat([xx * y - yx * x, yy * x - yx * y], axis=-1) / (yy * xx - tf.square(yx))
    return start + tf.clip_by_value(step, -1.0, 1.0)


def _around(*pairs):
    """Each pair's product summed over the channels, averaged around each place: [N,h,w,len(pairs)]."""
    return _mean(_mean(tf.concat([tf.reduce_sum(a * b, axis=-1, keepdims=True) for a, b in pairs], axis=-1)))


def _shrunk(x, stride):
    """Means over stride x stride pixels; larger ones where that leaves fewer than two places, which a warp needs."""
    size = tf.maximum(tf.shape(x)[1:3] // stride, 2)
    return tf.image.resize(x, size, method=tf.image.ResizeMethod.AREA)


def _mean(x):
    """Mean over 3 x 3 places, of those that exist."""
    return tf.nn.avg_pool2d(x, 3, 1, "SAME")
