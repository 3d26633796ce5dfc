"""Supervisely: a JSON file a picture, <dataset>/ann/a.jpg.json, beside <dataset>/img/a.jpg.

    {"size": {"height": 10, "width": 20}, "objects": [
       {"classTitle": "car", "geometryType": "polygon", "points": {"exterior": [[x, y], ...], "interior": [[...]]}},
       {"classTitle": "road", "geometryType": "bitmap", "bitmap": {"data": "eJ..", "origin": [x, y]}}]}

A bitmap is a PNG, packed by zlib, in base 64; where it has an alpha channel, that is the mask. Later objects lie above
earlier ones. Source: developer.supervisely.com, Supervisely Annotation Format.
"""

import base64
import functools
import io
import pathlib
import zlib

import numpy as np
from PIL import Image, ImageDraw

from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.label_formats.drawing import Drawing, check_size
from seg2vid_tf.data.label_formats.labelled import OTHER_FORM, LabelledPicture, Labels, read_json
from seg2vid_tf.data.label_formats.picture_finder import PictureFinder

TOOL = "Supervisely"
_LINE, _POINT = 10, 5
_KINDS = ("bitmap", "polygon", "rectangle", "line", "polyline", "point")
_MOST_BYTES = 1 << 26  # of a packed PNG, which a small document may unfold to


def is_it(document) -> bool:
    """Whether a JSON document is of this form."""
    return isinstance(document, dict) and isinstance(document.get("size"), dict) and "objects" in document


def read(root: pathlib.Path, images: pathlib.Path | None) -> list[LabelledPicture]:
    """The annotated pictures of a project, a data set of it, or one file."""
    files = [root] if root.is_file() else files_below(root, "*.json")
    # The pictures of "ann" lie in the folder beside it.
    annotations = root.parent if root.is_file() else root
    finder = PictureFinder(images, annotations.parent if annotations.name == "ann" else annotations)
    found = []
    for file in files:
        if is_it(read_json(file)):
            inside = file.parent.name == "ann"
            sequence = file.parent.parent.name if inside and file.parent.parent not in (root, root.parent) else ""
            image = finder.find(f"img/{file.stem}" if inside else file.stem, file) or finder.find(file.stem, file)
            stem = pathlib.PurePath(file.stem).stem
            found.append(LabelledPicture(stem, sequence, image, file, functools.partial(_labels, file), file.stem))
    return found


def _labels(file) -> Labels:
    document = read_json(file)
    objects = document["objects"] if isinstance(document["objects"], list) else []
    kinds = {str(each["geometryType"]) for each in objects if isinstance(each, dict) and "geometryType" in each}
    if unread := sorted(kinds - {*_KINDS}):
        raise ValueError(f"{file}: objects of kind {unread[0]!r} are not read; those that are: {', '.join(_KINDS)}")
    try:
        size = int(document["size"]["height"]), int(document["size"]["width"])
        drawing = Drawing(size)
        for number, each in enumerate(document["objects"]):
            _draw(drawing, each, size, number)
        return drawing.labels(str(file))
    except (*OTHER_FORM, zlib.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{file}: not as Supervisely writes it ({type(error).__name__}: {error})") from error


def _draw(drawing, each, size, instance):
    name, kind = each["classTitle"], each["geometryType"]
    if kind == "bitmap":
        left, top = (int(value) for value in each["bitmap"]["origin"])
        drawing.mask(name, _bitmap(each["bitmap"]["data"]), top, left, instance)
        return
    points = each["points"]["exterior"]
    holes = [hole for hole in each["points"].get("interior", []) if len(hole) > 2]
    if kind == "polygon" and holes and len(points) > 2:
        drawing.mask(name, _with_holes(points, holes, size), instance=instance)
    elif kind == "polygon":
        drawing.polygon(name, points, instance)
    elif kind == "rectangle":
        drawing.rectangle(name, points, instance)
    elif kind in ("line", "polyline"):
        drawing.line(name, points, _LINE, instance)
    else:  # a point
        drawing.ellipse(name, points[0], [_POINT] * 2, instance)


def _bitmap(text):
    """bool [h, w] of a bitmap's text."""
    data = zlib.decompressobj().decompress(base64.b64decode(text), _MOST_BYTES)
    picture = Image.open(io.BytesIO(data), formats=["PNG"])
    check_size(picture.size[::-1])
    return np.asarray(picture.getchannel("A") if "A" in picture.getbands() else picture.convert("L")) > 0


def _with_holes(points, holes, size):
    picture = Image.new("1", size[::-1])
    draw = ImageDraw.Draw(picture)
    draw.polygon([tuple(point) for point in points], fill=1, outline=1)
    for hole in holes:
        draw.polygon([tuple(point) for point in hole], fill=0, outline=1)  # its outline is the object's
    return np.asarray(picture)
