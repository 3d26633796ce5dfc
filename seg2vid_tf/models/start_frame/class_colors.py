"""ClassColors: a frame -> where each class lies in it, and its mean colour there.

The style of a reference picture comes without its label map. An average over the picture, or over bands of it, mixes
trees with what stands between them; a small U-Net that has learned from the training pictures' label maps where the
classes lie tells their colours apart.
Source: average pooling by region is SEAN's (Zhu et al., CVPR 2020), who have the regions given.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.start_frame.palette import LOUDNESS
from seg2vid_tf.ops.activation import leaky_relu

STRIDE = 4  # of the grid on which classes are told apart
FILTERS = (16, 32, 64, 64, 64)
UP_FILTERS = (64, 32, 32)
_LITTLE = 1e-3  # of the picture; a class that takes up less has a colour near 0


class ClassColors(BuiltByCall, keras.layers.Layer):
    """A U-Net over the picture, and what it finds pooled by class.

    Args:
      num_classes: K.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})
        self.down = [keras.layers.Conv2D(f, 4, 2, padding="same", name=f"down_{i}") for i, f in enumerate(FILTERS)]
        self.up = [keras.layers.Conv2D(f, 3, padding="same", name=f"up_{i}") for i, f in enumerate(UP_FILTERS)]
        self.logits = keras.layers.Conv2D(num_classes, 3, padding="same", dtype="float32", name="logits")
        self.mean = keras.layers.Dense(3 * num_classes, kernel_initializer="zeros", dtype="float32", name="mean")
        narrow = keras.initializers.Constant(-6.0)  # a standard deviation of 0.0125 in colours of [-1,1]
        self.log_variance = keras.layers.Dense(
            3 * num_classes, kernel_initializer="zeros", bias_initializer=narrow, dtype="float32", name="log_variance"
        )
        self.num_classes = num_classes

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}

    def call(self, frame, pooled):
        """What the last 3K numbers of a style are said to be; of a class that is not there, as the others suggest.

        Args:
          frame: [B,H,W,3] in [-1,1].
          pooled: float32 [B,F], what else is known of the frame.

        Returns:
          {mean, log_variance: float32 [B,3K], class_logits: float32 [B,H/4,W/4,K]}.
        """
        logits = self._find(frame)
        features = tf.concat([pooled, self.pool(frame, logits)], axis=-1)
        return {"mean": self.mean(features), "log_variance": self.log_variance(features), "class_logits": logits}

    def _find(self, frame):
        x, levels = frame, []
        for conv in self.down:
            x = leaky_relu(conv(x))
            levels.append(x)
        for conv, level in zip(self.up, levels[3:0:-1], strict=True):
            x = tf.concat([_doubled(x, tf.shape(level)), level], axis=-1)
            x = leaky_relu(conv(x))
        return self.logits(x)

    def pool(self, frame, logits):
        """frame [B,H,W,3], logits [B,H/4,W/4,K] -> float32 [B,5K].

        The mean colour, as loud as a style's, the share of the picture, and how little that is, of each class.
        """
        classes = tf.nn.softmax(logits)
        shares = tf.reduce_mean(classes, axis=[1, 2])
        colors = tf.nn.avg_pool2d(tf.cast(frame, tf.float32), STRIDE, STRIDE, "SAME")
        sums = tf.reduce_mean(classes[..., None] * colors[:, :, :, None], axis=[1, 2])
        colors = sums / (shares[..., None] + _LITTLE)
        absent = _LITTLE / (shares + _LITTLE)
        return tf.concat([LOUDNESS * tf.reshape(colors, [-1, 3 * self.num_classes]), shares, absent], axis=-1)


def _doubled(x, shape):
    """x at twice its size, or a row or column less, as a level of this shape has it."""
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)[:, : shape[1], : shape[2]]
