"""Connected components of label maps, in plain TensorFlow operations: they are exported and served."""

import tensorflow as tf

# Steps after which whatever is left apart stays apart; a map has no more than some ten.
_MAX_STEPS = 64
# Doublings of how far a step looks along a chain of pieces that join each other.
_JUMPS = 3


def connected_components(classes: tf.Tensor) -> tf.Tensor:
    """Numbers the pieces of equal class, which touch along a side (not at a corner).

    In each step a piece joins the largest-numbered one that one of its pixels touches, and that which this one has
    joined, and so on, until nothing changes. Source: Shiloach and Vishkin, "An O(log n) parallel connectivity
    algorithm" (1982).

    Args:
      classes: int32 [B,h,w], -1 where a pixel belongs to no piece.

    Returns:
      int32 [B,h,w]: 0 where the class is -1, elsewhere 1 + the index, row by row, of the piece's last pixel.
    """
    batch, height, width = tf.unstack(tf.shape(classes))
    count = height * width
    named = classes >= 0
    joined = [named & tf.equal(neighbour, classes) for neighbour in _around(classes)]
    # Of each map as many numbers as pixels, and 0.
    firsts = (count + 1) * tf.range(batch)[:, None, None]
    own = firsts + tf.where(named, tf.reshape(tf.range(1, count + 1), [1, height, width]), 0)

    def step(pieces, _):
        largest = pieces
        for neighbour, same in zip(_around(pieces), joined, strict=True):
            largest = tf.maximum(largest, tf.where(same, neighbour, 0))
        # A number's pixel may know of a larger one already.
        known = tf.reshape(tf.concat([firsts[:, 0], tf.reshape(pieces, [batch, count])], axis=1), [-1])
        joins = tf.maximum(tf.math.unsorted_segment_max(largest, pieces, tf.size(known)), known)
        for _ in range(_JUMPS):
            joins = tf.gather(joins, joins)
        return tf.ensure_shape(tf.gather(joins, pieces), classes.shape), tf.reduce_any(largest != pieces)

    pieces, _ = tf.while_loop(lambda _, changed: changed, step, (own, tf.constant(True)), maximum_iterations=_MAX_STEPS)
    return pieces - firsts


def _around(x):
    """The neighbours [B,h,w] above, below, left and right; beyond the border lie -1."""
    wide = tf.pad(x, [[0, 0], [1, 1], [1, 1]], constant_values=-1)
    return wide[:, :-2, 1:-1], wide[:, 2:, 1:-1], wide[:, 1:-1, :-2], wide[:, 1:-1, 2:]
