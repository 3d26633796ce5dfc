"""In which ids a label map is written, by where its classes lie and how much of it they fill.

Many label sets use the same small numbers: a CamVid map is a valid map of Cityscapes' trainIds, with a street of sky.
So usual_places.json holds, for each way of writing ids that comes with the package, how often each class was seen in
each eighth of the height, and a map is scored by the mean logarithm of that, in nats a pixel. Counted over Cityscapes'
training cities without Zurich and Ulm, two of CamVid's recordings, rendered streets, and skeletons and edges of
persons.
"""

import functools
import json
import math
import pathlib

import numpy as np

from seg2vid_tf.annotations.spec import SPEC_DIR, AnnotationSpec, load_spec

BANDS = 8
# Ways of writing ids: {what it is called: (spec, label set, "" for the spec's own ids)}.
ENCODINGS = {
    "cityscapes": ("cityscapes", ""),
    "labelIds": ("cityscapes", "labelIds"),
    "camvid": ("camvid", ""),
    "synthetic_street": ("synthetic_street", ""),
    "coco_pose": ("coco_pose", ""),
    "sketch": ("sketch", ""),
}
# Other names of the same ids.
SAME_ENCODINGS = {"trainIds": "cityscapes", "kitti": "cityscapes", "weizmann_pose": "coco_pose"}
# What is seen in a place where it never was, an id that a set leaves out, and one that no map of it can hold.
_NEVER, _LEFT_OUT, _IMPOSSIBLE = 2e-3, 2e-2, 1e-5
# A map is told to be of another set where that explains it so much better, in nats a pixel.
_MARGIN = 1.0
_FEWEST_IDS = 3
_MOST_PIXELS = 1 << 15


def encoding_of(spec: AnnotationSpec, label_ids: str | None) -> str | None:
    """What the ids of a spec, or of one of its label sets, are called in ENCODINGS; None: they are not known there."""
    name = spec.name if label_ids is None else label_ids
    name = SAME_ENCODINGS.get(name, name)
    if name not in ENCODINGS:
        return None
    known = load_spec(ENCODINGS[name][0])
    # A spec of one's own may be called alike.
    theirs = load_spec(spec.name) if (SPEC_DIR / f"{spec.name}.json").is_file() else None
    return name if (spec == theirs or spec == known) else None


def scores(ids: np.ndarray) -> dict[str, float]:
    """{encoding: nats a pixel} of the numbers in a label map's file, [H, W]."""
    rows, columns = ids.shape
    step = max(1, math.isqrt(rows * columns // _MOST_PIXELS))
    bands = np.arange(rows) * BANDS // rows
    numbers, bands = ids[::step, ::step].astype(np.int64), bands[::step]
    counts = np.zeros((BANDS, 256), np.int64)
    beyond = np.count_nonzero(numbers > 255)
    for band in range(BANDS):
        inside = numbers[bands == band]
        counts[band] = np.bincount(inside[inside < 256], minlength=256)
    total = max(counts.sum() + beyond, 1)
    return {
        name: float((counts * _logarithms(name)).sum() + beyond * math.log(_IMPOSSIBLE)) / total for name in ENCODINGS
    }


def better_encoding(ids: np.ndarray, spec: AnnotationSpec, label_ids: str | None) -> str:
    """The known way of writing ids that fits a map much better than the one it is said to be in; "" where none does.

    Args:
      ids: the numbers in the map's file, [H, W].
      spec, label_ids: what they are said to be.
    """
    own = encoding_of(spec, label_ids)
    # A mask says nothing of the rest, and fits whatever has few classes.
    if own is None or len(np.unique(ids[::2, ::2])) < _FEWEST_IDS:
        return ""
    found = scores(ids)
    best = max(found, key=found.get)
    return best if found[best] > found[own] + _MARGIN else ""


@functools.cache
def _logarithms(name):
    """[BANDS, 256]: the logarithm of how usual each number is in each part of the height."""
    spec_name, label_set = ENCODINGS[name]
    spec = load_spec(spec_name)
    shares = np.array(_table()[spec_name])  # [classes and ignored, BANDS]
    of_class = np.maximum(shares, _NEVER)
    table = np.full((256, BANDS), _IMPOSSIBLE)
    if label_set:
        mapping = spec.label_sets[label_set]
        table[: max(mapping) + 1] = _LEFT_OUT
        for theirs, ours in mapping.items():
            if theirs >= 0:
                table[theirs] = of_class[min(ours, spec.num_classes)]
    else:
        table[: spec.num_classes] = of_class[:-1]
        table[spec.ignore_id] = np.maximum(shares[-1], _LEFT_OUT)
    return np.log(table.T)


@functools.cache
def _table():
    return json.loads(pathlib.Path(__file__).with_name("usual_places.json").read_text(encoding="utf-8"))
