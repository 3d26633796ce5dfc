"""Linear blend skinning in the picture's plane: rigid bones that hang on each other move the pixels around them.

A bone turns about its pivot, which its parent carries along, so what is attached stays attached. Where bones meet, a
pixel is moved by their weighted mean. Source: Magnenat-Thalmann et al., "Joint-dependent local deformations for hand
animation" (Graphics Interface 1988), in two dimensions.

Positions are (y, x) in pixels; a turn by a quarter takes (1, 0), down, to (0, 1), right. Turns are the picture's, not
the parent's: a bone that keeps its direction has a turn of 0, whatever it hangs on. N pictures, L bones.
"""

from collections.abc import Sequence

import tensorflow as tf


def carried_pivots(pivots: tf.Tensor, turns: tf.Tensor, shift: tf.Tensor, parents: Sequence[int]) -> tf.Tensor:
    """Where the bones' pivots go.

    Args:
      pivots: float32 [..., L, 2], where they are before.
      turns: float32 [..., L], radians.
      shift: float32 [..., 2], of the root's pivot, pixels.
      parents: of each bone, the root first, which has none (-1), and each parent before what hangs on it.

    Returns:
      float32 [..., L, 2].
    """
    places, angles, carried = tf.unstack(pivots, axis=-2), tf.unstack(turns, axis=-1), []
    for place, parent in zip(places, parents, strict=True):
        if parent < 0:
            carried.append(place + shift)
        else:
            carried.append(carried[parent] + turned(place - places[parent], angles[parent]))
    return tf.stack(carried, axis=-2)


def turned(vectors: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """Vectors float32 [..., 2], each turned by radians float32 [...]."""
    cos, sin = tf.cos(turns), tf.sin(turns)
    y, x = vectors[..., 0], vectors[..., 1]
    return tf.stack([cos * y - sin * x, sin * y + cos * x], axis=-1)


def pixel_grid(size: tuple) -> tf.Tensor:
    """The pixels' own positions, float32 [H, W, 2]."""
    rows, columns = tf.range(size[0]), tf.range(size[1])
    return tf.cast(tf.stack(tf.meshgrid(rows, columns, indexing="ij"), axis=-1), tf.float32)


def positions_after(points: tf.Tensor, pivots: tf.Tensor, carried: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """Where each bone takes points: float32 [..., 2]; pivots and carried pivots [..., 2], turns [...], all broadcast.

    What each bone brings to a point comes from ``positions_after(points, carried, pivots, -turns)``.
    """
    offset = points - pivots
    return carried + turned(offset, tf.broadcast_to(turns, tf.shape(offset)[:-1]))


def segment_distance(points: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
    """How far points are from line segments, in pixels.

    Args:
      points: float32 [..., 2].
      ends: float32 [..., 2, 2], the two ends of each segment; all but the last two dimensions broadcast against
        all but the last one of ``points``.

    Returns:
      float32 [...].
    """
    start, along = ends[..., 0, :], ends[..., 1, :] - ends[..., 0, :]
    offset = points - start
    length = tf.maximum(tf.reduce_sum(tf.square(along), axis=-1), 1e-6)
    share = tf.clip_by_value(tf.reduce_sum(offset * along, axis=-1) / length, 0.0, 1.0)
    # The square root's derivative at 0 is infinite.
    return tf.sqrt(tf.reduce_sum(tf.square(offset - share[..., None] * along), axis=-1) + 1e-8)
