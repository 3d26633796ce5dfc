"""StartFrameGenerator: annotation + style -> start frame.

The annotation, averaged down to the coarsest grid, starts a chain of SPADE residual blocks; each block but the last is
followed by a doubling of the size, and every block reads the annotation at its own size. No layer's weights depend on
the frame's size: any height and width divisible by the stride work.
Source: Park et al. (CVPR 2019); the style enters each block as OASIS lets its noise do (Sushko et al., ICLR 2021).
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.start_frame.spade import SpadeResidualBlock


class StartFrameGenerator(keras.Model):
    """The generator of stage 1.

    Args:
      num_classes: K, channels of the annotation.
      style_dim: S, dimensions of the style vector.
      filters: channels of the blocks, coarse to fine; the stride is 2 ** (len(filters) - 1).
      spade_filters: hidden channels of each SpadeNorm.
    """

    def __init__(self, num_classes: int, style_dim: int, filters: tuple[int, ...], spade_filters: int, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})
        self.stem = keras.layers.Conv2D(filters[0], 3, padding="same", name="stem")
        widths = [filters[0], *filters]
        self.blocks = [
            SpadeResidualBlock(widths[i], widths[i + 1], spade_filters, name=f"block_{i}") for i in range(len(filters))
        ]
        start_grey = keras.initializers.RandomNormal(stddev=0.02)
        self.to_rgb = keras.layers.Conv2D(
            3, 3, padding="same", kernel_initializer=start_grey, dtype="float32", name="to_rgb"
        )
        self.num_classes = num_classes
        self.style_dim = style_dim
        self.filters = tuple(filters)
        self.spade_filters = spade_filters
        self.stride = 2 ** (len(filters) - 1)

    def get_config(self):
        return {
            "num_classes": self.num_classes,
            "style_dim": self.style_dim,
            "filters": self.filters,
            "spade_filters": self.spade_filters,
        }

    def call(self, inputs, training=False):
        """{annotation float32 [B,H,W,K], style float32 [B,S]} -> {start_frame float32 [B,H,W,3] in [-1,1]}."""
        annotation, style = inputs["annotation"], inputs["style"]
        tf.debugging.assert_equal(
            tf.shape(annotation)[1:3] % self.stride,
            0,
            f"annotation: height and width must be divisible by {self.stride}",
        )
        pyramid = [annotation]
        for _ in self.filters[1:]:
            pyramid.append(tf.nn.avg_pool2d(pyramid[-1], 2, 2, "VALID"))
        x = self.stem(pyramid[-1])
        for i, block in enumerate(self.blocks):
            level = pyramid[len(self.filters) - 1 - i]
            if i > 0:
                x = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
            x = block(x, level, style)
        return {"start_frame": tf.tanh(self.to_rgb(tf.nn.relu(x)))}
