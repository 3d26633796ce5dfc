"""Holes are filled from their surroundings."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.fill import fill_holes


def test_what_is_known_stays_and_a_hole_in_one_colour_gets_it():
    rng = np.random.default_rng(0)
    picture = np.full((2, 16, 24, 3), [0.3, -0.5, 0.9], np.float32)
    picture[1] = rng.uniform(-1, 1, (16, 24, 3))
    weight = np.ones((2, 16, 24, 1), np.float32)
    weight[:, 3:12, 5:20] = 0.0
    hidden = np.where(weight == 0, 7.0, picture)
    out = fill_holes(tf.constant(np.float32(hidden)), tf.constant(weight)).numpy()
    np.testing.assert_array_equal(out[:, weight[0, ..., 0] == 1], picture[:, weight[0, ..., 0] == 1])
    np.testing.assert_allclose(out[0], picture[0], atol=1e-5)
    assert np.abs(out[1]).max() <= 1.0


def test_between_two_colours_it_goes_from_one_to_the_other_and_nothing_known_is_nothing():
    picture = np.zeros((1, 8, 32, 1), np.float32)
    picture[:, :, 16:] = 1.0
    weight = np.ones((1, 8, 32, 1), np.float32)
    weight[:, :, 8:24] = 0.0
    row = fill_holes(tf.constant(picture), tf.constant(weight)).numpy()[0, 4, :, 0]
    assert (np.diff(row) >= -1e-6).all() and row[9] < 0.35 and row[22] > 0.65
    nothing = fill_holes(tf.constant(picture), tf.zeros([1, 8, 32, 1]))
    np.testing.assert_array_equal(nothing, np.zeros((1, 8, 32, 1)))


def test_a_row_by_hand():
    """Pulled: halves [0, 1] of share 1/2, their mean 0.5. Pushed: [0.25, 0.75], then a quarter of the way to each."""
    picture = np.zeros((1, 1, 4, 1), np.float32)
    picture[0, 0, :, 0] = [0.0, 7.0, 7.0, 1.0]
    weight = np.float32([1.0, 0.0, 0.0, 1.0]).reshape(picture.shape)
    out = fill_holes(tf.constant(picture), tf.constant(weight)).numpy()
    np.testing.assert_allclose(out[0, 0, :, 0], [0.0, 0.375, 0.625, 1.0], atol=1e-6)


def test_a_weight_between_mixes_what_is_there_with_what_is_around_by_hand():
    """Pulled: (0.8 + 0.5 x 0.4) / 1.5 of all; what has weight 1/2 is half its own colour and half that."""
    picture = np.float32([0.8, 0.4, 7.0, 7.0]).reshape(1, 2, 2, 1)
    weight = np.float32([1.0, 0.5, 0.0, 0.0]).reshape(1, 2, 2, 1)
    out = fill_holes(tf.constant(picture), tf.constant(weight)).numpy()
    mean = 1.0 / 1.5
    # At the top the mean; one level below a share of 3/8 of it is there and the rest comes from above: again the mean.
    np.testing.assert_allclose(out.reshape(-1), [0.8, 0.2 + 0.5 * mean, mean, mean], atol=1e-6)


def test_it_reaches_256_pixels_and_each_picture_and_channel_is_filled_from_its_own():
    picture = np.zeros((2, 1, 256, 2), np.float32)
    picture[0, :, 0], picture[1, :, 0] = [0.5, -0.25], [-1.0, 0.75]
    weight = np.zeros((2, 1, 256, 1), np.float32)
    weight[:, :, 0] = 1.0
    out = fill_holes(tf.constant(picture), tf.constant(weight)).numpy()
    np.testing.assert_allclose(out, np.repeat(picture[:, :, :1], 256, axis=2), atol=1e-5)
