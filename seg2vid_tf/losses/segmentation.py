"""Losses of the segmentation discriminator: K + 1 classes per pixel, balanced, and LabelMix.

Logits are float32 [B,H,W,K+1]: the spec's K classes, then "fake". Targets are one-hot [B,H,W,K]; an ignored pixel has
no class and takes no part in the terms that ask for one.
Source: Sushko et al. (OASIS, ICLR 2021), equations 1 to 4.
"""

import tensorflow as tf


def class_balance(pixel_counts: tf.Tensor, power: float = 1.0) -> tf.Tensor:
    """Weights that count the pixels of rare classes up.

    Args:
      pixel_counts: float [K], labelled pixels of each class in the global batch.
      power: 1: every class that occurs counts the same, however few its pixels; 0: every pixel does. Between, a class
        counts as its pixels to the power of 1 - ``power``, which trusts rare classes less where maps are imprecise.

    Returns:
      float32 [K], proportional to counts ** -power; 0 for a class that does not occur. Their mean over the labelled
      pixels is 1.
    """
    counts = tf.cast(pixel_counts, tf.float32)
    weights = tf.where(counts > 0, tf.maximum(counts, 1.0) ** -power, 0.0)
    return weights * tf.math.divide_no_nan(tf.reduce_sum(counts), tf.reduce_sum(weights * counts))


def class_cross_entropy(logits: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """-log of the probability that each pixel is given to be its class (and so not fake).

    Args:
      logits: float32 [B,H,W,K+1].
      target: float [B,H,W,K], one-hot, times ``class_balance`` where classes are to count the same.

    Returns:
      float32 scalar, the mean over all pixels.
    """
    log_probabilities = tf.nn.log_softmax(tf.cast(logits, tf.float32))[..., :-1]
    return -tf.reduce_mean(tf.reduce_sum(target * log_probabilities, axis=-1))


def fake_cross_entropy(logits: tf.Tensor) -> tf.Tensor:
    """-log of the probability that each pixel is given to be fake: float32 [B,H,W,K+1] -> scalar, the mean."""
    return -tf.reduce_mean(tf.nn.log_softmax(tf.cast(logits, tf.float32))[..., -1])


def labelmix_mask(target: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """A mask that keeps class regions whole: each class of each example falls on one side.

    Args:
      target: float [B,H,W,K], one-hot.
      draws: float [B,K], one per class and example, of a distribution symmetric around 0.

    Returns:
      float32 [B,H,W,1]: 1 where the pixel's class drew more than 0, else 0; 0 at ignored pixels.
    """
    chosen = tf.cast(draws > 0, tf.float32)[:, None, None, :]
    return tf.reduce_sum(tf.cast(target, tf.float32) * chosen, axis=-1, keepdims=True)


def labelmix(mask: tf.Tensor, inside: tf.Tensor, outside: tf.Tensor) -> tf.Tensor:
    """``inside`` where the mask [B,H,W,1] is 1, ``outside`` where it is 0; [B,H,W,C] each."""
    return mask * inside + (1.0 - mask) * outside


def labelmix_consistency(logits_of_mixed: tf.Tensor, mixture_of_logits: tf.Tensor) -> tf.Tensor:
    """Mean squared difference of the logits of a mixed picture and the mixture of the logits; [B,H,W,K+1] each."""
    return tf.reduce_mean(tf.math.squared_difference(logits_of_mixed, mixture_of_logits))
