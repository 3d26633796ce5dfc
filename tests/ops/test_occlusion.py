import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.occlusion import composite, forward_backward_visibility, inside_image


def constant_flow(dy, dx, height=4, width=6):
    return tf.constant(np.broadcast_to(np.float32([dy, dx]), (1, height, width, 2)))


def test_composite_blends():
    visibility = tf.constant([[[[1.0], [0.0], [0.25]]]])
    out = composite(tf.fill([1, 1, 3, 2], 4.0), tf.fill([1, 1, 3, 2], -4.0), visibility)
    np.testing.assert_allclose(out[0, 0], [[4, 4], [-4, -4], [-2, -2]])
    assert composite(tf.zeros([1], tf.bfloat16), tf.zeros([1], tf.bfloat16), tf.ones([1])).dtype == tf.float32


def test_inside_image_says_exactly_which_border_is_outside():
    # p - flow: a flow of +2 along y looks two rows up, so the two upper rows look outside.
    np.testing.assert_array_equal(inside_image(constant_flow(2, 0))[0, :, 0, 0], [0, 0, 1, 1])
    np.testing.assert_array_equal(inside_image(constant_flow(-2, 0))[0, :, 0, 0], [1, 1, 0, 0])
    np.testing.assert_array_equal(inside_image(constant_flow(0, -0.5))[0, 0, :, 0], [1, 1, 1, 1, 1, 0])
    np.testing.assert_array_equal(inside_image(constant_flow(0, 0)), np.ones((1, 4, 6, 1)))
    np.testing.assert_array_equal(inside_image(constant_flow(np.nan, 0)), np.zeros((1, 4, 6, 1)))
    assert inside_image(tf.zeros([2, 3, 4, 6, 2])).shape == (2, 3, 4, 6, 1)


def test_consistent_flows_are_visible_inside():
    seen = forward_backward_visibility(constant_flow(0, 2), constant_flow(0, 2))
    np.testing.assert_array_equal(seen[0, 0, :, 0], [0, 0, 1, 1, 1, 1])


def test_an_object_that_moves_over_the_background_leaves_an_occlusion():
    # The object covers columns 1-2 in frame 0 and 3-4 in frame t; the background stands.
    flow, backward = np.zeros((1, 4, 6, 2), np.float32), np.zeros((1, 4, 6, 2), np.float32)
    flow[:, :, 3:5, 1], backward[:, :, 1:3, 1] = 2, 2
    seen = forward_backward_visibility(flow, backward)
    np.testing.assert_array_equal(seen[0, 0, :, 0], [1, 0, 0, 1, 1, 1])
    # What frame 0 shows at columns 3-4 is covered in frame t.
    np.testing.assert_array_equal(forward_backward_visibility(-backward, -flow)[0, 0, :, 0], [1, 1, 1, 0, 0, 1])
