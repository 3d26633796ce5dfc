"""What is odd about a label map that is valid all the same: worth a word before hours are spent on it."""

import os
import warnings
from collections.abc import Iterable

import numpy as np

from seg2vid_tf.annotations.color_map import read_told_map
from seg2vid_tf.annotations.map_file import read_ids
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.annotations.usual_places import SAME_ENCODINGS, better_encoding

MOST_IGNORED = 0.9
_OTHER_SET = "its ids fit "


class MapWarning(UserWarning):
    """A label map is valid, and hardly what was meant."""


def ignored_doubt(label_map: np.ndarray, ignore_id: int) -> str:
    """A line on a map that is ignored almost everywhere, "" for others.

    Args:
      label_map: uint8 [...], in the spec's ids.
      ignore_id: the id that is no class.
    """
    share = np.count_nonzero(label_map == ignore_id) / max(label_map.size, 1)
    if share <= MOST_IGNORED:
        return ""
    return (
        f"{share:.1%} of it is ignored (id {ignore_id}): what is there was not drawn, or its ids are of another label "
        "set (--label_ids) or of another spec (inspect_annotation.py says which)"
    )


def mask_doubt(label_map: np.ndarray, spec: AnnotationSpec) -> str:
    """A line on a map that is but a mask: one class beside what is ignored, or alone."""
    counts = np.bincount(label_map.ravel(), minlength=256)
    classes = np.flatnonzero(np.delete(counts, spec.ignore_id))
    if len(classes) != 1 or spec.num_classes < 2:
        return ""
    # np.delete has moved what lies above the ignore id, which is none of the classes.
    name = spec.classes[classes[0]].name
    if counts[255] and spec.ignore_id == 255 and classes[0] == 0:
        return (
            f"it holds 0 and 255 alone, {name!r} and ignored: masks of 0 and 255, one file a class, are no label maps; "
            "import_labels.py --format=masks makes them some"
        )
    return f"it holds one class alone, {name!r}"


def set_doubt(ids: np.ndarray, spec: AnnotationSpec, label_ids: str | None = None) -> str:
    """A line on a map whose numbers fit another known set of ids far better, by where they lie in the picture.

    Args:
      ids: the numbers in the map's file, [H, W].
      spec, label_ids: what they are said to be.
    """
    better = better_encoding(ids, spec, label_ids)
    if not better:
        return ""
    stated = f"{spec.name}'s label set {label_ids}" if label_ids else f"spec {spec.name!r}"
    names = {better, *(name for name, same in SAME_ENCODINGS.items() if same == better)} & set(spec.label_sets)
    fix = (
        f"give --label_ids={sorted(names)[0]}" if names else f"that spec's model, or maps in {spec.name!r}, are wanted"
    )
    return f"{_OTHER_SET}{better!r} better than {stated}, by where they lie in the picture: {fix}"


def is_set_doubt(remark: str) -> bool:
    """Whether a remark on a clip is ``set_doubt``'s: the shares of its classes are then wrong, so it is told first."""
    return remark.startswith(_OTHER_SET)


def warn_of_doubts(label_map: np.ndarray, spec: AnnotationSpec, name: str) -> None:
    """Warns, by Python's warnings, of a label map, in the spec's ids, that is hardly what was meant."""
    for doubt in (ignored_doubt(label_map, spec.ignore_id), set_doubt(label_map, spec)):
        if doubt:
            warnings.warn(f"{name}: {doubt}", MapWarning, stacklevel=3)


def absent_doubt(label_map: np.ndarray, spec: AnnotationSpec, classes: Iterable[int]) -> str:
    """A line on classes, by id, that are to look otherwise and that a map does not show; "" where it shows all."""
    absent = [spec.classes[each].name for each in classes if not (label_map == each).any()]
    return f"the label map shows no {' and no '.join(absent)}, whose other look changes nothing" if absent else ""


def warn_of_absent(label_map: np.ndarray, spec: AnnotationSpec, classes: Iterable[int]) -> None:
    """``absent_doubt`` as a warning."""
    doubt = absent_doubt(label_map, spec, classes)
    if doubt:
        warnings.warn(doubt, MapWarning, stacklevel=3)


def read_doubted_map(
    path: str | os.PathLike,
    spec: AnnotationSpec,
    size: tuple[int, int] | None = None,
    *,
    label_ids: str | None = None,
    palette: bool = False,
    colors: str | None = None,
) -> np.ndarray:
    """read_told_map, with a warning where the numbers in the file are hardly those of ``label_ids``."""
    label_map = read_told_map(path, spec, size, label_ids=label_ids, palette=palette, colors=colors)
    if label_ids and not colors:
        doubt = set_doubt(read_ids(path, allow_palette=True), spec, label_ids)
        if doubt:
            warnings.warn(f"{path}: {doubt}", MapWarning, stacklevel=2)
    return label_map
