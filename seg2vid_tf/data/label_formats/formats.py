"""The formats by name: who writes them and how they are read. identify.py says which one a file or folder is of."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from seg2vid_tf.data.label_formats import (
    cityscapes_polygons,
    coco,
    id_maps,
    label_studio,
    labelme,
    masks,
    painted,
    supervisely,
    unnamed,
)
from seg2vid_tf.data.label_formats.class_lists import find_class_list, read_class_list
from seg2vid_tf.data.label_formats.labelled import LabelledPicture
from seg2vid_tf.data.label_formats.official_colors import official_colors


@dataclasses.dataclass(frozen=True)
class LabelFormat:
    """One format.

    Attributes:
      tool: who writes it.
      read: (folder or file, folder of the pictures or None) -> its pictures.
      instances: whether it tells instances apart.
    """

    tool: str
    read: Callable[[pathlib.Path, pathlib.Path | None], list[LabelledPicture]]
    instances: bool = False


def _ids(numbers, pattern):
    def read(root, images):
        # Datumaro's numbers are its own; its colours are named beside them.
        listed = find_class_list(root)
        if listed is not None and listed.name == "label_colors.txt":
            return painted.read(root, images, read_class_list(listed))
        return id_maps.read(root, images, numbers, pattern)

    return read


def _by_list(root, images):
    listed = find_class_list(root)
    if listed is None:
        raise ValueError(
            f"{root}: no list of classes and colours beside the maps: labelmap.txt, label_colors.txt, class_dict.csv, "
            "class_list.json or config.json; copy it there, or name the data set whose colours these are by --format"
        )
    return painted.read(root, images, read_class_list(listed))


def _painted_as(name):
    def read(root, images):
        listed = find_class_list(root)
        own = listed is not None and listed.name == "label_colors.txt"
        return painted.read(root, images, read_class_list(listed) if own else official_colors(name))

    return read


def _voc(root, images):
    return _by_list(root, images) if find_class_list(root) else _painted_as("voc")(root, images)


FORMATS = {
    "labelme": LabelFormat(labelme.TOOL, labelme.read, instances=True),
    "coco": LabelFormat(coco.TOOL, coco.read, instances=True),
    "label_studio": LabelFormat(label_studio.TOOL, label_studio.read, instances=True),
    "cityscapes_polygons": LabelFormat(cityscapes_polygons.TOOL, cityscapes_polygons.read, instances=True),
    "voc": LabelFormat("CVAT's segmentation masks, Pascal VOC, Datumaro", _voc, instances=True),
    "camvid": LabelFormat("CamVid", _painted_as("camvid")),
    "comma10k": LabelFormat("comma10k", _painted_as("comma10k")),
    "cityscapes_colors": LabelFormat("Cityscapes and BDD100K, painted", _painted_as("cityscapes")),
    "painted": LabelFormat("Mapillary Vistas, A2D2, and whoever lists colours beside the maps", _by_list),
    "cityscapes": LabelFormat("Cityscapes, label ids", _ids("labelIds", "*_labelIds.png")),
    "cityscapes_train_ids": LabelFormat("Cityscapes, trainIds", _ids("trainIds", "*_labelTrainIds.png")),
    "bdd100k": LabelFormat("BDD100K, trainIds", _ids("trainIds", "*.png")),
    "kitti": LabelFormat("KITTI semantics, 8 or 16 bits", _ids("labelIds", "*/semantic/*.png")),
    "ade20k": LabelFormat("ADE20K", _ids("ade20k", "*.png")),
    "masks": LabelFormat(masks.TOOL, masks.read),
    "supervisely": LabelFormat(supervisely.TOOL, supervisely.read, instances=True),
    "own_numbers": LabelFormat("numbers that --map names", functools.partial(unnamed.read, colors=False)),
    "own_colors": LabelFormat("colours that --map names", functools.partial(unnamed.read, colors=True)),
}


def reader(name: str) -> Callable:
    """The read function of a format.

    Raises:
      ValueError: no such format.
    """
    if name not in FORMATS:
        raise ValueError(f"unknown format {name!r}: it is one of {sorted(FORMATS)}")
    return functools.partial(FORMATS[name].read)
