import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.losses.reconstruction import l1, masked_l1, photometric, ssim_distance


def clips(seed=0, shape=(2, 3, 6, 7, 3)):
    return [tf.random.stateless_uniform(shape, [seed, i], -1.0, 1.0) for i in (0, 1)]


def repeated(value, axis):
    return tf.concat([value, value], axis)


@pytest.mark.parametrize("loss", [l1, ssim_distance, photometric])
def test_zero_for_equal_clips_with_finite_gradient(loss):
    target, _ = clips()
    prediction = tf.Variable(target)
    with tf.GradientTape() as tape:
        value = loss(target, prediction)
    assert abs(float(value)) < 1e-6 and value.dtype == tf.float32 and value.shape == ()
    assert np.all(np.isfinite(tape.gradient(value, prediction)))


@pytest.mark.parametrize("loss", [l1, ssim_distance, photometric])
def test_weight_depends_on_neither_batch_nor_frames(loss):
    target, prediction = clips()
    value = float(loss(target, prediction))
    assert value > 0.1
    for axis in (0, 1):
        np.testing.assert_allclose(loss(repeated(target, axis), repeated(prediction, axis)), value, rtol=1e-5)


def test_l1_by_hand():
    np.testing.assert_allclose(l1([[1.0, -1.0]], [[0.5, 1.0]]), 1.25)


def test_masked_l1_averages_each_clip_over_its_visible_area():
    target = tf.zeros([2, 1, 1, 4, 2])
    prediction = tf.constant([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])[:, None, None, :, None] * tf.ones([2])
    visibility = tf.constant([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0]])[:, None, None, :, None]
    # Clip 0: (1 + 2) / 2; clip 1: (3.5 + 8) / 1.5.
    np.testing.assert_allclose(masked_l1(target, prediction, visibility), (1.5 + 11.5 / 1.5) / 2, rtol=1e-6)
    assert masked_l1(target, target, visibility) == 0.0


def test_hiding_a_pixel_of_average_error_is_not_rewarded():
    target, prediction = tf.zeros([1, 1, 2, 2, 1]), tf.ones([1, 1, 2, 2, 1])
    visibility = tf.Variable(tf.ones([1, 1, 2, 2, 1]))
    with tf.GradientTape() as tape:
        loss = masked_l1(target, prediction, visibility)
    np.testing.assert_allclose(tape.gradient(loss, visibility), np.zeros((1, 1, 2, 2, 1)), atol=1e-7)


def test_nothing_visible_is_zero_with_finite_gradients():
    target, prediction = clips()
    visibility = tf.zeros([2, 3, 6, 7, 1])
    with tf.GradientTape() as tape:
        tape.watch([prediction, visibility])
        loss = masked_l1(target, prediction, visibility)
    assert loss == 0.0
    assert all(np.all(np.isfinite(g)) for g in tape.gradient(loss, [prediction, visibility]))


def test_ssim_by_hand_in_one_window():
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=(2, 3, 3))
    covariance = np.mean(x * y) - x.mean() * y.mean()
    ssim = (2 * x.mean() * y.mean() + 1e-4) * (2 * covariance + 9e-4)
    ssim /= (x.mean() ** 2 + y.mean() ** 2 + 1e-4) * (x.var() + y.var() + 9e-4)
    images = [(2 * value - 1)[None, None, :, :, None] for value in (x, y)]
    np.testing.assert_allclose(ssim_distance(*images), (1 - ssim) / 2, rtol=1e-4)
    # Two constant images differ by luminance alone: 0 against 1 in [0, 1].
    np.testing.assert_allclose(ssim_distance(-tf.ones([1, 3, 3, 1]), tf.ones([1, 3, 3, 1])), 0.5, atol=1e-4)


def test_photometric_mixes():
    target, prediction = clips()
    expected = 0.85 * ssim_distance(target, prediction) + 0.15 * l1(target, prediction)
    np.testing.assert_allclose(photometric(target, prediction), expected)
