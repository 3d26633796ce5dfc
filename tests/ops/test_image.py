"""The two doors between uint8 and [-1, 1], clips as images, and borders, by hand."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.image import fold_time, to_float, to_uint8, with_border


def test_every_grey_level_comes_back_and_the_ends_are_minus_1_and_1():
    levels = np.arange(256, dtype=np.uint8)
    values = to_float(tf.constant(levels)).numpy()
    assert values.dtype == np.float32 and values[0] == -1.0 and values[255] == 1.0
    np.testing.assert_allclose(values[[51, 102]], [-0.6, -0.2], atol=1e-6)
    np.testing.assert_array_equal(to_uint8(tf.constant(values)), levels)


def test_values_are_rounded_to_the_nearest_level_and_clipped():
    greys = tf.constant([-7.0, 99.4, 99.6, 254.6, 300.0])
    np.testing.assert_array_equal(to_uint8(greys / 127.5 - 1.0), [0, 99, 100, 255, 255])


def test_the_frames_of_clips_become_a_batch_in_their_order():
    clips = np.arange(2 * 3 * 4 * 5 * 2).reshape(2, 3, 4, 5, 2)
    for each in (clips, clips[None]):
        np.testing.assert_array_equal(fold_time(tf.constant(each)), clips.reshape(6, 4, 5, 2))
    np.testing.assert_array_equal(fold_time(tf.constant(clips[0])), clips[0])


def test_a_border_repeats_what_is_at_the_edge():
    image = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    pair = np.stack([image, -image])[..., None]
    expected = np.stack([np.pad(each, 2, mode="edge") for each in (image, -image)])[..., None]
    np.testing.assert_array_equal(with_border(tf.constant(pair), 2), expected)
