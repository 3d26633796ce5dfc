"""MultiscaleDiscriminator: patch discriminators on a pyramid of (frame, annotation) pairs.

Each scale judges overlapping patches of the frame beside its annotation and returns its logits and the features of
every layer, which feature matching compares. Source: pix2pixHD (Wang et al., CVPR 2018), section 3.2; hinge loss and
spectral normalisation as in SPADE.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.start_frame.spectral_conv import SpectralConv2D
from seg2vid_tf.ops.activation import leaky_relu


class PatchDiscriminator(BuiltByCall, keras.layers.Layer):
    """Strided convolutions that end in one logit per patch.

    Args:
      filters: channels of the layers; all but the last halve the size.
    """

    def __init__(self, filters: tuple[int, ...], **kwargs):
        super().__init__(**kwargs)
        last = len(filters) - 1
        self.convs = [SpectralConv2D(f, 4, 1 if i == last else 2, name=f"conv_{i}") for i, f in enumerate(filters)]
        self.to_logits = SpectralConv2D(1, 4, name="to_logits")
        self.filters = tuple(filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}

    def call(self, x, training=False):
        """x [B,h,w,3+K] -> {logits float32 [B,h',w',1], features: list of [B,h_i,w_i,filters_i]}."""
        features = []
        for conv in self.convs:
            x = leaky_relu(conv(x, training=training))
            features.append(x)
        return {"logits": tf.cast(self.to_logits(x, training=training), tf.float32), "features": features}


class MultiscaleDiscriminator(BuiltByCall, keras.Model):
    """The same patch discriminator, own weights, at several resolutions.

    Args:
      filters: channels of each patch discriminator.
      scales: how many; scale i sees the pair averaged down by 2 ** i.
    """

    def __init__(self, filters: tuple[int, ...], scales: int, **kwargs):
        super().__init__(**{"autocast": False, **kwargs})
        self.discriminators = [PatchDiscriminator(filters, name=f"scale_{i}") for i in range(scales)]
        self.filters = tuple(filters)
        self.scales = scales

    def get_config(self):
        return {"filters": self.filters, "scales": self.scales}

    def call(self, inputs, training=False):
        """{frame float32 [B,H,W,3] in [-1,1], annotation float32 [B,H,W,K]} -> lists with one entry per scale.

        Returns:
          {logits: list of [B,h,w,1], features: list of lists of [B,h,w,C]}.
        """
        pair = tf.concat([inputs["frame"], inputs["annotation"]], axis=-1)
        outputs = []
        for i, discriminator in enumerate(self.discriminators):
            if i > 0:
                pair = tf.nn.avg_pool2d(pair, 2, 2, "VALID")
            outputs.append(discriminator(pair, training=training))
        return {"logits": [o["logits"] for o in outputs], "features": [o["features"] for o in outputs]}
