import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.recolour import recolour

FRAME = tf.constant([[[[0.1, 0.2, 0.3], [-0.4, -0.2, 0.0]]]])


def changed(*draws):
    return recolour(FRAME, tf.constant([draws])).numpy()[0, 0]


def test_each_change_by_hand():
    np.testing.assert_allclose(changed(0.0, 0.0, 0.0), FRAME[0, 0], atol=1e-7)
    np.testing.assert_allclose(changed(0.4, 0.0, 0.0), [[0.3, 0.4, 0.5], [-0.2, 0.0, 0.2]], atol=1e-6)
    # The greys are 0.2 and -0.2.
    np.testing.assert_allclose(changed(0.0, -1.0, 0.0), [[0.2] * 3, [-0.2] * 3], atol=1e-6)
    np.testing.assert_allclose(changed(0.0, 1.0, 0.0), [[0.0, 0.2, 0.4], [-0.6, -0.2, 0.2]], atol=1e-6)
    # The mean of all is 0.
    np.testing.assert_allclose(changed(0.0, 0.0, 1.0), 1.5 * FRAME[0, 0], atol=1e-6)
    np.testing.assert_allclose(changed(0.0, 0.0, -1.0), 0.5 * FRAME[0, 0], atol=1e-6)


def test_every_example_by_its_own_draws_and_with_a_gradient():
    frames = tf.Variable(tf.concat([FRAME, FRAME], 0))
    draws = tf.constant([[0.2, -0.5, 0.3], [-0.1, 0.4, 0.9]])
    with tf.GradientTape() as tape:
        together = recolour(frames, draws)
        loss = tf.reduce_sum(together)
    for i in range(2):
        np.testing.assert_allclose(together[i : i + 1], recolour(FRAME, draws[i : i + 1]), atol=1e-6)
    # Saturation and contrast move pixels around their means; the sum keeps them.
    np.testing.assert_allclose(tape.gradient(loss, frames), np.ones((2, 1, 2, 3)), atol=1e-5)
