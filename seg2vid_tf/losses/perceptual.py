"""Perceptual distance: L1 between the feature maps of two images in a fixed network.

The maps come from ``ops.feature_network.load_feature_network``, float [N, h, w, c], one per layer.
"""

import tensorflow as tf


def feature_distance(target_features: list, prediction_features: list) -> tf.Tensor:
    """L1 between feature maps, averaged within each layer, then over the layers.

    Args:
      target_features, prediction_features: lists of float feature maps, as a network returns them.

    Returns:
      float32 scalar.

    Raises:
      ValueError: the lists are empty or differ in length.
    """
    if not target_features or len(target_features) != len(prediction_features):
        raise ValueError(
            "target and prediction need the same non-empty list of layers, received "
            f"{len(target_features)} and {len(prediction_features)}"
        )
    layers = [
        tf.reduce_mean(tf.abs(tf.cast(target, tf.float32) - tf.cast(prediction, tf.float32)))
        for target, prediction in zip(target_features, prediction_features, strict=True)
    ]
    return tf.add_n(layers) / len(layers)


def feature_angle(target_features: list, prediction_features: list) -> tf.Tensor:
    """1 - cosine of the angle between feature vectors at the same place, averaged within each layer, then over those.

    Unlike a difference it does not grow with an image's contrast.

    Args:
      target_features, prediction_features: lists of float feature maps of values >= 0, as a network returns them.

    Returns:
      float32 [N] in [0,1]; 0 where both are all 0.
    """
    layers = []
    for target, prediction in zip(target_features, prediction_features, strict=True):
        target, prediction = tf.cast(target, tf.float32), tf.cast(prediction, tf.float32)
        lengths = tf.reduce_sum(target**2, axis=-1) * tf.reduce_sum(prediction**2, axis=-1)
        cosine = tf.reduce_sum(target * prediction, axis=-1) * tf.math.rsqrt(lengths + 1e-12)
        layers.append(tf.reduce_mean(tf.where(lengths > 1e-10, 1.0 - cosine, 0.0), axis=[1, 2]))
    return tf.add_n(layers) / len(layers)
