"""What a notebook shows: a label map in its classes' colours with a legend, looping videos.

import seg2vid_tf
seg2vid_tf.show("label.png")
"""

import os

import numpy as np

from seg2vid_tf.annotations.label_map import colorize, label_set_table, validate_label_map
from seg2vid_tf.annotations.map_file import read_ids
from seg2vid_tf.annotations.spec import AnnotationSpec, load_spec
from seg2vid_tf.annotations.usual_places import ENCODINGS, scores
from seg2vid_tf.html_page import picture, text

# Smaller pictures are shown larger: pixels of CSS.
_SHOWN_HEIGHT = 160


class Shown:
    """HTML for a notebook, and a line of text where there is no HTML.

    Args:
      html: what a notebook shows.
      line: what a terminal shows.
    """

    def __init__(self, html: str, line: str):
        self._html, self._line = html, line

    def _repr_html_(self):
        return self._html

    def __repr__(self):
        return self._line


def style_of(height: int) -> str:
    """The CSS of a picture of so many rows, by which small ones are large enough to be seen, each pixel a square."""
    return f"height:{max(height, _SHOWN_HEIGHT)}px;image-rendering:pixelated;margin:2px"


def show(label_map: str | os.PathLike | np.ndarray, spec: str | os.PathLike | AnnotationSpec | None = None) -> Shown:
    """A label map in colours, beside it the classes that occur and their shares.

    Args:
      label_map: a PNG of class ids, grey or palette, or integers [H, W].
      spec: what the ids mean, a built-in spec's name, a JSON file or the spec itself; None: the likeliest of those that
        come with the package, by where the ids lie, which is then said.

    Raises:
      ValueError: no label map, or ids that the spec does not know.
    """
    if isinstance(label_map, str | os.PathLike):
        ids, name = read_ids(label_map, allow_palette=True), str(label_map)
    else:
        ids, name = np.asarray(label_map), "label_map"
    if ids.ndim != 2 or ids.size == 0:
        raise ValueError(f"{name}: a label map is [height, width], received shape {list(ids.shape)}")
    remark = ""
    if spec is None:
        likeliest = scores(_checked_numbers(ids, name))
        spec_name, label_set = ENCODINGS[max(likeliest, key=likeliest.get)]
        spec = load_spec(spec_name)
        if label_set:
            ids = label_set_table(spec, label_set)[ids]
        remark = f", taken for {label_set or spec_name} by where its ids lie (spec= says another)"
    elif not isinstance(spec, AnnotationSpec):
        spec = load_spec(spec)
    ids = validate_label_map(ids, spec, name=name)
    counts = np.bincount(ids.ravel(), minlength=256)
    names = [(c.name, c.color, counts[c.id]) for c in spec.classes] + [("(ignored)", (0, 0, 0), counts[spec.ignore_id])]
    present = sorted((entry for entry in names if entry[2]), key=lambda entry: -entry[2])
    title = f"label map of {ids.shape[0]} x {ids.shape[1]} (height x width), spec {spec.name}{remark}"
    legend = "".join(
        f"<div><span style='background:rgb{tuple(color)};border:1px solid gray'>&emsp;</span> {text(label)} "
        f"{count / ids.size:.1%}</div>"
        for label, color, count in present
    )
    image = picture(colorize(ids, spec), style_of(ids.shape[0]))
    html = f"<div style='display:flex;gap:1em'><div>{image}</div><div>{legend}</div></div><p>{text(title)}</p>"
    return Shown(
        html, f"<{title}: " + ", ".join(f"{label} {count / ids.size:.1%}" for label, _, count in present) + ">"
    )


def _checked_numbers(ids: np.ndarray, name: str) -> np.ndarray:
    """Numbers that may be ids of some label set, as they are; ValueError: fractions, or what no 8 bits hold."""
    if not np.issubdtype(ids.dtype, np.integer) or ids.min() < 0 or ids.max() > 255:
        raise ValueError(
            f"{name}: {ids.dtype} from {ids.min()} to {ids.max()}, expected class ids, integers from 0 to 255"
        )
    return ids
