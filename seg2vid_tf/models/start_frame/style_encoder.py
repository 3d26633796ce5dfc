"""StyleEncoder: a reference frame -> the posterior of the style with which the generator would paint it.

Global average pooling at the end leaves the layout behind, and makes any frame size fit.
Source: Park et al. (CVPR 2019), section 3 ("multi-modal synthesis"): a VAE whose decoder is the generator.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.ops.activation import leaky_relu


class StyleEncoder(BuiltByCall, keras.Model):
    """Strided convolutions, pooled over the picture.

    Args:
      style_dim: S, dimensions of the style.
      filters: channels of the layers, each of which halves the size.
    """

    def __init__(self, style_dim: int, filters: tuple[int, ...], **kwargs):
        super().__init__(**{"autocast": False, **kwargs})
        self.convs = [keras.layers.Conv2D(f, 4, 2, padding="same", name=f"conv_{i}") for i, f in enumerate(filters)]
        self.mean = keras.layers.Dense(style_dim, dtype="float32", name="mean")
        # The posterior starts narrow (standard deviation about 0.14), so that the generator hears it from step one.
        narrow = keras.initializers.Constant(-4.0)
        self.log_variance = keras.layers.Dense(style_dim, bias_initializer=narrow, dtype="float32", name="log_variance")
        self.style_dim = style_dim
        self.filters = tuple(filters)

    def get_config(self):
        return {"style_dim": self.style_dim, "filters": self.filters}

    def call(self, inputs, training=False):
        """{frame float32 [B,H,W,3] in [-1,1]} -> {mean, log_variance: float32 [B,S]}."""
        x = inputs["frame"]
        for conv in self.convs:
            x = leaky_relu(conv(x))
        pooled = tf.reduce_mean(tf.cast(x, tf.float32), axis=[1, 2])
        return {"mean": self.mean(pooled), "log_variance": self.log_variance(pooled)}
