"""Maps whose numbers or colours nobody names: grey or palette PNGs of numbers of one's own, or RGB PNGs.

A number is called "7", a colour "128-064-128" (red, green, blue): import_labels.py --map=7:road says what it is.
"""

import functools
import pathlib

import numpy as np

from seg2vid_tf.annotations.png_file import PACKED, read_ids_png, read_packed_png
from seg2vid_tf.data.label_formats.labelled import LabelledPicture, Labels
from seg2vid_tf.data.label_formats.painted import map_files, with_pictures
from seg2vid_tf.data.label_formats.picture_finder import labels_below

_MOST = 1000  # more are no map: a photo, or smoothed edges


def read(root: pathlib.Path, images: pathlib.Path | None, colors: bool) -> list[LabelledPicture]:
    """The maps of a folder and its sub-folders, or one file; by their colours or by the numbers stored in them."""
    # Where no folder is called as data sets call theirs, sub-folders are sequences of one's own.
    files = map_files(root) or labels_below(root, images)
    return with_pictures(files, root, images, lambda file: functools.partial(_colors if colors else _numbers, file))


def _numbers(file) -> Labels:
    fix = "maps of numbers are grey or palette PNGs; those of colours are read by --format=own_colors"
    ids = read_ids_png(file, depths=(8, 16), allow_palette=True, fix=fix)
    values = np.unique(ids)
    _check_count(file, values, "numbers")
    return Labels(ids, {int(value): str(value) for value in values})


def _colors(file) -> Labels:
    packed = read_packed_png(file)
    values, numbers = np.unique(packed, return_inverse=True)
    _check_count(file, values, "colours")
    channels = values[:, None] // np.array(PACKED) % 256
    names = {number: "-".join(f"{level:03d}" for level in color) for number, color in enumerate(channels)}
    return Labels(numbers.reshape(packed.shape).astype(np.uint16), names)


def _check_count(file, values, what):
    if len(values) > _MOST:
        raise ValueError(
            f"{file}: {len(values)} different {what}, a map has a few; it may be a photo, or saved with smoothed edges "
            "or as JPEG before: export it again without"
        )
