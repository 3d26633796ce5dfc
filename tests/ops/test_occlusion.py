"""Visibility of two flows, by hand; and the composite."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.occlusion import composite, consistent_visibility, in_frame_mask


def test_composite_blends():
    visibility = tf.constant([[[[1.0], [0.0], [0.25]]]])
    out = composite(tf.fill([1, 1, 3, 2], 4.0), tf.fill([1, 1, 3, 2], -4.0), visibility)
    np.testing.assert_allclose(out[0, 0], [[4, 4], [-4, -4], [-2, -2]])
    assert composite(tf.zeros([1], tf.bfloat16), tf.zeros([1], tf.bfloat16), tf.ones([1])).dtype == tf.float32


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shift", [4, -4])
def test_one_motion_of_the_whole_picture_hides_exactly_its_border(axis, shift):
    flow = np.zeros((1, 10, 12, 2), np.float32)
    flow[..., axis] = shift
    came, goes = np.ones((10, 12)), np.ones((10, 12))
    # What moves in over one border was nowhere in frame 0; what moves out over the other is nowhere in frame t.
    entering, leaving = (slice(0, 4), slice(-4, None)) if shift > 0 else (slice(-4, None), slice(0, 4))
    came[(entering, slice(None)) if axis == 0 else (slice(None), entering)] = 0
    goes[(leaving, slice(None)) if axis == 0 else (slice(None), leaving)] = 0
    visibility, visibility_backward = consistent_visibility(tf.constant(flow), tf.constant(flow))
    np.testing.assert_array_equal(visibility[0, ..., 0], came)
    np.testing.assert_array_equal(visibility_backward[0, ..., 0], goes)


def test_a_box_that_moves_over_a_still_wall():
    """It covers what lies before it and uncovers what it leaves behind."""
    flow, flow_backward = np.zeros((1, 8, 20, 2), np.float32), np.zeros((1, 8, 20, 2), np.float32)
    flow_backward[:, :, 5:10, 1] = 3.0  # the box in frame 0 ...
    flow[:, :, 8:13, 1] = 3.0  # ... and in frame t
    visibility, visibility_backward = consistent_visibility(tf.constant(flow), tf.constant(flow_backward))
    uncovered, covered = np.ones((8, 20)), np.ones((8, 20))
    uncovered[:, 5:8], covered[:, 10:13] = 0, 0
    np.testing.assert_array_equal(visibility[0, ..., 0], uncovered)
    np.testing.assert_array_equal(visibility_backward[0, ..., 0], covered)


def test_flows_that_almost_agree_are_visible_and_no_gradient_comes_back():
    flow = tf.fill([1, 6, 6, 2], 0.4)
    with tf.GradientTape() as tape:
        tape.watch(flow)
        visibility, visibility_backward = consistent_visibility(flow, flow + 0.45)
        total = tf.reduce_sum(flow) * 0.0 + tf.reduce_sum(visibility)
    assert visibility.numpy().min() == visibility_backward.numpy()[:, :5, :5].min() == 1.0
    assert not np.abs(tape.gradient(total, flow)).any()
    assert consistent_visibility(flow, flow + 0.6)[0].numpy().max() == 0.0


def test_a_displacement_leads_inside_up_to_half_a_pixel_past_the_outermost_centres():
    displacement = np.zeros((3, 4, 2), np.float32)
    displacement[0, 0] = [0.5, -3.5]  # from (0, 0) to (-0.5, 3.5)
    displacement[0, 1] = [0.51, 0.0]
    displacement[2, 3] = [-0.51, 0.0]
    displacement[1, 3] = [0.0, -0.51]
    displacement[1, 1] = [0.0, 1.51]
    expected = np.ones((3, 4))
    expected[0, 1] = expected[2, 3] = expected[1, 3] = expected[1, 1] = 0.0
    np.testing.assert_array_equal(in_frame_mask(tf.constant(displacement))[..., 0], expected)
