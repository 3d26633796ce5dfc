"""COCO: one JSON file for all pictures; polygons and run lengths, or panoptic PNGs.

    instances   {"images": [{"id", "file_name", "height", "width"}], "categories": [{"id", "name"}],
                 "annotations": [{"image_id", "category_id", "segmentation": [[x, y, ...]] or {"size", "counts"}}]}
    panoptic    the same with "annotations": [{"image_id", "file_name": "0001.png", "segments_info":
                 [{"id", "category_id"}]}], the PNGs, whose red + 256 green + 65536 blue is a segment's id, in a folder
                 of the JSON file's name or beside it

Later annotations lie above earlier ones. Source: cocodataset.org/#format-data.
"""

import functools
import pathlib

import numpy as np

from seg2vid_tf.annotations.png_file import read_packed_png
from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.label_formats.drawing import Drawing
from seg2vid_tf.data.label_formats.labelled import OTHER_FORM, LabelledPicture, Labels, read_json
from seg2vid_tf.data.label_formats.picture_finder import PictureFinder

TOOL = "COCO (CVAT, Roboflow, FiftyOne, Label Studio, ...)"


def is_it(document) -> bool:
    """Whether a JSON document is of this form."""
    return isinstance(document, dict) and {"images", "annotations", "categories"} <= document.keys()


def read(root: pathlib.Path, images: pathlib.Path | None) -> list[LabelledPicture]:
    """The annotated pictures of one JSON file, or of those in a folder and its sub-folders.

    Raises:
      ValueError: not as COCO has it; two files of the same pictures, as instances and panoptic.
    """
    files = [root] if root.is_file() else files_below(root, "*.json")
    base = root.parent if root.is_file() else root
    finder, found, told = PictureFinder(images, base), [], {}
    for file in files:
        document = read_json(file)
        if not is_it(document):
            continue
        for path, load in _pictures(file, document):
            if told.setdefault(path, file) != file:
                raise ValueError(
                    f"{root}: {told[path].name} and {file.name} both tell of {path}; give the one that is meant, by "
                    f"--input={file} --images={base}"
                )
            sequence = path.parent.name if len(path.parts) > 1 else ""
            found.append(LabelledPicture(path.stem, sequence, finder.find(str(path), file), file, load, str(path)))
    return found


def _pictures(file, document):
    try:
        names = {category["id"]: category["name"] for category in document["categories"]}
        if wrong := [name for name in names.values() if not isinstance(name, str)]:
            raise ValueError(f"a category whose name is no text: {wrong[0]!r}")
        of_image = {}
        for annotation in document["annotations"]:
            of_image.setdefault(annotation["image_id"], []).append(annotation)
        return [
            (
                pathlib.PurePosixPath(image["file_name"].replace("\\", "/")),
                functools.partial(_labels, file, image, of_image.get(image["id"], []), names),
            )
            for image in document["images"]
        ]
    except OTHER_FORM as error:
        raise ValueError(f"{file}: not as COCO has it ({type(error).__name__}: {error})") from error


def _labels(file, image, annotations, names) -> Labels:
    try:
        size = int(image["height"]), int(image["width"])
        if any("segments_info" in annotation for annotation in annotations):
            return _panoptic(file, size, annotations[0], names)
        drawing = Drawing(size)
        for annotation in annotations:
            name, segmentation = names[annotation["category_id"]], annotation.get("segmentation")
            instance = annotation.get("id", id(annotation))
            if isinstance(segmentation, dict):
                drawing.mask(name, run_length_mask(segmentation, size), instance=instance)
            for polygon in segmentation if isinstance(segmentation, list) else ():
                drawing.polygon(name, zip(polygon[::2], polygon[1::2], strict=True), instance)
        boxes = ", which has boxes alone, no segmentation" if any("bbox" in a for a in annotations) else ""
        return drawing.labels(f"{file}: picture {image['file_name']!r}{boxes}")
    except OTHER_FORM as error:
        raise ValueError(f"{file}: picture {image.get('file_name')!r}: not as COCO has it ({error})") from error


def run_length_mask(segmentation: dict, size: tuple[int, int]) -> np.ndarray:
    """bool [H, W] of {"size", "counts"}; counts are numbers, column by column, or text.

    Decoded here and not by pycocotools, which gives pixels of uninitialised memory where runs are too short.

    Raises:
      ValueError: it is of another size than the picture.
    """
    counts, (height, width) = segmentation["counts"], size
    if tuple(segmentation["size"]) != size:
        raise ValueError(f"a mask of {segmentation['size']}, the picture has {list(size)}")
    if isinstance(counts, str):
        counts = _counts_of(counts)
    # Before any memory is taken for them.
    if min(counts, default=0) < 0 or sum(counts) != height * width:
        raise ValueError(f"run lengths of {sum(counts)} pixels, the picture has {height * width}")
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return values.reshape(width, height).T


def _counts_of(text):
    """The numbers in compressed counts: five bits a character from "0" on, the least ones first, a sixth says "more".

    From the fourth on they are differences from the last but one. Source: github.com/cocodataset/cocoapi,
    common/maskApi.c.
    """
    counts, value, shift = [], 0, 0
    for code in (ord(character) - 48 for character in text):
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            value -= 1 << shift if code & 16 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value, shift = 0, 0
    return counts


def _panoptic(file, size, annotation, names):
    folders = (file.parent / file.stem, file.parent, file.parent / file.stem.removeprefix("panoptic_"))
    paths = [folder / annotation["file_name"] for folder in folders]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise ValueError(f"{annotation['file_name']} is neither in {folders[0]} nor in {folders[1]}")
    ids = read_packed_png(path)
    if ids.shape != size:
        raise ValueError(f"{path}: {ids.shape}, the JSON file says {size}")
    segments = sorted((segment["id"], segment["category_id"]) for segment in annotation["segments_info"])
    keys = np.array([0, *(key for key, _ in segments)], np.uint32)
    places = np.searchsorted(keys, ids)
    places[keys[np.minimum(places, len(keys) - 1)] != ids] = 0
    number = {name: i for i, name in enumerate(sorted({names[c] for _, c in segments}), 1)}
    table = np.array([0, *(number[names[category]] for _, category in segments)], np.uint16)
    return Labels(table[places], {0: ""} | {i: n for n, i in number.items()}, places.astype(np.uint16))
