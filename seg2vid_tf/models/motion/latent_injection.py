"""z's way into the flow decoder."""

import keras
import tensorflow as tf

from seg2vid_tf.models.motion.latent_map import LatentScale, map_of


class LatentInjection(keras.layers.Layer):
    """z -> one feature map per predicted frame, on any grid.

    Args:
      latent_dim: dimensions of this group's part of z.
      num_frames: T.
      filters: channels per frame.
    """

    def __init__(self, latent_dim: int, num_frames: int, filters: int, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale = LatentScale(latent_dim, to_map=True, name="scale")
        self.to_frames = keras.layers.Dense(num_frames * filters, dtype="float32", name="to_frames")
        self.latent_dim = latent_dim
        self.num_frames = num_frames
        self.filters = filters

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "num_frames": self.num_frames,
            "filters": self.filters,
        }

    def call(self, z, size):
        """z [B,Z], size int32 [2] = (h, w) -> float32 [B*T,h,w,filters], frames folded into the batch."""
        x = self.to_frames(tf.image.resize(map_of(self.scale(z)), size))
        x = tf.reshape(x, [-1, size[0], size[1], self.num_frames, self.filters])
        return tf.reshape(tf.transpose(x, [0, 3, 1, 2, 4]), [-1, size[0], size[1], self.filters])
