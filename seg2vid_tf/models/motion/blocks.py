"""Layers that several motion networks share."""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall


class ConvBlock(BuiltByCall, keras.layers.Layer):
    """Convolution, "same" padding, leaky ReLU(0.2), He-initialised: no normalisation.

    Motion is a magnitude: normalising activations per example would erase how far things move, and batch statistics
    would tie a clip to its neighbours in the batch.

    Args:
      filters: output channels.
      kernel_size: side of the square kernel.
      strides: of the convolution.
    """

    def __init__(self, filters: int, kernel_size: int = 3, strides: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.conv = keras.layers.Conv2D(
            filters, kernel_size, strides, padding="same", kernel_initializer="he_normal", name="conv"
        )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
        }

    def call(self, x):
        """x [N,h,w,C] -> [N,h/strides,w/strides,filters]."""
        return tf.nn.leaky_relu(self.conv(x), 0.2)


def double_size(x: tf.Tensor) -> tf.Tensor:
    """[N,h,w,C] -> [N,2h,2w,C], bilinear."""
    size = tf.shape(x)[1:3] * 2
    return tf.cast(tf.image.resize(x, size), x.dtype)
