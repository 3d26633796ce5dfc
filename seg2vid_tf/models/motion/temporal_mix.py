"""TemporalMix: a convolution along time, in place of the paper's 3-D ones, which take three times as long."""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock


class TemporalMix(BuiltByCall, keras.layers.Layer):
    """A residual sum over each frame and its two neighbours in time, place by place; the ends see zeros.

    Args:
      num_frames: T.
      filters: channels, in and out.
    """

    def __init__(self, num_frames: int, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = ConvBlock(filters, 1, name="conv")
        self.num_frames = num_frames
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "num_frames": self.num_frames, "filters": self.filters}

    def call(self, x):
        """x [B*T,h,w,C] -> the same shape."""
        height, width = tf.shape(x)[1], tf.shape(x)[2]
        clips = tf.reshape(x, [-1, self.num_frames, height, width, self.filters])
        edge = tf.zeros_like(clips[:, :1])
        before = tf.concat([edge, clips[:, :-1]], axis=1)
        after = tf.concat([clips[:, 1:], edge], axis=1)
        neighbours = tf.reshape(tf.concat([before, clips, after], axis=-1), [-1, height, width, 3 * self.filters])
        return x + self.conv(neighbours)
