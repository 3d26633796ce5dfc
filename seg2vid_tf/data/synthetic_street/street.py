"""The layout of synthetic_street: seed and duration -> Scene.

The first stream of a seed draws what the whole street shares (camera, light, widths, density); one further stream per
block of ``BLOCK_LENGTH`` metres fills that block. Only ``Generator.random`` is used, whose numbers are the same on
every numpy version.
"""

import math

import numpy as np

from seg2vid_tf.data.synthetic_street import objects
from seg2vid_tf.data.synthetic_street.camera import CameraPath
from seg2vid_tf.data.synthetic_street.sprites import CAR_SHAPES
from seg2vid_tf.data.synthetic_street.world import (
    BLOCK_LENGTH,
    LANE_X,
    VIEW_DISTANCE,
    Scene,
    Style,
    Surface,
    assemble,
)

WALL_COLORS = (
    (0.72, 0.62, 0.50), (0.66, 0.38, 0.30), (0.78, 0.74, 0.66), (0.55, 0.55, 0.57), (0.80, 0.68, 0.42),
    (0.52, 0.42, 0.36), (0.62, 0.68, 0.70), (0.85, 0.82, 0.78), (0.58, 0.30, 0.26), (0.50, 0.56, 0.48),
)  # fmt: skip
ROOF_COLORS = ((0.45, 0.24, 0.19), (0.33, 0.31, 0.32), (0.40, 0.33, 0.28))
PAINTS = (
    (0.85, 0.85, 0.86), (0.12, 0.12, 0.14), (0.55, 0.57, 0.60), (0.62, 0.08, 0.08), (0.10, 0.20, 0.48),
    (0.30, 0.33, 0.36), (0.16, 0.36, 0.26), (0.78, 0.62, 0.20),
)  # fmt: skip
CLOTHES = (
    (0.75, 0.20, 0.18), (0.18, 0.28, 0.55), (0.86, 0.84, 0.80), (0.16, 0.16, 0.18), (0.85, 0.66, 0.20),
    (0.28, 0.48, 0.34), (0.52, 0.30, 0.48), (0.80, 0.45, 0.25),
)  # fmt: skip


class Dice:
    """Named draws from one stream; every draw takes exactly one number."""

    def __init__(self, *entropy: int):
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(self._generator.random())

    def below(self, count: int) -> int:
        return int(self.between(0, count))

    def chance(self, probability: float) -> bool:
        return self.between(0, 1) < probability

    def pick(self, options):
        return options[self.below(len(options))]

    def shades_of(self, color, spread: float) -> tuple[float, float, float]:
        """The colour, lighter or darker and a little shifted in hue."""
        light = self.between(1 - spread, 1 + spread)
        return tuple(min(0.98, c * light * self.between(1 - spread / 3, 1 + spread / 3)) for c in color)


def _draw_camera(dice: Dice) -> CameraPath:
    kind = dice.between(0, 1)
    speed, weave, sway = dice.between(3.0, 8.5), dice.between(0.0, 0.25), dice.between(0.01, 0.08)
    if kind < 0.12:
        speed = weave = sway = 0.0
    elif kind < 0.3:
        speed *= 0.35
    # At most 16 * sway * rate radians per second: 10 degrees.
    rate = dice.between(0.05, 0.14)
    start_x = LANE_X + dice.between(-0.4, 0.3)
    return CameraPath(start_x, speed, weave, sway, rate, dice.between(0, 1), dice.between(0.40, 0.48))


def _draw_style(dice: Dice) -> Style:
    side = -1 if dice.chance(0.5) else 1
    elevation, toward = dice.between(0.35, 0.9), dice.between(-0.6, 0.8)
    level = math.sqrt(1 - elevation**2)
    across = math.sqrt(1 - toward**2)
    overcast = dice.between(0, 1) ** 2
    warm = dice.between(-0.06, 0.10)
    exposure = dice.between(0.85, 1.12)
    haze = dice.between(0.70, 0.85)
    blue = dice.between(0.55, 0.95) * (1 - 0.5 * overcast)
    parking = dice.pick((0.0, 2.1, 2.1))
    driving_half = 2 * LANE_X + dice.between(-0.1, 0.3)
    road_half = driving_half + parking
    wide = dice.between(1.8, 3.4)
    return Style(
        sun=(side * level * across, elevation, -level * toward),
        direct=0.62 * (1 - 0.75 * overcast),
        ambient=0.62 + 0.2 * overcast,
        light_tint=(exposure * (1 + warm), exposure, exposure * (1 - warm)),
        haze_color=(haze * (1 + 0.3 * warm), haze, haze * (1.03 - 0.2 * warm)),
        sky_top=(haze * (1.0 - 0.55 * blue), haze * (1.0 - 0.28 * blue), min(1.0, haze * 1.14)),
        haze_distance=dice.between(90.0, 220.0),
        clouds=dice.between(0.1, 0.9),
        road_half=road_half,
        driving_half=driving_half,
        sidewalk_left=road_half + wide,
        sidewalk_right=road_half + wide + dice.between(-0.6, 0.6),
        grass=dice.shades_of((0.30, 0.40, 0.18), 0.25),
        asphalt=dice.shades_of((0.36, 0.36, 0.37), 0.2),
        paving=dice.shades_of((0.58, 0.56, 0.53), 0.15),
        shadow_side=side if overcast < 0.45 else 0,
        crossing=dice.between(6.0, 50.0),
        variant=dice.below(1 << 16),
    )


class _Street:
    """Surfaces and shadows as they are put down, and the instance ids given out."""

    def __init__(self):
        self.surfaces: list[Surface] = []
        self.shadows: list[tuple] = []
        self.instances = 0

    def put(self, surfaces: list[Surface]):
        self.surfaces.extend(surfaces)

    def next_instance(self) -> int:
        self.instances += 1
        return self.instances

    def put_car(self, dice: Dice, x: float, z: float, facing: int, velocity=(0.0, 0.0)):
        shape = dice.below(len(CAR_SHAPES))
        paint = dice.shades_of(dice.pick(PAINTS), 0.12)
        self.put(objects.car(x, z, facing, shape, paint, self.next_instance(), velocity))
        length, width = CAR_SHAPES[shape][:2]
        self.shadows.append((x, z, width / 2, length / 2, *velocity))

    def put_person(self, dice: Dice, x, z, velocity, reach=(-1e9, 1e9)):
        self.put(
            objects.person(
                x, z, dice.between(1.5, 1.9), dice.below(3), dice.shades_of(dice.pick(CLOTHES), 0.1),
                dice.shades_of(dice.pick(CLOTHES[1:4]), 0.2), self.next_instance(), velocity, reach, dice.between(0, 1),
            )
        )  # fmt: skip


def _build_side(street: _Street, dice: Dice, side: int, start: float, style: Style, traits: dict):
    """Houses, trees, poles, hedges, parked cars and walkers of one block on one side."""
    walk = style.sidewalk_right if side > 0 else style.sidewalk_left
    leaves = dice.shades_of((0.30, 0.44, 0.16), 0.3)
    if dice.chance(traits["park"]):
        for i in range(4):
            x = side * (walk + dice.between(1.5, 9.0))
            street.put(objects.tree(x, start + 6 * i + dice.between(0, 5), dice.between(5, 10), dice.below(3), leaves))
    else:
        _build_houses(street, dice, side, start, walk + traits["garden"], traits)
        if traits["garden"] > 1.5 and dice.chance(0.5):
            street.put(
                objects.hedge(side, side * (walk + 0.3), start, BLOCK_LENGTH - 3, dice.between(0.7, 1.3), leaves)
            )
    _build_edge(street, dice, side, start, style, traits, leaves)
    for _ in range(dice.below(traits["people"] + 1)):
        x = side * dice.between(style.road_half + 1.2, walk - 0.3)
        pace = dice.between(0.9, 1.7) * (1 if dice.chance(0.5) else -1)
        street.put_person(dice, x, start + dice.between(0, BLOCK_LENGTH), (0.0, pace if dice.chance(0.85) else 0.0))


def _build_houses(street, dice, side, start, front, traits):
    """A row of houses, whose fronts are ``front`` metres from the middle of the road."""
    z, end = start, start + BLOCK_LENGTH
    while z < end - 5:
        length = min(dice.between(7, 17), end - z)
        floors = 1 + dice.below(traits["floors"])
        floor = dice.between(2.7, 3.3)
        gap = dice.between(1.5, 5) if dice.chance(traits["gap"]) else 0.0
        columns = max(1, round(length / dice.between(1.9, 3.2)))
        windows = (length / columns, dice.between(0.35, 0.6), floor, dice.between(0.4, 0.6))
        roof = dice.between(1.5, 3.5) if floors < 4 and dice.chance(0.6) else 0.0
        wall, tiles = dice.shades_of(dice.pick(WALL_COLORS), 0.2), dice.shades_of(dice.pick(ROOF_COLORS), 0.2)
        setback = dice.between(0, 0.6)
        street.put(
            objects.house(
                side, front + setback, z, length - gap, dice.between(8, 12),
                floors * floor + dice.between(0.3, 0.9), roof, wall, tiles, windows, dice.below(1 << 12),
            )
        )  # fmt: skip
        z += length


def _build_edge(street, dice, side, start, style, traits, leaves):
    """What stands along the road: trees, poles, parked cars."""
    edge = style.road_half + 0.7
    if dice.chance(traits["trees"]):
        x, z = side * (edge + 0.2), start + dice.between(2, 8)
        for i in range(2):
            street.put(objects.tree(x, z + 11 * i, dice.between(4.5, 7.5), dice.below(3), leaves))
    paint = dice.shades_of((0.42, 0.43, 0.44), 0.3)
    street.put(objects.pole(side * edge, start + 10.0, "street_lamp", paint))
    if dice.chance(0.5):
        kind = dice.pick(("sign", "traffic_light", "sign"))
        street.put(objects.pole(side * edge, start + dice.between(13, 22), kind, paint))
    if style.road_half > style.driving_half + 1:
        for i in range(4):
            if dice.chance(traits["parked"]):
                x = side * (style.driving_half + 1.05)
                street.put_car(dice, x, start + 6 * i + dice.between(2.7, 3.3), 1 if side > 0 else -1)


def build_scene(seed: int, duration: float) -> Scene:
    """The street of one seed, long enough for a clip of ``duration`` seconds.

    The longer street of a longer clip begins with the same blocks: same looks, same instance ids.
    """
    dice = Dice(seed, 0)
    camera, style = _draw_camera(dice), _draw_style(dice)
    traits = {
        "garden": dice.pick((0.2, 0.5, 2.5, 4.0)),
        "park": dice.pick((0.1, 0.25, 0.5)),
        "floors": dice.pick((2, 4, 6)),
        "gap": dice.between(0.2, 0.7),
        "trees": dice.between(0.1, 0.6),
        "parked": dice.between(0.15, 0.7),
        "people": dice.pick((1, 2, 3)),
    }
    own_pace = max(camera.speed * dice.between(1.0, 1.3), 2.5)
    oncoming_pace, own_density, oncoming_density = dice.between(3.5, 9), dice.between(0.2, 0.7), dice.between(0.3, 0.8)
    crosses = dice.chance(0.75 if camera.speed < 4 else 0.4)

    street = _Street()
    farthest = VIEW_DISTANCE + camera.speed * duration
    last_block = math.ceil(farthest / BLOCK_LENGTH)
    last_oncoming = math.ceil((farthest + oncoming_pace * duration) / BLOCK_LENGTH)
    for block in range(-1, max(last_block, last_oncoming)):
        start = block * BLOCK_LENGTH
        dice = Dice(seed, block + 2)
        if block < last_block:
            _build_side(street, dice, -1, start, style, traits)
            _build_side(street, dice, 1, start, style, traits)
        # The lanes have a stream of their own: far blocks exist for their oncoming cars alone.
        dice = Dice(seed, block + 2, 1)
        if block >= 0 and dice.chance(own_density):
            street.put_car(dice, LANE_X, start + dice.between(9, 18), 1, (0.0, own_pace))
        if dice.chance(oncoming_density):
            street.put_car(dice, -LANE_X, start + dice.between(4, 20), -1, (0.0, -oncoming_pace))
        if block in (0, 1) and crosses:
            # Before a moving camera people cross the other lane only, away from ours.
            side = 1 if camera.speed == 0 and dice.chance(0.5) else -1
            heading = -1 if camera.speed > 0 else -side
            x = side * dice.between(0.3, style.road_half)
            reach = sorted((0.0, heading * (style.road_half + 1.5) - x))
            z = style.crossing + dice.between(0.5, 2.5)
            street.put_person(dice, x, z, (heading * dice.between(1.0, 1.9), 0.0), tuple(reach))
    return assemble(camera, style, street.surfaces, street.shadows)
