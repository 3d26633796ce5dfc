"""class_color_distance against means worked out by hand."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.losses.class_color import FULL_SHARE, class_color_distance, palette_distance


def one_hot(label_map, num_classes):
    return tf.one_hot(np.array(label_map), num_classes)


def grey(values):
    return tf.constant(np.repeat(np.array(values, np.float32)[..., None], 3, -1))


def test_mean_colours_of_common_classes_by_hand():
    # Class 0: reference mean (0.2 + 0.4) / 2 = 0.3, frame 0.8, difference 0.5. Class 1: -1 and 0, difference 1. Class 2
    # is in the reference alone. Both common classes fill a quarter or more, so they weigh the same.
    reference, reference_map = grey([[[0.2, 0.4], [-1.0, 0.9]]]), one_hot([[[0, 0], [1, 2]]], 3)
    frame, frame_map = grey([[[0.8, 0.0], [0.0, 0.0]]]), one_hot([[[0, 1], [1, 1]]], 3)
    np.testing.assert_allclose(class_color_distance(reference, reference_map, frame, frame_map), [0.75], rtol=1e-6)


def test_what_has_no_class_and_what_is_not_shared_takes_no_part():
    reference, reference_map = grey([[[0.2, 9.0]]]), one_hot([[[0, -1]]], 2)
    frame, frame_map = grey([[[0.1, -9.0]]]), one_hot([[[0, -1]]], 2)
    np.testing.assert_allclose(class_color_distance(reference, reference_map, frame, frame_map), [0.1], rtol=1e-5)
    other = one_hot([[[1, 1]]], 2)
    np.testing.assert_array_equal(class_color_distance(reference, reference_map, frame, other), [0.0])


def test_a_small_class_weighs_as_its_share():
    """100 pixels: one of class 1 is 0.01 of the picture, half of a full share."""
    label_map = np.zeros([1, 10, 10], np.int32)
    label_map[0, 0, 0] = 1
    target, reference, frame = one_hot(label_map, 2), grey(np.zeros([1, 10, 10])), np.zeros([1, 10, 10], np.float32)
    frame[0, 0, 0] = 0.6
    weight = 0.01 / FULL_SHARE
    expected = weight * 0.6 / (1.0 + weight)
    np.testing.assert_allclose(class_color_distance(reference, target, grey(frame), target), [expected], rtol=1e-5)


def test_colours_that_are_said_for_each_class_by_hand():
    """100 pixels: class 0 of grey 0.2 is said to be 0.5, one pixel of class 1 (half a share) 0.6 too dark, class 2 is
    nowhere, and what has no class does not matter."""
    label_map = np.zeros([1, 10, 10], np.int32)
    label_map[0, 0, :3] = 1, -1, -1
    frame = np.full([1, 10, 10], 0.2, np.float32)
    frame[0, 0, :3] = 0.8, -9.0, 9.0
    said = np.repeat(np.array([[0.5, 0.2, 7.0]], np.float32)[..., None], 3, -1)
    weight = 0.01 / FULL_SHARE
    expected = (0.3 + weight * 0.6) / (1.0 + weight)
    target = one_hot(label_map, 3)
    np.testing.assert_allclose(palette_distance(grey(frame), target, tf.constant(said)), [expected], rtol=1e-5)
    nothing = one_hot(np.full([1, 10, 10], -1), 3)
    np.testing.assert_array_equal(palette_distance(grey(frame), nothing, tf.constant(said)), [0.0])


def test_the_gradient_moves_the_frame_alone():
    reference, frame = tf.constant(np.full([1, 2, 2, 3], 0.5, np.float32)), tf.zeros([1, 2, 2, 3])
    target = one_hot(np.zeros([1, 2, 2], np.int32), 1)
    with tf.GradientTape() as tape:
        tape.watch([reference, frame])
        distance = class_color_distance(reference, target, frame, target)
    to_reference, to_frame = tape.gradient(distance, [reference, frame])
    assert to_reference is None
    np.testing.assert_allclose(to_frame, np.full([1, 2, 2, 3], -1 / 12), rtol=1e-6)
