"""Losses of the segmentation discriminator against numbers worked out by hand; LabelMix keeps class regions whole."""

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seg2vid_tf.losses.segmentation import (
    class_balance,
    class_cross_entropy,
    fake_cross_entropy,
    labelmix,
    labelmix_consistency,
    labelmix_mask,
)

# 2 x 2 pixels, two classes and "fake". What the discriminator makes of each pixel, and what it is:
PROBABILITIES = [[[0.5, 0.25, 0.25], [0.1, 0.7, 0.2]], [[0.2, 0.2, 0.6], [0.9, 0.05, 0.05]]]
TARGET = tf.constant([[[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]]])  # class 0, class 1, class 1, ignored
# The softmax does not know a number that is added to all logits of a pixel.
LOGITS = tf.math.log(tf.constant([PROBABILITIES])) + tf.constant([[[[0.0], [3.0]], [[-2.0], [11.0]]]])


def test_class_cross_entropy_of_the_2x2_case():
    expected = -(math.log(0.5) + math.log(0.7) + math.log(0.2)) / 4
    np.testing.assert_allclose(expected, 0.664815, atol=1e-5)
    np.testing.assert_allclose(class_cross_entropy(LOGITS, TARGET), expected, rtol=1e-5)
    # One pixel of class 0, two of class 1: 3 / (2 * 1) = 1.5 and 3 / (2 * 2) = 0.75.
    balance = class_balance(tf.reduce_sum(TARGET, [0, 1, 2]))
    np.testing.assert_allclose(balance, [1.5, 0.75])
    expected = -(1.5 * math.log(0.5) + 0.75 * (math.log(0.7) + math.log(0.2))) / 4
    np.testing.assert_allclose(expected, 0.628576, atol=1e-5)
    np.testing.assert_allclose(class_cross_entropy(LOGITS, TARGET * balance), expected, rtol=1e-5)


def test_fake_cross_entropy_of_the_2x2_case():
    # Every pixel is fake, those without a class too.
    expected = -(math.log(0.25) + math.log(0.2) + math.log(0.6) + math.log(0.05)) / 4
    np.testing.assert_allclose(fake_cross_entropy(LOGITS), expected, rtol=1e-5)


def test_ignored_pixels_take_no_part_in_the_class_term():
    with tf.GradientTape() as tape:
        tape.watch(LOGITS)
        loss = class_cross_entropy(LOGITS, TARGET)
    gradient = tape.gradient(loss, LOGITS).numpy()[0]
    np.testing.assert_array_equal(gradient[1, 1], [0.0, 0.0, 0.0])
    # (probability - target) / pixels, "fake" included.
    np.testing.assert_allclose(gradient[0, 0], np.array([0.5 - 1.0, 0.25, 0.25]) / 4, atol=1e-6)
    np.testing.assert_allclose(gradient[1, 0], np.array([0.2, 0.2 - 1.0, 0.6]) / 4, atol=1e-6)


def test_class_balance_by_hand():
    weights = class_balance(tf.constant([6.0, 0.0, 2.0])).numpy()
    np.testing.assert_allclose(weights, [8 / (2 * 6), 0.0, 8 / (2 * 2)], rtol=1e-6)
    np.testing.assert_allclose((6 * weights[0] + 2 * weights[2]) / 8, 1.0, rtol=1e-6)
    np.testing.assert_array_equal(class_balance(tf.zeros([3])), [0.0, 0.0, 0.0])


def test_class_balance_half_way_by_hand():
    """Powers between 0 and 1: 9 and 1 pixels count as their roots, 3 to 1; mean over the pixels 1."""
    weights = class_balance(tf.constant([9.0, 0.0, 1.0]), 0.5).numpy()
    np.testing.assert_allclose(weights, [(10 / 4) / 3, 0.0, 10 / 4], rtol=1e-6)
    np.testing.assert_allclose(9 * weights[0], 3 * weights[2], rtol=1e-6)
    np.testing.assert_allclose(class_balance(tf.constant([9.0, 0.0, 1.0]), 0.0), [1.0, 0.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(class_balance(tf.constant([0, 5], tf.int32)), [0.0, 1.0])


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=12).filter(any))
def test_class_balance_gives_every_class_that_occurs_the_same_say(counts):
    says = class_balance(tf.constant(counts, tf.float32)).numpy() * np.array(counts)
    occurring = np.array(counts) > 0
    np.testing.assert_allclose(says[occurring], sum(counts) / occurring.sum(), rtol=1e-5)
    np.testing.assert_array_equal(says[~occurring], 0.0)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(st.integers(0, 2**31), st.integers(1, 6))
def test_a_labelmix_mask_keeps_class_regions_whole(seed, classes):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, classes + 1, (3, 5, 7))  # the last one stands for ignored pixels
    draws = rng.normal(size=(3, classes)).astype(np.float32)
    mask = labelmix_mask(tf.one_hot(ids, classes), tf.constant(draws)).numpy()
    assert mask.shape == (3, 5, 7, 1) and set(np.unique(mask)) <= {0.0, 1.0}
    for example in range(3):
        for k in range(classes):
            assert set(mask[example][ids[example] == k].ravel()) <= {float(draws[example, k] > 0)}
        assert not mask[example][ids[example] == classes].any()


def test_labelmix_takes_the_inside_where_the_mask_is_1():
    # Class 0 drew -1, class 1 drew 2: the pixels of class 1 are inside.
    mask = labelmix_mask(TARGET, tf.constant([[-1.0, 2.0]]))
    np.testing.assert_array_equal(mask[0, ..., 0], [[0.0, 1.0], [1.0, 0.0]])
    mixed = labelmix(mask, tf.fill([1, 2, 2, 3], 7.0), tf.fill([1, 2, 2, 3], -5.0))
    np.testing.assert_array_equal(mixed[0, ..., 0], [[-5.0, 7.0], [7.0, -5.0]])
    assert mixed.shape == (1, 2, 2, 3)


def test_consistency_by_hand():
    assert labelmix_consistency(LOGITS, LOGITS) == 0.0
    a, b = tf.constant([[[[1.0, 2.0]]]]), tf.constant([[[[2.0, -1.0]]]])
    np.testing.assert_allclose(labelmix_consistency(a, b), (1.0 + 9.0) / 2)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_extreme_logits_give_finite_losses_and_gradients(size):
    logits = tf.constant([[[[size, 0.0, -size], [-size, size, size]], [[0.0, 0.0, size], [size, size, size]]]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        losses = [
            class_cross_entropy(logits, TARGET),
            fake_cross_entropy(logits),
            labelmix_consistency(logits, tf.zeros_like(logits)),
        ]
    for loss in losses:
        assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, logits)).all()


def test_bfloat16_logits_give_float32_losses():
    logits = tf.cast(LOGITS, tf.bfloat16)
    assert class_cross_entropy(logits, TARGET).dtype == fake_cross_entropy(logits).dtype == tf.float32
