"""z's way into the flow decoder."""

import keras
import tensorflow as tf

from seg2vid_tf.models.motion.motion_encoder import LATENT_GRID


class LatentInjection(keras.layers.Layer):
    """z -> one feature map per predicted frame, on any grid.

    z becomes a map on a fixed grid, which is resized to the decoder's: the number of weights does not depend on the
    frame's size.

    Args:
      num_frames: T.
      filters: channels per frame.
    """

    def __init__(self, num_frames: int, filters: int, **kwargs):
        super().__init__(**kwargs)
        height, width = LATENT_GRID
        self.to_grid = keras.layers.Dense(height * width * num_frames * filters, name="to_grid")
        self.num_frames = num_frames
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "num_frames": self.num_frames, "filters": self.filters}

    def call(self, z, size):
        """z [B,Z], size int32 [2] = (h, w) -> [B*T,h,w,filters], frames folded into the batch."""
        height, width = LATENT_GRID
        grid = tf.nn.leaky_relu(self.to_grid(z), 0.2)
        grid = tf.reshape(grid, [-1, height, width, self.filters])
        return tf.cast(tf.image.resize(grid, size), grid.dtype)
