"""Temporal consistency: how much of a frame the frame before it, warped along a flow, does not explain.

Source of the form: Lai et al., "Learning Blind Video Temporal Consistency" (ECCV 2018), equation 11: the mean squared
difference on pixels that are not occluded, values in [0, 1]. Which flow decides what the number means:

* the model's own: 0 where the refiner leaves warped pixels alone; it tells whether frames keep to the flow;
* one measured on the video itself (external_flow.py): flicker and tearing. A still picture has none, so it says
  nothing without how much the video moves;
* one measured on the real clip: whether the video moves as the real one does. A still picture has what the real clip
  moves.
"""

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.warp import dense_image_warp


def warp_error(source: np.ndarray, target: np.ndarray, flow: np.ndarray, visibility: np.ndarray) -> float:
    """Mean over frames of the mean squared difference of a frame and its warped source, on visible pixels.

    Args:
      source: uint8 [N,H,W,3], the frame that each target frame is explained by.
      target: uint8 [N,H,W,3].
      flow: float [N,H,W,2], (dy, dx) in pixels: source(p - flow(p)) is held against target(p).
      visibility: [N,H,W,1], counted where at least 0.5.

    Returns:
      The error of values in [0, 1]; NaN where nothing is visible in any frame. A frame in which nothing is visible does
      not count.
    """
    warped = dense_image_warp(tf.constant(source, tf.float32), tf.constant(flow, tf.float32)).numpy()
    squared = np.square((warped - target.astype(np.float32)) / 255.0).mean(axis=-1)
    seen = visibility[..., 0] >= 0.5
    counts = seen.sum(axis=(1, 2))
    sums = np.where(seen, squared, 0.0).sum(axis=(1, 2), dtype=np.float64)
    return float(np.mean(sums[counts > 0] / counts[counts > 0])) if counts.any() else float("nan")
