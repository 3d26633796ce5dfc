"""The video discriminator and what it adds to both losses of stage 2: the hinge on whole refined clips."""

import keras
import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import MotionConfig
from seg2vid_tf.losses.adversarial import discriminator_hinge, generator_hinge
from seg2vid_tf.models.build import build_video_discriminator
from seg2vid_tf.training.late_decay import LateDecay
from seg2vid_tf.training.replicas import per_replica


class VideoAdversary:
    """Patch discriminators on clips, with their optimizer.

    A clip is judged at once, all its frames as channels beside the annotation of frame 0: what no single frame shows,
    that things jump or flicker, shows there.

    Attributes:
      discriminator, optimizer: what a checkpoint holds.
    """

    def __init__(self, config: MotionConfig, spec: AnnotationSpec):
        self.discriminator = build_video_discriminator(config.model, spec)
        training = config.training
        rate = LateDecay(training.discriminator_learning_rate, training.steps, training.decay)
        self.optimizer = keras.optimizers.Adam(rate, 0.0, 0.99)
        self.optimizer.build(self.discriminator.trainable_variables)
        self._weight = config.losses.video_adversarial_weight

    def generator_term(self, frames: tf.Tensor, annotation: tf.Tensor) -> tf.Tensor:
        """Weighted loss term of generated clips, float [B,T+1,H,W,3], beside annotation [B,H,W,K]."""
        logits = self.discriminator({"frame": _as_channels(frames), "annotation": annotation})["logits"]
        return self._weight * generator_hinge(logits)

    def train_step(self, real: tf.Tensor, fake: tf.Tensor, annotation: tf.Tensor) -> tf.Tensor:
        """One step of the discriminator on this replica's clips, [B,T+1,H,W,3] each; its loss."""
        clips = _as_channels(tf.concat([real, tf.stop_gradient(fake)], axis=0))
        with tf.GradientTape() as tape:
            inputs = {"frame": clips, "annotation": tf.concat([annotation, annotation], axis=0)}
            judged = [tf.split(logits, 2, axis=0) for logits in self.discriminator(inputs, training=True)["logits"]]
            loss = discriminator_hinge(*(list(half) for half in zip(*judged, strict=True)))
            share = per_replica(loss)
        variables = self.discriminator.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(share, variables), variables, strict=True))
        return loss


def _as_channels(frames):
    """[B,T,H,W,3] -> [B,H,W,3T]."""
    return tf.concat(tf.unstack(frames, axis=1), axis=-1)
