"""Spatially adaptive normalisation and the residual block made of it.

Source: Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization" (CVPR 2019), sections 3 and A. The
normalisation is per example (instance norm), so that a picture never depends on its neighbours in the batch, and the style
vector enters next to the annotation, so that it reaches every block.
"""

import keras
import tensorflow as tf


class SpadeNorm(keras.layers.Layer):
    """x normalised per example and channel, then scaled and shifted pixel by pixel as annotation and style say.

    Args:
      filters: channels of x.
      hidden: channels of the layer that reads the annotation.
    """

    def __init__(self, filters: int, hidden: int, **kwargs):
        super().__init__(**kwargs)
        self.shared = keras.layers.Conv2D(hidden, 3, padding="same", name="shared")
        self.style = keras.layers.Dense(hidden, use_bias=False, name="style")
        self.scale = keras.layers.Conv2D(filters, 3, padding="same", name="scale")
        self.shift = keras.layers.Conv2D(filters, 3, padding="same", name="shift")
        self.filters = filters
        self.hidden = hidden

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "hidden": self.hidden}

    def call(self, x, annotation, style):
        """x [B,h,w,filters], annotation [B,h,w,K], style [B,S] -> [B,h,w,filters]."""
        # Not tf.nn.moments: followed by a scale that is no constant, its graph is taken for an instance norm with constant
        # weights by TensorFlow 2.15's graph optimiser, which then kills the process.
        centred = tf.cast(x, tf.float32)
        centred -= tf.reduce_mean(centred, axis=[1, 2], keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=[1, 2], keepdims=True)
        normalised = centred * tf.math.rsqrt(variance + 1e-5)
        hidden = tf.nn.relu(self.shared(annotation) + self.style(style)[:, None, None, :])
        scale, shift = self.scale(hidden), self.shift(hidden)
        return tf.cast(normalised, scale.dtype) * (1.0 + scale) + shift


class SpadeResidualBlock(keras.layers.Layer):
    """Two normalise - leaky ReLU - convolve steps around a shortcut.

    Args:
      in_filters: channels of x.
      filters: output channels.
      hidden: SpadeNorm's hidden channels.
    """

    def __init__(self, in_filters: int, filters: int, hidden: int, **kwargs):
        super().__init__(**kwargs)
        self.norm_1 = SpadeNorm(in_filters, hidden, name="norm_1")
        # No bias: norm_2 would take it out again.
        self.conv_1 = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name="conv_1")
        self.norm_2 = SpadeNorm(filters, hidden, name="norm_2")
        self.conv_2 = keras.layers.Conv2D(filters, 3, padding="same", name="conv_2")
        self.shortcut = None
        if in_filters != filters:
            self.shortcut = keras.layers.Conv2D(filters, 1, use_bias=False, name="shortcut")
        self.in_filters = in_filters
        self.filters = filters
        self.hidden = hidden

    def get_config(self):
        return {**super().get_config(), "in_filters": self.in_filters, "filters": self.filters, "hidden": self.hidden}

    def call(self, x, annotation, style):
        """x [B,h,w,in_filters], annotation [B,h,w,K], style [B,S] -> [B,h,w,filters]."""
        residual = self.conv_1(tf.nn.leaky_relu(self.norm_1(x, annotation, style), 0.2))
        residual = self.conv_2(tf.nn.leaky_relu(self.norm_2(residual, annotation, style), 0.2))
        return residual + (x if self.shortcut is None else self.shortcut(x))
