"""The KL term of motion and style, and motion's warm-up.

The divergence itself comes from TFP, per latent dimension (models/latent.py); here it becomes nats per clip:
summed over the latent, averaged over the batch, so that its weight depends on neither the batch nor the device count.
"""

import tensorflow as tf


def kl_per_clip(kl: tf.Tensor, free_bits: float = 0.0) -> tf.Tensor:
    """KL of the posterior from the prior, nats per clip.

    Args:
      kl: float [B, Z], per latent dimension.
      free_bits: nats that each dimension of each example may use free of charge: max(KL, free_bits) is summed, as in
        Kingma et al., 2016, but example by example, so that two replicas agree with one.

    Returns:
      float32 scalar, at least Z * free_bits.
    """
    kl = tf.cast(kl, tf.float32)
    return tf.reduce_mean(tf.reduce_sum(tf.maximum(kl, free_bits) if free_bits else kl, axis=-1))


def kl_warmup_factor(step: tf.Tensor, warmup_steps: int) -> tf.Tensor:
    """The KL weight's factor: rises linearly from 0 at step 0 to 1 at ``warmup_steps``, and stays.

    Args:
      step: integer scalar, tensor or variable.
      warmup_steps: 0 = no warm-up, the factor is always 1.

    Returns:
      float32 scalar in [0, 1].
    """
    return tf.minimum(tf.cast(step, tf.float32) / max(warmup_steps, 1), 1.0) if warmup_steps else tf.constant(1.0)
