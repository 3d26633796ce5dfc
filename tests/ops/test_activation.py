import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.activation import leaky_relu


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_value_and_gradient_are_tensorflows_leaky_relu(dtype):
    x = tf.constant([-2.0, -0.5, 0.0, 0.5, 3.0, 1e30, -1e30], dtype)
    results = []
    for function in (leaky_relu, lambda x: tf.nn.leaky_relu(x, 0.2)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        results.append((y, tape.gradient(y, x)))
    (y, gradient), (expected, expected_gradient) = results
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(gradient, expected_gradient)
    np.testing.assert_allclose(tf.cast(gradient, tf.float32), [0.2, 0.2, 0.2, 1, 1, 1, 0.2], rtol=1e-2)
