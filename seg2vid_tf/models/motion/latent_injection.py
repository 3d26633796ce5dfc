"""z's way into the flow decoder: the velocities that it says, and features for the decoder to read."""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.instance_motion import fit_instance_motion
from seg2vid_tf.models.motion.latent_frequencies import map_channels
from seg2vid_tf.models.motion.latent_map import LatentScale, coefficients_to_map, map_to_velocities
from seg2vid_tf.models.pointwise import PointwiseDense


class LatentInjection(BuiltByCall, keras.layers.Layer):
    """z -> velocities, and one feature map per predicted frame and level of the decoder, on any grids.

    Args:
      latent_dim: dimensions of this group's part of z.
      num_frames: T.
      filters: channels per frame, for each level.
    """

    def __init__(self, latent_dim: int, num_frames: int, filters: tuple[int, ...], **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.scale = LatentScale(latent_dim, num_frames, to_map=True, name="scale")
        self.to_frames = [
            PointwiseDense(num_frames * f, dtype="float32", name=f"to_frames_{i}") for i, f in enumerate(filters)
        ]
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

    def call(self, z, sizes, instances=None):
        """Says how everything moves.

        Args:
          z: float32 [B,Z].
          sizes: int32 [2] = (h, w) of each level.
          instances: things that each move as one (instance_motion.py); None: every place has a motion of its own.

        Returns:
          velocities float32 [B,T,*LATENT_GRID,2], and for each level float32 [B*T,h,w,filters], frames in the batch.
        """
        motion = coefficients_to_map(self.scale(z), map_channels(self.latent_dim, self.num_frames))
        if instances is not None:
            motion = fit_instance_motion(motion, instances)
        levels = zip(sizes, self.to_frames, self.filters, strict=True)
        features = [self._level_features(size, motion, to_frames, filters) for size, to_frames, filters in levels]
        return map_to_velocities(motion, self.num_frames), features

    def _level_features(self, size, motion, to_frames, filters):
        x = to_frames(tf.image.resize(motion, size, antialias=True))
        x = tf.reshape(x, [-1, size[0], size[1], self.num_frames, filters])
        return tf.reshape(tf.transpose(x, [0, 3, 1, 2, 4]), [-1, size[0], size[1], filters])
