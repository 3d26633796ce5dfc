"""Spatially adaptive normalisation and the residual block made of it.

Source: Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization" (CVPR 2019), sections 3 and A. Two
things differ. The normalisation is over the channels of each pixel ("Positional Normalization", Li et al., NeurIPS
2019): batch statistics would tie a picture to its neighbours in the batch, and statistics over the picture (instance
norm) blow the padding's faint border up into stripes where an annotation of few regions leaves nothing else to see. And
the style vector enters next to the annotation, so that it reaches every block.
"""

import math

import keras
import tensorflow as tf


class SpadeNorm(keras.layers.Layer):
    """x normalised over each pixel's channels, then scaled and shifted pixel by pixel as annotation and style say.

    Args:
      filters: channels of x.
      hidden: channels of the layer that reads the annotation.
    """

    def __init__(self, filters: int, hidden: int, **kwargs):
        super().__init__(**kwargs)
        # A one-hot annotation has one active channel per tap, so the usual fan-in would make it whisper beside the
        # style.
        one_hot = keras.initializers.RandomNormal(stddev=math.sqrt(2 / 9))
        self.shared = keras.layers.Conv2D(hidden, 3, padding="same", kernel_initializer=one_hot, name="shared")
        quiet = keras.initializers.VarianceScaling(0.25, mode="fan_in")
        self.style = keras.layers.Dense(hidden, use_bias=False, kernel_initializer=quiet, name="style")
        # Gentle at first: scales of order one, multiplied over the blocks, drive the output's tanh into saturation.
        gentle = keras.initializers.VarianceScaling(0.1)
        self.modulation = keras.layers.Conv2D(
            2 * filters, 3, padding="same", kernel_initializer=gentle, name="modulation"
        )
        self.filters = filters
        self.hidden = hidden

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "hidden": self.hidden}

    def call(self, x, annotation, style):
        """x [B,h,w,filters], annotation [B,h,w,K], style [B,S] -> [B,h,w,filters]."""
        # Not tf.nn.moments: followed by a scale that is no constant, its graph is taken for a norm with constant
        # weights by TensorFlow 2.15's graph optimiser, which then kills the process.
        centred = tf.cast(x, tf.float32)
        centred -= tf.reduce_mean(centred, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        normalised = centred * tf.math.rsqrt(variance + 1e-5)
        hidden = tf.nn.relu(self.shared(annotation) + self.style(style)[:, None, None, :])
        scale, shift = tf.split(self.modulation(hidden), 2, axis=-1)
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
        # No bias: norm_2 brings its own shift.
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
