"""Palette: the style, read as the mean colour of each class.

A style that a network reads as it likes moves all classes together: trees stay green whatever the reference's trees
are. Said as a colour for each class and painted over the annotation, each place hears what its own class is to look
like, and training can hold the colours to those of the picture that the style came from.
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.pointwise import PointwiseDense

# A weight moves by at most a learning rate a step, and a colour by as much times this.
COLOR_PER_WEIGHT = 4.0


class Palette(BuiltByCall, keras.layers.Layer):
    """Style -> a colour for each channel of the annotation, linear in the style.

    Args:
      num_channels: C, channels of the annotation.
    """

    def __init__(self, num_channels: int, **kwargs):
        super().__init__(**kwargs)
        small = keras.initializers.RandomNormal(stddev=0.02)
        self.colors = PointwiseDense(3 * num_channels, kernel_initializer=small, dtype="float32", name="colors")
        self.num_channels = num_channels

    def get_config(self):
        return {**super().get_config(), "num_channels": self.num_channels}

    def call(self, style):
        """style [B,h,w,S] -> colours [B,h,w,C,3]; [-1,1] is a frame's range."""
        colors = COLOR_PER_WEIGHT * self.colors(style)  # float32: to be compared with frames
        return tf.reshape(colors, [-1, *tf.unstack(tf.shape(style)[1:3]), self.num_channels, 3])

    def zero_classes(self, class_ids) -> None:
        """Makes the colours of these channels 0, for every style."""
        for variable in (self.colors.kernel, self.colors.bias):
            value = np.array(variable).reshape([-1, self.num_channels, 3])
            value[:, list(class_ids)] = 0.0
            variable.assign(value.reshape(variable.shape))

    def paint(self, annotation, style):
        """annotation [B,H,W,C], style [B,H,W,S] or [B,1,1,S] -> [B,H,W,3]: at each place its class's colour."""
        colors = self(style)
        annotation = tf.cast(annotation, colors.dtype)
        if style.shape[1] == 1:  # one style for all places: a tenth of the time
            places = tf.reshape(annotation, [tf.shape(annotation)[0], -1, self.num_channels])
            painted = tf.matmul(places, colors[:, 0, 0])
            return tf.reshape(painted, tf.concat([tf.shape(annotation)[:3], [3]], 0))
        return tf.reduce_sum(annotation[..., None] * colors, axis=-2)
