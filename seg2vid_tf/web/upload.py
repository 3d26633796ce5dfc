"""Files that visitors bring: label maps of every kind that the programs read, and style pictures, by the same readers.

A file gets a name of our own in a folder that is deleted again; messages call it by the name that its owner gave it.
"""

import contextlib
import pathlib
import re
import tempfile

import numpy as np

from seg2vid_tf.annotations.color_map import CLASSES, GREY, read_told_map
from seg2vid_tf.annotations.doubts import ignored_doubt, set_doubt
from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.annotations.map_file import read_rgb
from seg2vid_tf.annotations.png_file import FIX
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.pictures import read_frame, resize_frame
from seg2vid_tf.web.snapping import snap_colors

MAX_BYTES = 16 << 20
FIND_OUT = "let the page find out"
# What the programs' messages say of their flags, as the page's own controls.
_FLAGS = (
    (re.escape(FIX), "a label map is a grey PNG of class ids, or an RGB PNG in the class colours"),
    ("name it: --label_ids=.*", "choose it beside your file"),
    (r"by import_labels.py --format=\w+.*", "by the program import_labels.py"),
    (r", or, if its palette indices .*", ""),
)


def kinds(spec: AnnotationSpec) -> dict[str, dict]:
    """{what a map's file may hold: how read_told_map is told so}."""
    return {
        "class ids (grey)": {},
        "class ids (palette)": {"palette": True},
        "class colours": {"colors": CLASSES},
        **{f"colours of {name}": {"colors": name} for name in sorted(spec.color_sets)},
        "class ids (grey saved as RGB)": {"colors": GREY},
        **{f"ids of label set {name}": {"label_ids": name} for name in sorted(spec.label_sets)},
    }


def read_map(
    data: bytes, name: str, spec: AnnotationSpec, size: tuple[int, int], kind: str = FIND_OUT
) -> tuple[np.ndarray, list[str]]:
    """The label map in a file, at the model's size.

    Args:
      data, name: the file.
      spec, size: the model's classes and its (height, width).
      kind: one of ``kinds``, or FIND_OUT: ids where they are the spec's, or colours where they are (nearly) its own.

    Returns:
      uint8 [H, W], and what the visitor should know.

    Raises:
      ValueError: no such map; it names the file.
    """
    known = kinds(spec)
    if kind != FIND_OUT and kind not in known:
        raise ValueError(f"unknown kind of map {kind!r}: choose {FIND_OUT} or one of {list(known)}")
    with _stored(data, name, ".png") as path:
        if kind == FIND_OUT:
            label_map, remarks = _found_out(path, spec)
        else:
            label_map, remarks = read_told_map(path, spec, **known[kind]), [f"read as {kind}"]
    if label_map.shape != tuple(size):
        found, wanted = ("{} x {}".format(*shape) for shape in (label_map.shape, size))
        remarks.append(f"resized from {found} to the model's {wanted} (height x width), by nearest neighbour")
        label_map = resize_label_map(label_map, size)
    remarks += [d for d in (ignored_doubt(label_map, spec.ignore_id), set_doubt(label_map, spec)) if d]
    return label_map, remarks


def read_picture(data: bytes, name: str, size: tuple[int, int]) -> np.ndarray:
    """The picture in a file, uint8 [height, width, 3], resized to the model's size.

    Raises:
      ValueError: none that can be read; it names the file.
    """
    # A frame's kind is told by its name: the visitor's ending, if it is one of ours, is kept.
    suffix = pathlib.PurePosixPath(name.replace("\\", "/")).suffix.lower()
    with _stored(data, name, suffix if suffix in (".bmp", ".tif", ".tiff", ".webp") else ".png") as path:
        return resize_frame(read_frame(path), size)


def _found_out(path, spec):
    first = None
    for kind in ("class ids (grey)", "class ids (palette)", "class colours"):
        try:
            return read_told_map(path, spec, **kinds(spec)[kind]), [f"read as {kind}"]
        except ValueError as error:
            first = first or error
    try:
        picture = read_rgb(path)
    except ValueError:
        raise first from None
    label_map, told = snap_colors(picture, spec)
    return label_map, ["read as class colours", told]


@contextlib.contextmanager
def _stored(data, name, suffix):
    """The path of a file of these bytes, for the block; errors call it by its owner's name."""
    name = "".join(c if c.isprintable() else "?" for c in name)[:80] or "the file"
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name}: {len(data)} bytes, expected at most {MAX_BYTES}; make it smaller")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"upload{suffix}"
        path.write_bytes(data)
        try:
            yield path
        except ValueError as error:
            message = str(error).replace(str(path), name)
            for said, here in _FLAGS:
                message = re.sub(said, here, message)
            raise ValueError(message if message.startswith(name) else f"{name}: {message}") from error
