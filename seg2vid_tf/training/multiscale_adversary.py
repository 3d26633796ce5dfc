"""The multiscale patch discriminator and what it adds to both losses: hinge and feature matching (pix2pixHD, SPADE)."""

import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import StartFrameConfig
from seg2vid_tf.losses.adversarial import discriminator_hinge, feature_matching, generator_hinge
from seg2vid_tf.models.build import build_discriminator


class MultiscaleAdversary:
    """Patch discriminators on (frame, annotation) pairs.

    Attributes:
      discriminator: the network.
    """

    def __init__(self, config: StartFrameConfig, spec: AnnotationSpec):
        self.discriminator = build_discriminator(config.model, spec)
        self._weights = config.losses

    def generator_terms(self, examples: dict, fake: tf.Tensor, fake_features: list | None = None) -> dict:
        """{name: weighted loss term}; ``fake_features``, a fixed network's, are not read.

        Its own features are matched where the frame was generated in its real one's style.
        """
        judged = self._judge(examples, fake, training=False)
        _, fake_logits = _halves(judged["logits"])
        real_features, fake_features = [], []
        for scale in judged["features"]:
            real, generated = _halves(scale)
            real_features.append([_where_paired(examples, feature) for feature in real])
            fake_features.append([_where_paired(examples, feature) for feature in generated])
        matching = feature_matching(real_features, fake_features)
        return {
            "adversarial": self._weights.adversarial_weight * generator_hinge(fake_logits),
            "feature_matching": self._weights.feature_matching_weight * matching,
        }

    def discriminator_terms(self, examples: dict, fake: tf.Tensor) -> dict:
        """{name: loss term}: the hinge."""
        # One pass over both halves: one power iteration per step, on the same estimate for real and fake.
        real_logits, fake_logits = _halves(self._judge(examples, fake, training=True)["logits"])
        return {"discriminator": discriminator_hinge(real_logits, fake_logits)}

    def _judge(self, examples, fake, training):
        """The discriminator on the real frames, then the generated ones, each half beside the same annotation."""
        frames = tf.concat([examples["real"], fake], axis=0)
        annotation = tf.concat([examples["annotation"], examples["annotation"]], axis=0)
        return self.discriminator({"frame": frames, "annotation": annotation}, training=training)


def _where_paired(examples, feature):
    return feature * tf.cast(examples["paired"], feature.dtype)[:, None, None, None]


def _halves(tensors):
    first, second = zip(*(tf.split(t, 2, axis=0) for t in tensors), strict=True)
    return list(first), list(second)
