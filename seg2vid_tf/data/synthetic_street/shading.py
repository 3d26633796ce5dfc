"""Colours and class ids of a rasterised instant of synthetic_street.

Every material is a function of the surface's own coordinates and of the pixel's footprint, never of the pixel's place,
so that a point keeps its colour while it moves. Colours are planar, float32 [3, N] in [0, 1].
"""

import numpy as np

from seg2vid_tf.data.synthetic_street import camera as cameras
from seg2vid_tf.data.synthetic_street.ground import car_shadows, shade_ground
from seg2vid_tf.data.synthetic_street.raster import Buffers
from seg2vid_tf.data.synthetic_street.textures import (
    COARSE,
    FINE,
    band,
    column,
    noise,
    pulses,
    sample_atlas,
    sprite_atlas,
)
from seg2vid_tf.data.synthetic_street.world import GROUND_ROW, SKY_ROW, SPRITE, VEGETATION, WALL, Scene


def _shade_sky(scene: Scene, buffers: Buffers, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(colour, class ids) of the sky and the far tree line; u, v are tangents of the direction."""
    style = scene.style
    u, v = buffers.u.ravel().take(where), buffers.v.ravel().take(where)
    # A one-element array: numpy 1 and 2 disagree on what a float32 scalar times a Python number is.
    footprint = np.array([1 / buffers.view.focal], np.float32)
    shift = np.float32(style.variant % 251)
    ridge = noise(u * 110 + shift, np.zeros_like(u), footprint * 110)
    is_wood = v < np.float32(0.035) + np.float32(0.03) * ridge

    haze, top = column(style.haze_color), column(style.sky_top)
    rise = np.clip(v * np.float32(2.2), 0, 1)
    color = haze + (top - haze) * rise
    # Clouds lie on a ceiling: squeezed towards the horizon, and thinner there.
    lift = 1 / (np.maximum(v, 0) + np.float32(0.22))
    cover = noise(u * lift * 26 + shift, lift * 40, footprint * lift * lift * 40)
    cover = np.clip((cover + np.float32(style.clouds - 0.65)) * 2, 0, 1) * np.clip(v * 6, 0, 1)
    color += (np.float32(0.97) - color) * (cover * np.float32(0.8))

    wood = haze * np.float32(0.62) + column((0.05, 0.10, 0.04))
    leaf = noise(u * 900 + shift, v * 900, footprint * 900) * np.float32(0.06) + 1
    np.copyto(color, wood * leaf, where=is_wood)
    return color, np.where(is_wood, np.uint8(VEGETATION), scene.label[SKY_ROW])


def _shade_walls(scene: Scene, buffers: Buffers, where: np.ndarray, rows: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Colour of facades, side walls and roofs: filtered grids of windows, floors and noise."""
    view = buffers.view
    size = scene.size.take(rows, 0)
    u = buffers.u.ravel().take(where) * size[:, 0]
    v = buffers.v.ravel().take(where) * size[:, 1]
    depth = 1 / buffers.inverse_depth.ravel().take(where)
    windows = scene.windows.take(rows, 0)
    # How obliquely the surface is seen stretches its footprint along u: facades run into the picture, other walls do
    # not.
    slant = _slants(scene, view).take(rows)
    tall = depth * np.float32(1 / view.focal)
    wide = tall * np.maximum(depth * slant, 1)

    bay, floor = u / windows[:, 0], v / windows[:, 2]
    bay_foot, floor_foot = wide / windows[:, 0], tall / windows[:, 2]
    share_u, share_v = windows[:, 1], windows[:, 3]
    # Frames are the window grown by a rim; a pulse starts at the period's beginning, hence the shifts to the middle.
    rim = np.where(share_u > 0, np.float32(0.06), np.float32(0))
    middle = np.float32(0.5)
    frames = pulses(bay - middle + (share_u + rim) * middle, share_u + rim, bay_foot)
    frames *= pulses(floor - middle + (share_v + rim) * middle, share_v + rim, floor_foot)
    glass = pulses(bay - middle + share_u * middle, share_u, bay_foot)
    glass *= pulses(floor - middle + share_v * middle, share_v, floor_foot)

    variant = scene.variant.take(rows)
    shift = (variant & 255).astype(np.float32)
    grain = np.sqrt(wide * tall)
    fine = noise(u * FINE + shift, v * FINE, grain * FINE)
    coarse = noise(u * COARSE, v * COARSE + shift, grain * COARSE)
    cell = np.floor(bay).astype(np.int64) * 37 + np.floor(floor).astype(np.int64) * 101 + variant
    lamp = ((cell * 2654435761 >> 7) & 255).astype(np.float32) * np.float32(1 / 255)

    tint = np.ascontiguousarray(scene.tint.take(rows, 0).T)
    top = size[:, 1]
    ledge = pulses(floor, np.float32(0.07), floor_foot) * (share_u > 0)
    plinth = band(v, np.float32(-9), np.float32(0.7), tall)
    cornice = band(v, top - np.float32(0.35), top + 9, tall) * (share_u > 0)
    shade = 1 + fine * np.float32(0.13) + coarse * np.float32(0.16) + ledge * np.float32(0.14)
    shade += cornice * np.float32(0.15) - plinth * np.float32(0.3)
    color = tint * shade
    color += (np.float32(0.86) - color) * (frames * np.float32(0.8))
    sky_in_glass = np.float32(0.10) + lamp * lamp * np.float32(0.42) + (floor - np.floor(floor)) * np.float32(0.12)
    pane = np.stack([sky_in_glass * np.float32(0.9), sky_in_glass, sky_in_glass * np.float32(1.12)])
    color += (pane - color) * glass
    return color * light


def _slants(scene: Scene, view: cameras.View) -> np.ndarray:
    """1 / the camera's distance from each surface's plane where u runs along the street, else 0; float32 [S]."""
    along = np.abs(scene.edge_u[:, 2]) > np.abs(scene.edge_u[:, 0])
    return np.where(along, 1 / np.maximum(np.abs(scene.origin[:, 0] - view.x), 0.5), 0).astype(np.float32)


def _shade_sprites(
    scene: Scene, buffers: Buffers, where: np.ndarray, rows: np.ndarray, light: np.ndarray
) -> np.ndarray:
    """Colour of cars, people, plants and poles, from the atlas."""
    atlas = sprite_atlas()
    entry = buffers.entry.take(rows)
    texel = sample_atlas(atlas, entry, buffers.u.ravel().take(where), buffers.v.ravel().take(where))
    color = np.ascontiguousarray(texel[:, :3].T)
    tint = np.ascontiguousarray(scene.tint.take(rows, 0).T)
    color *= 1 + (tint - 1) * texel[:, 3]
    return color * light


def surface_light(scene: Scene) -> np.ndarray:
    """Ambient plus direct sunlight on each surface; float32 [S]. What has no normal is lit as if it were round."""
    style = scene.style
    normal = scene.normal
    length = np.sqrt((normal * normal).sum(-1))
    cosine = (normal * np.array(style.sun)).sum(-1) / np.where(length > 0, length, 1)
    direct = np.where(length > 0, np.maximum(cosine, 0), 0.55)
    return (style.ambient + style.direct * direct).astype(np.float32)


def _put(color: np.ndarray, where: np.ndarray, part: np.ndarray):
    """``color[:, where] = part``, channel by channel, which is more than twice as fast."""
    for channel in range(3):
        color[channel][where] = part[channel]


def shade(scene: Scene, buffers: Buffers, light: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
    """The picture of a rasterised instant.

    Args:
      scene: the street.
      buffers: its surfaces at ``time`` seconds.
      light: ``surface_light(scene)``.

    Returns:
      (frame uint8 [H, W, 3], label map uint8 [H, W]).
    """
    height, width = buffers.surface.shape
    rows = buffers.surface.ravel()
    labels = scene.label.take(rows)
    color = np.zeros((3, rows.size), np.float32)
    material = scene.material.take(rows)

    ground = np.flatnonzero(material == GROUND_ROW)
    ground_color, labels[ground] = shade_ground(scene, buffers, ground)
    for kind, paint in ((WALL, _shade_walls), (SPRITE, _shade_sprites)):
        where = np.flatnonzero(material == kind)
        if where.size:
            part = rows.take(where)
            _put(color, where, paint(scene, buffers, where, part, light.take(part)))
    under_cars = np.ones((height, width), np.float32)
    car_shadows(scene, buffers, time, under_cars)
    ground_color *= under_cars.ravel().take(ground)
    _put(color, ground, ground_color)
    color *= column(scene.style.light_tint)

    distance = np.float32(scene.style.haze_distance) * buffers.inverse_depth.ravel()
    air = 1 / (1 + distance * distance)
    color += (column(scene.style.haze_color) - color) * air
    sky = np.flatnonzero(material == SKY_ROW)
    if sky.size:
        sky_color, labels[sky] = _shade_sky(scene, buffers, sky)
        _put(color, sky, sky_color)
    color *= 255
    color += np.float32(0.5)
    np.clip(color, 0, 255, out=color)
    frame = np.empty((height * width, 3), np.uint8)
    for channel in range(3):
        frame[:, channel] = color[channel].astype(np.uint8)
    return frame.reshape(height, width, 3), labels.reshape(height, width)
