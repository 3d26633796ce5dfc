import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.losses.perceptual import feature_distance


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
