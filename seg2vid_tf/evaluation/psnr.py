"""Peak signal-to-noise ratio of frames."""

import numpy as np


def psnr(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """PSNR of each frame, in decibels, peak 255, over all pixels and channels.

    Args:
      target: uint8 [...,H,W,3].
      prediction: uint8 of the same shape.

    Returns:
      float64 [...]; infinity where the frames are equal.

    Raises:
      ValueError: not uint8, or of different shapes.
    """
    for name, frames in (("target", target), ("prediction", prediction)):
        if frames.dtype != np.uint8 or frames.shape != target.shape:
            raise ValueError(f"{name} must be uint8 {target.shape}, received {frames.dtype} {frames.shape}")
    error = np.mean(np.square(target.astype(np.float64) - prediction), axis=(-3, -2, -1))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(255.0**2 / error)
