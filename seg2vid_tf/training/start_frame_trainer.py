"""Stage 1's training step: generator against discriminator, hinge loss, feature matching, and L1 as in pix2pix."""

import keras
import tensorflow as tf

from seg2vid_tf.annotations.encode import encode_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import StartFrameConfig
from seg2vid_tf.losses.adversarial import discriminator_hinge, feature_matching, generator_hinge
from seg2vid_tf.losses.perceptual import feature_distance
from seg2vid_tf.losses.reconstruction import l1
from seg2vid_tf.models.build import build_discriminator, build_generator
from seg2vid_tf.models.seg2vid import STYLE_STREAM
from seg2vid_tf.ops.noise import per_example_normal
from seg2vid_tf.training.perceptual_network import perceptual_network
from seg2vid_tf.training.replicas import example_seeds, per_replica


class StartFrameTrainer:
    """Networks, optimizers and the step of stage 1. Build it under the strategy's scope.

    Attributes:
      checkpointed: everything that a resumed run needs, by name.
    """

    num_frames = 0

    def __init__(self, config: StartFrameConfig, spec: AnnotationSpec):
        training = config.training
        self.config = config
        self.spec = spec
        self.generator = build_generator(config.model, spec)
        self.discriminator = build_discriminator(config.model, spec)
        self.generator_optimizer = keras.optimizers.Adam(training.learning_rate, training.beta_1, 0.999)
        self.discriminator_optimizer = keras.optimizers.Adam(
            training.discriminator_learning_rate, training.beta_1, 0.999
        )
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self._features = perceptual_network(config)
        self.checkpointed = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def train_step(self, batch: dict, step: tf.Tensor) -> dict:
        """One step of both networks on this replica's part of the batch.

        Args:
          batch: {frames float32 [b,1,H,W,3] in [-1,1], label_maps uint8 [b,1,H,W]}.
          step: int64 scalar, steps taken before.

        Returns:
          {name: this replica's share of the loss term}; their sum over replicas is the term.
        """
        real = batch["frames"][:, 0]
        annotation = encode_label_map(batch["label_maps"][:, 0], self.spec)
        seeds = example_seeds(self.config.training.seed, step, tf.shape(real)[0])
        style = per_example_normal(seeds, [self.config.model.style_dim], STYLE_STREAM)
        generated = {"annotation": annotation, "style": style}

        with tf.GradientTape() as tape:
            fake = self.generator(generated, training=True)["start_frame"]
            terms = self._generator_terms(real, fake, annotation)
            loss = per_replica(sum(terms.values()))
        gradients = tape.gradient(loss, self.generator.trainable_variables)
        self.generator_optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables, strict=True))

        with tf.GradientTape() as tape:
            # One pass over both halves: one power iteration per step, on the same estimate for real and fake.
            judged = self._judge(tf.concat([real, tf.stop_gradient(fake)], axis=0), annotation, training=True)
            real_logits, fake_logits = _halves(judged["logits"])
            discriminator_term = discriminator_hinge(real_logits, fake_logits)
            loss = per_replica(discriminator_term)
        gradients = tape.gradient(loss, self.discriminator.trainable_variables)
        self.discriminator_optimizer.apply_gradients(
            zip(gradients, self.discriminator.trainable_variables, strict=True)
        )
        terms["discriminator"] = discriminator_term
        return {name: per_replica(term) for name, term in terms.items()}

    def _generator_terms(self, real, fake, annotation):
        weights = self.config.losses
        judged = self._judge(tf.concat([real, fake], axis=0), annotation, training=False)
        _, fake_logits = _halves(judged["logits"])
        features = [_halves(scale) for scale in judged["features"]]
        real_features, fake_features = ([pair[i] for pair in features] for i in (0, 1))
        terms = {
            "adversarial": weights.adversarial_weight * generator_hinge(fake_logits),
            "feature_matching": weights.feature_matching_weight * feature_matching(real_features, fake_features),
            "l1": weights.l1_weight * l1(real, fake),
        }
        if self._features:
            distance = feature_distance(self._features(real), self._features(fake))
            terms["perceptual"] = weights.perceptual_weight * distance
        return terms

    def _judge(self, frames, annotation, training):
        """The discriminator on frames [2b,H,W,3], real ones first, each half beside the same annotation [b,H,W,K]."""
        pair = {"frame": frames, "annotation": tf.concat([annotation, annotation], axis=0)}
        return self.discriminator(pair, training=training)

    def samples(self, batch: dict) -> list[list[tf.Tensor]]:
        """Rows of pictures float32 [H,W,3] in [-1,1]: two styles, then the real frame, per clip of the batch."""
        annotation = encode_label_map(batch["label_maps"][:, 0], self.spec)
        columns = []
        for seed in (1, 2):
            seeds = tf.fill([tf.shape(annotation)[0]], tf.constant(seed, tf.int64))
            style = per_example_normal(seeds, [self.config.model.style_dim], STYLE_STREAM)
            columns.append(self.generator({"annotation": annotation, "style": style})["start_frame"])
        columns.append(batch["frames"][:, 0])
        return [list(row) for row in zip(*columns, strict=True)]


def _halves(tensors):
    first, second = zip(*(tf.split(t, 2, axis=0) for t in tensors), strict=True)
    return list(first), list(second)
