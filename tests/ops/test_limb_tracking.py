"""Limbs are found again in frames that were made by turning them; where nothing is to be seen, nothing moves."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.limb_tracking import track_limbs
from seg2vid_tf.ops.skinning import carried_pivots, pixel_grid, positions_after, segment_distance

SIZE = (40, 48)
PIVOTS, PARENTS = np.float32([[20, 8], [20, 22]]), (-1, 0)  # an upper arm to the right, a forearm that goes on
ENDS = tf.constant([[[20.0, 8], [20, 22]], [[20, 22], [20, 34]]])


def drawn(turns, shift):
    """An arm of 6 pixels, striped along and across, before a wall of another brightness: [H,W,3]."""
    turns, shift = tf.constant(turns, tf.float32), tf.constant(shift, tf.float32)
    carried = carried_pivots(tf.constant(PIVOTS), turns, shift, PARENTS)
    picture = tf.fill([*SIZE, 3], -0.3)
    for bone in (0, 1):
        before = positions_after(pixel_grid(SIZE), carried[bone], tf.constant(PIVOTS[bone]), -turns[bone])
        inside = tf.clip_by_value(3.5 - segment_distance(before, ENDS[bone]), 0.0, 1.0)[..., None]
        y, x = before[..., 0], before[..., 1]
        color = tf.stack([tf.fill(SIZE, 0.4 + 0.3 * bone), tf.sin(x / 4), tf.sin(y / 3)], -1)
        picture = inside * color + (1.0 - inside) * picture
    return picture


MOTIONS = [([0.15, 0.3], [0.5, -0.5]), ([0.3, 0.6], [1.0, -1.0])]


def tracked(motions):
    """What is found in the frames of those motions: turns [T,2], shift [T,2]."""
    frames = tf.stack([drawn([0.0, 0.0], [0.0, 0.0]), *(drawn(*motion) for motion in motions)])[None]
    distances = tf.stack([segment_distance(pixel_grid(SIZE), end) for end in ENDS], axis=-1)
    near = tf.cast(tf.reduce_min(distances, axis=-1, keepdims=True) < 3.5, tf.float32)
    weights = near * tf.nn.softmax(-tf.square(distances))
    return [v[0] for v in track_limbs(frames, weights[None], near[None, ..., 0], tf.constant(PIVOTS)[None], PARENTS)]


def test_turns_and_shift_are_found():
    turns, shift = tracked(MOTIONS)
    np.testing.assert_allclose(turns, [turn for turn, _ in MOTIONS], atol=0.06)
    np.testing.assert_allclose(shift, [by for _, by in MOTIONS], atol=0.4)


def test_an_arm_that_keeps_still_keeps_still():
    turns, shift = tracked([([0.0, 0.0], [0.0, 0.0])])
    assert np.abs(turns).max() < 1e-3 and np.abs(shift).max() < 1e-3
