"""Structural similarity of frames: SSIM and MS-SSIM, by TensorFlow's implementation.

SSIM: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity" (2004): a Gaussian window
of 11 pixels and sigma 1.5 that lies whole inside the picture, constants 0.01 and 0.03, peak 255, each channel on its
own, then their mean. MS-SSIM: Wang et al., "Multi-Scale Structural Similarity for Image Quality Assessment" (2003):
five scales with the paper's weights, halved by 2x2 means; a negative similarity of a scale counts as 0.
"""

import numpy as np
import tensorflow as tf

_WINDOW = 11
_SCALES = 5
# The coarsest scale must hold a window.
MS_SSIM_MIN_SIDE = (_WINDOW - 1) * 2 ** (_SCALES - 1) + 1


def ssim(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """SSIM of each frame, 1 where they are equal.

    Args:
      target: uint8 [...,H,W,3], both sides at least 11.
      prediction: uint8 of the same shape.

    Returns:
      float32 [...].

    Raises:
      ValueError: not uint8, of different shapes, or too small.
    """
    return _by_frame(tf.image.ssim, target, prediction, _WINDOW)


def ms_ssim(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """MS-SSIM of each frame; as ``ssim``, with sides of at least 161."""
    return _by_frame(tf.image.ssim_multiscale, target, prediction, MS_SSIM_MIN_SIDE)


def _by_frame(measure, target, prediction, min_side):
    for name, frames in (("target", target), ("prediction", prediction)):
        if frames.dtype != np.uint8 or frames.shape != target.shape:
            raise ValueError(f"{name} must be uint8 {target.shape}, received {frames.dtype} {frames.shape}")
    if target.ndim < 3 or min(target.shape[-3:-1]) < min_side:
        raise ValueError(f"frames must be at least {min_side}x{min_side}, received {target.shape}")
    flat = (-1, *target.shape[-3:])
    return measure(target.reshape(flat), prediction.reshape(flat), 255).numpy().reshape(target.shape[:-3])
