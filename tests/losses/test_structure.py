import numpy as np
import tensorflow as tf

from seg2vid_tf.losses.structure import structure


def test_by_hand():
    """Two classes, one row of four pixels: right, half right, wrong but hidden, unlabelled."""
    target = tf.constant([[[[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]]])
    prediction = tf.constant([[[[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]]]])
    visibility = tf.constant([[[[[1.0], [1.0], [0.0], [1.0]]]]])
    np.testing.assert_allclose(structure(target, prediction, visibility), 0.5 / 2)
    np.testing.assert_allclose(structure(target, target, visibility), 0.0)
    np.testing.assert_allclose(structure(target, prediction, tf.zeros_like(visibility)), 0.0)


def test_hiding_pays_nothing():
    rng = np.random.default_rng(0)
    target = tf.one_hot(rng.integers(0, 3, (1, 2, 4, 4)), 3)
    prediction = tf.nn.softmax(tf.constant(rng.normal(size=(1, 2, 4, 4, 3)), tf.float32))
    visibility = tf.constant(rng.uniform(size=(1, 2, 4, 4, 1)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([prediction, visibility])
        loss = structure(target, prediction, visibility)
    to_prediction, to_visibility = tape.gradient(loss, [prediction, visibility])
    assert to_visibility is None and np.isfinite(to_prediction).all() and np.abs(to_prediction).max() > 0
