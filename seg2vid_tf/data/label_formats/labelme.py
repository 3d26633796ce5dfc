"""LabelMe: a JSON file a picture, beside it. Source: github.com/wkentaro/labelme, labelme/utils/shape.py.

    {"version": "5.4.1", "shapes": [{"label": "car", "points": [[x, y], ...], "group_id": null,
     "shape_type": "polygon", "mask": null}], "imagePath": "a.jpg", "imageHeight": 10, "imageWidth": 20}

Later shapes lie above earlier ones; shapes of one label and group are one instance. Lines are 10 pixels wide and points
have a radius of 5, as the tool draws them.
"""

import base64
import functools
import io
import math
import pathlib

import numpy as np
from PIL import Image

from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.label_formats.drawing import Drawing, check_size
from seg2vid_tf.data.label_formats.labelled import OTHER_FORM, LabelledPicture, Labels, read_json
from seg2vid_tf.data.label_formats.picture_finder import PictureFinder

TOOL = "LabelMe"
_LINE, _POINT = 10, 5


def is_it(document) -> bool:
    """Whether a JSON document is of this form."""
    return isinstance(document, dict) and "shapes" in document and "imagePath" in document


def read(root: pathlib.Path, images: pathlib.Path | None) -> list[LabelledPicture]:
    """The annotated pictures of a folder and its sub-folders, or of one file."""
    files = [root] if root.is_file() else files_below(root, "*.json")
    finder = PictureFinder(images, root.parent if root.is_file() else root)
    found = []
    for file in files:
        document = read_json(file)
        if is_it(document):
            name = str(document["imagePath"])
            # Pictures that were renamed together with their labels lie where they lay.
            renamed = pathlib.PurePosixPath(name.replace("\\", "/")).parent / f"{file.stem}.jpg"
            image = finder.find(name, file) or finder.find(str(renamed), file)
            sequence = "" if file.parent in (root, root.parent) else file.parent.name
            load = functools.partial(_labels, file)
            found.append(LabelledPicture(file.stem, sequence, image, file, load, f"{name} or {renamed.stem}.*"))
    return found


def _labels(file) -> Labels:
    document = read_json(file)
    try:
        height, width = document["imageHeight"], document["imageWidth"]
        if not (height and width):
            height, width = _size_of_data(document, file)
        drawing = Drawing((int(height), int(width)))
        for number, shape in enumerate(document["shapes"]):
            group = shape.get("group_id")
            _draw(drawing, shape, ("shape", number) if group is None else ("group", group))
        return drawing.labels(str(file))
    except OTHER_FORM as error:
        raise ValueError(f"{file}: not as LabelMe writes it ({type(error).__name__}: {error})") from error


def _draw(drawing, shape, instance):
    label, points, kind = shape["label"], shape["points"], shape.get("shape_type") or "polygon"
    if kind in ("polygon", "oriented_rectangle"):
        drawing.polygon(label, points, instance)
    elif kind == "rectangle":
        drawing.rectangle(label, points, instance)
    elif kind == "circle":
        center, edge = points
        drawing.ellipse(label, center, [math.dist(center, edge)] * 2, instance)
    elif kind in ("line", "linestrip"):
        drawing.line(label, points, _LINE, instance)
    elif kind in ("point", "points"):
        for point in points:
            drawing.ellipse(label, point, [_POINT] * 2, instance)
    elif kind == "mask":
        picture = Image.open(io.BytesIO(base64.b64decode(shape["mask"])))
        check_size(picture.size[::-1])
        mask = np.asarray(picture) > 0
        left, top = (int(value) for value in points[0])
        drawing.mask(label, mask, top, left, instance)
    else:
        raise ValueError(f"a shape of kind {kind!r}")


def _size_of_data(document, file):
    if not document.get("imageData"):
        raise ValueError(f"neither imageHeight nor imageData in {file.name}")
    return Image.open(io.BytesIO(base64.b64decode(document["imageData"]))).size[::-1]
