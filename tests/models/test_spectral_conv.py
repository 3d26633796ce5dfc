"""SpectralConv2D: what it divides by, when its estimate moves, and what the gradient sees."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import set_precision
from seg2vid_tf.models.start_frame.spectral_conv import SpectralConv2D
from tests.settings import needs_bfloat16


def build(strides=1):
    keras.utils.set_random_seed(3)
    layer = SpectralConv2D(5, 3, strides)
    layer.build((None, 8, 8, 4))
    layer.kernel.assign(np.random.default_rng(0).normal(size=(3, 3, 4, 5)).astype(np.float32))
    return layer


def effective_matrix(layer, channels=4):
    """The kernel that the layer convolves with, [side * side * channels, filters], read off its impulse responses."""
    impulses = np.zeros([channels, 3, 3, channels], np.float32)
    for c in range(channels):
        impulses[c, 1, 1, c] = 1.0
    # The response to an impulse is the kernel turned by 180 degrees.
    responses = layer(tf.constant(impulses)).numpy()[:, ::-1, ::-1]
    return np.transpose(responses, [1, 2, 0, 3]).reshape(-1, responses.shape[-1])


def test_largest_singular_value_becomes_one():
    layer = build()
    x = tf.zeros([1, 4, 4, 4])
    for _ in range(30):
        layer(x, training=True)
    matrix = effective_matrix(layer)
    raw = layer.kernel.numpy().reshape(-1, 5)
    # The same kernel but for its size, and the numpy SVD says what the size is.
    np.testing.assert_allclose(np.linalg.svd(matrix, compute_uv=False)[0], 1.0, rtol=1e-3)
    np.testing.assert_allclose(matrix, raw / np.linalg.svd(raw, compute_uv=False)[0], atol=1e-3)


def test_only_training_calls_move_the_estimate():
    layer = build()
    x = tf.ones([1, 4, 4, 4])
    before = layer.u.numpy()
    answers = [layer(x).numpy(), layer(x, training=False).numpy()]
    np.testing.assert_array_equal(layer.u.numpy(), before)
    np.testing.assert_array_equal(*answers)
    layer(x, training=True)
    assert np.abs(layer.u.numpy() - before).max() > 1e-3
    np.testing.assert_allclose(np.linalg.norm(layer.u.numpy()), 1.0, rtol=1e-5)


def test_the_gradient_reaches_the_raw_kernel_and_not_its_size():
    layer = build()
    for _ in range(30):
        layer(tf.zeros([1, 4, 4, 4]), training=True)
    x = tf.random.stateless_normal([2, 6, 6, 4], [1, 2])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(x)))
    gradient = tape.gradient(loss, layer.trainable_variables[0])
    assert len(layer.trainable_variables) == 2 and len(layer.non_trainable_variables) == 1
    assert np.abs(gradient).max() > 1e-3
    # Making the kernel larger changes nothing, so the gradient is orthogonal to it.
    kernel = layer.kernel.numpy()
    cosine = np.sum(kernel * gradient.numpy()) / (np.linalg.norm(kernel) * np.linalg.norm(gradient))
    assert abs(cosine) < 1e-3


@needs_bfloat16
def test_strides_and_the_compute_type_of_the_policy():
    assert build(2)(tf.zeros([1, 6, 8, 4])).shape == (1, 3, 4, 5)
    set_precision("mixed_bfloat16")
    try:
        layer = build()
        assert layer(tf.zeros([1, 4, 4, 4]), training=True).dtype == tf.bfloat16
        assert layer.u.dtype in (tf.float32, "float32")
    finally:
        set_precision("float32")


@pytest.mark.parametrize("training", [False, True])
def test_a_kernel_of_zeros_stays_finite(training):
    layer = build()
    layer.kernel.assign(np.zeros([3, 3, 4, 5], np.float32))
    for _ in range(2):
        assert np.isfinite(layer(tf.ones([1, 4, 4, 4]), training=training)).all()
