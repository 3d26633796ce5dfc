"""Label Studio's regions: polygons, rectangles and ellipses in per cent of the sides, a brush in run lengths."""

import math

import numpy as np

from seg2vid_tf.data.label_formats.drawing import Drawing

# Regions with labels of their own kind, and those of <Labels> beside <Polygon>, <Brush>, ...: "labels".
KINDS = ("brushlabels", "polygonlabels", "rectanglelabels", "ellipselabels", "labels")


def draw_region(drawing: Drawing, result: dict, sides: tuple[int, int]) -> None:
    """Draws one result; choices, texts, relations and points are passed over.

    Args:
      drawing: what is drawn on.
      result: as the tool writes it.
      sides: the picture's (width, height).
    """
    kind, value, instance = result["type"], result["value"], result.get("id")
    names = value.get(kind) or value.get("labels")
    if not names or kind not in KINDS:
        return
    scale = np.array(sides) / 100
    if "rle" in value:
        flat = decode_run_lengths(value["rle"], sides[0] * sides[1] * 4)
        mask = flat.reshape(sides[1], sides[0], 4)[..., 3] > 0
        drawing.mask(names[0], mask, instance=instance)
    elif "points" in value:
        drawing.polygon(names[0], np.array(value["points"]) * scale, instance)
    elif "radiusX" in value:
        _draw_ellipse(drawing, names[0], value, scale, instance)
    else:
        turn, corner = math.radians(value.get("rotation", 0)), np.array([value["x"], value["y"]]) * scale
        across, down = np.array([value["width"], value["height"]]) * scale
        right, below = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
        corners = [corner, corner + across * right, corner + across * right + down * below, corner + down * below]
        drawing.polygon(names[0], corners, instance)


def _draw_ellipse(drawing, name, value, scale, instance):
    center = np.array([value["x"], value["y"]]) * scale
    radii = np.array([value["radiusX"], value["radiusY"]]) * scale
    turn = math.radians(value.get("rotation") or 0)
    if not turn:
        drawing.ellipse(name, center, radii, instance)
        return
    angles = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    across, down = radii[0] * np.cos(angles), radii[1] * np.sin(angles)
    turned = [across * math.cos(turn) - down * math.sin(turn), across * math.sin(turn) + down * math.cos(turn)]
    drawing.polygon(name, center + np.stack(turned, 1), instance)


def decode_run_lengths(data: list[int], size: int) -> np.ndarray:
    """The bytes that a brush's run lengths stand for: RGBA, pixel by pixel.

    A bit stream: 32 bits the number of values, 5 bits their width less one, four times 4 bits the width of a length
    less one; then, until all are there, a bit (one value repeated, or a value each), 2 bits which width the length
    has, the length less one, and the values. Source: the package rle-pack of thi.ng/umbrella, which the tool uses.

    Raises:
      ValueError: they do not stand for ``size`` bytes.
    """
    bits = np.unpackbits(np.array(data, np.uint8))
    position = 0

    def take(count):
        nonlocal position
        position += count
        value = 0
        for bit in bits[position - count : position].tolist():
            value = value << 1 | bit
        return value

    total, width = take(32), take(5) + 1
    widths = [take(4) + 1 for _ in range(4)]
    if total != size:  # before any memory is taken for them
        raise ValueError(f"run lengths of {total} bytes, the picture has {size}")
    values, done = np.zeros(total, np.uint8), 0
    while done < total:
        if position >= len(bits):
            raise ValueError(f"run lengths that end after {done} of {total} bytes")
        repeated = take(1)
        end = done + 1 + take(widths[take(2)])
        if repeated:
            values[done:end] = take(width)
        else:
            each = bits[position : position + width * (end - done)].reshape(-1, width)
            values[done:end] = each @ (1 << np.arange(width)[::-1])
            position += width * (end - done)
        done = end
    return values
