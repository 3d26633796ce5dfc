"""Pixel accuracy and mean intersection over union (mIoU), gathered in one confusion matrix over all frames.

Only pixels whose target is a class count; what was predicted on ignored ones does not. The IoU of a class is
hits / (target pixels + predicted pixels - hits). A class that neither the targets nor the predictions hold on counted
pixels has no IoU and is left out of the mean; one that only the predictions hold has IoU 0. A prediction that is no
class of the spec is wrong, of whatever class the target is.

A Cityscapes segmenter speaks trainIds; ``cityscapes_to_spec`` brings them to another spec's ids.
"""

import numpy as np

from seg2vid_tf.annotations.label_map import label_set_table
from seg2vid_tf.annotations.spec import AnnotationSpec, load_spec

LABEL_SET = "cityscapes"


class SegmentationScores:
    """Adds up label maps and predictions; ``result`` gives the scores over all of their pixels."""

    def __init__(self, spec: AnnotationSpec):
        self._spec = spec
        # Row: target class; column: predicted class, the last one for whatever is none. What several have counted adds
        # up.
        self.confusion = np.zeros((spec.num_classes, spec.num_classes + 1), np.int64)

    def add(self, target: np.ndarray, prediction: np.ndarray) -> None:
        """Counts some pixels.

        Args:
          target: uint8 [...], ids of the spec or its ignore id.
          prediction: uint8 of the same shape; any ids.

        Raises:
          ValueError: not uint8, different shapes, or a target outside the spec.
        """
        target, prediction = np.asarray(target), np.asarray(prediction)
        for name, ids in (("target", target), ("prediction", prediction)):
            if ids.dtype != np.uint8 or ids.shape != target.shape:
                raise ValueError(f"{name} must be uint8 {target.shape}, received {ids.dtype} {ids.shape}")
        classes, counted = self._spec.num_classes, target != self._spec.ignore_id
        rows = target[counted].astype(np.int64)
        if rows.size and rows.max() >= classes:
            raise ValueError(
                f"target: id {rows.max()} is not in spec {self._spec.name!r} "
                f"(0..{classes - 1}, {self._spec.ignore_id} = ignored)"
            )
        cells = rows * (classes + 1) + np.minimum(prediction[counted], classes)
        self.confusion += np.bincount(cells, minlength=self.confusion.size).reshape(self.confusion.shape)

    def result(self) -> dict:
        """{"pixel_accuracy": float, "mean_iou": float, "iou": {class name: float}}, all in 0..1.

        Raises:
          ValueError: no pixel was counted.
        """
        total = self.confusion.sum()
        if not total:
            raise ValueError("no pixel was scored: nothing was added, or every target pixel is ignored")
        hits = np.diagonal(self.confusion)
        union = self.confusion.sum(axis=1) + self.confusion[:, :-1].sum(axis=0) - hits
        iou = {c.name: float(hits[c.id] / union[c.id]) for c in self._spec.classes if union[c.id]}
        return {
            "pixel_accuracy": float(hits.sum() / total),
            "mean_iou": float(np.mean(list(iou.values()))),
            "iou": iou,
        }


def cityscapes_to_spec(spec: AnnotationSpec) -> np.ndarray:
    """uint8 [256]: entry i is the spec's id of Cityscapes' trainId i; index it with a segmenter's ids.

    The spec's own label set "cityscapes" decides (a trainId that it does not list becomes the ignore id, which no
    counted target agrees with); a spec whose classes are Cityscapes' 19 needs none. A class that no trainId leads to is
    never predicted: where targets hold it, its IoU is 0.

    Raises:
      ValueError: the spec has neither.
    """
    if LABEL_SET in spec.label_sets:
        return label_set_table(spec, LABEL_SET)
    if [c.name for c in spec.classes] == [c.name for c in load_spec("cityscapes").classes]:
        return np.arange(256, dtype=np.uint8)
    raise ValueError(
        f"spec {spec.name!r} cannot be measured by a Cityscapes segmenter: give it a label set {LABEL_SET!r}, "
        f"{{trainId: id in {spec.name!r}}}, in its JSON file; it has {sorted(spec.label_sets)}"
    )
