import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.losses.perceptual import feature_angle, feature_distance


def test_feature_distance_by_hand():
    target = [tf.zeros([1, 2, 2, 1]), tf.zeros([4])]
    prediction = tf.Variable(tf.fill([1, 2, 2, 1], 3.0))
    with tf.GradientTape() as tape:
        loss = feature_distance(target, [prediction, tf.ones([4])])
    np.testing.assert_allclose(loss, 2.0)
    np.testing.assert_allclose(tape.gradient(loss, prediction), np.full((1, 2, 2, 1), 0.125))
    assert feature_distance(target, target) == 0.0
    with pytest.raises(ValueError, match="received 2 and 1"):
        feature_distance(target, target[:1])


def test_feature_angle_by_hand():
    """Two pictures of two places: at right angles and alike, then 60 degrees and a place where one holds nothing."""
    target = tf.constant([[[[1.0, 0.0], [3.0, 3.0]]], [[[2.0, 0.0], [0.0, 0.0]]]])
    prediction = tf.Variable([[[[0.0, 5.0], [1.0, 1.0]]], [[[0.5, 0.5 * 3**0.5], [1.0, 0.0]]]])
    with tf.GradientTape() as tape:
        angle = feature_angle([target, target], [prediction, target])
    np.testing.assert_allclose(angle, [0.25, 0.125], atol=1e-6)
    assert np.isfinite(tape.gradient(angle, prediction)).all()
    np.testing.assert_allclose(feature_angle([target], [7.0 * prediction]), [0.5, 0.25], atol=1e-6)
    nothing = tf.Variable(tf.zeros([1, 2, 2, 3]))
    with tf.GradientTape() as tape:
        angle = feature_angle([nothing], [nothing])
    assert angle == [0.0] and not np.any(tape.gradient(angle, nothing))
