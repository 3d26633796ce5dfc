"""MotionEncoder: a clip and one annotation group -> the posterior of that group's motion.

Two of them make the two paths of the paper: one reads the background classes (camera motion), one the foreground
classes (the objects' own motion). They read what matching measured (ops/matching.py) and learn what of it to believe
and how it goes on where nothing can be matched. Source: the fact sheet's motion encoder, with a map of fixed size at
its end so that the number of weights does not depend on the frame's size (defect 13).
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.motion.blocks import ConvBlock
from seg2vid_tf.models.motion.latent_map import LATENT_GRID, LatentScale, coefficients_of, map_channels


class MotionEncoder(keras.layers.Layer):
    """What was measured, start frame and the group's annotation -> mean and log-variance.

    Args:
      latent_dim: dimensions of this group's part of z.
      filters: channels at a quarter of the frame's size and, halving it each time, on.
    """

    def __init__(self, latent_dim: int, filters: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.convs = [ConvBlock(f, 4 if i else 3, 2 if i else 1, name=f"conv_{i}") for i, f in enumerate(filters)]
        self.to_map = keras.layers.Dense(map_channels(latent_dim), dtype="float32", name="to_map")
        self.scale = LatentScale(latent_dim, to_map=False, name="scale")
        # The posterior starts narrow (standard deviation 0.03), so that the decoder hears a signal from step one.
        self.log_variance = keras.layers.Dense(
            latent_dim,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(-7.0),
            dtype="float32",
            name="log_variance",
        )
        self.latent_dim = latent_dim
        self.filters = tuple(filters)

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "filters": self.filters}

    def call(self, start_frame, annotation, velocities, fits):
        """Reads the group's motion.

        Args:
          start_frame: [B,H,W,3].
          annotation: [B,H,W,K_group].
          velocities: [B,T,h,w,2], displacement of frame 0's pixels at constant velocity until frame T, of order 1.
          fits: [B,T,h,w,1], how well each was matched.

        Returns:
          float32 mean, log_variance, each [B,latent_dim].
        """
        picture = tf.concat([start_frame, annotation], axis=-1)
        picture = tf.image.resize(picture, tf.shape(fits)[2:4], method=tf.image.ResizeMethod.AREA)
        measured = tf.concat(tf.unstack(velocities, axis=1), axis=-1)
        x = tf.concat([picture, measured, *tf.unstack(fits, axis=1)], axis=-1)
        for conv in self.convs:
            x = conv(x)
        x = tf.cast(x, tf.float32)
        cells = [tf.image.resize(value, LATENT_GRID, antialias=True) for value in (x, measured)]
        mean = self.scale(coefficients_of(self.to_map(tf.concat(cells, axis=-1)), self.latent_dim))
        return mean, self.log_variance(tf.reduce_mean(x, axis=[1, 2]))
