"""Random brightness, saturation and contrast, differentiable: what a discriminator of few pictures sees of them.

A discriminator that has seen few scenes knows them by heart and takes every other one for fake. Where real and
generated frames both pass through random recolouring first, it cannot go by their exact colours, and the generator
still learns the true ones. Source: Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training" (NeurIPS
2020), its colour part.
"""

import tensorflow as tf


def recolour(frame: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Frames in other colours.

    Args:
      frame: float [B,H,W,3].
      draws: float [B,3] in [-1,1]: the shift of brightness, by half of it; how much stronger (1: twice) or weaker (-1:
        not at all) colours are beside grey; the same for the contrast, at half the strength. 0 changes nothing.

    Returns:
      float32 [B,H,W,3], not clipped.
    """
    frame, draws = tf.cast(frame, tf.float32), tf.cast(draws, tf.float32)
    brightness, saturation, contrast = tf.split(draws[:, None, None], 3, axis=-1)
    frame = frame + 0.5 * brightness
    grey = tf.reduce_mean(frame, axis=-1, keepdims=True)
    frame = grey + (1.0 + saturation) * (frame - grey)
    level = tf.reduce_mean(frame, axis=[1, 2, 3], keepdims=True)
    return level + (1.0 + 0.5 * contrast) * (frame - level)
