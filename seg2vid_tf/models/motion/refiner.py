"""FrameRefiner: paints what the warp cannot show.

Holes are filled with the smooth continuation of what is visible around them (ops/fill.py), so their colours are this
picture's. A U-Net at half the frame's size sees that, the visibility and the annotation warped along, and adds what is
missing; both are composited into the occluded part alone, so a pixel that was warped well stays as it is. No noise
fills the holes.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock, double_size
from seg2vid_tf.ops.fill import fill_holes
from seg2vid_tf.ops.occlusion import composite

# Pixels of the neighbourhood in which a body's edge is taken for its own.
_RIM = 5


class FrameRefiner(BuiltByCall, keras.layers.Layer):
    """The last part of stage 2, shared by all frames.

    Args:
      filters: channels of the U-Net at 1/2, 1/4, .. of the size, which divides by 2 ** len(filters).
    """

    def __init__(self, filters: tuple[int, ...], **kwargs):
        # No autocast: a warped pixel goes into the composite with all its digits.
        super().__init__(autocast=False, **kwargs)
        self.downs = [ConvBlock(f, 3 if i else 4, 2, name=f"down_{i}") for i, f in enumerate(filters)]
        self.middle = ConvBlock(filters[-1], name="middle")
        self.ups = [ConvBlock(f, name=f"up_{i}") for i, f in enumerate(reversed(filters[:-1]))]
        self.to_rgb = keras.layers.Conv2D(
            3 * 4, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="to_rgb"
        )
        self.filters = tuple(filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}

    def call(self, warped, visibility, annotation, layers=None):
        """Paints what is hidden.

        Args:
          warped: float32 [N,H,W,3] in [-1,1].
          visibility: float32 [N,H,W,1].
          annotation: of the frames, [N,H,W,K].
          layers: where a body stands in front of a wall, how much of each pixel, and how much of what is hidden in it,
            is the body's: float32 [N,H,W,1] each. What is hidden of one is then continued from it alone.

        Returns:
          float32 [N,H,W,3].
        """
        if layers is None:
            continued = fill_holes(warped, visibility)
        else:
            foreground, hidden_share = layers
            # The body's edge has coloured what lies around it.
            behind = 1.0 - tf.nn.max_pool2d(foreground, _RIM, 1, "SAME")
            body, wall = (fill_holes(warped, visibility * mask) for mask in (foreground, behind))
            continued = composite(body, wall, hidden_share)
        continued = tf.stop_gradient(continued)
        x = tf.concat([continued, visibility, annotation], axis=-1)
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
        x = self.middle(x)
        for skip, up in zip(reversed(skips[:-1]), self.ups, strict=True):
            x = up(tf.concat([double_size(x), skip], axis=-1))
        return composite(warped, continued + tf.tanh(tf.nn.depth_to_space(self.to_rgb(x), 2)), visibility)
