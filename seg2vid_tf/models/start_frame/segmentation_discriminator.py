"""SegmentationDiscriminator: a U-Net that says of every pixel which class it shows, or that it is fake.

It never sees the annotation: a frame convinces it only by showing at each place what the annotation asks for there.
Source: Sushko et al., "You Only Need Adversarial Supervision for Semantic Image Synthesis" (OASIS, ICLR 2021), sections
3.1 and A; spectral normalisation as there. Plain strided convolutions stand for its residual blocks. On its way down it
can read the features of a fixed image network beside its own: a discriminator that need not learn to see from a few
frames first learns them by heart later (Sauer et al., "Projected GANs Converge Faster", NeurIPS 2021).
"""

import math

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.start_frame.spectral_conv import SpectralConv2D
from seg2vid_tf.ops.activation import leaky_relu


class SegmentationDiscriminator(BuiltByCall, keras.Model):
    """The discriminator with K + 1 classes: the spec's, then "fake".

    Args:
      num_classes: K.
      filters: channels of the U-Net, fine to coarse; the stride is 2 ** (len(filters) - 1).
      feature_strides: of the maps of the fixed network whose features it reads; (): it reads none. Those nearest to a
        level's size stand beside its own channels.
      feature_projection: whether a 1x1 convolution brings them to as many as these first: they are hundreds, and every
        layer behind pays for all of them.
    """

    def __init__(
        self,
        num_classes: int,
        filters: tuple[int, ...],
        feature_strides: tuple[float, ...] = (),
        feature_projection: bool = False,
        **kwargs,
    ):
        super().__init__(**{"autocast": False, **kwargs})
        self.stem = SpectralConv2D(filters[0], 3, name="stem")
        self.down = [SpectralConv2D(f, 4, 2, name=f"down_{i}") for i, f in enumerate(filters[1:])]
        self._levels = [min(max(round(math.log2(stride)), 0), len(self.down)) for stride in feature_strides]
        self._read_levels = sorted({*self._levels})
        self.read = [
            SpectralConv2D(filters[level], 1, name=f"read_{level}") for level in self._read_levels if feature_projection
        ]
        # Convolve, then enlarge: a third of the cost of the other order.
        self.up = [SpectralConv2D(f, 3, name=f"up_{i}") for i, f in enumerate(filters[-2::-1])]
        # Normalised too, unlike there: with free logits it outran the generator from the start.
        self.to_logits = SpectralConv2D(num_classes + 1, 3, name="to_logits")
        self.num_classes = num_classes
        self.filters = tuple(filters)
        self.feature_strides = tuple(feature_strides)
        self.feature_projection = feature_projection
        self.stride = 2 ** (len(filters) - 1)

    def get_config(self):
        return {
            "num_classes": self.num_classes,
            "filters": self.filters,
            "feature_strides": self.feature_strides,
            "feature_projection": self.feature_projection,
        }

    def call(self, inputs, training=False):
        """Judges frames.

        Args:
          inputs: {frame float32 [B,H,W,3] in [-1,1]}, and features: list of float32 [B,h,w,C], one per feature stride,
            where there are any.
          training: advances the power iterations.

        Returns:
          {logits float32 [B,H,W,K+1]}.
        """
        features = inputs["features"] if self.feature_strides else []
        x, skips = inputs["frame"], []
        for level, conv in enumerate([self.stem, *self.down]):
            x = self._beside(leaky_relu(conv(x, training=training)), features, level, training)
            skips.append(x)
        skips.pop()
        for conv in self.up:
            x = leaky_relu(conv(x, training=training))
            skip = skips.pop()
            x = tf.concat([tf.cast(tf.image.resize(x, tf.shape(skip)[1:3]), x.dtype), skip], axis=-1)
        return {"logits": tf.cast(self.to_logits(x, training=training), tf.float32)}

    def _beside(self, x, features, level, training):
        """x [B,h,w,C] and what it reads of the features nearest to that level's size, each of unit mean square."""
        found = []
        for place, feature in zip(self._levels, features, strict=True):
            if place == level:
                feature *= tf.math.rsqrt(tf.reduce_mean(tf.square(feature), -1, keepdims=True) + 1e-3)
                found.append(tf.cast(tf.image.resize(feature, tf.shape(x)[1:3]), x.dtype))
        if found and self.feature_projection:
            conv = self.read[self._read_levels.index(level)]
            found = [leaky_relu(conv(tf.concat(found, -1), training=training))]
        return tf.concat([x, *found], -1)
