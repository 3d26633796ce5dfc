"""Sketches: the edges of a frame as a label map of paper and lines.

Canny's detector: where brightness, smoothed, changes most across an edge, kept if it changes much, or somewhat and in
touch with what changes much. Source: Canny, "A computational approach to edge detection" (PAMI 1986). Written here,
as OpenCV, which has one, comes with the extra ``eval`` alone.
"""

import numpy as np
from PIL import Image, ImageFilter

PAPER, LINE = 0, 1


def draw_edges(frame: np.ndarray, *, blur: float = 1.0, low: float = 8.0, high: float = 20.0) -> np.ndarray:
    """The edges of a frame.

    Args:
      frame: uint8 [H, W, 3], at least 2 x 2.
      blur: standard deviation of the Gaussian before, in pixels.
      low, high: grey levels per pixel that a weak and a strong edge change by, 0 < low <= high.

    Returns:
      uint8 [H, W] of PAPER and LINE.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or min(frame.shape[:2]) < 2:
        raise ValueError(f"frame must be uint8 [H, W, 3] of 2 x 2 or more, received {frame.dtype} {frame.shape}")
    if not (0 < low <= high and blur >= 0):
        raise ValueError(f"expected 0 < low <= high and blur >= 0, received {low}, {high}, {blur}")
    grey = np.asarray(Image.fromarray(frame).convert("L").filter(ImageFilter.GaussianBlur(blur)), np.float32)
    dy, dx = np.gradient(grey)
    strength = np.hypot(dy, dx)
    edges = (strength >= low) & _is_ridge(strength, dy, dx)
    strong = edges & (strength >= high)
    while True:
        grown = edges & _touching(strong)
        if (grown == strong).all():
            return np.where(grown, LINE, PAPER).astype(np.uint8)
        strong = grown


def _is_ridge(strength, dy, dx):
    """Where the strength is no smaller than on both sides across the edge, to the nearest of four directions."""
    wide = np.pad(strength, 1)
    height, width = strength.shape
    sector = np.rint(np.arctan2(dy, dx) / (np.pi / 4)).astype(int) % 4
    ridge = np.zeros_like(strength, bool)
    for number, (y, x) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = wide[1 + y : 1 + y + height, 1 + x : 1 + x + width]
        behind = wide[1 - y : 1 - y + height, 1 - x : 1 - x + width]
        # Of two equal neighbours one is the ridge.
        ridge |= (sector == number) & (strength >= ahead) & (strength > behind)
    return ridge


def _touching(mask):
    wide = np.pad(mask, 1)
    height, width = mask.shape
    return np.any([wide[y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0)
