"""What stands on the street of synthetic_street, each a list of Surfaces: car, person, house, tree, hedge, pole."""

from seg2vid_tf.data.synthetic_street.sprites import CAR_SHAPES
from seg2vid_tf.data.synthetic_street.world import BUILDING, CAR, NO_WINDOWS, PERSON, POLE, VEGETATION, WALL, Surface


def car(x: float, z: float, facing: int, shape: int, paint, instance: int, velocity=(0.0, 0.0)) -> list[Surface]:
    """A car whose middle stands at (x, z) and that faces along z (facing = 1) or against it (-1)."""
    length, width, belt, height, rear, rear_top, front_top, front = CAR_SHAPES[shape]
    f = float(facing)
    half, roof_half = width / 2, width / 2 - 0.16
    surfaces = []

    def add(origin, edge_u, edge_v, normal, sprite, shade=1.0):
        # Local coordinates of a car that faces along +z, turned by half a revolution when it faces -z.
        def turn(p, base=(0.0, 0.0)):
            return (base[0] + f * p[0], p[1], base[1] + f * p[2])

        surfaces.append(
            Surface(
                turn(origin, (x, z)), turn(edge_u), turn(edge_v), CAR, turn(normal), instance,
                sprite=sprite, tint=tuple(shade * c for c in paint), velocity=velocity,
            )
        )  # fmt: skip

    for side in (-1.0, 1.0):
        add((side * half, 0.0, -length / 2), (0, 0, length), (0, belt, 0), (side, 0, 0), "car_lower_side")
        add(
            (side * half, belt, rear * length), (0, 0, (front - rear) * length),
            (-side * 0.16, height - belt, 0), (side * (height - belt), 0.16, 0), f"car_cabin_side_{shape}",
        )  # fmt: skip
    add((-half, 0.2, length / 2), (width, 0, 0), (0, belt - 0.2, 0), (0, 0, 1), "car_front")
    add((-half, 0.2, -length / 2), (width, 0, 0), (0, belt - 0.2, 0), (0, 0, -1), "car_rear")
    add((-half, belt, -length / 2), (width, 0, 0), (0, 0, length), (0, 1, 0), "car_panel")
    rise = height - belt
    for bottom, top, direction in ((front, front_top, 1.0), (rear, rear_top, -1.0)):
        add(
            (-half, belt, bottom * length), (width, 0, 0), (0, rise, (top - bottom) * length),
            (0, direction * (bottom - top) * length, direction * rise), "car_window",
        )  # fmt: skip
    add((-roof_half, height, rear_top * length), (2 * roof_half, 0, 0), (0, 0, (front_top - rear_top) * length),
        (0, 1, 0), "car_panel")  # fmt: skip
    add((-half, 0.03, -length / 2), (width, 0, 0), (0, 0, length), (0, 1, 0), "car_floor")
    return surfaces


def person(x, z, height, variant, shirt, trousers, instance, velocity=(0.0, 0.0), reach=(-1e9, 1e9), phase=0.0):
    """A walker: body and two legs that swing while he walks; three planes that face along z."""
    stride = 0.0 if velocity == (0.0, 0.0) else (0.24 if velocity[0] else 0.06)
    common = dict(label=PERSON, instance=instance, velocity=velocity, reach=reach)
    leg, hip, body = 0.11 * height, 0.5 * height, 0.34 * height
    legs = [
        Surface(
            (x - leg / 2 + side * 0.03 * height, 0.0, z + 0.02 + 0.01 * side), (leg, 0, 0), (0, hip, 0),
            sprite="person_leg", tint=trousers, swing=(side * stride, 0.9, phase), **common,
        )
        for side in (-1, 1)
    ]  # fmt: skip
    torso = Surface(
        (x - body / 2, 0.46 * height, z), (body, 0, 0), (0, 0.54 * height, 0),
        sprite=f"person_{variant}", tint=shirt, **common,
    )  # fmt: skip
    return [torso, *legs]


def house(side, front, near, length, depth, height, roof, wall, roof_color, windows, variant) -> list[Surface]:
    """A house along the street: ``side`` -1 or 1, facade at |x| = front, from z = near on.

    ``roof`` is the rise of a ridge roof in metres, 0 = flat.
    """
    common = dict(label=BUILDING, material=WALL, variant=variant)
    x = side * front
    back = side * depth
    surfaces = [
        Surface((x, 0, near), (0, 0, length), (0, height, 0), normal=(-side, 0, 0), tint=wall,
                windows=windows, **common),
        Surface((x, 0, near), (back, 0, 0), (0, height, 0), normal=(0, 0, -1), tint=wall,
                windows=windows if variant % 3 == 0 else NO_WINDOWS, **common),
    ]  # fmt: skip
    if roof:
        surfaces.append(
            Surface(
                (x - side * 0.3, height - 0.1, near), (0, 0, length), (back / 2, roof, 0), tint=roof_color, **common
            )
        )
    return surfaces


def tree(x: float, z: float, height: float, variant: int, leaves) -> list[Surface]:
    """A tree that faces along the street."""
    width = 0.8 * height
    return [
        Surface((x - width / 2, 0, z), (width, 0, 0), (0, height, 0), VEGETATION, sprite=f"tree_{variant}", tint=leaves)
    ]


def hedge(side: int, x: float, z: float, length: float, height: float, leaves) -> list[Surface]:
    """A hedge along the street and its near end."""
    common = dict(label=VEGETATION, sprite="hedge", tint=leaves)
    return [
        Surface((x, 0, z), (0, 0, length), (0, height, 0), normal=(-side, 0, 0), **common),
        Surface((x, 0, z), (side * 0.8, 0, 0), (0, height, 0), normal=(0, 0, -1), **common),
    ]


def pole(x: float, z: float, kind: str, paint) -> list[Surface]:
    """A street lamp, traffic light or sign; a lamp's arm reaches over the road."""
    height, width = {"street_lamp": (6.5, 2.6), "traffic_light": (3.6, 0.9), "sign": (2.6, 0.65)}[kind]
    edge = -width if x > 0 else width
    anchor = {"street_lamp": 0.22}.get(kind, 0.5)
    return [Surface((x - anchor * edge, 0, z), (edge, 0, 0), (0, height, 0), POLE, sprite=kind, tint=paint)]
