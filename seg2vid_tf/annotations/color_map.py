"""Label maps that are painted in colours, and the one way to read a map by what a program was told of it."""

import os

import numpy as np

from seg2vid_tf.annotations.label_map import label_set_table, read_label_map, resize_label_map, validate_label_map
from seg2vid_tf.annotations.map_file import read_rgb
from seg2vid_tf.annotations.spec import AnnotationSpec

# What --colors calls the classes' own colours, and pictures whose three channels are the id.
CLASSES, GREY = "classes", "grey"
_UNPAINTED = 256  # no id


def read_color_map(
    path: str | os.PathLike, spec: AnnotationSpec, colors: str = "", label_ids: str | None = None
) -> np.ndarray:
    """Reads a label map that is painted in colours, from an RGB or a palette PNG.

    Args:
      path: the PNG file.
      spec: what the ids mean.
      colors: colour set of ``spec.color_sets`` that the file is painted in; "" or "classes": the classes' own colours;
        "grey": each channel is the id, as where a grey map was saved as RGB.
      label_ids: of grey levels, the label set that they are ids of; None: the spec's own.

    Returns:
      uint8 [H, W], ids of the spec or its ignore id.

    Raises:
      ValueError: unknown colour set; no 8-bit RGB or palette PNG; a colour that is neither in the set nor a class's
        own, or that two classes have.
    """
    known = _ids_of_colors(spec, colors, label_ids)
    picture = read_rgb(path).astype(np.int32)
    packed = picture[..., 0] << 16 | picture[..., 1] << 8 | picture[..., 2]
    table = np.full(1 << 24, _UNPAINTED, np.uint16)
    for (red, green, blue), target in known.items():
        table[red << 16 | green << 8 | blue] = target
    label_map = table[packed]
    if (label_map == _UNPAINTED).any():
        y, x = np.argwhere(label_map == _UNPAINTED)[0]
        count = np.count_nonzero(label_map == _UNPAINTED)
        raise ValueError(
            f"{path}: {count} pixels of colours that spec {spec.name!r} does not know, such as "
            f"{tuple(map(int, picture[y, x]))} at row {y}, column {x}; name the colour set it is painted in (it has "
            f"{sorted(spec.color_sets)}), or add one to the spec"
        )
    return label_map.astype(np.uint8)


def _ids_of_colors(spec, colors, label_ids) -> dict[tuple[int, int, int], int]:
    if colors == GREY and GREY not in spec.color_sets:
        if label_ids is not None:
            return {(level,) * 3: int(i) for level, i in enumerate(label_set_table(spec, label_ids))}
        return {(i,) * 3: i for i in (*range(spec.num_classes), spec.ignore_id)}
    if label_ids is not None:
        raise ValueError(f"maps hold ids or colours: leave out label_ids={label_ids!r} or colors={colors!r}")
    colors = "" if colors == CLASSES and CLASSES not in spec.color_sets else colors
    if colors and colors not in spec.color_sets:
        raise ValueError(f"unknown colour set {colors!r}: spec {spec.name!r} has {sorted(spec.color_sets)}")
    known = dict(spec.color_sets.get(colors, {}))
    owners = {}
    for c in spec.classes:
        if c.color in owners and c.color not in known:
            raise ValueError(
                f"spec {spec.name!r}: classes {owners[c.color]!r} and {c.name!r} have one colour, {c.color}, so maps "
                "painted in it cannot be read; give them colours of their own, or the colour to one of them in a "
                "colour set"
            )
        owners.setdefault(c.color, c.name)
    return {c.color: c.id for c in spec.classes} | known


def read_told_map(
    path: str | os.PathLike,
    spec: AnnotationSpec,
    size: tuple[int, int] | None = None,
    *,
    label_ids: str | None = None,
    palette: bool = False,
    colors: str | None = None,
) -> np.ndarray:
    """A label map by what a program's flags say of it: --label_ids, --palette, --colors.

    Args:
      path, spec, size, label_ids, palette: as of read_label_map.
      colors: as of read_color_map, if the map is painted; None: it holds ids.

    Raises:
      ValueError: what both refuse, or colors with palette.
    """
    if colors is None:
        return read_label_map(path, spec, size, label_ids, palette)
    if palette:
        raise ValueError(f"a palette's indices are ids, or its colours are: leave out palette or colors={colors!r}")
    label_map = validate_label_map(read_color_map(path, spec, colors, label_ids), spec, name=str(path))
    return label_map if size is None else resize_label_map(label_map, size)
