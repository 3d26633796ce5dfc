"""Whether the indices of a palette PNG can be the ids: its colours often say otherwise.

A palette file shows colours and stores indices. Where a tool painted it in a spec's colours, or saved a grey map of ids
with as few entries as it has levels, the order of the entries is the tool's own, and its indices are no ids. So what
the
palette shows is held against what its indices would mean: entries in the colour of another class, or grey levels that
are
ids themselves, say that the colours count. Two palettes say that the indices count: the grey ramp, and the colour map
of Pascal VOC, which paints index i in the i-th colour whatever it means.
"""

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec


def voc_colors(count: int = 256) -> np.ndarray:
    """The first colours of Pascal VOC's map, uint8 [count, 3]. Source: the VOC development kit, VOClabelcolormap.m."""
    index = np.arange(count)
    colors = np.zeros((count, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colors[:, channel] |= ((index >> (3 * bit + channel) & 1) << (7 - bit)).astype(np.uint8)
    return colors


def palette_contradiction(palette: np.ndarray, used: np.ndarray, spec: AnnotationSpec, table: np.ndarray) -> str:
    """What a palette shows that its indices do not mean; "" where nothing does.

    Args:
      palette: uint8 [N, 3], the colours of the indices from 0 up.
      used: the indices that the file holds.
      spec: whose classes are meant.
      table: [256], the spec's id that each index would mean; spec.ignore_id where none.
    """
    used = [int(i) for i in used if i < len(palette)]
    colors = {i: tuple(map(int, palette[i])) for i in used}
    if all(colors[i] == tuple(map(int, voc_colors()[i])) for i in used):
        return ""
    ids = {i: int(table[i]) for i in used}
    for painted in _paintings(spec, set(colors.values())):
        # A colour that the right index has too, as black beyond the last entry, says nothing.
        right = {color for i, color in colors.items() if painted.get(color) == ids[i]}
        for i, color in colors.items():
            if color in painted and painted[color] != ids[i] and color not in right:
                return (
                    f"index {i} has the colour {color} of {_named(spec, painted[color])}, not of {_named(spec, ids[i])}"
                )
    levels = {i: color[0] for i, color in colors.items() if len(set(color)) == 1}
    moved = [i for i, level in levels.items() if level != i]
    own = any(spec.classes[ids[i]].color == colors[i] for i in moved if ids[i] < spec.num_classes)
    if len(levels) == len(used) and moved and not own and _are_ids(levels.values(), spec, table):
        return f"index {moved[0]} has the grey level {levels[moved[0]]}, which is an id too"
    return ""


def builtin_contradiction(palette: np.ndarray, used: np.ndarray, specs: list[AnnotationSpec]) -> str:
    """As palette_contradiction, where the spec is not known: what all of some specs whose colours are there say."""
    shown = {tuple(map(int, palette[i])) for i in used if i < len(palette)}
    found = []
    for spec in specs:
        own = {c.color for c in spec.classes}
        # Black and white are in every palette.
        if len({color for color in shown & own if len(set(color)) > 1}) > 1 or not found and shown <= own:
            table = np.where(np.arange(256) < spec.num_classes, np.arange(256), spec.ignore_id)
            found.append(palette_contradiction(palette, used, spec, table))
    if found:
        return min(found, key=len)
    levels = {int(i): int(palette[i][0]) for i in used if i < len(palette) and len(set(palette[i].tolist())) == 1}
    moved = [i for i, level in levels.items() if level != i]
    small = all(level < 64 or level == 255 for level in levels.values())
    if moved and small and len(levels) == len(used):
        return f"index {moved[0]} has the grey level {levels[moved[0]]}, which may be the id"
    return ""


def _paintings(spec, shown):
    """{colour: id} of the spec's own colours, and of each colour set that knows all the colours shown."""
    own = {c.color: c.id for c in reversed(spec.classes)}
    return [own, *(own | colors for colors in spec.color_sets.values() if shown <= (own | colors).keys())]


def _are_ids(levels, spec, table):
    known = {*range(spec.num_classes), spec.ignore_id}
    listed = {i for i in range(256) if table[i] != spec.ignore_id}
    return set(levels) <= known | listed


def _named(spec, class_id):
    return "ignored pixels" if class_id == spec.ignore_id else f"class {class_id}, {spec.classes[class_id].name!r}"
