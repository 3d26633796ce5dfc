"""The ground of synthetic_street: road, kerb, sidewalk, terrain, their markings and the shadows on them.

On the ground u is x and v is z in metres. Shadows of houses stand still; those around cars move with them and are
faint, so that a point of the road keeps its brightness nearly.
"""

import numpy as np

from seg2vid_tf.data.synthetic_street import camera as cameras
from seg2vid_tf.data.synthetic_street.raster import Buffers
from seg2vid_tf.data.synthetic_street.textures import COARSE, FINE, band, column, noise, pulses
from seg2vid_tf.data.synthetic_street.world import ROAD, SIDEWALK, TERRAIN, Scene

MARKING = (0.82, 0.82, 0.78)


def _sunlit(scene: Scene, x: np.ndarray, z: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Share of sunlight on the ground beside a row of houses; float32 [N]."""
    style = scene.style
    if style.shadow_side == 0:
        return np.ones_like(x)
    # Eaves of different height: steps of 9 m along the street, from the same noise as everything else.
    step = np.floor(np.clip(z, -9e3, 9e3) * np.float32(1 / 9)).astype(np.int64)
    first = int(step.min())
    steps = np.arange(first, int(step.max()) + 1).astype(np.float32)
    eaves = noise(steps * 37 + np.float32(style.variant % 61), np.full_like(steps, 5), np.float32(0.4)).take(
        step - first
    )
    edge = np.float32(style.sidewalk_left - 4.5) + eaves * 5
    return band(x * np.float32(-style.shadow_side), np.float32(-1e4), edge, footprint + np.float32(0.25))


def shade_ground(scene: Scene, buffers: Buffers, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(colour, class ids) of road, sidewalk and terrain; u = x and v = z in metres."""
    style, view = scene.style, buffers.view
    x, z = buffers.u.ravel().take(where), buffers.v.ravel().take(where)
    depth = 1 / buffers.inverse_depth.ravel().take(where)
    wide = depth * np.float32(1 / view.focal)
    long = wide * depth * np.float32(1 / cameras.HEIGHT)
    aside = np.abs(x)
    walk = np.where(x > 0, np.float32(style.sidewalk_right), np.float32(style.sidewalk_left))

    on_road = band(aside, np.float32(-1), np.float32(style.road_half), wide)
    on_walk = band(aside, np.float32(-1), walk, wide)
    kerb = band(aside, np.float32(style.road_half), np.float32(style.road_half + 0.16), wide)
    gutter = band(aside, np.float32(style.road_half - 0.22), np.float32(style.road_half), wide)

    # Tiles of 0.8 m, two shades, with joints.
    joints = np.maximum(
        pulses(x * np.float32(1.25), np.float32(0.06), wide * np.float32(1.25)),
        pulses(z * np.float32(1.25), np.float32(0.06), long * np.float32(1.25)),
    )
    dashes = pulses(z * np.float32(1 / 9), np.float32(1 / 3), long * np.float32(1 / 9))
    lines = band(aside, np.float32(-1), np.float32(0.09), wide) * dashes
    edge = np.float32(style.driving_half)
    lines += band(aside, edge - np.float32(0.07), edge + np.float32(0.07), wide)
    zebra = band(z, np.float32(style.crossing), np.float32(style.crossing + 3), long)
    if zebra.any():
        stripes = pulses(x, np.float32(0.5), wide) * band(aside, np.float32(-1), edge - np.float32(0.2), wide)
        lines += (stripes - lines) * zebra

    grain = np.sqrt(wide * long)
    shift = np.float32(style.variant % 199)
    fine = noise(x * FINE + shift, z * FINE, grain * FINE)
    coarse = noise(x * COARSE, z * COARSE + shift, grain * COARSE)

    color = column(style.grass) * (1 + coarse * np.float32(0.25) + fine * np.float32(0.45))
    paving = column(style.paving) * (1 - joints * np.float32(0.3) + coarse * np.float32(0.12))
    color += (paving - color) * on_walk
    asphalt = column(style.asphalt) * (1 + coarse * np.float32(0.16) - gutter * np.float32(0.25))
    color += (asphalt - color) * on_road
    color += (column((0.70, 0.69, 0.67)) - color) * kerb
    lines *= on_road * (np.float32(0.85) + np.float32(0.3) * coarse)
    color += (column(MARKING) - color) * np.clip(lines, 0, 1)
    color *= 1 + fine * np.float32(0.16)

    light = np.float32(style.ambient) + np.float32(style.direct * style.sun[1]) * _sunlit(scene, x, z, wide)
    labels = np.where(aside < walk, np.uint8(SIDEWALK), np.uint8(TERRAIN))
    labels[aside < np.float32(style.road_half)] = ROAD
    return color * light, labels


def car_shadows(scene: Scene, buffers: Buffers, time: float, shade: np.ndarray):
    """Darkens the ground around the cars, in place; ``shade`` is float32 [H, W] of factors."""
    if scene.shadows.size == 0:
        return
    view = buffers.view
    height, width = shade.shape
    x, z, half_width, half_length, velocity_x, velocity_z = scene.shadows.T
    x, z = x + velocity_x * time, z + velocity_z * time
    depth = view.sin * (x - view.x) + view.cos * (z - view.z)
    for i in np.flatnonzero((depth > 1.0) & (depth < 45)).tolist():
        reach_x, reach_z = float(half_width[i]) + 0.45, float(half_length[i]) + 0.45
        across = view.cos * (x[i] - view.x) - view.sin * (z[i] - view.z)
        near, far = max(depth[i] - reach_z - 0.6, 1.2), depth[i] + reach_z + 0.6
        y0 = max(int(view.center_y + view.focal * cameras.HEIGHT / far), 0)
        y1 = min(int(view.center_y + view.focal * cameras.HEIGHT / near) + 2, height)
        sides = [view.center_x + view.focal * (across + s * (reach_x + 1.4)) / d for s in (-1, 1) for d in (near, far)]
        x0, x1 = max(int(min(sides)), 0), min(int(max(sides)) + 2, width)
        if y1 <= y0 or x1 <= x0:
            continue
        box = np.s_[y0:y1, x0:x1]
        # Distance from the car's outline, 1 on it and 0 at reach.
        du = (reach_x - np.abs(buffers.u[box] - np.float32(x[i]))) * np.float32(1 / 0.45)
        dv = (reach_z - np.abs(buffers.v[box] - np.float32(z[i]))) * np.float32(1 / 0.45)
        shade[box] -= np.float32(0.3) * np.clip(np.minimum(du, dv), 0, 1)
