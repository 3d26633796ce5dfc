"""Sprites of synthetic_street: small pictures of cars, people, trees and poles, painted once per process.

A sprite is float32 [h, w, 5]: red, green, blue in [0, 1], a tint mask (1 = the scene's own paint colour multiplies
here) and coverage. Row 0 is the bottom, so that rows follow the v axis of a surface. Sizes are powers of two.
"""

import numpy as np

SUPERSAMPLING = 2
# (length, width, height of the bonnet, height, cabin: rear bottom, rear top, front top, front bottom as shares of
# length)
CAR_SHAPES = (
    (4.4, 1.80, 0.90, 1.45, -0.42, -0.30, 0.04, 0.22),  # saloon
    (3.9, 1.72, 0.92, 1.50, -0.49, -0.42, 0.06, 0.24),  # hatchback
    (4.6, 1.88, 1.02, 1.72, -0.49, -0.44, 0.08, 0.24),  # SUV
    (5.2, 1.95, 1.10, 2.20, -0.49, -0.48, 0.26, 0.38),  # van
)


def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(v, u) in [0, 1] of every supersampled texel centre, v upwards."""
    rows, columns = height * SUPERSAMPLING, width * SUPERSAMPLING
    v = (np.arange(rows, dtype=np.float32) + np.float32(0.5)) / np.float32(rows)
    u = (np.arange(columns, dtype=np.float32) + np.float32(0.5)) / np.float32(columns)
    return v[:, None] + np.zeros_like(u)[None], u[None] + np.zeros_like(v)[:, None]


def _box(v, u, u0, u1, v0, v1):
    return (u >= u0) & (u <= u1) & (v >= v0) & (v <= v1)


def _disc(v, u, cu, cv, ru, rv):
    return ((u - cu) / ru) ** 2 + ((v - cv) / rv) ** 2 <= 1


def _trapezoid(v, u, left0, right0, left1, right1, v0, v1):
    """Between v0 and v1, from [left0, right0] at the bottom to [left1, right1] at the top."""
    k = (v - v0) / (v1 - v0)
    return (k >= 0) & (k <= 1) & (u >= left0 + k * (left1 - left0)) & (u <= right0 + k * (right1 - right0))


def _canvas(v):
    return np.zeros((*v.shape, 5), np.float32)


def _paint(canvas, mask, rgb, tint=0.0, shade=1.0):
    """Covers ``mask`` with a colour; ``shade`` is a factor, one number or one per texel."""
    layer = np.empty_like(canvas)
    layer[..., :3] = np.asarray(rgb, np.float32) * np.asarray(shade * np.ones(mask.shape, np.float32))[..., None]
    layer[..., 3] = tint
    layer[..., 4] = 1
    canvas[mask] = layer[mask]


def _finish(canvas):
    """Supersampled canvas -> sprite; colours are averaged over covered texels only."""
    s = SUPERSAMPLING
    rows, columns = canvas.shape[0] // s, canvas.shape[1] // s
    cells = canvas.reshape(rows, s, columns, s, 5)
    weights = cells[..., 4:5]
    total = weights.sum((1, 3))
    sprite = np.empty((rows, columns, 5), np.float32)
    sprite[..., :4] = (cells[..., :4] * weights).sum((1, 3)) / np.maximum(total, np.float32(1e-6))
    sprite[..., 4:] = total / np.float32(s * s)
    empty = sprite[..., 4] == 0
    if empty.any():
        sprite[empty, :4] = sprite[~empty, :4].mean(0)
    return sprite


def _car_lower_side():
    v, u = _grid(64, 256)
    c = _canvas(v)
    _paint(c, _box(v, u, 0.0, 1.0, 0.24, 1.0), (0.9, 0.9, 0.9), tint=1.0, shade=0.72 + 0.3 * v)
    _paint(c, _box(v, u, 0.0, 1.0, 0.24, 0.36), (0.12, 0.12, 0.13))
    _paint(c, _box(v, u, 0.0, 1.0, 0.66, 0.69), (0.9, 0.9, 0.9), tint=1.0, shade=0.62)
    for door in (0.36, 0.56, 0.73):
        _paint(c, _box(v, u, door - 0.003, door + 0.003, 0.36, 1.0), (0.15, 0.15, 0.15))
    for handle in (0.39, 0.59):
        _paint(c, _box(v, u, handle, handle + 0.03, 0.78, 0.82), (0.3, 0.3, 0.3))
    _paint(c, _box(v, u, 0.0, 0.03, 0.66, 0.82), (0.75, 0.08, 0.06))
    _paint(c, _box(v, u, 0.965, 1.0, 0.62, 0.78), (0.95, 0.95, 0.85))
    for wheel in (0.19, 0.81):
        _paint(c, _disc(v, u, wheel, 0.36, 0.088, 0.43), (0.08, 0.08, 0.08))
        _paint(c, _disc(v, u, wheel, 0.345, 0.076, 0.345), (0.14, 0.14, 0.14))
        _paint(c, _disc(v, u, wheel, 0.345, 0.046, 0.21), (0.6, 0.6, 0.62))
        _paint(c, _disc(v, u, wheel, 0.345, 0.016, 0.08), (0.2, 0.2, 0.2))
    return _finish(c)


def _car_cabin_side(shape):
    rear, rear_top, front_top, front = shape[4:]
    left, right = (rear_top - rear) / (front - rear), (front_top - rear) / (front - rear)
    v, u = _grid(32, 128)
    c = _canvas(v)
    _paint(c, _trapezoid(v, u, 0.0, 1.0, left, right, 0.0, 1.0), (0.8, 0.8, 0.8), tint=1.0)
    glass = (0.1, 0.13, 0.17)
    _paint(c, _trapezoid(v, u, 0.07, 0.46, left + 0.04, 0.46, 0.08, 0.86), glass, shade=0.8 + 0.6 * v)
    _paint(c, _trapezoid(v, u, 0.5, 0.9, 0.5, right - 0.04, 0.08, 0.86), glass, shade=0.8 + 0.6 * v)
    return _finish(c)


def _car_window():
    v, u = _grid(32, 64)
    c = _canvas(v)
    _paint(c, _trapezoid(v, u, 0.0, 1.0, 0.085, 0.915, 0.0, 1.0), (0.8, 0.8, 0.8), tint=1.0)
    _paint(c, _trapezoid(v, u, 0.06, 0.94, 0.15, 0.85, 0.06, 0.92), (0.12, 0.16, 0.2), shade=0.7 + 0.9 * v)
    _paint(c, _disc(v, u, 0.3, 0.2, 0.1, 0.28) | _disc(v, u, 0.7, 0.2, 0.1, 0.28), (0.06, 0.07, 0.08))
    return _finish(c)


def _car_end(front: bool):
    v, u = _grid(64, 128)
    c = _canvas(v)
    _paint(c, _box(v, u, 0, 1, 0.0, 1.0), (0.88, 0.88, 0.88), tint=1.0, shade=0.7 + 0.3 * v)
    _paint(c, _box(v, u, 0, 1, 0.0, 0.16), (0.1, 0.1, 0.1))
    light, low, high = ((0.96, 0.96, 0.88), 0.58, 0.78) if front else ((0.78, 0.07, 0.05), 0.55, 0.85)
    for u0, u1 in ((0.03, 0.23), (0.77, 0.97)):
        _paint(c, _box(v, u, u0, u1, low, high), light)
    if front:
        _paint(c, _box(v, u, 0.28, 0.72, 0.52, 0.76), (0.08, 0.08, 0.09))
        _paint(c, _box(v, u, 0.28, 0.72, 0.62, 0.65), (0.6, 0.6, 0.6))
        _paint(c, _box(v, u, 0.15, 0.85, 0.2, 0.32), (0.1, 0.1, 0.1))
    _paint(c, _box(v, u, 0.0, 1.0, 0.44, 0.46), (0.3, 0.3, 0.3), tint=1.0)
    _paint(c, _box(v, u, 0.38, 0.62, 0.28, 0.42), (0.92, 0.92, 0.9))
    return _finish(c)


def _plain(rgb, tint, edge):
    """A panel with a darker rim of width ``edge``."""
    v, u = _grid(16, 16)
    c = _canvas(v)
    _paint(c, u >= 0, rgb, tint, shade=0.7)
    _paint(c, _box(v, u, edge, 1 - edge, edge, 1 - edge), rgb, tint)
    return _finish(c)


def _person_body(hair, arms):
    v, u = _grid(64, 32)
    c = _canvas(v)
    skin = (0.85, 0.66, 0.53)
    shade = 0.85 + 0.3 * u
    for side in (-1, 1):
        shoulder, hand = 0.5 + side * 0.24, 0.5 + side * (0.24 + arms)
        _paint(
            c,
            _trapezoid(v, u, hand - 0.08, hand + 0.08, shoulder - 0.09, shoulder + 0.09, 0.06, 0.68),
            (0.75, 0.75, 0.75),
            tint=1.0,
            shade=shade,
        )
        _paint(c, _disc(v, u, hand, 0.06, 0.08, 0.05), skin)
    _paint(c, _trapezoid(v, u, 0.27, 0.73, 0.2, 0.8, 0.0, 0.64), (0.9, 0.9, 0.9), tint=1.0, shade=shade)
    _paint(c, _disc(v, u, 0.5, 0.64, 0.3, 0.07), (0.9, 0.9, 0.9), tint=1.0, shade=shade)
    _paint(c, _box(v, u, 0.42, 0.58, 0.66, 0.78), skin, shade=0.85)
    _paint(c, _disc(v, u, 0.5, 0.86, 0.17, 0.13), skin, shade=shade)
    _paint(c, _disc(v, u, 0.5, 0.91, 0.18, 0.09), hair)
    return _finish(c)


def _person_leg():
    v, u = _grid(64, 16)
    c = _canvas(v)
    _paint(c, _trapezoid(v, u, 0.22, 0.7, 0.05, 0.95, 0.06, 1.0), (0.9, 0.9, 0.9), tint=1.0, shade=0.8 + 0.3 * u)
    _paint(c, _box(v, u, 0.15, 0.95, 0.0, 0.08), (0.1, 0.08, 0.07))
    return _finish(c)


def _tree(rng, crown_low):
    v, u = _grid(128, 128)
    c = _canvas(v)
    bark = 0.7 + 0.6 * ((u * 90) % 1)
    _paint(c, _trapezoid(v, u, 0.455, 0.545, 0.475, 0.525, 0.0, crown_low + 0.2), (0.3, 0.23, 0.17), shade=bark)
    centre = (1 + crown_low) / 2
    for _ in range(110):
        a, b, r, light = (float(x) for x in rng.random(4))
        cu, cv = 0.5 + (a - 0.5) * 0.72, centre + (b - 0.5) * (1 - crown_low) * 0.78
        if ((cu - 0.5) / 0.42) ** 2 + ((cv - centre) / (0.47 * (1 - crown_low))) ** 2 > 0.85:
            continue
        size = 0.045 + 0.07 * r
        # Leaves that face up are lit, those below lie in the crown's own shadow.
        shade = (0.55 + 0.6 * (cv - crown_low) / (1 - crown_low)) * (0.75 + 0.5 * light)
        _paint(c, _disc(v, u, cu, cv, size, size * 0.85), (0.9, 1.0, 0.75), tint=1.0, shade=shade)
    return _finish(c)


def _hedge(rng):
    v, u = _grid(32, 128)
    c = _canvas(v)
    _paint(c, v < 0.8, (0.9, 1.0, 0.75), tint=1.0, shade=0.6)
    for _ in range(150):
        a, b, r, light = (float(x) for x in rng.random(4))
        shade = (0.5 + 0.5 * b) * (0.75 + 0.5 * light)
        _paint(c, _disc(v, u, a, b * 0.88, 0.02 + 0.02 * r, 0.06 + 0.08 * r), (0.9, 1.0, 0.75), tint=1.0, shade=shade)
    return _finish(c)


def _street_lamp():
    v, u = _grid(128, 64)
    c = _canvas(v)
    _paint(c, _box(v, u, 0.2, 0.25, 0.0, 0.97), (0.9, 0.9, 0.9), tint=1.0, shade=0.7 + 8 * (u - 0.2))
    _paint(c, _box(v, u, 0.18, 0.27, 0.0, 0.08), (0.6, 0.6, 0.6), tint=1.0)
    _paint(c, _box(v, u, 0.2, 0.85, 0.955, 0.975), (0.9, 0.9, 0.9), tint=1.0)
    _paint(c, _box(v, u, 0.66, 0.95, 0.945, 0.985), (0.85, 0.85, 0.8))
    return _finish(c)


def _traffic_light():
    v, u = _grid(128, 32)
    c = _canvas(v)
    _paint(c, _box(v, u, 0.44, 0.56, 0.0, 0.98), (0.9, 0.9, 0.9), tint=1.0)
    _paint(c, _box(v, u, 0.26, 0.74, 0.68, 1.0), (0.1, 0.11, 0.1))
    for centre, rgb in ((0.95, (0.95, 0.15, 0.1)), (0.84, (0.35, 0.25, 0.05)), (0.73, (0.05, 0.3, 0.15))):
        _paint(c, _disc(v, u, 0.5, centre, 0.17, 0.042), rgb)
    return _finish(c)


def _sign():
    v, u = _grid(128, 32)
    c = _canvas(v)
    _paint(c, _box(v, u, 0.45, 0.55, 0.0, 0.95), (0.7, 0.7, 0.7), tint=1.0)
    _paint(c, _disc(v, u, 0.5, 0.88, 0.48, 0.12), (0.85, 0.1, 0.1))
    _paint(c, _disc(v, u, 0.5, 0.88, 0.34, 0.085), (0.95, 0.95, 0.95))
    _paint(c, _box(v, u, 0.38, 0.62, 0.84, 0.92), (0.1, 0.1, 0.1))
    return _finish(c)


def paint_sprites() -> dict[str, np.ndarray]:
    """All sprites by name, float32 [h, w, 5]; the same on every call."""
    rng = np.random.Generator(np.random.PCG64(20))
    return {
        "car_lower_side": _car_lower_side(),
        **{f"car_cabin_side_{i}": _car_cabin_side(shape) for i, shape in enumerate(CAR_SHAPES)},
        "car_window": _car_window(),
        "car_front": _car_end(front=True),
        "car_rear": _car_end(front=False),
        "car_panel": _plain((0.95, 0.95, 0.95), 1.0, 0.08),
        "car_floor": _plain((0.07, 0.07, 0.08), 0.0, 0.0),
        "person_0": _person_body((0.15, 0.1, 0.08), 0.03),
        "person_1": _person_body((0.5, 0.35, 0.18), 0.1),
        "person_2": _person_body((0.35, 0.34, 0.34), 0.0),
        "person_leg": _person_leg(),
        "tree_0": _tree(rng, 0.25),
        "tree_1": _tree(rng, 0.32),
        "tree_2": _tree(rng, 0.18),
        "hedge": _hedge(rng),
        "street_lamp": _street_lamp(),
        "traffic_light": _traffic_light(),
        "sign": _sign(),
    }
