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
MATCHING_VERSION = 1
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
    patches = {stride: _patches(shrunk[stride][0]) for stride in strides}
    displacements, fits = [], []
    for t in range(1, len(pictures)):
        pixels = displacements[-1] * (t / (t - 1)) if displacements else tf.zeros_like(shrunk[STRIDE][0][..., :2])
        for stride, radius in _LEVELS_LATER if displacements else _LEVELS_FRAME_1:
            target = shrunk[stride][t]
            start, place = _to_places(pixels, size, target)
            places, fit = _correlation_step(patches[stride], target, start, radius)
            pixels = places * place
        for stride in _GRADIENT:
            target = shrunk[stride][t]
            start, place = _to_places(pixels, size, target)
            pixels = _lucas_kanade_step(shrunk[stride][0], target, start) * place
        pixels = tf.image.resize(pixels, tf.shape(fit)[1:3], antialias=True)
        displacements.append(pixels)
        fits.append(fit)
    return tf.stack(displacements, axis=1), tf.stack(fits, axis=1)


def _to_places(pixels, size, target):
    """A displacement in pixels of frames of that size -> in places on the grid of ``target``, and pixels of a place."""
    grid = tf.shape(target)[1:3]
    place = tf.cast(size / grid, tf.float32)
    return tf.image.resize(pixels, grid, antialias=True) / place, place


def _correlation_step(source, target, start, radius):
    """The displacement, in places, that fits best around ``start``, smoothed; and its correlation."""
    alike = _mean(correlation(source, _patches(warp(target, -start)), radius))
    side = tf.range(-radius, radius + 1, dtype=tf.float32)
    offsets = tf.reshape(tf.stack(tf.meshgrid(side, side, indexing="ij"), axis=-1), [-1, 2])
    # A mean, not the best alone: where nothing stands out, as on a plain road, it stays where it started.
    found = start + tf.tensordot(tf.nn.softmax(_SHARPNESS * alike), offsets, 1)
    fit = tf.reduce_max(alike, axis=-1, keepdims=True)
    confidence = tf.exp(_CONFIDENCE * fit)
    return _mean(_mean(found * confidence)) / _mean(_mean(confidence)), fit


def _lucas_kanade_step(source, target, start):
    """One step of Lucas and Kanade from ``start``, in places, of at most one place each way."""
    moved = warp(target, -start)
    edged = with_border(moved, 1)
    down, right = edged[:, 2:, 1:-1] - edged[:, :-2, 1:-1], edged[:, 1:-1, 2:] - edged[:, 1:-1, :-2]
    pairs = ((down, down), (down, right), (right, right), (down, source - moved), (right, source - moved))
    sums = tf.concat([tf.reduce_sum(a * b, axis=-1, keepdims=True) for a, b in pairs], axis=-1)
    # A central difference spans two places.
    yy, yx, xx, y, x = tf.split(_mean(_mean(sums)) * (0.25, 0.25, 0.25, 0.5, 0.5), 5, axis=-1)
    yy, xx = yy + _FLAT, xx + _FLAT
    step = tf.concat([xx * y - yx * x, yy * x - yx * y], axis=-1) / (yy * xx - tf.square(yx))
    return start + tf.clip_by_value(step, -1.0, 1.0)


def _shrunk(x, stride):
    """Means over stride x stride pixels; larger ones where that leaves fewer than two places, which a warp needs."""
    size = tf.maximum(tf.shape(x)[1:3] // stride, 2)
    return tf.image.resize(x, size, method=tf.image.ResizeMethod.AREA)


def _patches(x):
    """[N,h,w,C] -> [N,h,w,25 C]: each place with its neighbourhood; the border is repeated."""
    padded = with_border(x, _PATCH // 2)
    return tf.image.extract_patches(padded, [1, _PATCH, _PATCH, 1], [1, 1, 1, 1], [1, 1, 1, 1], "VALID")


def _mean(x):
    """Mean over 3 x 3 places, of those that exist."""
    return tf.nn.avg_pool2d(x, 3, 1, "SAME")
