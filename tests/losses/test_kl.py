import numpy as np
import tensorflow as tf

from seg2vid_tf.losses.kl import kl_per_clip, kl_warmup_factor


def test_sum_over_the_latent_mean_over_the_batch():
    kl = tf.constant([[1.0, 2.0], [0.0, 5.0]])
    np.testing.assert_allclose(kl_per_clip(kl), 4.0)
    np.testing.assert_allclose(kl_per_clip(tf.concat([kl, kl], 0)), 4.0)
    assert kl_per_clip(tf.zeros([3, 4])) == 0.0


def test_free_bits_are_per_dimension_and_have_no_gradient():
    kl = tf.Variable([[0.1, 2.0]])
    with tf.GradientTape() as tape:
        loss = kl_per_clip(kl, free_bits=0.5)
    np.testing.assert_allclose(loss, 2.5)
    np.testing.assert_allclose(tape.gradient(loss, kl), [[0.0, 1.0]])


def test_annealing_is_linear_then_one():
    steps = [float(kl_warmup_factor(tf.constant(step, tf.int64), 100)) for step in (0, 25, 100, 10**6)]
    np.testing.assert_allclose(steps, [0.0, 0.25, 1.0, 1.0])
    assert kl_warmup_factor(0, 0) == 1.0
    assert kl_warmup_factor(tf.Variable(50, dtype=tf.int64), 100).dtype == tf.float32
