"""Spatially adaptive normalisation and the residual block made of it.

Source: Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization" (CVPR 2019), sections 3 and A.
Three things differ. The normalisation is over the channels of each pixel ("Positional Normalization", Li et al.,
NeurIPS 2019): batch statistics would tie a picture to its neighbours in the batch, and statistics over the picture
(instance norm) blow the padding's faint border up into stripes where an annotation of few regions leaves nothing else
to see. Style and noise enter next to the annotation, style in every block, noise in the coarse ones. And a block reads
its annotation once, with a 3x3 convolution, from which each normalisation takes its scale and shift pixel by pixel:
next to the place's class the wider neighbourhood hardly matters (Tan et al., "Efficient Semantic Image Synthesis via
Class-Adaptive Normalization", TPAMI 2021), and the block costs a third.
"""

import math

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.pointwise import PointwiseDense, pointwise


class SharedFeatures(BuiltByCall, keras.layers.Layer):
    """Annotation, style and noise -> the features from which both norms of a block take scale and shift.

    SPADE's first, shared convolution (its mlp_shared), here one for each block.

    Args:
      filters: output channels.
      noisy: whether it reads noise.
      smooth_ids: channels of the annotation whose places take no noise.
      colored: whether it reads the palette's colours.
    """

    def __init__(self, filters: int, noisy: bool, smooth_ids: tuple[int, ...] = (), colored: bool = False, **kwargs):
        super().__init__(**kwargs)
        # A one-hot annotation has one active channel per tap, so the usual fan-in would make its part small beside the
        # style's.
        one_hot = keras.initializers.RandomNormal(stddev=math.sqrt(2 / 9))
        self.classes = keras.layers.Conv2D(filters, 3, padding="same", kernel_initializer=one_hot, name="classes")
        quiet = keras.initializers.VarianceScaling(0.25, mode="fan_in")
        self.style = PointwiseDense(filters, use_bias=False, kernel_initializer=quiet, name="style")
        if noisy:
            quiet = keras.initializers.VarianceScaling(
                0.25, mode="fan_in"
            )  # a shared one would give both the same weights
            self.noise = PointwiseDense(filters, use_bias=False, kernel_initializer=quiet, name="noise")
            # How much of it each class takes: a facade has windows, a road is smooth.
            strengths = keras.initializers.Constant(0.25)
            self.strength = PointwiseDense(filters, use_bias=False, kernel_initializer=strengths, name="strength")
        if colored:
            self.color = PointwiseDense(filters, use_bias=False, kernel_initializer="zeros", name="color")
        self.filters = filters
        self.noisy = noisy
        self.smooth_ids = tuple(smooth_ids)
        self.colored = colored

    def get_config(self):
        own = {"filters": self.filters, "noisy": self.noisy, "smooth_ids": self.smooth_ids, "colored": self.colored}
        return {**super().get_config(), **own}

    def call(self, annotation, style, noise=None, colors=None):
        """What a place is to look like.

        Args:
          annotation: [B,h,w,C].
          style: [B,h,w,S] or [B,1,1,S].
          noise: [B,h,w,N], if noisy.
          colors: [B,h,w,3], if colored.

        Returns:
          [B,h,w,filters].
        """
        shared = self.classes(annotation) + self.style(style)
        if self.colored:
            shared += self.color(colors)
        if self.noisy:
            if self.smooth_ids:
                noisy_ones = np.ones(annotation.shape[-1], np.float32)
                noisy_ones[list(self.smooth_ids)] = 0.0
                annotation *= tf.cast(noisy_ones, annotation.dtype)
            shared += self.strength(annotation) * self.noise(noise)
        return tf.nn.relu(shared)


class ScaleAndShift(PointwiseDense):
    """One Dense layer whose first half of channels says by how much to scale, 1 + what it says, the other the shift.

    Two convolutions and a bias that holds the 1: TensorFlow copies what it splits.
    """

    def call(self, x):
        """x [B,h,w,C] -> (scale, shift) [B,h,w,units/2] each."""
        kernel, bias, half = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias), self.units // 2
        scale = pointwise(x, kernel[:, :half], 1.0 + bias[:half])
        return scale, pointwise(x, kernel[:, half:], bias[half:])


class SpadeNorm(BuiltByCall, keras.layers.Layer):
    """x normalised over each pixel's channels, then scaled and shifted pixel by pixel as the annotation says.

    Args:
      filters: channels of x.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        # Gentle at first: scales of order one, multiplied over the blocks, drive the output's tanh into saturation.
        gentle = keras.initializers.VarianceScaling(0.5)
        self.modulation = ScaleAndShift(2 * filters, kernel_initializer=gentle, name="modulation")
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}

    def call(self, x, shared):
        """x [B,h,w,filters], shared [B,h,w,R] from the SharedFeatures -> [B,h,w,filters]."""
        # Not tf.nn.moments: TensorFlow 2.15's graph optimiser takes its graph for a fused norm with constant weights,
        # which it is not, and kills the process.
        centred = tf.cast(x, tf.float32)
        centred -= tf.reduce_mean(centred, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        normalised = centred * tf.math.rsqrt(variance + 1e-5)
        scale, shift = self.modulation(shared)
        return tf.cast(normalised, scale.dtype) * scale + shift


class SpadeResidualBlock(BuiltByCall, keras.layers.Layer):
    """Two normalise - leaky ReLU - convolve steps around a shortcut.

    Args:
      in_filters: channels of x.
      filters: output channels.
      spade_filters: channels in which the block reads annotation, style and noise.
      noisy, smooth_ids, colored: as of SharedFeatures.
    """

    def __init__(
        self,
        in_filters: int,
        filters: int,
        spade_filters: int,
        noisy: bool,
        smooth_ids: tuple[int, ...] = (),
        colored: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.reader = SharedFeatures(spade_filters, noisy, smooth_ids, colored, name="reader")
        self.norm_1 = SpadeNorm(in_filters, name="norm_1")
        # No bias: norm_2 brings its own shift.
        self.conv_1 = keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, name="conv_1")
        self.norm_2 = SpadeNorm(filters, name="norm_2")
        self.conv_2 = keras.layers.Conv2D(filters, 3, padding="same", name="conv_2")
        self.shortcut = None
        if in_filters != filters:
            self.shortcut = keras.layers.Conv2D(filters, 1, use_bias=False, name="shortcut")
        self.in_filters = in_filters
        self.filters = filters
        self.spade_filters = spade_filters
        self.noisy = noisy
        self.smooth_ids = tuple(smooth_ids)
        self.colored = colored

    def get_config(self):
        sizes = {"in_filters": self.in_filters, "filters": self.filters, "spade_filters": self.spade_filters}
        reads = {"noisy": self.noisy, "smooth_ids": self.smooth_ids, "colored": self.colored}
        return {**super().get_config(), **sizes, **reads}

    def call(self, x, annotation, style, noise=None, colors=None):
        """x [B,h,w,in_filters] and what SharedFeatures takes -> [B,h,w,filters]."""
        shared = self.reader(annotation, style, noise, colors)
        residual = self.conv_1(tf.nn.leaky_relu(self.norm_1(x, shared), 0.2))
        residual = self.conv_2(tf.nn.leaky_relu(self.norm_2(residual, shared), 0.2))
        return residual + (x if self.shortcut is None else self.shortcut(x))
