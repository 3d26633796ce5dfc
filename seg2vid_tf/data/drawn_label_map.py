"""A label map to try a model with, copied from no data set: a rendered street or a drawn person."""

import numpy as np

from seg2vid_tf.annotations.label_map import label_set_table
from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.annotations.standing_pose import standing_pose
from seg2vid_tf.data.synthetic_street import render_clip

_STREET = "synthetic_street"


def drawn_label_map(spec: AnnotationSpec, size: tuple[int, int], seed: int) -> np.ndarray:
    """uint8 [H,W]: a person where the spec has a skeleton, else a street in the spec's classes.

    Raises:
      ValueError: the spec has no skeleton and does not know rendered streets.
    """
    if spec.skeleton is not None:
        return draw_pose(standing_pose(seed)[None], spec, size)[0]
    if spec.name != _STREET and _STREET not in spec.label_sets:
        raise ValueError(f"spec {spec.name!r} has no skeleton and no label set {_STREET!r}: nothing to draw in it")
    street = render_clip(seed, 1, *size, with_motion=False).label_maps[0]
    return street if spec.name == _STREET else label_set_table(spec, _STREET)[street]
