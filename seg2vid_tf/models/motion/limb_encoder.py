"""LimbEncoder: what limbs do in a clip -> the posterior of z.

Where the annotations of all frames are known, as in training, the turns are read off them (ops/limbs.py) and brought
into line with the frames; else limbs are tracked in the frames alone (ops/limb_tracking.py). Both are measured, so only
how sure they are is learned.
"""

import keras
import tensorflow as tf

from seg2vid_tf.annotations.limb_tree import limb_tree
from seg2vid_tf.models.motion.limb_latent import count_waves, motion_to_z
from seg2vid_tf.ops.limb_tracking import align_limbs, track_limbs
from seg2vid_tf.ops.limbs import blend_logits, bone_distance, find_limbs, find_pivots, read_motion
from seg2vid_tf.ops.skinning import pixel_grid

# How far from a bone pixels are taken to be its limb's, in mean lengths of limbs.
_RADIUS = 0.4


class LimbEncoder(keras.layers.Layer):
    """Frames and annotation -> mean and log-variance of z.

    Args:
      num_frames: T.
      limbs: (class id, its two ends) of each, as the spec's skeleton has them.
      latent_dim: Z.
    """

    def __init__(self, num_frames: int, limbs: tuple, latent_dim: int, **kwargs):
        super().__init__(**{"dtype": "float32", "autocast": False, **kwargs})
        self.tree = limb_tree(limbs)
        self.waves = count_waves(latent_dim, len(self.tree.bones), num_frames)
        # The posterior starts narrow (standard deviation 0.03), as MotionEncoder's does.
        self.log_variance = self.add_weight(
            name="log_variance", shape=[latent_dim], dtype="float32", initializer=keras.initializers.Constant(-7.0)
        )
        self._config = {"num_frames": num_frames, "limbs": limbs, "latent_dim": latent_dim}

    def build(self, input_shape=None):
        self.built = True

    def get_config(self):
        return {**super().get_config(), **self._config}

    def call(self, frames, annotation, later_annotations=None):
        """Measures what the limbs do.

        Args:
          frames: float32 [B,T+1,H,W,3] in [-1,1].
          annotation: float32 [B,H,W,K] of frame 0.
          later_annotations: of frames 1..T, float32 [B,T,H,W,K], where they are known.

        Returns:
          float32 mean, log_variance, each [B,Z].
        """
        limbs = find_limbs(annotation, self.tree)
        bones = self._pixel_weights(frames, limbs), find_pivots(limbs, self.tree), self.tree.parents
        if later_annotations is None:
            motion = track_limbs(frames, *bones)
        else:
            read = read_motion(limbs, find_limbs(later_annotations, self.tree), self.tree)
            motion = align_limbs(frames, *bones, *read)
        mean = motion_to_z(*motion, self.waves, tf.shape(frames)[2])
        return mean, tf.repeat(self.log_variance[None], tf.shape(mean)[0], axis=0)

    def _pixel_weights(self, frames, limbs):
        """By how much each bone moves the pixels of frame 0, float32 [B,H,W,L]; zeros beside the body."""
        size = tf.shape(frames)[2], tf.shape(frames)[3]
        distances = bone_distance(tf.reshape(pixel_grid(size), [-1, 2]), limbs, self.tree)
        near = tf.cast(tf.reduce_min(distances, axis=-1, keepdims=True) < _RADIUS, tf.float32)
        weights = near * tf.nn.softmax(blend_logits(distances))
        return tf.reshape(weights, [-1, *size, len(self.tree.bones)])
