"""Exact flow and visibility of synthetic_street between two rasterised instants.

A surface is a plane in its own frame, so all of its points move between two instants by one homography, in float64. A
point is **visible** in the other picture when its exact place there lies inside the image and the pixel nearest to it
shows the same surface, or one that is joined to it there: of the same rigid body, at the point's own depth within
``JOINT``. So occluded means hidden; a pixel at a silhouette is visible although a bilinear sample there reads a part of
what lies behind.
"""

import numpy as np

from seg2vid_tf.data.synthetic_street.camera import product
from seg2vid_tf.data.synthetic_street.raster import NEAR, Buffers

# Positions are rounded to this grid, so that what stands still moves by exactly zero; far below the flow's own float32.
GRID = 65536.0
# Points beside or behind the camera have no place in the other image; their flow is bounded by this many heights plus
# widths.
FARTHEST = 4.0
JOINT = 0.03


def displacement(source: Buffers, target: Buffers) -> tuple[np.ndarray, np.ndarray]:
    """Where every pixel of one picture goes in another.

    Args:
      source, target: the same scene at two instants.

    Returns:
      (float32 [H, W, 2] of (dy, dx) in pixels, place in target minus place in source; float32 [H, W, 1] of visibility).
    """
    height, width = source.surface.shape
    matrices = product(target.to_image, source.from_image).reshape(-1, 9).T
    # Planes seen edge-on show no pixel; their infinities must not raise warnings.
    matrices = np.where(np.isfinite(matrices), matrices, 0.0)
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]

    def row(k):
        value = matrices[3 * k].take(source.surface)
        value *= x
        other = matrices[3 * k + 1].take(source.surface)
        other *= y
        value += other
        value += matrices[3 * k + 2].take(source.surface)
        return value

    # The third row is the ratio of the depths; the point is in front of the camera where its new depth is positive.
    ratio = row(2)
    least = np.float32(NEAR) * source.inverse_depth
    in_front = ratio > least
    np.maximum(ratio, np.maximum(least, 1e-3), out=ratio)
    bound = FARTHEST * (height + width)
    flow = np.empty((height, width, 2), np.float32)
    places = []
    for axis, origin in ((1, y), (0, x)):
        step = row(axis)
        step /= ratio
        step -= origin
        step *= GRID
        np.rint(step, out=step)
        step *= 1 / GRID
        np.clip(step, -bound, bound, out=step)
        flow[..., 1 - axis] = step
        step += origin
        places.append(step)
    return flow, _visibility(source, target, places, in_front, ratio)


def _visibility(source, target, places, in_front, ratio):
    """float32 [H, W, 1], 1 where a point is seen in both pictures.

    Args:
      source, target: as ``displacement`` takes them.
      places: float64 [H, W] each, y and x where the pixels' points are in the target.
      in_front: bool [H, W], whether they are before its camera.
      ratio: float64 [H, W], their depth there over their depth here.
    """
    height, width = source.surface.shape
    place_y, place_x = places
    visible = in_front & (place_y >= 0) & (place_y <= height - 1) & (place_x >= 0) & (place_x <= width - 1)

    nearest_y = np.clip(np.rint(place_y), 0, height - 1).astype(np.int64)
    nearest_x = np.clip(np.rint(place_x), 0, width - 1).astype(np.int64)
    nearest = (nearest_y * width + nearest_x).ravel()
    visible, owner = visible.ravel(), source.surface.ravel()
    shown = target.surface.ravel().take(nearest)
    # The few that meet another surface there: is it joined to the point's own?
    mixed = np.flatnonzero(visible & (shown != owner))
    depth = (source.inverse_depth.ravel().take(mixed) / ratio.ravel().take(mixed)).astype(np.float32)
    joined = source.body.take(shown.take(mixed)) == source.body.take(owner.take(mixed))
    joined &= np.abs(target.inverse_depth.ravel().take(nearest.take(mixed)) - depth) <= np.float32(JOINT) * depth
    visible[mixed] = joined
    return visible.astype(np.float32).reshape(height, width, 1)
