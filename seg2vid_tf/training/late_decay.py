"""A learning rate that grows from 0 at a run's start, where asked for, and falls linearly to 0 at its end.

At a constant rate each step undoes part of the one before: in the noise of small batches, and more so while two
networks play against each other, where an average of the weights is blunter than any of them. As the steps become
smaller, the weights and their average meet. Source of the form: pix2pixHD and SPADE, which let the second half of their
epochs decay.
"""

import keras
import tensorflow as tf


class LateDecay(keras.optimizers.schedules.LearningRateSchedule):
    """The rate of step k (from 0) of a run.

    Args:
      rate: until the decay begins.
      steps: of the whole run.
      decay: share of the steps, at the end, over which the rate falls; 0: it stays as it is.
      warmup_steps: over which it grows; the rate of the k-th of them (from 0) is (k + 1) / warmup_steps of ``rate``.
      start: the step with which these begin; the rate is 0 before.
    """

    def __init__(self, rate: float, steps: int, decay: float, warmup_steps: int = 0, start: int = 0):
        super().__init__()
        self.rate = rate
        self.steps = steps
        self.decay = decay
        self.warmup_steps = warmup_steps
        self.start = start

    def get_config(self):
        return {
            "rate": self.rate,
            "steps": self.steps,
            "decay": self.decay,
            "warmup_steps": self.warmup_steps,
            "start": self.start,
        }

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        falling = tf.clip_by_value((float(self.steps) - step) / max(self.decay * self.steps, 1.0), 0.0, 1.0)
        growing = tf.maximum(step + 1.0 - self.start, 0.0) / max(self.warmup_steps, 1)
        return self.rate * tf.minimum(falling, growing)
