import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.losses.texture import texture_distance


def one_class(frame):
    return tf.ones([*frame.shape[:3], 1])


def stripes(contrast, height=8, width=16):
    """Columns of -contrast and +contrast in turn."""
    row = contrast * (-1.0) ** np.arange(width)
    return tf.constant(np.broadcast_to(row[None, None, :, None], (1, height, width, 3)), tf.float32)


def test_stripes_by_hand():
    """Only of columns 1 apart does the middle one deviate: by 0.4 or 0.8, in 2 of the 2 * 6 statistics."""
    quiet, loud = stripes(0.2), stripes(0.4)
    mean = np.log((0.8 + 0.03) / (0.4 + 0.03))
    square = np.log(np.sqrt((0.64 + 0.0009) / (0.16 + 0.0009)))
    np.testing.assert_allclose(texture_distance(quiet, loud, one_class(quiet)), (mean + square) / 12, rtol=1e-5)
    assert texture_distance(loud, loud, one_class(loud)) == 0.0


def test_where_the_texture_is_does_not_matter_but_which_class_has_it():
    rng = np.random.default_rng(0)
    noise = tf.constant(rng.normal(size=(1, 64, 64, 3)), tf.float32)
    other = tf.constant(rng.normal(size=(1, 64, 64, 3)), tf.float32)
    left = tf.constant((np.arange(64) < 32)[None, None, :, None] * np.ones((1, 64, 64, 1)), tf.float32)
    classes = tf.concat([left, 1.0 - left], -1)
    same = texture_distance(noise * left, other * left, classes)
    assert same < 0.15, "another draw of the same texture"
    assert texture_distance(noise * left, other * (1.0 - left), classes) > 3.0
    assert texture_distance(noise * left, other * (1.0 - left), one_class(noise)) < 0.15


def test_few_edges_are_not_much_grain():
    """The same mean, once in a few places and once everywhere: the squares tell them apart."""
    grain = stripes(0.05, 8, 34)
    edges = np.zeros((1, 8, 34, 3), np.float32)
    edges[:, :, 8:16], edges[:, :, 24:] = 32 / 30, 32 / 30
    deviations = [np.abs(np.diff(x, 2, axis=2)).mean() / 2 for x in (grain, edges)]
    assert deviations[0] == pytest.approx(deviations[1], rel=0.01)
    assert texture_distance(grain, edges, one_class(grain)) > 0.2


def test_blur_is_answered_with_a_gradient_that_sharpens():
    blurred = tf.Variable(stripes(0.05))
    with tf.GradientTape() as tape:
        loss = texture_distance(stripes(0.4), blurred, one_class(blurred))
    gradient = tape.gradient(loss, blurred).numpy()
    assert (np.sign(-gradient[:, :, 1:-1]) == np.sign(blurred.numpy()[:, :, 1:-1])).all()


def test_ignored_pixels_and_absent_classes_are_no_matter():
    quiet, loud = stripes(0.2), stripes(0.4)
    counted = np.ones((1, 8, 16, 1), np.float32)
    counted[:, :, 8:] = 0.0
    elsewhere = tf.concat([loud[:, :, :8], 5.0 * quiet[:, :, 8:]], 2)
    assert texture_distance(loud, elsewhere, tf.constant(counted)) == 0.0
    absent = tf.concat([one_class(quiet), tf.zeros_like(one_class(quiet))], -1)
    np.testing.assert_allclose(
        texture_distance(quiet, loud, absent), texture_distance(quiet, loud, one_class(quiet)), rtol=1e-6
    )
    nothing = tf.Variable(tf.zeros([1, 8, 16, 3]))
    with tf.GradientTape() as tape:
        loss = texture_distance(loud, nothing, tf.zeros([1, 8, 16, 2])) + texture_distance(nothing, nothing, absent)
    assert loss == 0.0 and np.isfinite(tape.gradient(loss, nothing)).all()
