"""DecoderLevel: one size of the flow decoder."""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.ops.warp import warp


class DecoderLevel(BuiltByCall, keras.layers.Layer):
    """Decoder features, the start frame's features and the flow so far -> decoder features of this size.

    A convolution is linear: what it makes of the start frame's features as they are, the same for every layer and
    frame, is made once and added. As the flow moves them, they are others for each, so few channels are moved.

    Args:
      filters: output channels.
      moved_filters: channels of the start frame's features that are moved.
      flow_scale: what flow is divided by before it is read, pixels.
      warp_method: how features are warped, one of ``seg2vid_tf.ops.warp.METHODS``.
    """

    def __init__(self, filters: int, moved_filters: int, flow_scale: float, warp_method: str, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})

        def half_of_he():  # two sums of He's size each would be twice too large together
            return keras.initializers.VarianceScaling(1.0, "fan_in", "truncated_normal")

        self.conv = keras.layers.Conv2D(filters, 3, padding="same", kernel_initializer=half_of_he(), name="conv")
        self.still = keras.layers.Conv2D(
            filters, 3, padding="same", use_bias=False, kernel_initializer=half_of_he(), name="still"
        )
        self.carried = keras.layers.Conv2D(moved_filters, 1, use_bias=False, name="carried")
        self.filters = filters
        self.moved_filters = moved_filters
        self.flow_scale = flow_scale
        self.warp_method = warp_method

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "moved_filters": self.moved_filters,
            "flow_scale": self.flow_scale,
            "warp_method": self.warp_method,
        }

    def call(self, x, features, flows, stride, for_each):
        """One level.

        Args:
          x: [N,h,w,C], of every layer and frame.
          features: [B,h,w,F], of frame 0.
          flows: float32 [N,h,w,4], flow and flow_backward so far, in pixels of the frame.
          stride: the frame's size / this size.
          for_each: [B,...] -> [N,...], a copy for every layer and frame.

        Returns:
          [N,h,w,filters].
        """
        moved = warp(
            for_each(self.carried(features)), tf.stop_gradient(flows[..., :2]) / stride, method=self.warp_method
        )
        parts = [x, moved, flows / self.flow_scale]
        differing = self.conv(tf.concat([tf.cast(part, x.dtype) for part in parts], axis=-1))
        return tf.nn.leaky_relu(differing + for_each(self.still(features)), 0.2)
