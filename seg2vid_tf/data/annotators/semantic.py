"""SemanticAnnotator: label maps by a segmentation network of the user's own."""

import os
import pathlib

import numpy as np

from seg2vid_tf.annotations.label_map import label_set_table, resize_label_map, validate_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.annotated import Annotator, check_min_score
from seg2vid_tf.files import sha256_of
from seg2vid_tf.ops.segmenter import Segmenter


class SemanticAnnotator(Annotator):
    """Classes by a segmenter.

    Args:
      path: its TFLite file or SavedModel folder (ops/segmenter.py says what it must be like).
      spec: what the maps' ids mean.
      label_ids: label set of the spec that the network was trained on; None: the spec's own ids.
      min_score: in [0, 1); a pixel whose class has a smaller probability is ignored; not for networks that give ids.

    Raises:
      ValueError: what Segmenter refuses, an unknown label set, another min_score.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        spec: AnnotationSpec,
        *,
        label_ids: str | None = None,
        min_score: float = 0.0,
    ):
        check_min_score(min_score)
        self.spec = spec
        self._table = None if label_ids is None else label_set_table(spec, label_ids)
        unsure = spec.ignore_id
        if label_ids is not None:  # an id that the set ignores
            unsure = next(i for i in range(255, -1, -1) if i not in spec.label_sets[label_ids])
        self._segmenter = Segmenter(path, min_score=min_score, unsure=unsure)
        self.settings = {
            "annotator": "semantic",
            "network": sha256_of(pathlib.Path(path)),
            "label_ids": label_ids,
            "min_score": min_score,
        }

    def annotate(self, frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        ids = self._segmenter(frames)
        if self._table is not None:
            ids = self._table[ids]
        ids = validate_label_map(ids, self.spec, frames.shape[1:3], name="what the segmenter says")
        return resize_label_map(ids, size)
