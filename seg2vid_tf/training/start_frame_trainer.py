"""Stage 1's training step: generator and style encoder against a discriminator.

With a style encoder, every other example is generated in the style encoded from its own real frame, and is then held
against that frame ("paired": L1, perceptual distance, feature matching, KL); the others take the style that their seed
draws, half of them two styles, which meet along class borders ("two_styles"). With a weight for it, every fourth
example is painted in the style of its neighbour's frame instead ("swapped_style"), whose colours its classes are to
take. From an example of one drawn style the encoder must find that style again. So every term that asks for one certain
picture speaks only where the style says which one, and the drawn styles stay free (BicycleGAN, Zhu et al., NeurIPS
2017). With a weight for it, an example in drawn styles is painted on its neighbour's label map, and the farther it is
from the neighbour's picture, the better (mode seeking, Mao et al., CVPR 2019). Without an encoder every example is
paired and its style drawn.
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.encode import encode_annotation
from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import StartFrameConfig
from seg2vid_tf.losses.class_color import class_color_distance, palette_distance
from seg2vid_tf.losses.kl import kl_per_clip
from seg2vid_tf.losses.perceptual import feature_angle, feature_distance
from seg2vid_tf.losses.reconstruction import l1
from seg2vid_tf.losses.segmentation import class_balance, labelmix, labelmix_mask
from seg2vid_tf.models.build import build_generator, build_style_encoder
from seg2vid_tf.models.latent import kl_per_dimension, posterior, reparameterise
from seg2vid_tf.models.seeds import STYLE_STREAM
from seg2vid_tf.models.start_frame.class_colors import STRIDE as CLASS_STRIDE
from seg2vid_tf.models.start_frame.start_frame_model import StartFrameModel
from seg2vid_tf.models.start_frame.style_standardisation import fit_styles, standardise_style
from seg2vid_tf.ops.image import to_float
from seg2vid_tf.ops.noise import per_example_normal
from seg2vid_tf.training.late_decay import LateDecay
from seg2vid_tf.training.moving_average import copy_weights, update_average
from seg2vid_tf.training.multiscale_adversary import MultiscaleAdversary
from seg2vid_tf.training.perceptual_network import perceptual_network
from seg2vid_tf.training.replicas import accumulated, example_seeds, per_replica, summed_over_replicas
from seg2vid_tf.training.segmentation_adversary import SegmentationAdversary
from seg2vid_tf.training.style_distribution import StyleDistribution

SAMPLED_SEEDS = (1, 2, 3)
# Training pictures whose styles are looked at once training is over (models/start_frame/style_standardisation.py).
STYLES_FITTED = 512
# A gradient out of the ordinary, as each network gives the other, moves Adam's weights by 1 / sqrt(1 - beta_2) learning
# rates: 32 with the usual 0.999, which blew whole runs up, 10 with this (StyleGAN's).
BETA_2 = 0.99
CLASS_FINDER_RATE = 1e-3


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
        self._features = perceptual_network(config)
        if config.model.discriminator == "segmentation":
            self.adversary = SegmentationAdversary(config, spec, self._features)
        else:
            self.adversary = MultiscaleAdversary(config, spec)
        self.networks = {"generator": build_generator(config.model, spec)}
        self.averages = {"generator": build_generator(config.model, spec)}
        if config.model.style_encoder:
            self.networks["style_encoder"] = build_style_encoder(config.model, spec)
            self.averages["style_encoder"] = build_style_encoder(config.model, spec)
        for name, network in self.networks.items():
            copy_weights(network, self.averages[name])
        self.start_frame_model = StartFrameModel(self.averages["generator"], self.averages.get("style_encoder"), spec)
        self.prepare_steps = training.class_finder_steps
        self.generator_optimizer = _optimizer(training, training.learning_rate, training.generator_start)
        self.discriminator_optimizer = _optimizer(training, training.discriminator_learning_rate)
        self.generator_optimizer.build(self._trained)
        self.discriminator_optimizer.build(self.adversary.discriminator.trainable_variables)
        self._styles = StyleDistribution(
            self.networks["generator"].style_dim,
            standardised=not config.model.style_encoder,
            spread=training.style_spread,
        )
        self.checkpointed = {
            **self.networks,
            **{f"{name}_average": average for name, average in self.averages.items()},
            "discriminator": self.adversary.discriminator,
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
            "styles": self._styles,
        }
        if config.model.class_colors:
            # It has an opponent no more than a segmenter has, so it learns as one.
            rate = LateDecay(CLASS_FINDER_RATE, training.steps, training.decay)
            self.class_finder_optimizer = keras.optimizers.Adam(rate)
            self.class_finder_optimizer.build(self._found_by)
            self.checkpointed["class_finder_optimizer"] = self.class_finder_optimizer

    def zero_unseen_classes(self, class_ids) -> None:
        """Before the first step: classes that no training picture shows are painted as unlabelled pixels are."""
        for network in (self.networks["generator"], self.averages["generator"]):
            network.zero_unseen_classes(class_ids)

    def resume_averages(self) -> None:
        """Before the first step: the averages of a finished run begin anew from the networks.

        Their style space was standardised at the end of that run, the networks' was not: an average of both would mix
        two coordinate systems.
        """
        if int(self._styles.standardised.numpy()):
            for name, network in self.networks.items():
                copy_weights(network, self.averages[name])
            self._styles.standardised.assign(0)

    def standardise_style(self, make_batches) -> None:
        """After the last step: seeds draw styles from now on as the training pictures have them, or as much wider as
        ``style_spread`` says.

        Args:
          make_batches: start_step -> tf.data.Dataset of batches without end.
        """
        print("looking at the styles of training pictures, for seeds to draw such ones ...", flush=True)
        encoder, encoded = self.averages["style_encoder"], []
        for batch in make_batches(0):
            said = encoder({"frame": batch["frames"][:, 0]})
            encoded.append((said["mean"].numpy(), said["log_variance"].numpy()))
            if sum(len(means) for means, _ in encoded) >= STYLES_FITTED:
                break
        means, log_variances = (np.concatenate(parts) for parts in zip(*encoded, strict=True))
        mean, factor = fit_styles(means, log_variances)
        spread = self.config.training.style_spread
        standardise_style(self.averages["generator"], encoder, mean, spread * factor)
        self._styles.standardised.assign(1)

    @property
    def _borrows(self):
        return self.config.losses.style_color_weight > 0

    @property
    def _found_by(self):
        """Variables of the class finder, where there is one."""
        colored = self.config.model.class_colors
        return self.networks["style_encoder"].class_colors.trainable_variables if colored else []

    @property
    def _trained(self):
        """Variables of the generator and the style encoder, but for those of the class finder."""
        others = {id(v) for v in self._found_by}
        return [v for network in self.networks.values() for v in network.trainable_variables if id(v) not in others]

    @tf.autograph.experimental.do_not_convert  # no Python condition depends on a tensor, and AutoGraph doubles tracing
    def train_step(self, batch: dict, step: tf.Tensor) -> dict:
        """One step of all networks on this replica's part of the batch.

        Args:
          batch: {frames float32 [b,1,H,W,3] in [-1,1], label_maps uint8 [b,1,H,W]}, and instance_maps int32 [b,1,H,W]
            where the config asks for the instance boundary.
          step: int64 scalar, steps taken before.

        Returns:
          {name: this replica's share of the loss term}; their sum over replicas is the term.
        """
        taken = step - self.prepare_steps  # of such steps: averages soon forget what was before them
        if self.config.model.style_encoder:
            encoded = self.averages["style_encoder"]({"frame": batch["frames"][:, 0]})
            self._styles.update(encoded["mean"], encoded["log_variance"], taken)
        examples = self._examples(batch, step)
        parts = self.config.training.accumulate
        gradients, terms, fake = accumulated(self._generator_gradients, examples, parts)
        pairs, count = list(zip(gradients, [*self._trained, *self._found_by], strict=True)), len(self._trained)
        self.generator_optimizer.apply_gradients(pairs[:count])
        if self.config.model.class_colors:
            self.class_finder_optimizer.apply_gradients(pairs[count:])
        gradients, more, _ = accumulated(self._discriminator_gradients, {**examples, "fake": fake}, parts)
        variables = self.adversary.discriminator.trainable_variables
        self.discriminator_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        for name, network in self.networks.items():
            update_average(self.averages[name], network, self.config.training.ema_decay, taken)
        return {name: per_replica(term) for name, term in {**terms, **more}.items()}

    @tf.autograph.experimental.do_not_convert
    def prepare_step(self, batch: dict, step: tf.Tensor) -> dict:
        """One of the first ``prepare_steps``, in which the class finder learns alone; as ``train_step``."""
        real, variables = batch["frames"][:, 0], self._found_by
        target = encode_annotation(batch["label_maps"][:, 0], self.spec)
        with tf.GradientTape() as tape:
            encoded = self.networks["style_encoder"]({"frame": real})
            terms = self._class_color_terms(real, target, encoded["mean"], encoded["class_logits"])
            loss = per_replica(tf.add_n(list(terms.values())))
        pairs = zip(tape.gradient(loss, variables), variables, strict=True)
        # How sure it is learns only where styles are drawn.
        self.class_finder_optimizer.apply_gradients([(gradient, v) for gradient, v in pairs if gradient is not None])
        average, finder = (each["style_encoder"].class_colors for each in (self.averages, self.networks))
        update_average(average, finder, self.config.training.ema_decay, step)
        return {name: per_replica(term) for name, term in terms.items()}

    def _examples(self, batch, step):
        """{name: tensor [b,...]}: all that the step's parts need."""
        count, style_dim = tf.shape(batch["frames"])[0], self.networks["generator"].style_dim
        classes = self.spec.num_classes
        seeds = example_seeds(self.config.training.seed, step, count)
        # A seed counts up with the example's place, so this alternates along the batch and from step to step.
        paired = tf.cast((seeds + step) % 2, tf.float32) if self.config.model.style_encoder else tf.ones([count])
        swapped_style = tf.cast((seeds + step) % 4 == 0, tf.float32) if self._borrows else tf.zeros([count])
        drawn_style = (1.0 - paired) * (1.0 - swapped_style)
        if self.config.losses.mode_seeking_weight:
            batch = {name: _at(drawn_style > 0, _neighbours(value), value) for name, value in batch.items()}
        real, label_map = batch["frames"][:, 0], batch["label_maps"][:, 0]
        annotation = encode_annotation(label_map, self.spec, self._instances(batch))
        target = annotation[..., :classes]
        drawn = per_example_normal(seeds, [3 * style_dim + 1 + 2 * classes], STYLE_STREAM)
        style, other_style, style_noise, two_styles_draw, style_draws, labelmix_draws = tf.split(
            drawn, [style_dim, style_dim, style_dim, 1, classes, classes], axis=-1
        )
        style, other_style = self._styles.to_styles(style), self._styles.to_styles(other_style)
        two_styles = drawn_style * tf.cast(two_styles_draw[:, 0] > 0, tf.float32)
        pixels_per_class = summed_over_replicas(tf.reduce_sum(target, axis=[0, 1, 2]))
        return {
            "real": real,
            "annotation": annotation,
            "target": target,
            "balanced": target * class_balance(pixels_per_class, self.config.losses.class_balance),
            "noise": self.start_frame_model.draw_noise(seeds, label_map.shape[1:]),
            "style": style,
            "other_style": other_style,
            "style_noise": style_noise,
            "style_mask": labelmix_mask(target, style_draws) * two_styles[:, None, None, None],
            "labelmix_draws": labelmix_draws,
            "paired": paired,
            "swapped_style": swapped_style,
            "drawn_style": drawn_style,
            "two_styles": two_styles,
        }

    def _instances(self, batch):
        return batch["instance_maps"][:, 0] if self.config.model.instance_boundary else None

    def _generator_gradients(self, examples):
        with tf.GradientTape() as tape:
            fake, terms = self._generator_terms(examples)
            loss = per_replica(tf.add_n(list(terms.values())))
        return tape.gradient(loss, [*self._trained, *self._found_by]), terms, fake

    def _discriminator_gradients(self, examples):
        with tf.GradientTape() as tape:
            terms = self.adversary.discriminator_terms(examples, examples["fake"])
            loss = per_replica(tf.add_n(list(terms.values())))
        return tape.gradient(loss, self.adversary.discriminator.trainable_variables), terms, examples["fake"]

    def _generator_terms(self, examples):
        """The generated frames, and {name: weighted loss term}."""
        weights, real, style, terms = self.config.losses, examples["real"], examples["style"], {}
        paired = examples["paired"]
        if self.config.model.style_encoder:
            output = self.networks["style_encoder"]({"frame": real})
            encoded = posterior(output["mean"], output["log_variance"])
            own, free = reparameterise(encoded, examples["style_noise"]), self.config.model.style_dim
            # Colours of classes are what they are, near N(0, I) or not.
            kl = kl_per_dimension(encoded)[:, :free] * paired[:, None]
            terms["style_kl"] = weights.style_kl_weight * kl_per_clip(kl)
            if self.config.model.class_colors:
                # After a finished run the palette reads the other numbers, too; these are not to learn colours.
                held = tf.concat([tf.stop_gradient(own[:, :free]), own[:, free:]], axis=-1)
                terms |= self._class_color_terms(real, examples["target"], held, output["class_logits"])
            style = _at(paired > 0, own, style)
            style = _at(examples["swapped_style"] > 0, _neighbours(own), style)
        places = labelmix(examples["style_mask"], examples["other_style"][:, None, None], style[:, None, None])
        inputs = {"annotation": examples["annotation"], "style": places, "noise": examples["noise"]}
        fake = self.networks["generator"](inputs, training=True)["start_frame"]
        fake_features = self._features and self._features(fake)
        terms |= self.adversary.generator_terms(examples, fake, fake_features)
        # An example in a drawn style has no frame to be compared with.
        terms["l1"] = weights.l1_weight * l1(_coarse(real), _coarse(_at(paired > 0, fake, real)))
        if weights.perceptual_weight:
            targets = self._features(real)
            compared = [_at(paired > 0, *pair) for pair in zip(fake_features, targets, strict=True)]
            terms["perceptual"] = weights.perceptual_weight * feature_distance(targets, compared)
        if self.config.model.style_encoder:
            # By the averaged encoder, which no gradient reaches: the one in training could hide the style in detail
            # that nobody sees.
            found = self.start_frame_model.encode_style(fake)
            one_style = examples["drawn_style"] * (1.0 - examples["two_styles"])
            error = tf.reduce_mean(tf.abs(found - style), axis=-1) * one_style
            terms["style_regression"] = weights.style_regression_weight * tf.reduce_mean(error)
        if weights.mode_seeking_weight:
            neighbours = [tf.stop_gradient(_neighbours(features)) for features in fake_features]
            distance = feature_angle(neighbours, fake_features) * examples["drawn_style"]
            terms["mode_seeking"] = -weights.mode_seeking_weight * tf.reduce_mean(distance)
        if self._borrows:
            terms["style_color"] = weights.style_color_weight * self._style_color(examples, places, fake)
        return fake, terms

    def _class_color_terms(self, real, target, style, class_logits):
        """{name: weighted loss term}: the colours that the frames' own styles hold, and where classes lie in them."""
        weight = self.config.losses.class_color_weight
        colors = self.networks["generator"].palette(style[:, None, None])[:, 0, 0]
        # Of a cell of which a part has no class, the rest counts.
        shares = tf.nn.avg_pool2d(target, CLASS_STRIDE, CLASS_STRIDE, "SAME")
        found = -tf.reduce_sum(shares * tf.nn.log_softmax(class_logits), axis=-1)
        return {
            "class_color": weight * tf.reduce_mean(palette_distance(real, target, colors)),
            "style_classes": 0.1 * weight * tf.reduce_mean(found),
        }

    def _style_color(self, examples, places, fake):
        """How far the classes' mean colours are from those of their style, of the examples that may be held to it."""
        target = examples["target"]
        if self.config.model.class_colors:
            asked = self.networks["generator"].palette.paint(examples["annotation"], places)
            distance = class_color_distance(asked, target, fake, target) * (1.0 - examples["paired"])
        else:
            lender = _neighbours(target)
            distance = class_color_distance(_neighbours(examples["real"]), lender, fake, target)
            distance *= examples["swapped_style"]
        return tf.reduce_mean(distance)

    def paint(self, batch: dict, seed: int) -> tf.Tensor:
        """Start frames float32 [B,H,W,3] of a batch's annotations, by the averaged weights, in the seed's style."""
        seeds = tf.fill([tf.shape(batch["frames"])[0]], tf.constant(seed, tf.int64))
        return self._paint(batch, self._styles.to_styles(self.start_frame_model.draw_style(seeds)), seeds)

    def _paint(self, batch, style, seeds):
        return self.start_frame_model.paint(batch["label_maps"][:, 0], style, seeds, self._instances(batch))

    def samples(self, batch: dict) -> list[list[tf.Tensor]]:
        """Rows of pictures float32 [H,W,3] in [-1,1], one per clip of the batch.

        The annotation, three seeds, the real frame's own style (with a style encoder), and the real frame.
        """
        colors = colorize(batch["label_maps"][:, 0].numpy(), self.spec)
        columns = [to_float(colors), *(self.paint(batch, seed) for seed in SAMPLED_SEEDS)]
        real = batch["frames"][:, 0]
        if self.config.model.style_encoder:
            seeds = tf.zeros([len(real)], tf.int64)
            columns.append(self._paint(batch, self.start_frame_model.encode_style(real), seeds))
        columns.append(real)
        return [list(row) for row in zip(*columns, strict=True)]


def _optimizer(training, rate, start=0):
    """Adam of a network that learns against another one, from the step ``start`` of those that both take on."""
    steps = training.steps - training.class_finder_steps
    rate = LateDecay(rate, steps, training.decay, training.warmup_steps, start)
    return keras.optimizers.Adam(rate, training.beta_1, BETA_2)


def _neighbours(values):
    """Each example's neighbour's: of places 2i and 2i + 1 each gets the other's, a last one without neighbour its own.

    Pairs, and not the next one's, so that a batch cut into even parts, for replicas or memory, has the same ones.
    """
    count = tf.shape(values)[0]
    return tf.gather(values, tf.minimum(tf.bitwise.bitwise_xor(tf.range(count), 1), count - 1))


def _at(condition, values, others):
    """values of the examples where ``condition`` bool [b] is true, others elsewhere; of any rank and type."""
    return tf.where(tf.reshape(condition, [-1, *[1] * (values.shape.rank - 1)]), values, others)


def _coarse(frame):
    """frame averaged over 4x4 pixels: where exactly fine detail lies is chance, and punished it would vanish."""
    return tf.nn.avg_pool2d(frame, 4, 4, "VALID")
