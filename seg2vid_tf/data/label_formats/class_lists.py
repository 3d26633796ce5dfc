"""Which colour is which class: the list that a tool writes beside its maps; official_colors.py has the data sets' own.

labelmap.txt        CVAT, Pascal VOC, Datumaro      "car:64,0,128::", a class a line
label_colors.txt    CamVid, Datumaro                "64 0 128 Car"
class_dict.csv      CamVid as it is shared          "Car,64,0,128" below a line of titles
class_list.json     A2D2                            {"#ff0000": "Car 1"}
config.json         Mapillary Vistas                {"labels": [{"readable": "Car", "color": [0, 0, 142]}]}

Datumaro leaves the colours out where the data set has none, "car:::" and " car", and paints in Pascal VOC's, in the
order of the list: findings/datumaro_numbers_and_colors.sh.
"""

import pathlib
import re

from seg2vid_tf.annotations.palette import voc_colors
from seg2vid_tf.data.label_formats.labelled import OTHER_FORM, read_json

Colors = dict[tuple[int, int, int], str]
FILES = ("labelmap.txt", "label_colors.txt", "class_dict.csv", "class_list.json", "config.json", "config_v*.json")


def find_class_list(root: pathlib.Path) -> pathlib.Path | None:
    """The class list beside some maps: in their folder, one of its parents up to the third, or a sub-folder.

    JSON files of such a name that are something else are passed over.
    """
    folder = root if root.is_dir() else root.parent
    for place in (folder, *list(folder.resolve().parents)[:3]):
        for pattern in FILES:
            # Of Vistas' two versions, the one whose folder the maps lie in.
            versions = sorted(place.glob(pattern), key=lambda p: p.stem.removeprefix("config_") not in root.parts)
            for path in versions:
                if _is_list(path):
                    return path
    return next((path for name in FILES[:4] for path in sorted(folder.glob(f"*/{name}")) if _is_list(path)), None)


def _is_list(path):
    if path.suffix != ".json":
        return True
    try:
        document = read_json(path)
    except ValueError:
        return False  # other programs call their files config.json, too
    labels = document.get("labels") if isinstance(document, dict) else None
    hexes = isinstance(document, dict) and document and all(re.fullmatch("#[0-9a-fA-F]{6}", key) for key in document)
    return bool(hexes) or (
        isinstance(labels, list)
        and labels != []
        and all(isinstance(label, dict) and "color" in label for label in labels)
    )


def read_class_list(path: pathlib.Path) -> Colors:
    """The colours of a class list.

    Raises:
      ValueError: it is of none of the known forms.
    """
    try:
        colors = _from_json(read_json(path)) if path.suffix == ".json" else _from_lines(path) or _uncolored(path)
    except OTHER_FORM as error:
        raise ValueError(f"{path}: not a list of classes and their colours ({error}); see class_lists.py") from error
    if not colors:
        raise ValueError(f"{path}: no class and colour in it")
    for color, name in colors.items():
        if not isinstance(name, str) or len(color) != 3 or not all(isinstance(v, int) and 0 <= v < 256 for v in color):
            raise ValueError(f"{path}: class {name!r} of colour {color}, expected a text and three numbers of 0 to 255")
    return colors


def _from_json(document):
    if "labels" in document:
        return {tuple(row["color"][:3]): row.get("readable") or row["name"] for row in document["labels"]}
    return {tuple(bytes.fromhex(color[1:])): name for color, name in document.items()}


def _lines(path):
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _uncolored(path):
    """The colours of a list in which no class has one; {} of other lists."""
    lines = _lines(path)
    if path.name == "labelmap.txt" and all(re.fullmatch("[^:]+:::", line.strip()) for line in lines):
        names, first = [line.strip().removesuffix(":::") for line in lines], 0
    elif path.name == "label_colors.txt" and not any(line[0].isdigit() for line in lines):
        names = [line.strip() for line in lines]
        # Its maps are of the numbers from one up, where nothing is listed for zero; those of KITTI are not.
        first = int(names[:1] != ["background"] and not any(path.parent.glob("*/semantic_rgb")))
    else:
        return {}
    return dict(zip((tuple(map(int, color)) for color in voc_colors()[first:]), names, strict=False))


def _from_lines(path):
    colors = {}
    for line in _lines(path):
        if path.name == "labelmap.txt":
            name, color = line.split(":")[:2]
            rgb = color.split(",")
        elif path.suffix == ".csv":
            name, *rgb = line.split(",")
        else:
            *rgb, name = line.split(None, 3)
        if all(value.strip().isdigit() for value in rgb[:3]) and len(rgb) >= 3:
            colors[tuple(int(value) for value in rgb[:3])] = name.strip()
    return colors
