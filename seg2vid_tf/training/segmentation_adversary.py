"""The segmentation discriminator and what it adds to both losses (OASIS)."""

import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import StartFrameConfig
from seg2vid_tf.losses.segmentation import (
    class_cross_entropy,
    fake_cross_entropy,
    labelmix,
    labelmix_consistency,
    labelmix_mask,
)
from seg2vid_tf.models.build import build_discriminator
from seg2vid_tf.ops.feature_network import FeatureNetwork


class SegmentationAdversary:
    """Discriminator with K + 1 classes per pixel.

    Attributes:
      discriminator: the network.
    """

    def __init__(self, config: StartFrameConfig, spec: AnnotationSpec, features: FeatureNetwork | None = None):
        self.discriminator = build_discriminator(config.model, spec, features)
        self._features = features if config.model.discriminator_features else None
        self._weights = config.losses

    def generator_terms(self, examples: dict, fake: tf.Tensor, fake_features: list | None = None) -> dict:
        """{name: weighted loss term}: every pixel of the generated frames is to be taken for its class.

        Args:
          examples: of the trainer.
          fake: the generated frames float32 [b,H,W,3].
          fake_features: theirs in the fixed network, where the trainer has them already.
        """
        logits = self._judge(fake, fake_features)
        return {"adversarial": self._weights.adversarial_weight * class_cross_entropy(logits, examples["balanced"])}

    def discriminator_terms(self, examples: dict, fake: tf.Tensor) -> dict:
        """{name: weighted loss term}: real pixels to their class, generated ones to "fake", mixtures as their parts."""
        real = examples["real"]
        mask = labelmix_mask(examples["target"], examples["labelmix_draws"])
        # One pass over all three: one power iteration per step, on the same estimate for each.
        frames = tf.concat([real, fake, labelmix(mask, real, fake)], axis=0)
        logits = self._judge(frames, training=True)
        real_logits, fake_logits, mixed_logits = tf.split(logits, 3, axis=0)
        consistency = labelmix_consistency(mixed_logits, labelmix(mask, real_logits, fake_logits))
        return {
            "discriminator_real": class_cross_entropy(real_logits, examples["balanced"]),
            "discriminator_fake": fake_cross_entropy(fake_logits),
            "labelmix": self._weights.labelmix_weight * consistency,
        }

    def _judge(self, frames, features=None, training=False):
        inputs = {"frame": frames}
        if self._features:
            inputs["features"] = features or self._features(frames)
        return self.discriminator(inputs, training=training)["logits"]
