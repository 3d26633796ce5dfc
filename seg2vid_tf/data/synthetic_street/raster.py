"""Which surface every pixel of synthetic_street shows: a depth buffer over planes.

u/d, v/d and 1/d are affine in the image for a plane, so the pixels of every rectangle on every image line are one
interval of x: all surfaces are scanned at once, without a loop over them, and the nearest wins.
"""

import dataclasses

import numpy as np

from seg2vid_tf.data.synthetic_street import camera as cameras
from seg2vid_tf.data.synthetic_street.textures import ATLAS_LEVELS, Atlas, sprite_atlas
from seg2vid_tf.data.synthetic_street.world import GROUND_ROW, SKY_ROW, VIEW_DISTANCE, Scene, poses

NEAR = 0.4


@dataclasses.dataclass(frozen=True)
class Buffers:
    """One rasterised instant.

    Attributes:
      view: the camera.
      to_image, from_image: float64 [S, 3, 3], M and A of every surface (see camera.py).
      entry: int64 [S], place of each surface's sprite, at the level that fits its distance, in the atlas' tables.
      body: int64 [S], the scene's.
      surface: int64 [H, W], row of the surface that the pixel shows.
      u, v: float32 [H, W], its coordinates on that surface.
      inverse_depth: float32 [H, W], 1 / metres; 0 for the sky.
    """

    view: cameras.View
    to_image: np.ndarray
    from_image: np.ndarray
    entry: np.ndarray
    body: np.ndarray
    surface: np.ndarray
    u: np.ndarray
    v: np.ndarray
    inverse_depth: np.ndarray


def _bounds(to_image: np.ndarray, height: int, width: int):
    """Bounding boxes of all rectangles, cut off at the near plane.

    Returns:
      (int64 [S, 4] rows y0, y1 and columns x0, x1 (half open, empty when out of sight), float64 [S] least depth).
    """
    u = np.array([0.0, 1.0, 1.0, 0.0])
    v = np.array([0.0, 0.0, 1.0, 1.0])
    corners = to_image[:, None, :, 0] * u[:, None] + to_image[:, None, :, 1] * v[:, None] + to_image[:, None, :, 2]
    depth = corners[..., 2]
    following = np.roll(corners, -1, axis=1)
    # Where an edge pierces the near plane, that point replaces the corner behind it.
    step = following[..., 2] - depth
    pierces = (depth < NEAR) != (following[..., 2] < NEAR)
    share = np.where(pierces, (NEAR - depth) / np.where(step == 0, 1.0, step), 0.0)
    points = np.concatenate([corners, corners + share[..., None] * (following - corners)], axis=1)
    seen = np.concatenate([depth >= NEAR, pierces], axis=1)
    scale = np.where(seen, points[..., 2], 1.0)
    x, y = points[..., 0] / scale, points[..., 1] / scale
    limits = [
        np.clip(np.ceil(np.where(seen, y, np.inf).min(1)), 0, height),
        np.clip(np.floor(np.where(seen, y, -np.inf).max(1)) + 1, 0, height),
        np.clip(np.ceil(np.where(seen, x, np.inf).min(1)), 0, width),
        np.clip(np.floor(np.where(seen, x, -np.inf).max(1)) + 1, 0, width),
    ]
    return np.stack(limits, -1).astype(np.int64), np.maximum(depth.min(1), NEAR)


def _fill_backdrop(view, from_image, height, width, surface, nearest, us, vs):
    """Sky above the horizon, ground below it, into the flat buffers."""
    x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    top = min(max(int(np.floor(view.center_y)) + 1, 0), height)
    for row, lines in ((SKY_ROW, slice(0, top)), (GROUND_ROW, slice(top, height))):
        u, v, w = (
            from_image[row, k, 0] * x + (from_image[row, k, 1] * y[lines] + from_image[row, k, 2]) for k in range(3)
        )
        pixels = slice(lines.start * width, lines.stop * width)
        us[pixels] = (u / w).ravel()
        vs[pixels] = (v / w).ravel()
        if row == GROUND_ROW:
            nearest[pixels] = w.ravel()
            surface[pixels] = GROUND_ROW


def _spread(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(owner, place) of sum(counts) items: which group each belongs to and its place in it, 0 first."""
    owner = np.repeat(np.arange(counts.size), counts)
    place = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, place


def _scan(from_image: np.ndarray, boxes: np.ndarray, rows: np.ndarray, width: int):
    """Every pixel of every wanted rectangle, line by line.

    On one line u/d, v/d and 1/d are affine in x, so the rectangle's five conditions 0 <= u <= 1, 0 <= v <= 1, d > 0 are
    bounds on x.

    Args:
      from_image: float64 [S, 3, 3].
      boxes: int64 [n, 4], pixels to look at for each of ``rows``.
      rows: int64 [n].
      width: of the image.

    Returns:
      (surface row int64, flat pixel int64, u, v, 1/d float64), each [N].
    """
    owner, place = _spread(boxes[:, 1] - boxes[:, 0])
    row, y = rows.take(owner), boxes[:, 0].take(owner) + place
    a = from_image.reshape(-1, 9)
    slope = [a[:, 3 * k].take(row) for k in range(3)]
    start = [a[:, 3 * k + 1].take(row) * y + a[:, 3 * k + 2].take(row) for k in range(3)]
    low, high = boxes[:, 2].take(owner).astype(np.float64), boxes[:, 3].take(owner) - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        for gain, at_zero in (
            (slope[0], start[0]),
            (slope[1], start[1]),
            (slope[2] - slope[0], start[2] - start[0]),
            (slope[2] - slope[1], start[2] - start[1]),
            (slope[2], start[2]),
        ):
            # at_zero + gain * x >= 0. Adding 0.0 turns -0.0 into 0.0; a condition without x then bounds low by -inf
            # where it holds and by inf where it does not.
            gain = gain + 0.0
            bound = -at_zero / gain
            rising = gain >= 0
            low = np.fmax(low, np.where(rising, bound, -np.inf))
            high = np.fmin(high, np.where(rising, np.inf, bound))
        low, high = np.ceil(low), np.floor(high)
        count = np.where(high >= low, high - low + 1, 0).astype(np.int64)
        low[count == 0] = 0
    line, place = _spread(count)
    first = low.astype(np.int64)
    x = first.take(line) + place
    u, v, w = (slope[k].take(line) * x + start[k].take(line) for k in range(3))
    pixel = (y * width).take(line) + x
    return row.take(line), pixel, u / w, v / w, w


def _covered(atlas: Atlas, place: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Whether each point belongs to the silhouette of the sprite level at ``place`` in the atlas' tables, bool [N]."""
    height, width = atlas.height.take(place), atlas.width.take(place)
    index = np.clip((v * height).astype(np.int64), 0, height - 1) * width
    index += np.clip((u * width).astype(np.int64), 0, width - 1)
    index += atlas.offset.take(place)
    return atlas.covered.take(index)


def rasterise(scene: Scene, view: cameras.View, time: float, height: int, width: int) -> Buffers:
    """The surfaces seen at ``time`` seconds."""
    origin, edge_u, edge_v = poses(scene, time)
    eye = np.array([view.x, cameras.HEIGHT, view.z])
    relative = origin - eye
    relative[SKY_ROW] = (0.0, 0.0, 1.0)
    to_image = cameras.plane_to_image(view, relative, edge_u, edge_v)
    from_image = cameras.inverse(to_image)
    toward = -(scene.normal * relative).sum(-1)
    wanted = (toward > 0) | (scene.normal == 0).all(-1)
    wanted[[SKY_ROW, GROUND_ROW]] = False
    wanted = np.flatnonzero(wanted)
    boxes, least_depth = _bounds(to_image[wanted], height, width)
    kept = (least_depth < VIEW_DISTANCE) & (boxes[:, 1] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 2])
    wanted, boxes, least_depth = wanted[kept], boxes[kept], least_depth[kept]

    atlas = sprite_atlas()
    entry = np.maximum(scene.sprite, 0) * ATLAS_LEVELS
    texels_per_metre = atlas.height.take(entry[wanted]) / scene.size[wanted, 1].astype(np.float64)
    level = np.frexp(texels_per_metre * least_depth / view.focal)[1]
    entry[wanted] += np.clip(level, 0, ATLAS_LEVELS - 1)

    surface = np.full(height * width, SKY_ROW, np.int64)
    nearest = np.zeros(height * width, np.float64)
    us, vs = np.empty(height * width, np.float32), np.empty(height * width, np.float32)
    _fill_backdrop(view, from_image, height, width, surface, nearest, us, vs)

    row, pixel, u, v, w = _scan(from_image, boxes, wanted, width)
    cut = np.flatnonzero(scene.cutout.take(row))
    # Holes of a silhouette go behind everything.
    w[cut[~_covered(atlas, entry.take(row.take(cut)), u.take(cut), v.take(cut))]] = -1.0
    np.maximum.at(nearest, pixel, w)
    front = np.flatnonzero(w == nearest.take(pixel))
    pixel = pixel.take(front)
    surface[pixel], us[pixel], vs[pixel] = row.take(front), u.take(front), v.take(front)

    shape = height, width
    return Buffers(
        view, to_image, from_image, entry, scene.body, surface.reshape(shape), us.reshape(shape), vs.reshape(shape),
        nearest.astype(np.float32).reshape(shape),
    )  # fmt: skip
