import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.occlusion import composite


def test_composite_blends():
    visibility = tf.constant([[[[1.0], [0.0], [0.25]]]])
    out = composite(tf.fill([1, 1, 3, 2], 4.0), tf.fill([1, 1, 3, 2], -4.0), visibility)
    np.testing.assert_allclose(out[0, 0], [[4, 4], [-4, -4], [-2, -2]])
    assert composite(tf.zeros([1], tf.bfloat16), tf.zeros([1], tf.bfloat16), tf.ones([1])).dtype == tf.float32
