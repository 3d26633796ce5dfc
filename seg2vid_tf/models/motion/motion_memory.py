"""MotionMemory: motions of training clips, of which a draw recalls one that an annotation like this one had.

    z = motion[the r-th of the clips whose annotation is most like this one] + 0.3 drawn,      r by the draw's direction

What arms do is in the fine frequencies of z, which depend on each other in ways that no Gaussian has: drawn narrow they
do not move, drawn wide they tear. The posterior means of training clips do go together. So the prior that seeds draw
from is the posterior averaged over clips like this one (in the spirit of Tomczak and Welling, "VAE with a VampPrior",
AISTATS 2018, whose components are learned). A draw keeps its meaning: the same draw and annotation recall the same
motion, a draw of zeros the likest clip's; what walks from chunk to chunk is the draw, and each chunk recalls for the
label map that it begins with.

z is float32 [B,Z]; annotations float32 [B,H,W,K] of any size are compared as their means over a grid of 8x8 cells.
"""

import math

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall

GRID = (8, 8)
# Motions that a draw chooses from, and how much of the draw itself is added to what was recalled.
NEAREST, SHARE = 20, 0.3


class MotionMemory(BuiltByCall, keras.layers.Layer):
    """Remembers ``size`` motions; until it does, draws stay what they are.

    Args:
      size: how many.
      latent_dim: Z, at least 2.
      num_classes: K.
    """

    def __init__(self, size: int, latent_dim: int, num_classes: int, **kwargs):
        super().__init__(**{"dtype": "float32", "autocast": False, **kwargs})
        if size < 1 or latent_dim < 2:
            raise ValueError(f"size must be at least 1 and latent_dim at least 2, received {size} and {latent_dim}")
        cells = GRID[0] * GRID[1] * num_classes
        self.size = size
        self.motions = self._kept("motions", [size, latent_dim])
        self.keys = self._kept("keys", [size, cells])
        self.filled = self._kept("filled", [])
        self._config = {"size": size, "latent_dim": latent_dim, "num_classes": num_classes}

    def _kept(self, name, shape):
        return self.add_weight(name=name, shape=shape, dtype="float32", initializer="zeros", trainable=False)

    def get_config(self):
        return {**super().get_config(), **self._config}

    def describe(self, annotation: tf.Tensor) -> tf.Tensor:
        """float32 [B,H,W,K] -> the key that it is found by, [B,8*8*K]."""
        cells = tf.image.resize(annotation, GRID, method="area")
        # In whole 64ths, all sums of products are exact: which clip is nearer does not depend on the rest of the batch.
        cells = tf.round(64.0 * cells) / 64.0
        return tf.reshape(cells, [-1, GRID[0] * GRID[1] * annotation.shape[-1]])

    def remember(self, keys: tf.Tensor, motions: tf.Tensor) -> None:
        """Replaces what is remembered: keys [size,8*8*K] of ``describe`` and motions [size,Z]."""
        self.keys.assign(keys)
        self.motions.assign(motions)
        self.filled.assign(1.0)

    def forget(self) -> None:
        """Makes draws what they are: what is remembered belongs to weights that are about to change."""
        self.filled.assign(0.0)

    def call(self, annotation: tf.Tensor, drawn: tf.Tensor) -> tf.Tensor:
        """annotation [B,H,W,K] and a draw [B,Z] -> the motion that it recalls, [B,Z]."""
        key = self.describe(annotation)
        # |key - keys|^2 without the part that all have in common.
        keys = tf.convert_to_tensor(self.keys)
        distances = tf.reduce_sum(tf.square(keys), axis=1) - 2.0 * tf.linalg.matmul(key, keys, transpose_b=True)
        nearest = tf.math.top_k(-distances, min(NEAREST, self.size)).indices
        # The direction of two independent normal numbers of one width is uniform, whatever the temperature.
        turn = tf.math.floormod(tf.math.atan2(drawn[:, 1], drawn[:, 0]) / (2.0 * math.pi), 1.0)
        rank = tf.cast(turn * tf.cast(tf.shape(nearest)[1], tf.float32), tf.int32)
        rank = tf.minimum(rank, tf.shape(nearest)[1] - 1)  # rounding may reach 1
        chosen = tf.gather(nearest, rank, axis=1, batch_dims=1)
        recalled = tf.gather(tf.convert_to_tensor(self.motions), chosen) + SHARE * drawn
        return tf.where(self.filled > 0.0, recalled, drawn)
