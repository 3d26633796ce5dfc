"""Stage 2's training step: reconstruct a clip through the posterior, explain every pixel by motion or by painting."""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.encode import encode_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import MotionConfig
from seg2vid_tf.losses.flow import (
    cycle_consistency,
    flow_error,
    occlusion_mismatch,
    occlusion_penalty,
    smoothness,
    visibility_cross_entropy,
)
from seg2vid_tf.losses.kl import kl_per_clip, kl_warmup_factor
from seg2vid_tf.losses.perceptual import feature_distance
from seg2vid_tf.losses.reconstruction import l1, masked_l1, photometric
from seg2vid_tf.losses.structure import structure
from seg2vid_tf.models.build import build_motion
from seg2vid_tf.models.seeds import MOTION_STREAM
from seg2vid_tf.ops.image import fold_time
from seg2vid_tf.ops.noise import per_example_normal
from seg2vid_tf.ops.occlusion import consistent_visibility, in_frame_mask
from seg2vid_tf.ops.warp import warp
from seg2vid_tf.training.jitter import jittered, random_displacements
from seg2vid_tf.training.late_decay import LateDecay
from seg2vid_tf.training.perceptual_network import perceptual_network
from seg2vid_tf.training.replicas import clip_by_global_norm, example_seeds, per_replica
from seg2vid_tf.training.video_adversary import VideoAdversary

# Clips that are encoded to fit the aggregated posterior: more than prior_rank, and a minute's work.
PRIOR_CLIPS = 600


class MotionTrainer:
    """Network, optimizer and the step of stage 2. Build it under the strategy's scope.

    Attributes:
      checkpointed: everything that a resumed run needs, by name.
    """

    prepare_step, prepare_steps = None, 0

    def __init__(self, config: MotionConfig, spec: AnnotationSpec):
        self.config = config
        self.spec = spec
        self.num_frames = config.model.num_frames
        self.motion = build_motion(config.model, spec)
        training = config.training
        rate = LateDecay(training.learning_rate, training.steps, training.decay)
        self.optimizer = keras.optimizers.Adam(rate, training.beta_1, 0.999)
        self.optimizer.build(self.motion.trainable_variables)
        self._features = perceptual_network(config)
        self.checkpointed = {"motion": self.motion, "optimizer": self.optimizer}
        self._adversary = VideoAdversary(config, spec) if config.losses.video_adversarial_weight else None
        if self._adversary is not None:
            self.checkpointed |= {
                "discriminator": self._adversary.discriminator,
                "discriminator_optimizer": self._adversary.optimizer,
            }

    @tf.autograph.experimental.do_not_convert  # no Python condition depends on a tensor, and AutoGraph doubles tracing
    def train_step(self, batch: dict, step: tf.Tensor) -> dict:
        """One step on this replica's part of the batch.

        Args:
          batch: {frames float32 [b,T+1,H,W,3] in [-1,1], label_maps uint8 [b,T+1,H,W]}, and flow, flow_backward,
            visibility, visibility_backward (data/pipeline.py) where a loss compares with exact motion; displacements
            and fits where matching is kept.
          step: int64 scalar, steps taken before.

        Returns:
          {name: this replica's share of the loss term}; their sum over replicas is the term.
        """
        training = self.config.training
        seeds = example_seeds(training.seed, step, tf.shape(batch["frames"])[0])
        if training.jitter:
            pixels = training.jitter * (1.0 - tf.cast(step, tf.float32) / training.steps)
            size = tf.shape(batch["frames"])[2:4]
            batch = jittered(batch, random_displacements(seeds, self.num_frames, size, pixels))
        frames = batch["frames"]
        annotation = encode_label_map(batch["label_maps"][:, 0], self.spec)
        noise = per_example_normal(seeds, [self.motion.latent_dim], MOTION_STREAM)
        inputs = {"frames": frames, "annotation": annotation, "noise": noise}
        inputs |= {name: batch[name] for name in ("displacements", "fits") if name in batch}
        with tf.GradientTape() as tape:
            outputs = self.motion(inputs, training=True)
            terms = self._terms(batch, outputs, step)
            if self._adversary is not None:
                generated = tf.concat([frames[:, :1], outputs["frames"]], axis=1)
                terms["video_adversarial"] = self._adversary.generator_term(generated, annotation)
            loss = per_replica(sum(terms.values()))
        variables = self.motion.trainable_variables
        gradients, norm = clip_by_global_norm(tape.gradient(loss, variables), training.clip_norm)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        if self._adversary is not None:
            terms["discriminator"] = self._adversary.train_step(frames, generated, annotation)
        return {name: per_replica(term) for name, term in {**terms, "gradient_norm": norm}.items()}

    def fit_sampling_prior(self, make_batches) -> None:
        """After training: encodes the first training clips and fits what seeds sample from, memory or Gaussian.

        Args:
          make_batches: start_step -> tf.data.Dataset of batches without end.
        """
        memory, aggregated = self.motion.memory, self.motion.aggregated
        wanted = PRIOR_CLIPS if memory is None else memory.size
        print(f"looking at the motions of {wanted} training clips ...", flush=True)

        @tf.function
        def encode_batch(frames, label_map):
            annotation = encode_label_map(label_map, self.spec)
            found = self.motion.encode(frames, annotation)
            keys = tf.zeros([len(frames), 0]) if memory is None else memory.describe(annotation)
            return keys, found.mean(), found.variance()

        parts, count = [], 0
        for batch in make_batches(0):
            parts.append(encode_batch(batch["frames"], batch["label_maps"][:, 0]))
            count += len(batch["frames"])
            if count >= wanted:
                break
        keys, means, variances = (np.concatenate(part)[:wanted] for part in zip(*parts, strict=True))
        if memory is not None:
            memory.remember(keys, means)
        else:
            aggregated.fit(means, variances)

    def _terms(self, batch, outputs, step):
        """{name: weighted loss}; the loss is their sum."""
        weights, frames = self.config.losses, batch["frames"]
        start, future = frames[:, 0], frames[:, 1:]
        future_annotation = encode_label_map(batch["label_maps"][:, 1:], self.spec)
        flow, flow_backward = outputs["flow"], outputs["flow_backward"]
        visibility, visibility_backward = outputs["visibility"], outputs["visibility_backward"]
        starts = tf.repeat(start[:, None], self.num_frames, axis=1)
        back_warped = tf.reshape(
            warp(fold_time(future), -fold_time(flow_backward), method=self.config.model.warp), tf.shape(future)
        )
        terms = {
            "refined_l1": weights.refined_l1_weight * l1(future, outputs["frames"]),
            "warped_l1": weights.warped_l1_weight
            * (masked_l1(future, outputs["warped"], visibility) + masked_l1(starts, back_warped, visibility_backward)),
            "photometric": weights.photometric_weight * photometric(future, outputs["frames"]),
            "smoothness": weights.smoothness_weight * (smoothness(flow, future) + smoothness(flow_backward, start)),
            "cycle": weights.cycle_weight
            * cycle_consistency(flow, flow_backward, visibility, visibility_backward, self.config.model.warp),
            "visibility": weights.visibility_weight
            * (occlusion_penalty(visibility) + occlusion_penalty(visibility_backward)),
            "structure": weights.structure_weight * structure(future_annotation, outputs["annotations"], visibility),
            "kl": weights.kl_weight
            * kl_warmup_factor(step, weights.kl_warmup_steps)
            * kl_per_clip(outputs["kl"], weights.free_bits),
        }
        if self.config.model.visible:
            terms["visibility_consistency"] = weights.visibility_consistency_weight * self._inconsistency(outputs)
        terms |= self._supervised_terms(batch, outputs)
        if self._features:
            real = self._features(fold_time(future))
            distance = sum(feature_distance(real, self._features(fold_time(outputs[k]))) for k in ("warped", "frames"))
            terms["perceptual"] = weights.perceptual_weight * distance
        return terms

    def _supervised_terms(self, batch, outputs):
        """{name: weighted loss} of what rendered clips know exactly: flow and visibility."""
        weights, terms = self.config.losses, {}
        if weights.flow_weight:
            flow, flow_backward = batch["flow"], batch["flow_backward"]
            terms["flow"] = weights.flow_weight * (
                # Occluded pixels count, too: else a wrong flow that agrees with itself would make them look visible.
                flow_error(flow, outputs["flow"], in_frame_mask(flow))
                + flow_error(flow_backward, outputs["flow_backward"], in_frame_mask(-flow_backward))
            )
        if weights.occlusion_weight:
            both = [(batch[name], outputs[name]) for name in ("visibility", "visibility_backward")]
            terms["occlusion"] = weights.occlusion_weight * sum(
                visibility_cross_entropy(*pair) + occlusion_mismatch(*pair) for pair in both
            )
        return terms

    def _inconsistency(self, outputs):
        consistent = consistent_visibility(
            fold_time(outputs["flow"]), fold_time(outputs["flow_backward"]), self.config.model.warp
        )
        predicted = fold_time(outputs["visibility"]), fold_time(outputs["visibility_backward"])
        return sum(visibility_cross_entropy(*pair) for pair in zip(consistent, predicted, strict=True))

    def samples(self, batch: dict) -> list[list[tf.Tensor]]:
        """Rows of pictures float32 [H,W,3] in [-1,1]: per clip the real frames, and below them its posterior mean."""
        annotation = encode_label_map(batch["label_maps"][:, 0], self.spec)
        noise = tf.zeros([tf.shape(annotation)[0], self.motion.latent_dim])
        outputs = self.motion({"frames": batch["frames"], "annotation": annotation, "noise": noise})
        rows = []
        for real, predicted in zip(batch["frames"], outputs["frames"], strict=True):
            rows.append(list(real))
            rows.append([real[0], *predicted])
        return rows
