"""Label maps in memory and on disk: read, check, resize, write, colour. NumPy and Pillow only.

A label map is uint8 [H, W] (or [B, H, W]): ids of one AnnotationSpec, or its ignore id. Its file is an 8-bit grey PNG;
a palette PNG is read only where the caller says that its indices are the ids. color_map.py reads maps that are painted;
encode.py turns label maps into network input.
"""

import os
import pathlib

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.map_file import read_ids, read_palette
from seg2vid_tf.annotations.palette import palette_contradiction
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.files import replacing

# A palette PNG may be a coloured picture whose indices mean nothing: only its owner knows.
_PALETTE_FIX = ", or, if its palette indices are the class ids, read it with read_label_map(palette=True) or --palette"


def read_label_map(
    path: str | os.PathLike,
    spec: AnnotationSpec,
    size: tuple[int, int] | None = None,
    label_ids: str | None = None,
    palette: bool = False,
) -> np.ndarray:
    """Reads a label map from an 8-bit grey PNG.

    Args:
      path: the PNG file.
      spec: what its ids mean.
      size: (height, width) to resize to (resize_label_map), or None for the file's own.
      label_ids: name of the label set of ``spec.label_sets`` that the file is written in; None: the spec's own ids.
      palette: whether a palette PNG is accepted too, whose indices are the ids, unless its colours say otherwise.

    Returns:
      uint8 [H, W], ids of the spec or its ignore id.

    Raises:
      ValueError: unknown label set; palette (unless told, or of colours that its indices do not mean), RGB, alpha,
        16-bit, JPEG, oversized or damaged file; an id outside the spec.
    """
    table = None if label_ids is None else label_set_table(spec, label_ids)
    label_map = read_ids(path, allow_palette=palette, palette_fix=_PALETTE_FIX)
    if palette:
        _check_palette(path, label_map, spec, table)
    if table is not None:
        label_map = table[label_map]
    validate_label_map(label_map, spec, name=str(path))
    return label_map if size is None else resize_label_map(label_map, size)


def _check_palette(path, indices, spec, table):
    """Refuses a palette file whose colours are those of other classes than its indices."""
    colors = read_palette(path)
    if colors is None:
        return
    if table is None:
        table = np.where(np.arange(256) < spec.num_classes, np.arange(256), spec.ignore_id)
    contradiction = palette_contradiction(colors, np.unique(indices), spec, table)
    if contradiction:
        raise ValueError(
            f"{path}: a palette PNG whose indices are not the ids that it shows: {contradiction}; read it through its "
            "palette, by --colors=classes, a colour set, or --colors=grey for grey levels, or, if the indices are "
            "right, save them as a grey PNG"
        )


def label_set_table(spec: AnnotationSpec, label_ids: str) -> np.ndarray:
    """uint8 [256]: entry i is the spec's id for id i of that label set; ids that the set does not list are ignored."""
    if label_ids not in spec.label_sets:
        raise ValueError(
            f"unknown label set {label_ids!r}: spec {spec.name!r} has {sorted(spec.label_sets)}; "
            "leave label_ids out where the file holds the spec's own ids"
        )
    table = np.full(256, spec.ignore_id, np.uint8)
    for source, target in spec.label_sets[label_ids].items():
        if 0 <= source <= 255:  # Cityscapes lists -1 for licence plates, which no 8-bit file can hold
            table[source] = target
    return table


def validate_label_map(
    label_map, spec: AnnotationSpec, size: tuple[int, int] | None = None, name: str = "label_map"
) -> np.ndarray:
    """Checks that an array is a label map of the spec.

    Args:
      label_map: integers [H, W] or [B, H, W]; any integer dtype whose values fit.
      spec: what its ids mean.
      size: the (height, width) it must have, or None for any.
      name: what the messages call it, an argument's name or a file.

    Returns:
      uint8 array of the same shape.

    Raises:
      ValueError: floats, booleans, colours or one-hot channels, another size, or an id outside the spec.
    """
    array = np.asarray(label_map)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name}: dtype {array.dtype}, expected uint8 class ids; "
            "one-hot or probability channels become ids by argmax over them"
        )
    matches = size is None or array.shape[-2:] == tuple(size)
    channels = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] in (1, 3, 4) and not (size and matches))
    if array.ndim not in (2, 3) or channels or array.size == 0:
        raise ValueError(
            f"{name}: shape {list(array.shape)}, expected [H, W] or [B, H, W] class ids, "
            "not a colour picture or one-hot channels"
        )
    if not matches:
        raise ValueError(
            f"{name}: size {array.shape[-2]}x{array.shape[-1]} (height x width), expected {size[0]}x{size[1]}; "
            "resize it by nearest neighbour (resize_label_map)"
        )
    _check_ids(array, spec, name)
    return array.astype(np.uint8)


def _check_ids(array: np.ndarray, spec: AnnotationSpec, name: str) -> None:
    # A histogram is 30 times as fast as np.unique on the usual uint8.
    ids = np.flatnonzero(np.bincount(array.ravel(), minlength=256)) if array.dtype == np.uint8 else np.unique(array)
    unknown = [int(i) for i in ids if not (0 <= i < spec.num_classes or i == spec.ignore_id)]
    if unknown:
        shown = f"{unknown[:10]}{' and more' if len(unknown) > 10 else ''}"
        sets = " or ".join(sorted(name for name, table in spec.label_sets.items() if set(unknown) <= set(table)))
        if unknown == [255]:
            other = "; masks of 0 and 255, one file a class, become label maps by import_labels.py --format=masks"
        elif sets:
            other = f"; another label set has them, name it: --label_ids={sets}"
        else:
            other = "; numbers of your own become label maps by import_labels.py --format=own_numbers"
        raise ValueError(
            f"{name}: ids {shown} are not in spec {spec.name!r} (0..{spec.num_classes - 1}, {spec.ignore_id} = ignored)"
            f"{other}, or give the spec that it was drawn for"
        )


def resize_label_map(label_map: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest-neighbour resize of [..., H, W] to [..., height, width] at pixel centres.

    Output row i takes input row floor((i + 0.5) * H / height), and columns alike: what tf.image.resize(NEAREST) does.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ValueError(f"size must be a positive (height, width), received {tuple(size)}")
    rows = (2 * np.arange(height) + 1) * label_map.shape[-2] // (2 * height)
    columns = (2 * np.arange(width) + 1) * label_map.shape[-1] // (2 * width)
    return label_map[..., rows[:, None], columns]


def shown_classes(label_map: np.ndarray, spec: AnnotationSpec, most: int = 8) -> str:
    """What a map shows, the largest first, as "road 41%, sky 20%, ignored 2%".

    Args:
      label_map: uint8 [H,W], in the spec's ids.
      most: how many classes are named; "..." stands for the rest.
    """
    counts = np.bincount(label_map.ravel(), minlength=256)
    names = {c.id: c.name for c in spec.classes} | {spec.ignore_id: "ignored"}
    found = sorted(np.flatnonzero(counts), key=lambda class_id: -counts[class_id])
    shares = [f"{names[class_id]} {counts[class_id] / label_map.size:.0%}" for class_id in found[:most]]
    return ", ".join(shares + ["..."] * (len(found) > most))


def write_label_map(path: str | os.PathLike, label_map: np.ndarray) -> None:
    """Writes uint8 [H, W] as an 8-bit grey PNG, whole or not at all.

    Raises:
      ValueError: not uint8 [H, W], or the file name does not end in .png.
    """
    array = np.asarray(label_map)
    if array.dtype != np.uint8 or array.ndim != 2:
        raise ValueError(f"{path}: a label map is uint8 [H, W], received {array.dtype} {list(array.shape)}")
    if pathlib.Path(path).suffix.lower() != ".png":
        raise ValueError(f"{path}: label maps are PNG files, name it *.png")
    with replacing(path) as temporary:
        Image.fromarray(array).save(temporary, format="PNG")


def colorize(label_map: np.ndarray, spec: AnnotationSpec) -> np.ndarray:
    """The spec's colours of a label map, uint8 [..., 3]; ignored pixels are black.

    Args:
      label_map: uint8 [...].
      spec: what its ids mean.

    Raises:
      ValueError: not uint8, or an id outside the spec.
    """
    array = np.asarray(label_map)
    if array.dtype != np.uint8:
        raise ValueError(f"label_map: dtype {array.dtype}, expected uint8 class ids")
    _check_ids(array, spec, "label_map")
    table = np.zeros((256, 3), np.uint8)
    table[: spec.num_classes] = [c.color for c in spec.classes]
    return table[array]
