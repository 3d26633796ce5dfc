"""A painted map as two layers: surfaces behind (sky, road, buildings), things before them (the spec's foreground).

Both are label maps of the spec, uint8 [H, W]; the ignore id says that a layer shows nothing there. What stands behind a
thing is not known where a map comes as one picture, so it is filled in: taking a thing away leaves no hole.
"""

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec


def compose(surfaces: np.ndarray, things: np.ndarray, spec: AnnotationSpec) -> np.ndarray:
    """The label map that the two layers show."""
    return np.where(things == spec.ignore_id, surfaces, things)


def split(label_map: np.ndarray, spec: AnnotationSpec) -> tuple[np.ndarray, np.ndarray]:
    """(surfaces, things) of a label map; behind a thing the surface goes on that is nearest in its row."""
    is_thing = np.isin(label_map, spec.foreground_ids)
    things = np.where(is_thing, label_map, np.uint8(spec.ignore_id))
    return np.where(is_thing, _surface_beside(label_map, is_thing, spec.ignore_id), label_map), things


def _surface_beside(label_map, is_thing, ignore_id):
    """For each pixel the nearest surface in its row; in rows that have none, of the nearest row that has one."""
    known = ~is_thing & (label_map != ignore_id)
    rows = np.flatnonzero(known.any(axis=1))
    if not len(rows):
        return np.full_like(label_map, ignore_id)
    width = label_map.shape[1]
    columns = np.arange(width)
    left = np.maximum.accumulate(np.where(known, columns, -width), axis=1)
    right = np.minimum.accumulate(np.where(known, columns, 2 * width)[:, ::-1], axis=1)[:, ::-1]
    nearest = np.where(columns - left <= right - columns, left, right)
    height = np.arange(len(label_map))
    row = rows[np.abs(rows - height[:, None]).argmin(axis=1)]
    return label_map[row[:, None], nearest[row]]
