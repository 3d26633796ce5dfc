"""Leaky ReLU, in words that TensorFlow's graph optimiser understands in a training step too."""

import tensorflow as tf


@tf.custom_gradient
def leaky_relu(x: tf.Tensor, slope: float = 0.2) -> tf.Tensor:
    """max(slope * x, x) of a float tensor of any shape; slope in (0, 1). Value and gradient are tf.nn.leaky_relu's.

    That one, after a convolution and its bias and followed by other than a convolution, makes the graph optimiser of
    TensorFlow 2.15 to 2.20 trip over its gradient ("remapper failed" in the log) and leave the whole graph as it is.
    The gradient of the maximum takes five passes over the tensor, tf.nn.leaky_relu's own kernel one.
    """

    def gradient(upstream):
        return tf.raw_ops.LeakyReluGrad(gradients=upstream, features=x, alpha=slope)

    return tf.maximum(slope * x, x), gradient
