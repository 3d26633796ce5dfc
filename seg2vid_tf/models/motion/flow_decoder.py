"""FlowDecoder: image features + z -> flow both ways and visibility both ways, for all T frames at once.

Frames are folded into the batch, so every convolution is 2-D; TemporalMix lets neighbouring frames speak to each other
(the fact sheet's 3-D convolutions, at a third of their time on a CPU). Flow leaves in pixels: the heads predict a
velocity in units of ``flow_scale`` pixels per T frames, and frame t is t/T of the way.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.motion.blocks import ConvBlock, double_size
from seg2vid_tf.models.motion.latent_injection import LatentInjection


class TemporalMix(keras.layers.Layer):
    """A residual convolution over each frame and its two neighbours in time; the ends see zeros.

    Args:
      num_frames: T.
      filters: channels, in and out.
    """

    def __init__(self, num_frames: int, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = ConvBlock(filters, 3, name="conv")
        self.num_frames = num_frames
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "num_frames": self.num_frames, "filters": self.filters}

    def call(self, x):
        """x [B*T,h,w,C] -> the same shape."""
        height, width = tf.shape(x)[1], tf.shape(x)[2]
        clips = tf.reshape(x, [-1, self.num_frames, height, width, self.filters])
        edge = tf.zeros_like(clips[:, :1])
        before = tf.concat([edge, clips[:, :-1]], axis=1)
        after = tf.concat([clips[:, 1:], edge], axis=1)
        neighbours = tf.reshape(tf.concat([before, clips, after], axis=-1), [-1, height, width, 3 * self.filters])
        return x + self.conv(neighbours)


class FlowDecoder(keras.layers.Layer):
    """The decoder of stage 2.

    Args:
      num_frames: T.
      filters: channels of the image encoder's levels, fine to coarse; the decoder mirrors them.
      flow_scale: pixels of flow at frame T that one unit of a flow head stands for.
    """

    def __init__(self, num_frames: int, filters: tuple[int, ...], flow_scale: float, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.injection = LatentInjection(num_frames, filters[-1] // 4, name="injection")
        self.stem = ConvBlock(filters[-1], name="stem")
        mirrored = list(reversed(filters[:-1]))
        self.ups = [ConvBlock(f, name=f"up_{i}") for i, f in enumerate(mirrored)]
        self.mixes = [TemporalMix(num_frames, f, name=f"mix_{i}") for i, f in enumerate(mirrored[:-1])]
        self.head = ConvBlock(filters[0], name="head")
        # Zero heads start at zero flow, the identity; the warp's one-sided derivative lets them leave it.
        self.flows = keras.layers.Conv2D(
            4, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="flows"
        )
        # Most pixels have a correspondence: visibility starts at sigmoid(2) = 0.88.
        self.visibilities = keras.layers.Conv2D(
            2,
            3,
            padding="same",
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(2.0),
            dtype="float32",
            name="visibilities",
        )
        self.num_frames = num_frames
        self.filters = tuple(filters)
        self.flow_scale = flow_scale

    def get_config(self):
        return {
            **super().get_config(),
            "num_frames": self.num_frames,
            "filters": self.filters,
            "flow_scale": self.flow_scale,
        }

    def call(self, levels, z):
        """levels as ImageEncoder gives them, z [B,Z] -> both flows [B,T,H,W,2], both visibilities [B,T,H,W,1]."""
        code = levels[-1]
        latent = self.injection(z, tf.shape(code)[1:3])
        x = self.stem(tf.concat([tf.repeat(code, self.num_frames, axis=0), latent], axis=-1))
        skips = list(reversed(levels[:-1]))
        for i, up in enumerate(self.ups):
            x = tf.concat([double_size(x), tf.repeat(skips[i], self.num_frames, axis=0)], axis=-1)
            x = up(x)
            if i < len(self.mixes):
                x = self.mixes[i](x)
        x = self.head(x)
        # Flow is smooth: the heads work at half the size and their output is resized.
        flows = self._unfold(double_size(self.flows(x)))
        visibilities = self._unfold(tf.sigmoid(double_size(self.visibilities(x))))
        progress = tf.range(1, self.num_frames + 1, dtype=tf.float32) / self.num_frames
        flows *= self.flow_scale * progress[None, :, None, None, None]
        return {
            "flow": flows[..., :2],
            "flow_backward": flows[..., 2:],
            "visibility": visibilities[..., :1],
            "visibility_backward": visibilities[..., 1:],
        }

    def _unfold(self, x):
        shape = tf.shape(x)
        return tf.reshape(x, [-1, self.num_frames, shape[1], shape[2], x.shape[-1]])
