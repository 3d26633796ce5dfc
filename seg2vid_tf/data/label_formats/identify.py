"""Which format a file or folder is of, by its form, its name and its colours."""

import pathlib

import numpy as np

from seg2vid_tf.annotations.png_file import read_ids_png, read_palette, read_rgb_png
from seg2vid_tf.data.label_formats import cityscapes_polygons, coco, label_studio, labelme, supervisely
from seg2vid_tf.data.label_formats.class_lists import find_class_list, read_class_list
from seg2vid_tf.data.label_formats.labelled import read_json
from seg2vid_tf.data.label_formats.official_colors import official_colors

_JSON = {"labelme": labelme, "coco": coco, "label_studio": label_studio, "cityscapes_polygons": cityscapes_polygons}
_JSON |= {"supervisely": supervisely}


def identify(path: pathlib.Path) -> str | None:
    """The name of the format that a file, or the first files of a folder, are of; None where nothing says it."""
    if path.is_dir():
        if (path / "SegmentationClass").is_dir():
            return "voc"
        files = [p for p in sorted(path.rglob("*"))[:5000] if p.suffix in (".json", ".png") and not p.name[0] == "."]
        files.sort(key=lambda p: (p.suffix, len(p.parts)))
        return next((name for file in [*files[:20], *files[-20:]] if (name := identify(file))), None)
    if path.suffix.lower() == ".json":
        document = read_json(path)
        return next((name for name, module in _JSON.items() if module.is_it(document)), None)
    return _of_png(path) if path.suffix.lower() == ".png" else None


def _of_png(path):
    if label_studio.is_png(path):
        return "label_studio"
    for ending, name in (
        ("_labelIds", "cityscapes"), ("_labelTrainIds", "cityscapes_train_ids"), ("_train_id", "bdd100k"),
        ("_train_color", "cityscapes_colors"), ("_gtFine_color", "cityscapes_colors"),
    ):  # fmt: skip
        if path.stem.endswith(ending):
            return name
    if path.parent.name == "semantic":
        return "kitti"
    if path.stem.startswith(("ADE_train_", "ADE_val_")):
        return "ade20k"
    if "sem_seg" in path.parts:  # BDD100K's newer folders
        return "cityscapes_colors" if "colormaps" in path.parts else "bdd100k"
    if path.parent.name == "SegmentationClass":
        return "voc"
    try:
        colors, grey = _colors_of(path)
    except ValueError:
        return None
    if grey:
        return "masks" if colors <= {0, 255} and 255 in colors else None
    listed = find_class_list(path)
    if listed is not None and colors <= read_class_list(listed).keys():
        return "voc" if listed.name == "labelmap.txt" else "painted"
    return next((n for n, c in _OFFICIAL.items() if colors <= official_colors(c).keys()), None)


_OFFICIAL = {"cityscapes_colors": "cityscapes", "comma10k": "comma10k", "camvid": "camvid", "voc": "voc"}


def _colors_of(path):
    """The colours of a picture, or its grey levels, and whether they are that."""
    try:
        if read_palette(path) is None:
            return {int(level) for level in np.unique(read_ids_png(path, depths=(8, 16)))}, True
    except (ValueError, OSError):
        pass
    picture = read_rgb_png(path)[::2, ::2].reshape(-1, 3)
    return {tuple(map(int, color)) for color in np.unique(picture, axis=0)}, False
