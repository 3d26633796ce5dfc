"""The SPADE layers: normalisation by hand, and places that know only themselves."""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.models.start_frame.spade import SharedFeatures, SpadeNorm, SpadeResidualBlock


def test_a_norm_that_nothing_modulates_normalises_each_pixel_by_hand():
    norm = SpadeNorm(4)
    x = tf.constant([[[[1.0, 3.0, 5.0, 7.0], [2.0, 2.0, 2.0, 2.0]]]])
    norm(x, tf.zeros([1, 1, 2, 3]))  # read as 0: scale and shift are the biases, 0
    # Mean 4, variance (9 + 1 + 1 + 9) / 4 = 5; a pixel of equal channels becomes 0.
    expected = [[[np.array([-3.0, -1.0, 1.0, 3.0]) / np.sqrt(5.0), np.zeros(4)]]]
    np.testing.assert_allclose(norm(x, tf.zeros([1, 1, 2, 3])), expected, atol=1e-4)
    # Scales 1, 0, 0, 0 and shifts 0, 0, 0, 10.
    norm.modulation.bias.assign([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0])
    shifted = np.array([-6.0, -1.0, 1.0, 3.0]) / np.sqrt(5.0) + [0.0, 0.0, 0.0, 10.0]
    np.testing.assert_allclose(norm(x, tf.zeros([1, 1, 2, 3]))[0, 0, 0], shifted, atol=1e-4)


def test_the_reader_adds_style_and_noise_at_their_own_place():
    keras.utils.set_random_seed(0)
    reader = SharedFeatures(6, noisy=True)
    rng = np.random.default_rng(0)
    annotation, style, noise = (tf.constant(rng.normal(size=(1, 5, 5, c)), tf.float32) for c in (3, 2, 2))
    before = reader(annotation, style, noise).numpy()
    assert before.shape == (1, 5, 5, 6) and before.min() == 0.0
    assert (reader.style.kernel.numpy() != reader.noise.kernel.numpy()).all(), "drawn apart"
    for moved in ("style", "noise"):
        inputs = {"annotation": annotation, "style": style, "noise": noise}
        value = inputs[moved].numpy()
        value[0, 2, 3] += 5.0
        changed = reader(**{**inputs, moved: tf.constant(value)}).numpy() != before
        assert changed[0, 2, 3].any() and changed.sum() == changed[0, 2, 3].sum(), moved


def test_each_class_takes_its_own_share_of_the_noise():
    reader = SharedFeatures(4, noisy=True)
    annotation = tf.one_hot([[[0, 1, 1]]], 2)
    style = tf.zeros([1, 1, 1, 2])
    reader(annotation, style, tf.zeros([1, 1, 3, 1]))
    reader.classes.set_weights([np.zeros((3, 3, 2, 4), np.float32), np.full(4, 10.0, np.float32)])
    reader.noise.set_weights([np.ones((1, 4), np.float32)])
    reader.strength.set_weights([np.float32([[0, 0, 0, 0], [1, 2, 3, 4]])])
    read = reader(annotation, style, tf.constant([[[[5.0], [1.0], [-1.0]]]])).numpy()[0, 0]
    np.testing.assert_allclose(read, [[10, 10, 10, 10], [11, 12, 13, 14], [9, 8, 7, 6]], rtol=1e-6)


def test_a_quiet_reader_has_no_weights_for_noise():
    reader = SharedFeatures(6, noisy=False)
    assert reader(tf.ones([1, 4, 4, 3]), tf.ones([1, 1, 1, 2])).shape == (1, 4, 4, 6)
    assert len(reader.trainable_variables) == 3, "classes with bias, style"


def test_a_block_has_a_shortcut_only_where_the_channels_change():
    inputs = (tf.ones([1, 4, 4, 3]), tf.ones([1, 1, 1, 2]), tf.ones([1, 4, 4, 1]))
    for filters, has_shortcut in ((4, False), (6, True)):
        block = SpadeResidualBlock(4, filters, 5, noisy=True)
        assert (block.shortcut is not None) == has_shortcut
        assert block(tf.ones([1, 4, 4, 4]), *inputs).shape == (1, 4, 4, filters)


def test_a_pixel_without_contrast_and_one_with_too_much_stay_finite():
    norm = SpadeNorm(3)
    for value in (0.0, 1e-8, 1e8):
        x = tf.constant(value * np.array([1.0, -1.0, 1.0]), tf.float32)[None, None, None]
        assert np.isfinite(norm(x, tf.ones([1, 1, 1, 2]))).all(), value
