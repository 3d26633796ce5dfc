"""Exponential moving average of a network's weights: what samples are drawn with and what is exported.

    average_0 = weights_0,   average_t = d_t average_(t-1) + (1 - d_t) weights_t,   d_t = min(decay, t / (t + 9))

The decay starts low, so that the average soon forgets the random weights that training starts from.
"""

import tensorflow as tf

from seg2vid_tf.compat import raw_variables


def copy_weights(source, target) -> None:
    """Gives a network the weights of another of the same config."""
    for old, new in zip(raw_variables(target), raw_variables(source), strict=True):
        old.assign(new)


def update_average(average, network, decay: float, step: tf.Tensor) -> None:
    """One update, from inside a replica's step, after the optimizer's.

    Args:
      average: network that holds the average.
      network: the one in training, of the same config.
      decay: in [0, 1).
      step: int64 scalar, t - 1.
    """
    update_variables(raw_variables(average), raw_variables(network), moving_decay(decay, step))


def moving_decay(decay: float, step: tf.Tensor) -> tf.Tensor:
    """d_t of the module's formula; ``step`` is t - 1."""
    taken = tf.cast(step, tf.float32) + 1.0
    return tf.minimum(tf.constant(decay, tf.float32), taken / (taken + 9.0))


def update_variables(averages, values, decay: tf.Tensor) -> None:
    """average <- decay average + (1 - decay) value for each pair, from inside a replica's step.

    Args:
      averages: variables.
      values: variables or tensors, the same on every replica.
      decay: float32 scalar.
    """

    def moved(old, new):
        return old.assign(decay * old + (1.0 - decay) * new)

    def update(strategy, values):
        for old, new in zip(averages, values, strict=True):
            strategy.extended.update(old, moved, args=(new,))

    # A mirrored variable may not be assigned to by one replica.
    tf.distribute.get_replica_context().merge_call(update, args=(values,))
