"""StyleEncoder: a reference frame -> the posterior of the style with which the generator would paint it.

Average pooling at the end, over the whole frame or over a few horizontal bands of it, leaves the layout behind, and
makes any frame size fit. Bands tell the colour of the sky from that of the road, which an average over all mixes.
Source: Park et al. (CVPR 2019), section 3 ("multi-modal synthesis"): a VAE whose decoder is the generator.
"""

import keras
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.start_frame.class_colors import ClassColors
from seg2vid_tf.ops.activation import leaky_relu


class StyleEncoder(BuiltByCall, keras.Model):
    """Strided convolutions, pooled over the picture.

    Args:
      style_dim: S, dimensions of the style.
      filters: channels of the layers, each of which halves the size.
      bands: horizontal bands of equal height that are pooled apart; 1: the whole frame at once.
      num_classes: K, classes whose colours it finds in the frame: the last 3K numbers of the style (palette.py).
    """

    def __init__(self, style_dim: int, filters: tuple[int, ...], bands: int = 1, num_classes: int = 0, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})
        self.convs = [keras.layers.Conv2D(f, 4, 2, padding="same", name=f"conv_{i}") for i, f in enumerate(filters)]
        own = style_dim - 3 * num_classes
        self.mean = keras.layers.Dense(own, dtype="float32", name="mean")
        # The posterior starts narrow (standard deviation about 0.14), so that the generator hears it from step one.
        narrow = keras.initializers.Constant(-4.0)
        self.log_variance = keras.layers.Dense(own, bias_initializer=narrow, dtype="float32", name="log_variance")
        if num_classes:
            self.class_colors = ClassColors(num_classes, name="class_colors")
        self.style_dim = style_dim
        self.filters = tuple(filters)
        self.bands = bands
        self.num_classes = num_classes

    def get_config(self):
        sizes = {"style_dim": self.style_dim, "filters": self.filters}
        return {**sizes, "bands": self.bands, "num_classes": self.num_classes}

    @property
    def palette_variables(self) -> list[tf.Variable]:
        """What ``num_classes`` adds."""
        return raw_variables(self.class_colors) if self.num_classes else []

    def call(self, inputs, training=False):
        """{frame float32 [B,H,W,3] in [-1,1]} -> {mean, log_variance: float32 [B,S]}.

        And class_logits float32 [B,H/4,W/4,K], with ``num_classes``.
        """
        x = inputs["frame"]
        for conv in self.convs:
            x = leaky_relu(conv(x))
        rows = tf.reduce_mean(tf.cast(x, tf.float32), axis=2)
        pooled = tf.einsum("ih,bhf->bif", _shares(self.bands, tf.shape(rows)[1]), rows)
        pooled = tf.reshape(pooled, [-1, self.bands * self.filters[-1]])
        encoded = {"mean": self.mean(pooled), "log_variance": self.log_variance(pooled)}
        if self.num_classes:
            colors = self.class_colors(inputs["frame"], pooled)
            encoded = {name: tf.concat([value, colors[name]], axis=-1) for name, value in encoded.items()}
            encoded["class_logits"] = colors["class_logits"]
        return encoded


def _shares(bands, height):
    """float32 [bands, height]: each row's part in each band's mean, by area, where a row lies in two bands too."""
    edge = tf.range(bands, dtype=tf.float32)[:, None] / bands
    row = tf.range(height, dtype=tf.float32)[None] / tf.cast(height, tf.float32)
    ends = tf.minimum(edge + 1.0 / bands, row + 1.0 / tf.cast(height, tf.float32))
    return bands * tf.nn.relu(ends - tf.maximum(edge, row))
