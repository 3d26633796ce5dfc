"""Cityscapes' polygons: gtFine/<split>/<city>/<stem>_gtFine_polygons.json.

    {"imgHeight": 1024, "imgWidth": 2048, "objects": [{"label": "road", "polygon": [[x, y], ...]}, ...]}

Later objects lie above earlier ones, deleted ones are left out, and a "cargroup" is one of several cars. Source:
github.com/mcordts/cityscapesScripts.
"""

import pathlib

from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.label_formats.drawing import Drawing
from seg2vid_tf.data.label_formats.labelled import OTHER_FORM, LabelledPicture, Labels, read_json
from seg2vid_tf.data.label_formats.picture_finder import PictureFinder

TOOL = "Cityscapes' label tool"
_UNDRAWN = "license plate"  # its id is -1; what lies below, the car, is in the official maps
_ENDINGS = ("_gtFine_polygons", "_gtCoarse_polygons", "_polygons")


def is_it(document) -> bool:
    """Whether a JSON document is of this form."""
    return isinstance(document, dict) and {"imgHeight", "imgWidth", "objects"} <= document.keys()


def read(root: pathlib.Path, images: pathlib.Path | None) -> list[LabelledPicture]:
    """The annotated pictures of a folder and its sub-folders, or of one file."""
    files = [root] if root.is_file() else files_below(root, "*_polygons.json")
    finder, found = PictureFinder(images, root.parent if root.is_file() else root), []
    for file in files:
        stem = file.stem
        for ending in _ENDINGS:
            stem = stem.removesuffix(ending)
        image = finder.find(f"{stem}_leftImg8bit.png", file) or finder.find(f"{stem}.png", file)
        sequence = "" if file.parent in (root, root.parent) else file.parent.name
        found.append(LabelledPicture(stem, sequence, image, file, lambda file=file: _labels(file)))
    return found


def _labels(file) -> Labels:
    document = read_json(file)
    try:
        drawing = Drawing((int(document["imgHeight"]), int(document["imgWidth"])))
        for number, thing in enumerate(document["objects"]):
            if not thing.get("deleted") and thing["label"] != _UNDRAWN:
                drawing.polygon(thing["label"], thing["polygon"], number)
        return drawing.labels(str(file))
    except OTHER_FORM as error:
        raise ValueError(f"{file}: not as Cityscapes writes it ({type(error).__name__}: {error})") from error
