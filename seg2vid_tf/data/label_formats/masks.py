"""Masks of 0 and something, one file a class: car/a.png and road/a.png, or a_car.png and a_road.png.

The folder around them is a sequence: s1/car/a.png, s2/car/a.png. Such files say no order: where masks overlap, the
smaller one lies above.
"""

import functools
import pathlib

import numpy as np

from seg2vid_tf.annotations.png_file import read_ids_png
from seg2vid_tf.data.label_formats.labelled import LabelledPicture, Labels
from seg2vid_tf.data.label_formats.picture_finder import MAP_FOLDERS, PictureFinder, labels_below

TOOL = "scripts, Roboflow, Supervisely's masks"


def read(root: pathlib.Path, images: pathlib.Path | None) -> list[LabelledPicture]:
    """The pictures that the masks of a folder are of.

    Raises:
      ValueError: two masks of one class of a picture.
    """
    finder, masks = PictureFinder(images, root), {}
    pictures = finder.stems()
    for file in labels_below(root, images):
        if file.stem in pictures or not any(file.stem.startswith(f"{stem}_") for stem in pictures):
            stem, name, folder = file.stem, file.parent.name, file.parent.parent
        else:
            stem = max((s for s in pictures if file.stem.startswith(f"{s}_")), key=len)
            name, folder = file.stem[len(stem) + 1 :], file.parent
        other = masks.setdefault((folder, stem), {}).setdefault(name, file)
        if other != file:
            raise ValueError(f"{file}: a second mask of class {name!r} of picture {stem!r}, besides {other}; join them")
    found = []
    for (folder, stem), files in sorted(masks.items()):
        within = folder != root and folder.is_relative_to(root) and folder.name not in MAP_FOLDERS
        first = next(iter(files.values()))
        image = finder.find(f"{stem}.jpg", folder / first.name)
        load = functools.partial(_labels, sorted(files.items()))
        found.append(LabelledPicture(stem, folder.name if within else "", image, first, load))
    return found


def _labels(files) -> Labels:
    masks, names = [], {0: ""}
    for name, file in files:
        mask = (
            read_ids_png(file, allow_palette=True, fix="masks are grey or palette PNGs, 0 where the class is not") > 0
        )
        masks.append((name, mask))
        if mask.shape != masks[0][1].shape:
            raise ValueError(
                f"{file}: {mask.shape}, {files[0][1]} is {masks[0][1].shape}; masks of one picture are of one size"
            )
    numbers = np.zeros(masks[0][1].shape, np.uint16)
    for number, (name, mask) in enumerate(sorted(masks, key=lambda which: -np.count_nonzero(which[1])), 1):
        numbers[mask] = number
        names[number] = name
    return Labels(numbers, names)
