"""The street of synthetic_street: every plane of one seed's world, and where each of them is at a time.

A Scene is a table of rectangles (``Surfaces``), one row each, grown block by block along the street: row 0 is the sky
(a plane at infinity), row 1 the ground, then houses, trees, poles, parked and driving cars, people. Every block has its
own random stream, so a longer clip sees the same street, only more of it. Metres, seconds, x right, y up, z forward.
"""

import dataclasses

import numpy as np

from seg2vid_tf.data.synthetic_street.camera import CameraPath, cos_sin, wave
from seg2vid_tf.data.synthetic_street.textures import sprite_atlas

ROAD, SIDEWALK, BUILDING, POLE, VEGETATION, TERRAIN, SKY, PERSON, CAR = range(9)
SKY_ROW, GROUND_ROW = 0, 1
WALL, SPRITE = 2, 3  # materials besides the sky's 0 and the ground's 1

VIEW_DISTANCE = 150.0
BLOCK_LENGTH = 24.0
LANE_X = 1.65
NO_WINDOWS = (1.0, 0.0, 1.0, 0.0)


@dataclasses.dataclass
class Surface:
    """One rectangle.

    Attributes:
      origin, edge_u, edge_v: metres, at t = 0; the rectangle is origin + u * edge_u + v * edge_v with u, v in [0, 1].
      label: class id of the spec synthetic_street.
      normal: outward direction of any length; None = seen from both sides.
      instance: 0 or the object's own id.
      material: WALL or SPRITE.
      sprite: name in the atlas, for SPRITE.
      tint: paint colour.
      windows: (period along u in metres, width share, floor height in metres, height share) for WALL.
      variant: hash of what tells two like surfaces apart.
      velocity: (x, z) in metres per second.
      reach: (lowest, highest) way along x from t = 0; motion in x stops there.
      swing: (largest half tangent, swings per second, phase) of a rotation in its own plane about (u, v) = (1/2, 1).
    """

    origin: tuple[float, float, float]
    edge_u: tuple[float, float, float]
    edge_v: tuple[float, float, float]
    label: int
    normal: tuple[float, float, float] | None = None
    instance: int = 0
    material: int = SPRITE
    sprite: str = "car_panel"
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    windows: tuple[float, float, float, float] = NO_WINDOWS
    variant: int = 0
    velocity: tuple[float, float] = (0.0, 0.0)
    reach: tuple[float, float] = (-1e9, 1e9)
    swing: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Style:
    """What all of one seed's street shares: light in [0, 1] colours, widths in metres.

    Attributes:
      sun: unit vector towards the sun.
      direct, ambient: strength of sun and sky light.
      light_tint, haze_color, sky_top: colours.
      haze_distance: where haze covers half of a surface.
      clouds: cloud cover.
      road_half, sidewalk_left, sidewalk_right: |x| where the road and each sidewalk end.
      driving_half: |x| where the outer lane line lies.
      grass, asphalt, paving: ground colours.
      shadow_side: -1 or 1, the side of the street whose houses stand between it and the sun; 0 = no shadow.
      crossing: z of the near edge of the zebra crossing.
      variant: shifts the noise of ground and sky.
    """

    sun: tuple[float, float, float]
    direct: float
    ambient: float
    light_tint: tuple[float, float, float]
    haze_color: tuple[float, float, float]
    sky_top: tuple[float, float, float]
    haze_distance: float
    clouds: float
    road_half: float
    driving_half: float
    sidewalk_left: float
    sidewalk_right: float
    grass: tuple[float, float, float]
    asphalt: tuple[float, float, float]
    paving: tuple[float, float, float]
    shadow_side: int
    crossing: float
    variant: int


@dataclasses.dataclass(frozen=True)
class Scene:
    """A street and the camera in it.

    Attributes:
      camera: how the camera moves.
      style: light, colours, widths.
      origin, edge_u, edge_v, normal: float64 [S, 3], rows 0 and 1 are sky and ground.
      velocity, reach: float64 [S, 2].
      swinging: int64 [n], the rows that rotate; swing: float64 [n, 3].
      body: int64 [S], what moves as one: 0 the sky, 1 all that stands, further numbers for what moves by itself.
      label: uint8 [S]; instance: uint16 [S]; material: uint8 [S]; sprite: int64 [S], -1 = none; cutout: bool [S].
      tint: float32 [S, 3]; windows: float32 [S, 4]; size: float32 [S, 2], lengths of the edges; variant: int64 [S].
      shadows: float64 [n, 6], (x, z, half width, half length, velocity x, z) of the soft shadow under each car.
    """

    camera: CameraPath
    style: Style
    origin: np.ndarray
    edge_u: np.ndarray
    edge_v: np.ndarray
    normal: np.ndarray
    velocity: np.ndarray
    reach: np.ndarray
    swinging: np.ndarray
    swing: np.ndarray
    body: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    material: np.ndarray
    sprite: np.ndarray
    cutout: np.ndarray
    tint: np.ndarray
    windows: np.ndarray
    size: np.ndarray
    variant: np.ndarray
    shadows: np.ndarray


def assemble(camera: CameraPath, style: Style, surfaces: list[Surface], shadows: list[tuple]) -> Scene:
    """The table of sky, ground and the given surfaces.

    Raises:
      ValueError: more objects than a uint16 instance map can tell apart.
    """
    sky = Surface((0, 0, 1), (1, 0, 0), (0, 1, 0), SKY, material=SKY_ROW)
    ground = Surface((0, 0, 0), (1, 0, 0), (0, 0, 1), ROAD, material=GROUND_ROW)
    rows = [sky, ground, *surfaces]
    most = max(row.instance for row in rows)
    if most > 65535:
        raise ValueError(
            f"the street holds {most} cars and people, at most 65535 fit an instance map: render fewer frames"
        )
    atlas = sprite_atlas()
    swinging = np.array([i for i, row in enumerate(rows) if row.swing[0] != 0], np.int64)
    sprite = np.array([atlas.names[row.sprite] if row.material == SPRITE else -1 for row in rows], np.int64)
    edge_u = np.array([row.edge_u for row in rows], np.float64)
    edge_v = np.array([row.edge_v for row in rows], np.float64)
    return Scene(
        camera=camera,
        style=style,
        origin=np.array([row.origin for row in rows], np.float64),
        edge_u=edge_u,
        edge_v=edge_v,
        normal=np.array([row.normal or (0, 0, 0) for row in rows], np.float64),
        velocity=np.array([row.velocity for row in rows], np.float64),
        reach=np.array([row.reach for row in rows], np.float64),
        swinging=swinging,
        swing=np.array([rows[i].swing for i in swinging], np.float64).reshape(-1, 3),
        body=np.array(_bodies(rows), np.int64),
        label=np.array([row.label for row in rows], np.uint8),
        instance=np.array([row.instance for row in rows], np.uint16),
        material=np.array([row.material for row in rows], np.uint8),
        sprite=sprite,
        cutout=atlas.cutout[sprite] & (sprite >= 0),
        tint=np.array([row.tint for row in rows], np.float32),
        windows=np.array([row.windows for row in rows], np.float32),
        size=np.sqrt(np.stack([(edge_u**2).sum(-1), (edge_v**2).sum(-1)], -1)).astype(np.float32),
        variant=np.array([row.variant for row in rows], np.int64),
        shadows=np.array(shadows, np.float64).reshape(-1, 6),
    )


def poses(scene: Scene, time: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(origin, edge_u, edge_v) of every surface at ``time`` seconds, float64 [S, 3] each."""
    origin = scene.origin.copy()
    way = np.clip(scene.velocity[:, 0] * time, scene.reach[:, 0], scene.reach[:, 1])
    origin[:, 0] += way
    origin[:, 2] += scene.velocity[:, 1] * time
    if scene.swinging.size == 0:
        return origin, scene.edge_u, scene.edge_v
    rows = scene.swinging
    edge_u, edge_v = scene.edge_u.copy(), scene.edge_v.copy()
    u, v = edge_u[rows], edge_v[rows]
    hinge = origin[rows] + 0.5 * u + v
    cos, sin = cos_sin(scene.swing[:, 0] * wave(scene.swing[:, 1] * time + scene.swing[:, 2]))
    cos, sin = cos[:, None], sin[:, None]
    ratio = (scene.size[rows, 0].astype(np.float64) / scene.size[rows, 1].astype(np.float64))[:, None]
    edge_u[rows] = cos * u + sin * ratio * v
    edge_v[rows] = cos * v - sin / ratio * u
    origin[rows] = hinge - 0.5 * edge_u[rows] - edge_v[rows]
    return origin, edge_u, edge_v


def _bodies(rows):
    """Of each surface, which rigid body it is part of: a leg is one of its own, a car or a walker's trunk one each."""
    moving = {row.instance for row in rows if row.velocity != (0.0, 0.0)}
    return [
        (1 << 20) + i if row.swing[0] else 1 + row.instance if row.instance in moving else int(i != SKY_ROW)
        for i, row in enumerate(rows)
    ]
