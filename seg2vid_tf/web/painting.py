"""What the page and the server say to each other: a painting, as JSON, and back.

    {"surfaces": base64 of H * W ids, "things": the same}        two layers (layers.py), row by row
    {"joints": [[y, x, score], ...]}                             a skeleton, y and x as shares of the picture

The page sends ids, not a picture of them: browsers smooth and, to confuse trackers, change the pixels of canvases.
"""

import base64
import binascii
import json
import math

import numpy as np

from seg2vid_tf.annotations.label_map import validate_label_map
from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.web.layers import compose, split

_FIX = "reload the page and paint again"


def read_painting(text: str, spec: AnnotationSpec, size: tuple[int, int]) -> np.ndarray:
    """The label map that was painted, uint8 [H, W].

    Raises:
      ValueError: no painting of this spec and size.
    """
    document = _object(text)
    if document.get("joints") is not None:
        return draw_pose(_joints(document["joints"], spec)[None], spec, size)[0]
    return compose(*(_layer(document.get(name), name, spec, size) for name in ("surfaces", "things")), spec)


def read_reference(text: str) -> bytes | None:
    """The file of the style picture that a painting came with; None: there is none."""
    data = _object(text).get("reference")
    return _bytes(data, "the style picture") if data else None


def write_painting(label_map: np.ndarray, spec: AnnotationSpec, joints: np.ndarray | None = None) -> dict:
    """The document of a label map; with joints [J, 3] it is a skeleton that can be dragged."""
    layers = zip(("surfaces", "things"), split(label_map, spec), strict=True)
    document = {name: base64.b64encode(layer.tobytes()).decode() for name, layer in layers}
    return document if joints is None else {**document, "joints": np.round(joints, 4).tolist()}


def _object(text):
    try:
        document = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the painting is no JSON; {_FIX}") from error
    if not isinstance(document, dict):
        raise ValueError(f"the painting is no JSON object; {_FIX}")
    return document


def _bytes(value, name):
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise ValueError(f"{name} is no base64; {_FIX}") from error


def _layer(value, name, spec, size):
    data = _bytes(value, name)
    if len(data) != size[0] * size[1]:
        raise ValueError(f"{name}: {len(data)} pixels, expected {size[0]} x {size[1]}; {_FIX}")
    return validate_label_map(np.frombuffer(data, np.uint8).reshape(size), spec, size, name=name)


def _joints(values, spec):
    if spec.skeleton is None:
        raise ValueError(f"joints: spec {spec.name!r} has no skeleton; {_FIX}")
    count = len(spec.skeleton.joints)
    rows = values if isinstance(values, list) else []
    right = len(rows) == count and all(
        isinstance(row, list) and len(row) == 3 and all(_is_share(v) for v in row) for row in rows
    )
    if not right:
        raise ValueError(f"joints: expected {count} rows of y, x and score, each between -1 and 2; {_FIX}")
    return np.array(rows, np.float64)


def _is_share(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and -1 <= value <= 2
