"""SpectralConv2D: a convolution whose kernel is divided by its largest singular value.

Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (ICLR 2018). One power iteration per
training call; the raw kernel is what the optimizer sees and what is saved. keras.layers.SpectralNormalization cannot be
used: it fails inside tf.function on the Addons stack.
"""

import keras
import tensorflow as tf

from seg2vid_tf.compat import ONLY_FIRST_REPLICA


class SpectralConv2D(keras.layers.Layer):
    """A spectrally normalised 2-D convolution with bias and "same" padding.

    Args:
      filters: output channels.
      kernel_size: side of the square kernel.
      strides: of the convolution.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **kwargs):
        # The power iteration is float32 under every policy; the convolution itself runs in the policy's compute type.
        self._conv_dtype = keras.mixed_precision.global_policy().compute_dtype
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        side, channels = self.kernel_size, input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel", shape=(side, side, channels, self.filters), initializer="glorot_uniform"
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        self.u = self.add_weight(
            name="u",
            shape=(1, self.filters),
            initializer=keras.initializers.RandomNormal(seed=0),
            trainable=False,
            aggregation=ONLY_FIRST_REPLICA,
        )
        self.built = True

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }

    def call(self, x, training=False):
        """x [B,h,w,C] -> [B,h/strides,w/strides,filters]; training=True advances the power iteration."""
        kernel = tf.convert_to_tensor(self.kernel)
        matrix = tf.reshape(kernel, [-1, self.filters])
        frozen = tf.stop_gradient(matrix)
        u = tf.convert_to_tensor(self.u)
        v = tf.math.l2_normalize(tf.matmul(u, frozen, transpose_b=True))
        if training:
            u = tf.math.l2_normalize(tf.matmul(v, frozen))
            self.u.assign(u)
        # u and v are constants of the gradient, as in the paper.
        sigma = tf.matmul(tf.matmul(v, matrix), u, transpose_b=True)[0, 0]
        norm_u = tf.maximum(tf.norm(u), 1e-12)
        kernel = kernel / tf.maximum(sigma / norm_u, 1e-12)
        x = tf.nn.conv2d(tf.cast(x, self._conv_dtype), tf.cast(kernel, self._conv_dtype), self.strides, "SAME")
        return x + tf.cast(self.bias, self._conv_dtype)
