"""A learning rate that falls linearly to 0 at the end of a run.

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
    """

    def __init__(self, rate: float, steps: int, decay: float):
        super().__init__()
        self.rate = rate
        self.steps = steps
        self.decay = decay

    def get_config(self):
        return {"rate": self.rate, "steps": self.steps, "decay": self.decay}

    def __call__(self, step):
        left = float(self.steps) - tf.cast(step, tf.float32)
        return self.rate * tf.clip_by_value(left / max(self.decay * self.steps, 1.0), 0.0, 1.0)
