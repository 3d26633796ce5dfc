"""ImageEncoder: start frame and annotation -> features at 1/2, 1/4, ... of the size (the paper's image encoder)."""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock


class ImageEncoder(BuiltByCall, keras.layers.Layer):
    """What is where in the start frame.

    Args:
      filters: channels of the levels, fine to coarse; each level halves the size.
    """

    def __init__(self, filters: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.convs = [ConvBlock(f, 4, 2, name=f"conv_{i}") for i, f in enumerate(filters)]
        self.filters = tuple(filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}

    def call(self, start_frame, annotation):
        """start_frame [B,H,W,3], annotation [B,H,W,K] -> list of [B,H/2^i,W/2^i,filters], i = 1, 2, ..."""
        x = tf.concat([start_frame, annotation], axis=-1)
        levels = []
        for conv in self.convs:
            x = conv(x)
            levels.append(x)
        return levels
