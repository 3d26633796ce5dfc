import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.losses.adversarial import discriminator_hinge, feature_matching, generator_hinge


def test_discriminator_hinge_by_hand():
    # Scale 1: real 0.5 -> 0.5, 2 -> 0, mean 0.25; fake -2 -> 0, 1 -> 2, mean 1. Scale 2: real -1 -> 2; fake 0 -> 1.
    loss = discriminator_hinge([[0.5, 2.0], [-1.0]], [[-2.0, 1.0], [0.0]])
    np.testing.assert_allclose(loss, (1.25 + 3.0) / 2)
    assert discriminator_hinge([tf.ones([2, 3])], [-tf.ones([2, 3])]) == 0.0


def test_generator_hinge_is_the_negative_mean_of_every_scale():
    # A scale counts once, whatever its size.
    np.testing.assert_allclose(generator_hinge([tf.ones([4, 4]), tf.fill([1], -3.0)]), 1.0)


def test_feature_matching_by_hand_and_gradient_to_fake_only():
    real = [[tf.zeros([2, 2]), tf.ones([1])], [tf.ones([3])]]
    fake = [[tf.fill([2, 2], 0.5), tf.fill([1], -1.0)], [tf.ones([3])]]
    flat = [value for scale in real + fake for value in scale]
    with tf.GradientTape() as tape:
        tape.watch(flat)
        loss = feature_matching(real, fake)
    np.testing.assert_allclose(loss, ((0.5 + 2.0) / 2 + 0.0) / 2)
    gradients = tape.gradient(loss, flat)
    assert gradients[:3] == [None] * 3
    np.testing.assert_allclose(gradients[3], np.full((2, 2), 0.25 / 4))
    assert all(np.all(np.isfinite(g)) for g in gradients[3:])


def test_bfloat16_logits_give_a_float32_loss():
    assert generator_hinge([tf.ones([2], tf.bfloat16)]).dtype == tf.float32


def test_lists_must_match():
    with pytest.raises(ValueError, match="non-empty list"):
        generator_hinge(tf.ones([2, 2]))
    with pytest.raises(ValueError, match="real has 1 entries and fake 2"):
        discriminator_hinge([tf.ones([1])], [tf.ones([1])] * 2)
    with pytest.raises(ValueError, match="real has 2 entries and fake 1"):
        feature_matching([[tf.ones([1])] * 2], [[tf.ones([1])]])
