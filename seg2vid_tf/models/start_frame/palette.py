"""Palette: the last numbers of a style are the mean colours of the classes.

A style that a network reads as it likes moves all classes together: trees stay green whatever the reference's trees
are. Said as a colour for each class and painted over the annotation, each place hears what its own class is to look
like; and what is painted is moved there, class by class. The numbers are colours until training is over; then the
style's coordinates are moved (style_standardisation.py), and this layer's weights with them.
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.pointwise import PointwiseDense
from seg2vid_tf.models.start_frame.style_layout import is_one_style

# What a colour in [-1,1] is multiplied by in a style: beside the posterior's width, colours must differ enough to be
# heard.
LOUDNESS = 4.0
# Of what a region's mean colour lacks of its style's, this share is added to it; the rest is left to the network, as
# light and shadow of the picture's own.
_FOLLOWED = 0.8
# Of the picture; a region that is as large follows half as far, and a smaller one hardly: few pixels of another class
# at its border would make its colour.
_HALF_SHARE = 0.02


class Palette(BuiltByCall, keras.layers.Layer):
    """Style -> the colour of each class.

    Args:
      num_classes: K; the last 3K numbers of a style are their colours.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})
        # It has nothing to learn, and float32 is to be compared with frames.
        self.colors = PointwiseDense(
            3 * num_classes, kernel_initializer=_last_numbers, trainable=False, dtype="float32", name="colors"
        )
        self.num_classes = num_classes

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}

    def call(self, style):
        """style [B,h,w,S] -> colours [B,h,w,K,3]; [-1,1] is a frame's range."""
        return tf.reshape(self.colors(style), [-1, *tf.unstack(tf.shape(style)[1:3]), self.num_classes, 3])

    def forget(self, class_ids) -> None:
        """Leaves classes without a colour, for good: they are not moved, and painted as what has no class."""
        value = np.array(self.colors.kernel).reshape(-1, self.num_classes, 3)
        value[:, list(class_ids)] = 0.0
        self.colors.kernel.assign(value.reshape(len(value), -1))

    def paint(self, annotation, style):
        """annotation [B,H,W,C], style [B,H,W,S] or [B,1,1,S] -> [B,H,W,3]: at each place its class's colour."""
        colors, classes = self(style), tf.cast(annotation[..., : self.num_classes], tf.float32)
        if is_one_style(style):  # a tenth of the time
            places = tf.reshape(classes, [tf.shape(classes)[0], -1, self.num_classes])
            painted = tf.matmul(places, colors[:, 0, 0])
            return tf.reshape(painted, tf.concat([tf.shape(classes)[:3], [3]], 0))
        return tf.reduce_sum(classes[..., None] * colors, axis=-2)

    def move(self, frame, painted, annotation):
        """The frame, each class in it moved towards the mean colour that the style asks for.

        By construction, as a network that is only told the colours learns them slowly and forgets them
        (experiments/NOTES.md). Where a class has several colours, each of its places is moved as far from the class's
        mean as its own colour lies from there.

        Args:
          frame: float32 [B,H,W,3] in [-1,1].
          painted: float32 [B,H,W,3], of ``paint``.
          annotation: [B,H,W,C].

        Returns:
          float32 [B,H,W,3] in [-1,1].
        """
        size = tf.shape(frame)
        classes = tf.cast(annotation[..., : self.num_classes], tf.float32)
        classes = tf.reshape(classes, [size[0], -1, self.num_classes])
        pixels = tf.reduce_sum(classes, axis=1)[..., None]
        half = _HALF_SHARE * tf.cast(size[1] * size[2], tf.float32)
        followed = _FOLLOWED * self._has_color()[:, None] / (pixels + half)
        sums = tf.matmul(classes, tf.reshape(frame, [size[0], -1, 3]), transpose_a=True)
        # A pixel's share of its colour, and that share of its class's mean.
        parts = tf.matmul(classes, followed * tf.concat([pixels, sums], axis=-1))
        share, mean = tf.split(tf.reshape(parts, [*tf.unstack(size[:3]), 4]), [1, 3], axis=-1)
        return tf.clip_by_value(frame + share * painted - mean, -1.0, 1.0)

    def _has_color(self):
        """float32 [K]: 0 for a class that ``forget`` was told of, 1 for others."""
        kernel = tf.reshape(self.colors.kernel, [-1, self.num_classes, 3])
        return tf.cast(tf.reduce_any(tf.not_equal(kernel, 0.0), axis=[0, 2]), tf.float32)


def _last_numbers(shape, dtype=None):
    """The kernel [S,3K] that reads the last 3K numbers as they are."""
    return tf.constant(np.eye(shape[0])[:, shape[0] - shape[1] :] / LOUDNESS, dtype or tf.float32)
