"""MotionEncoder: a clip and one annotation group -> the posterior of that group's motion.

Two of them make the two paths of the paper: one reads the background classes (camera motion), one the foreground
classes (the objects' own motion). z's mean is what matching measured on the group (ops/matching.py), continued to
where the group is not, and what the network has learned to add: what of it not to believe, how a motion goes on where
nothing can be matched. Source: the paper's motion encoder, with a map of fixed size at its end so that the number of
weights does not depend on the frame's size.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock
from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID, map_channels
from seg2vid_tf.models.motion.latent_map import LatentScale, map_to_coefficients, velocities_to_map
from seg2vid_tf.models.pointwise import PointwiseDense

# Sides of the neighbourhoods that say how a group moves where it is not, the last of them the whole grid, and how much
# less the next larger one counts.
_NEIGHBOURHOODS, _NEXT_WEIGHT = (1, 3, 9, 27, 63), 0.1
# Edge cells mix two motions and get little weight; a thing so thin that it is all edge still has it.
_EDGE_WEIGHT = 0.1
# Where a group has no cell at all, every cell counts evenly.
_EPSILON = 1e-9


class MotionEncoder(BuiltByCall, keras.layers.Layer):
    """What was measured, start frame and the group's annotation -> mean and log-variance.

    Args:
      latent_dim: dimensions of this group's part of z.
      num_frames: T.
      filters: channels at a quarter of the frame's size and, halving it each time, on.
    """

    def __init__(self, latent_dim: int, num_frames: int, filters: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.convs = [ConvBlock(f, 4 if i else 3, 2 if i else 1, name=f"conv_{i}") for i, f in enumerate(filters)]
        self.channels = map_channels(latent_dim, num_frames)
        self.to_map = PointwiseDense(self.channels, kernel_initializer="zeros", dtype="float32", name="to_map")
        self.scale = LatentScale(latent_dim, num_frames, to_map=False, name="scale")
        # The posterior starts narrow (standard deviation 0.03): a draw must be nearly the motion that was seen.
        self.log_variance = keras.layers.Dense(
            latent_dim,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(-7.0),
            dtype="float32",
            name="log_variance",
        )
        self.latent_dim = latent_dim
        self.num_frames = num_frames
        self.filters = tuple(filters)

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "num_frames": self.num_frames,
            "filters": self.filters,
        }

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
        motion = velocities_to_map(normalised_convolution(velocities, annotation), self.channels)
        motion += self.to_map(tf.concat(cells, axis=-1))
        mean = self.scale(map_to_coefficients(motion, self.latent_dim))
        return mean, self.log_variance(tf.reduce_mean(x, axis=[1, 2]))


def normalised_convolution(velocities: tf.Tensor, annotation: tf.Tensor) -> tf.Tensor:
    """A group's velocities on LATENT_GRID, going on smoothly where the group is not.

    Args:
      velocities: float32 [B,T,h,w,2].
      annotation: float [B,H,W,K_group], the group's classes.

    Returns:
      float32 [B,T,*LATENT_GRID,2].
    """
    steps, size = velocities.shape[1], tf.shape(velocities)[2:4]
    mask = tf.clip_by_value(tf.reduce_sum(tf.cast(annotation, tf.float32), axis=-1, keepdims=True), 0.0, 1.0)
    mask = tf.image.resize(mask, size, method=tf.image.ResizeMethod.AREA)
    eroded = -tf.nn.max_pool2d(-mask, 3, 1, "SAME")
    weight = eroded + _EDGE_WEIGHT * mask + _EPSILON
    motions = tf.concat([tf.concat(tf.unstack(velocities, axis=1), axis=-1) * weight, weight], axis=-1)
    motions = tf.image.resize(motions, LATENT_GRID, antialias=True)
    total = tf.add_n(
        [_NEXT_WEIGHT**i * tf.nn.avg_pool2d(motions, side, 1, "SAME") for i, side in enumerate(_NEIGHBOURHOODS)]
    )
    return tf.stack(tf.split(total[..., :-1] / total[..., -1:], steps, axis=-1), axis=1)
