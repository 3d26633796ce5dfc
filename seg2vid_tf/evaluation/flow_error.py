"""Errors of flow and visibility against exact ones."""

import numpy as np


def endpoint_error(target: np.ndarray, prediction: np.ndarray, visibility: np.ndarray) -> float:
    """Mean length of the difference of two flows on visible pixels, in pixels (EPE).

    Args:
      target: float [...,2], (dy, dx) in pixels.
      prediction: float [...,2].
      visibility: [...,1] of zeros and ones; NaN comes out where nothing is visible.
    """
    length = np.linalg.norm(target.astype(np.float64) - prediction, axis=-1)
    weight = visibility[..., 0].astype(np.float64)
    return float(np.sum(length * weight) / np.sum(weight)) if weight.any() else float("nan")


def fl_all(target: np.ndarray, prediction: np.ndarray, visibility: np.ndarray) -> float:
    """Share of the visible pixels whose flow is wrong, by more than 3 pixels and more than 5 % of its length (Fl-all).

    Source: Menze and Geiger, "Object Scene Flow for Autonomous Vehicles" (CVPR 2015), KITTI 2015's outliers. Arguments
    as of ``endpoint_error``.
    """
    error = np.linalg.norm(target.astype(np.float64) - prediction, axis=-1)
    wrong = (error > 3.0) & (error > 0.05 * np.linalg.norm(target.astype(np.float64), axis=-1))
    weight = visibility[..., 0].astype(np.float64)
    return float(np.sum(wrong * weight) / np.sum(weight)) if weight.any() else float("nan")


def occlusion_f1(target: np.ndarray, prediction: np.ndarray) -> float:
    """F1 score of the occluded pixels: the harmonic mean of precision and recall.

    Args:
      target: visibility [...,1] of zeros (occluded) and ones.
      prediction: visibility in [0, 1], occluded below 0.5; NaN comes out where neither holds an occluded pixel.
    """
    occluded, found = target < 0.5, prediction < 0.5
    total = np.sum(occluded) + np.sum(found)
    return float(2 * np.sum(occluded & found) / total) if total else float("nan")
