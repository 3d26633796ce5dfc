"""LimbEncoder: what limbs do in a clip -> the posterior of z.

The limbs that the annotation of frame 0 shows are tracked in the frames (ops/limb_tracking.py), which is more exact
than joints that a network has guessed in each of them. So z's mean is measured, and only how sure it is is learned.
"""

import keras
import tensorflow as tf

from seg2vid_tf.annotations.limb_tree import limb_tree
from seg2vid_tf.models.motion.limb_latent import count_waves, motion_to_z
from seg2vid_tf.ops.limb_tracking import track_limbs
from seg2vid_tf.ops.limbs import blend_logits, find_limbs, find_pivots, pixel_distance, unlike_behind

# How far from a bone pixels are taken to be its limb's, in mean lengths of limbs.
_RADIUS = 0.4
# From which difference from what is behind the body a pixel counts in full, of colours in [-1, 1]; and what one counts
# that does not differ: a body can be dressed as the wall is.
_DIFFERENCE, _LEAST = 0.15, 0.1


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

    def call(self, frames, annotation):
        """Measures what the limbs do.

        Args:
          frames: float32 [B,T+1,H,W,3] in [-1,1].
          annotation: float32 [B,H,W,K] of frame 0.

        Returns:
          float32 mean, log_variance, each [B,Z].
        """
        limbs = find_limbs(annotation, self.tree)
        pivots = find_pivots(limbs, self.tree)
        weights, certainty = self._pixel_weights(frames, limbs)
        motion = track_limbs(frames, weights, certainty, pivots, self.tree.parents)
        mean = motion_to_z(*motion, self.waves, tf.shape(frames)[2])
        return mean, tf.repeat(self.log_variance[None], tf.shape(mean)[0], axis=0)

    def _pixel_weights(self, frames, limbs):
        """By how much each bone moves the pixels of frame 0, float32 [B,H,W,L], and how sure that is, [B,H,W]."""
        distances = pixel_distance((tf.shape(frames)[2], tf.shape(frames)[3]), limbs, self.tree)
        nearest = tf.reduce_min(distances, axis=-1, keepdims=True)
        weights = tf.cast(nearest < _RADIUS, tf.float32) * tf.nn.softmax(blend_logits(distances))
        difference = unlike_behind(frames[:, 0], nearest)[..., 0]
        return weights, _LEAST + (1.0 - _LEAST) * tf.clip_by_value(difference / _DIFFERENCE, 0.0, 1.0)
