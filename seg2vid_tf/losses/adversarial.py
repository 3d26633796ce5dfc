"""Adversarial losses: hinge (Lim and Ye, 2017; as in SPADE) and feature matching (pix2pixHD).

A multi-scale discriminator gives one logits tensor and one list of feature maps per scale. Logits have any shape and
are unbounded, positive = real. Every scale counts the same, however many positions it has.
"""

import tensorflow as tf


def discriminator_hinge(real_logits: list, fake_logits: list) -> tf.Tensor:
    """mean max(0, 1 - real) + mean max(0, 1 + fake), averaged over the scales; 0 once both are a margin of 1 apart.

    Args:
      real_logits, fake_logits: lists of float tensors, one per scale.

    Returns:
      float32 scalar.

    Raises:
      ValueError: the lists are empty or differ in length.
    """
    _check_lists(real_logits, fake_logits)
    terms = [
        tf.reduce_mean(tf.nn.relu(1.0 - tf.cast(real, tf.float32)))
        + tf.reduce_mean(tf.nn.relu(1.0 + tf.cast(fake, tf.float32)))
        for real, fake in zip(real_logits, fake_logits, strict=True)
    ]
    return tf.add_n(terms) / len(terms)


def generator_hinge(fake_logits: list) -> tf.Tensor:
    """-mean(fake), averaged over the scales. Unbounded below by design: only its gradient matters.

    Args:
      fake_logits: list of float tensors, one per scale.

    Returns:
      float32 scalar.

    Raises:
      ValueError: the list is empty.
    """
    _check_lists(fake_logits, fake_logits)
    return -tf.add_n([tf.reduce_mean(tf.cast(fake, tf.float32)) for fake in fake_logits]) / len(fake_logits)


def feature_matching(real_features: list, fake_features: list) -> tf.Tensor:
    """L1 between the discriminator's feature maps of real and fake, averaged over layers, then over scales.

    Args:
      real_features: per scale a list of float feature maps. No gradient flows to them: they are the target.
      fake_features: the same of the generated images.

    Returns:
      float32 scalar.

    Raises:
      ValueError: the lists are empty or differ in length, outside or inside.
    """
    _check_lists(real_features, fake_features)
    scales = []
    for real_maps, fake_maps in zip(real_features, fake_features, strict=True):
        _check_lists(real_maps, fake_maps)
        layers = [
            tf.reduce_mean(tf.abs(tf.stop_gradient(tf.cast(real, tf.float32)) - tf.cast(fake, tf.float32)))
            for real, fake in zip(real_maps, fake_maps, strict=True)
        ]
        scales.append(tf.add_n(layers) / len(layers))
    return tf.add_n(scales) / len(scales)


def _check_lists(real, fake):
    for name, value in (("real", real), ("fake", fake)):
        if not isinstance(value, list | tuple) or not value:
            # A bare tensor would be iterated over its batch, silently.
            raise ValueError(f"{name}: give a non-empty list with one entry per scale, received {type(value).__name__}")
    if len(real) != len(fake):
        raise ValueError(f"real has {len(real)} entries and fake {len(fake)}: both come from the same discriminator")
