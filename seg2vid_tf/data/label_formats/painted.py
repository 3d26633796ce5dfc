"""Maps painted in colours, RGB or palette PNGs: CVAT and Pascal VOC masks, CamVid, BDD100K, Mapillary Vistas, A2D2, ...

    SegmentationClass/a.png, SegmentationObject/a.png, labelmap.txt     CVAT's "segmentation mask", VOC, Datumaro
    a_L.png | masks/a.png | labels/a.png | a_train_color.png | ..._label_frontcenter_0001.png

class_lists.py says which colour is which class.
"""

import functools
import pathlib
from collections.abc import Callable

import numpy as np

from seg2vid_tf.annotations.png_file import PACKED, read_ids_png, read_packed_png, read_palette
from seg2vid_tf.data.folder_files import files_below, is_litter
from seg2vid_tf.data.label_formats.class_lists import Colors
from seg2vid_tf.data.label_formats.labelled import LabelledPicture, Labels
from seg2vid_tf.data.label_formats.picture_finder import PictureFinder
from seg2vid_tf.data.label_formats.runs import from_runs, runs_of

_FOLDERS = (
    *("SegmentationClass", "masks", "masks2", "labels", "label", "semantic_rgb", "color_labels", "colormaps", "gtFine"),
    *("LabeledApproved_full", "gtCoarse", "seg"),
)
_ENDINGS = ("_L", "_train_color", "_gtFine_color", "_gtCoarse_color", "_color", "_mask")
_UNKNOWN = 255
_BORDER = (224, 224, 192)  # of Pascal VOC


def map_files(root: pathlib.Path) -> list[pathlib.Path]:
    """The maps of a folder: its own PNGs, or those below the folders that data sets keep them in."""
    if root.is_file():
        return [root]
    voc = root / "SegmentationClass"
    own = sorted(path for path in (voc if voc.is_dir() else root).glob("*.png") if not is_litter(path))
    if own:
        return own
    found = files_below(root, "*.png")
    inside = [path for path in found if any(map(_holds_maps, path.relative_to(root).parts[:-1]))]
    colored = [path for path in inside if path.stem.endswith("_color")]
    return colored or inside


def _holds_maps(folder):
    return folder in _FOLDERS or folder.endswith("annot")  # trainannot, valannot: CamVid as SegNet has it, Datumaro


def read(root: pathlib.Path, images: pathlib.Path | None, colors: Colors) -> list[LabelledPicture]:
    """The painted maps of a folder.

    Args:
      root, images: as of every reader.
      colors: which colour is which class.

    Raises:
      ValueError: more colours than a byte can tell apart.
    """
    if len(colors) > _UNKNOWN - 1:
        raise ValueError(
            f"{root}: the list of its classes has {len(colors)} colours, at most {_UNKNOWN - 1} are read; take out "
            "those that no map has"
        )
    listed = tuple(colors.items())
    return with_pictures(map_files(root), root, images, lambda file: functools.partial(_labels, file, listed))


def with_pictures(
    files: list[pathlib.Path],
    root: pathlib.Path,
    images: pathlib.Path | None,
    loader: Callable[[pathlib.Path], Callable[[], Labels]],
) -> list[LabelledPicture]:
    """Maps with their pictures; the sub-folder that a map lies in, or that its folder of maps lies in, is its sequence.

    Args:
      files: the maps.
      root, images: as of every reader.
      loader: gives what reads the labels of a file.
    """
    folder = root if root.is_dir() else root.parent
    finder, found = PictureFinder(images, folder), []
    for file in files:
        stem = file.stem
        for ending in _ENDINGS:
            stem = stem.removesuffix(ending)
        stem = stem.replace("_label_", "_camera_")  # A2D2
        image = next(
            (p for n in (f"{stem}.jpg", f"{stem}_leftImg8bit.png", f"{stem}.png") if (p := finder.find(n, file))), None
        )
        sequence = next((n for n in file.relative_to(folder).parts[-2::-1] if not _holds_maps(n)), "")
        found.append(LabelledPicture(stem, sequence, None if image == file else image, file, loader(file)))
    return found


def _labels(file, colors) -> Labels:
    of_color, names = _table(colors)
    palette = read_palette(file) if file.is_file() else None
    if palette is None:
        shown, table = read_packed_png(file), of_color
    else:
        shown, table = read_ids_png(file, allow_palette=True), np.full(256, _UNKNOWN, np.uint8)
        table[: len(palette)] = of_color[palette @ np.uint32(PACKED)]
    values, lengths = runs_of(shown)
    numbers = table[values]
    if _UNKNOWN in numbers:
        first = int(values[numbers == _UNKNOWN][0])
        color = first.to_bytes(3, "little") if palette is None else [*palette.tolist(), *[(0, 0, 0)] * 256][first]
        names = names | {_UNKNOWN: f"(no class: colour {','.join(map(str, color))})"}
    return Labels(from_runs(numbers, lengths, shown.shape), names, _instances(file))


@functools.lru_cache(maxsize=2)
def _table(colors):
    table = np.full(1 << 24, _UNKNOWN, np.uint8)
    names = {number: name for number, (_, name) in enumerate(colors)}
    for number, (color, _) in enumerate(colors):
        table[np.dot(color, PACKED)] = number
    return table, names


def _instances(file):
    """VOC's: a colour an object, black for none, the border between objects for none, too."""
    path = file.parent.with_name("SegmentationObject") / file.name
    if file.parent.name != "SegmentationClass" or not path.is_file():
        return None
    packed = read_packed_png(path)
    colors, lengths = runs_of(packed)
    colors[colors == np.dot(_BORDER, PACKED)] = 0
    values, numbers = np.unique(colors, return_inverse=True)
    return from_runs((numbers.reshape(-1) + (values[0] != 0)).astype(np.uint16), lengths, packed.shape)
