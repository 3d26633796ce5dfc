"""Skinning by hand-computed cases: what turns, what is carried along, how far a point is from a line."""

import math

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.skinning import carried_pivots, pixel_grid, positions_after, segment_distance, turned

QUARTER = math.pi / 2


def test_a_quarter_turn_takes_down_to_right_and_right_to_up():
    vectors = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(turned(vectors, tf.constant([QUARTER] * 2)), [[0, 1], [-1, 0]], atol=1e-6)


def test_a_joint_goes_where_its_parent_turns_it_and_keeps_what_hangs_on_it():
    """An upper arm from (10,10) to (10,20) and a forearm to (10,26): the shoulder turns by a quarter, and moves."""
    pivots = tf.constant([[10.0, 10.0], [10.0, 20.0]])
    turns, shift = tf.constant([QUARTER, 0.0]), tf.constant([0.0, 3.0])
    carried = carried_pivots(pivots, turns, shift, (-1, 0))
    np.testing.assert_allclose(carried, [[10, 13], [0, 13]], atol=1e-5)
    # The elbow is the same place for both; the wrist keeps its direction, as the forearm's own turn is 0.
    elbow, wrist = tf.constant([10.0, 20.0]), tf.constant([10.0, 26.0])
    for bone in (0, 1):
        moved = positions_after(elbow, pivots[bone], carried[bone], turns[bone])
        np.testing.assert_allclose(moved, [0, 13], atol=1e-5)
    moved = positions_after(wrist, pivots[1], carried[1], turns[1])
    np.testing.assert_allclose(moved, [0, 19], atol=1e-5)
    back = positions_after(moved, carried[1], pivots[1], -turns[1])
    np.testing.assert_allclose(back, wrist, atol=1e-5)


def test_three_bones_in_a_chain():
    """Each 10 long, to the right; the first turns by a quarter, the second by two: up, back left, right again."""
    pivots = tf.constant([[0.0, 0.0], [0.0, 10.0], [0.0, 20.0]])
    turns = tf.constant([QUARTER, 2 * QUARTER, 0.0])
    carried = carried_pivots(pivots, turns, tf.zeros([2]), (-1, 0, 1))
    np.testing.assert_allclose(carried, [[0, 0], [-10, 0], [-10, -10]], atol=1e-5)


def test_distance_from_a_segment_beside_it_beyond_it_and_from_a_dot():
    points = tf.constant([[4.0, 5.0], [0.0, 13.0], [3.0, 14.0]])
    segment = tf.constant([[0.0, 0.0], [0.0, 10.0]])
    np.testing.assert_allclose(segment_distance(points, segment), [4, 3, 5], atol=1e-4)
    np.testing.assert_allclose(segment_distance(points[2], tf.zeros([2, 2])), math.sqrt(205), rtol=1e-6)


def test_the_distance_has_a_finite_gradient_on_the_line():
    with tf.GradientTape() as tape:
        point = tf.Variable([0.0, 5.0])
        distance = segment_distance(point, tf.constant([[0.0, 0.0], [0.0, 10.0]]))
    assert np.isfinite(tape.gradient(distance, point)).all()


def test_the_grid_is_rows_and_columns():
    grid = pixel_grid((2, 3))
    assert grid.shape == (2, 3, 2) and grid[1, 2].numpy().tolist() == [1.0, 2.0]
