"""Things that move as one: the foreground's motion, made of a shift and a growth for each thing.

What is drawn for the foreground is a field, and its details, which are drawn independently of each other, bend what
lies in it: a car that comes near melts. So wherever a thing is, the field is replaced by the nearest one that only
shifts and grows, alike in height and width, as what keeps its distance does: nothing shears, turns or bends. A thing is
a connected piece of one foreground class. Cars that touch are one piece, and a row of parked ones has no motion in
common, so what is nearest is asked around every place anew, in a neighbourhood as large as the piece is high there
(moving least squares: Schaefer, McPhail and Warren, "Image deformation using moving least squares", SIGGRAPH 2006).

What the decoder's levels add to it, legs that walk or the far side of a lorry, is learned as before.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID
from seg2vid_tf.ops.components import connected_components

# Things a map may have; of more, the largest. Streets have 18 at most, most of them tiny.
MAX_INSTANCES = 16
# Pieces are found where a cell of so many pixels a side belongs to a class by half.
_CELL = 4
# Standard deviation of the neighbourhood, in heights of the piece in its column; its least, in cells of LATENT_GRID.
_REACH, _LEAST_REACH = 0.35, 1.0
# How far from a neighbourhood's middle it still grows, in reaches: carried on to the frame's other end, a growth is
# what float32 made of it.
_FARTHEST = 2.0
# A neighbourhood's Gaussian ends nowhere: far from its thing, everything there counts alike.
_FAR = 1e-3
# Square cells that are added to a piece's variance: of what is smaller than a cell nobody knows how it grows.
_RIDGE = 0.3
# Where nothing is, the field goes on as that of the things near it does.
_ELSEWHERE = 1e-3


class Instances(NamedTuple):
    """The foreground's things; no gradient.

    Fields:
      shares: float32 [B,N,*LATENT_GRID] in [0,1], how much of a cell is a thing's; zeros where there are fewer than N.
      rest: float32 [B,*LATENT_GRID] in [0,1], how much of a cell is foreground and no thing's.
      cell_width: float32 scalar, how wide a cell is, in heights of a cell.
    """

    shares: tf.Tensor
    rest: tf.Tensor
    cell_width: tf.Tensor


def find_instances(classes: tf.Tensor) -> Instances:
    """The things of an annotation.

    Args:
      classes: float32 [B,H,W,F], one-hot in the foreground's classes, zeros elsewhere; 4 divides H and W.
    """
    cells = tf.nn.avg_pool2d(tf.stop_gradient(classes), _CELL, _CELL, "VALID")
    most = tf.argmax(cells, axis=-1, output_type=tf.int32)
    pieces = connected_components(tf.where(tf.reduce_max(cells, axis=-1) >= 0.5, most, -1))
    batch, height, width = tf.unstack(tf.shape(pieces))
    # A piece's number is that of one of its cells, so of each clip there are as many numbers as cells, and 0.
    numbers = height * width + 1
    segments = tf.range(batch)[:, None, None] * numbers + pieces
    sizes = tf.math.unsorted_segment_sum(tf.ones_like(segments), segments, batch * numbers)
    sizes = tf.reshape(sizes, [batch, numbers])[:, 1:]
    sizes, largest = tf.math.top_k(tf.pad(sizes, [[0, 0], [0, MAX_INSTANCES]]), MAX_INSTANCES)
    belongs = tf.equal(pieces[..., None], (largest + 1)[:, None, None]) & (sizes > 0)[:, None, None]
    shares = tf.where(belongs, tf.reduce_sum(cells, axis=-1, keepdims=True), 0.0)
    rest = tf.reduce_sum(cells, axis=-1, keepdims=True) - tf.reduce_sum(shares, axis=-1, keepdims=True)
    rows, columns = _parts(LATENT_GRID[0], height), _parts(LATENT_GRID[1], width)
    both = tf.einsum("iy,byxn,jx->bnij", rows, tf.concat([shares, rest], axis=-1), columns)
    cell_width = tf.cast(width * LATENT_GRID[0], tf.float32) / tf.cast(height * LATENT_GRID[1], tf.float32)
    return Instances(both[:, :-1], both[:, -1], cell_width)


def fit_instance_motion(motion: tf.Tensor, instances: Instances) -> tf.Tensor:
    """A map of velocities whose things each shift and grow.

    Args:
      motion: float32 [B,*LATENT_GRID,C], pairs (dy, dx), one for each wave along time (latent_map.py).
      instances: of the same clips.

    Returns:
      The same shape. Where there are no things, and where foreground is none, it is what it was.
    """
    # Heights of a cell are the unit of every length.
    y, x = _middles(LATENT_GRID[0])[:, None], _middles(LATENT_GRID[1]) * instances.cell_width
    place = tf.stack([tf.broadcast_to(y, LATENT_GRID), tf.broadcast_to(x, LATENT_GRID)], axis=-1)
    # At its sides a column is part of the thing only: the higher of its neighbours tells.
    heights = tf.nn.max_pool1d(tf.transpose(tf.reduce_sum(instances.shares, axis=2), [0, 2, 1]), 3, 1, "SAME")
    reach = tf.maximum(_REACH * tf.transpose(heights, [0, 2, 1]), _LEAST_REACH)[..., None]  # [B,N,w,1]
    sums = _local_sums(motion, instances, place, reach)
    fields = _shift_and_growth(sums, tf.cast(place, tf.float64), tf.cast(_FARTHEST * reach[:, :, None], tf.float64))
    fields, weight = tf.cast(fields, tf.float32), tf.cast(sums[..., :1], tf.float32)
    near = weight / (tf.reduce_sum(weight, axis=1, keepdims=True) + 1e-9)
    counts = instances.shares[..., None] + _ELSEWHERE * near
    # The rest, and a map without things, keep what they had.
    rest = instances.rest[..., None] + 1e-6
    return (tf.reduce_sum(counts * fields, axis=1) + rest * motion) / (tf.reduce_sum(counts, axis=1) + rest)


def _local_sums(motion, instances, place, reach):
    """What the fit around each place needs, summed over the thing's cells near it: float64 [B,N,h,w,4+3W], W waves.

    The sums of 1, y, x, y^2 + x^2; of each wave's dy and dx; and of each wave's y dy + x dx.
    """
    waves = motion.shape[-1] // 2
    still = tf.concat([tf.ones([*LATENT_GRID, 1]), place, tf.reduce_sum(tf.square(place), -1, keepdims=True)], axis=-1)
    along = tf.reduce_sum(tf.reshape(motion, [-1, *LATENT_GRID, waves, 2]) * place[:, :, None], axis=-1)
    moments = tf.concat([tf.repeat(still[None], tf.shape(motion)[0], axis=0), motion, along], axis=-1)
    columns = _gaussian(_distances(LATENT_GRID[1]) * instances.cell_width, reach)
    rows = _gaussian(_distances(LATENT_GRID[0]), reach[..., None])
    # A variance is the small difference of large squares, and what follows from it is carried far: float32's rounding
    # would be seen.
    weighted, columns, rows = (
        tf.cast(x, tf.float64) for x in (instances.shares[..., None] * moments[:, None], columns, rows)
    )
    sums = tf.einsum("bnyxc,bnux->bnyuc", weighted, columns)
    return tf.einsum("bnyuc,bnuvy->bnvuc", sums, rows)


def _shift_and_growth(sums, place, farthest):
    """The motion float64 [B,N,h,w,2W] that fits best around each place, of those that shift and grow.

    Args:
      sums: of ``_local_sums``.
      place: float64 [h,w,2], (y, x) of the cells.
      farthest: float64, how far from a neighbourhood's middle it still grows.
    """
    waves = (sums.shape[-1] - 4) // 3
    center, square, mean, along = tf.split(sums[..., 1:] / (sums[..., :1] + 1e-9), [2, 1, 2 * waves, waves], axis=-1)
    mean = tf.reshape(mean, [-1, MAX_INSTANCES, *LATENT_GRID, waves, 2])
    growth = along - tf.reduce_sum(mean * center[..., None, :], axis=-1)
    growth /= square - tf.reduce_sum(tf.square(center), axis=-1, keepdims=True) + _RIDGE
    offset = place - center
    distance = tf.sqrt(tf.reduce_sum(tf.square(offset), axis=-1, keepdims=True)) + 1e-9
    offset *= tf.minimum(farthest / distance, 1.0)
    fields = mean + growth[..., None] * offset[..., None, :]
    return tf.reshape(fields, [-1, MAX_INSTANCES, *LATENT_GRID, 2 * waves])


def _parts(count, side):
    """float32 [count,side]: how much of each of ``count`` equal lengths of a side lies in each of its pixels."""
    scale = tf.cast(side, tf.float32) / count
    first, pixel = scale * tf.range(count, dtype=tf.float32)[:, None], tf.range(side, dtype=tf.float32)
    return tf.nn.relu(tf.minimum(first + scale, pixel + 1.0) - tf.maximum(first, pixel)) / scale


def _middles(side):
    """Of each cell of a side, from the frame's middle, float32 [side]."""
    return np.arange(side, dtype=np.float32) - (side - 1) / 2


def _distances(side):
    """Of each cell of a side from each, float32 [side,side]."""
    return np.abs(np.subtract.outer(_middles(side), _middles(side)))


def _gaussian(distances, reach):
    """How much what is so far away counts."""
    return tf.exp(-0.5 * tf.square(distances / reach)) + _FAR
