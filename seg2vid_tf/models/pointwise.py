"""PointwiseDense: keras.layers.Dense of every place of a picture, as the 1x1 convolution that it is.

Of a tensor of four dimensions Dense makes 22 operations, most of which find out its shape; a convolution is one, and
takes the same time. Weights, their names and their initialisers are Dense's.
"""

import keras
import tensorflow as tf


class PointwiseDense(keras.layers.Dense):
    """A Dense layer without activation for tensors [B,h,w,C]; its arguments are Dense's."""

    def call(self, x):
        """x [B,h,w,C] -> [B,h,w,units]."""
        kernel = tf.convert_to_tensor(self.kernel)
        return pointwise(x, kernel, tf.convert_to_tensor(self.bias) if self.use_bias else None)


def pointwise(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None = None) -> tf.Tensor:
    """x [B,h,w,C], kernel [C,units], bias [units] -> [B,h,w,units], of the kernel's type."""
    x = tf.nn.conv2d(tf.cast(x, kernel.dtype), tf.reshape(kernel, [1, 1, *kernel.shape]), 1, "VALID")
    return x if bias is None else tf.nn.bias_add(x, bias)
