"""MotionEncoder: a clip and one annotation group -> the posterior of that group's motion.

Two of them make the two paths of the paper: one reads the background classes (camera motion), one the foreground
classes (the objects' own motion). Source: the fact sheet's motion encoder, with the features pooled to a fixed grid so
that the number of weights does not depend on the frame's size (defect 13), and with a correlation of each frame with
frame 0, so that matching need not be learned anew for every texture.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.motion.blocks import ConvBlock
from seg2vid_tf.ops.correlation import correlation
from seg2vid_tf.ops.image import fold_time

LATENT_GRID = (4, 8)
# Places of the grid before the last layer, 8 pixels each in the presets: motion is matched up to 24 pixels.
RADIUS = 3


class MotionEncoder(keras.layers.Layer):
    """[I0, I1-I0, ..., IT-I0] ++ the group's annotation of frame 0 -> mean and log-variance.

    Args:
      latent_dim: dimensions of this group's part of z.
      filters: channels; every layer halves the size.
    """

    def __init__(self, latent_dim: int, filters: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.convs = [ConvBlock(f, 4, 2, name=f"conv_{i}") for i, f in enumerate(filters)]
        self.matched = [ConvBlock(f // 2, 4, 2, name=f"matched_{i}") for i, f in enumerate(filters[:-1])]
        self.mean = keras.layers.Dense(latent_dim, dtype="float32", name="mean")
        # The posterior starts narrow (standard deviation about 0.14), so that the decoder hears a signal from step one.
        self.log_variance = keras.layers.Dense(
            latent_dim,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(-4.0),
            dtype="float32",
            name="log_variance",
        )
        self.latent_dim = latent_dim
        self.filters = tuple(filters)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "filters": self.filters}

    def call(self, frames, annotation):
        """frames [B,T+1,H,W,3], annotation [B,H,W,K_group] -> float32 mean, log_variance, each [B,latent_dim]."""
        start = frames[:, 0]
        changes = tf.unstack(frames[:, 1:] - frames[:, :1], axis=1)
        x = tf.concat([start, *changes, annotation], axis=-1)
        for conv in self.convs[:-1]:
            x = conv(x)
        x = self.convs[-1](tf.concat([x, tf.cast(self._correlations(frames), x.dtype)], axis=-1))
        x = tf.image.resize(tf.cast(x, tf.float32), LATENT_GRID, antialias=True)
        x = tf.reshape(x, [-1, LATENT_GRID[0] * LATENT_GRID[1] * self.filters[-1]])
        return self.mean(x), self.log_variance(x)

    def _correlations(self, frames):
        """How frames 1..T match frame 0, frames [B,T+1,H,W,3] -> [B,h,w,T*(2r+1)^2] on the last layer's grid."""
        count = frames.shape[1]
        x = tf.reshape(frames, tf.concat([[-1], tf.shape(frames)[2:]], axis=0))
        for conv in self.matched:
            x = conv(x)
        size = tf.shape(x)
        features = tf.reshape(x, [-1, count, size[1], size[2], x.shape[-1]])
        first = tf.repeat(features[:, :1], count - 1, axis=1)
        found = correlation(fold_time(first), fold_time(features[:, 1:]), RADIUS)
        found = tf.reshape(found, [-1, count - 1, size[1], size[2], (2 * RADIUS + 1) ** 2])
        return tf.reshape(
            tf.transpose(found, [0, 2, 3, 1, 4]), [-1, size[1], size[2], (count - 1) * (2 * RADIUS + 1) ** 2]
        )
