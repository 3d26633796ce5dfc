"""Scores that belong to a set of videos, none to a video alone: Frechet distances, a classifier's score, mIoU.

    frechet_<extractor>             to the real clips, of pictures or of clips as the extractor reads them (frechet.py)
    classifier_score_<classifier>   inception score's formula, of pictures (classifier_score.py)
    segmenter_accuracy, _mean_iou   a segmenter's view of the frames against the video's own label maps

A video's part is a dict of small arrays, ``SetMeasures.part``, which can be kept on disk and added up later in any
number: memory does not grow with that of the videos.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.evaluation.classifier_score import ClassifierScore
from seg2vid_tf.evaluation.feature_extractor import FeatureExtractor
from seg2vid_tf.evaluation.frechet import FeatureStatistics, frechet_distance
from seg2vid_tf.evaluation.segmentation_scores import SegmentationScores


class SetMeasures:
    """The networks that look at videos."""

    def __init__(
        self,
        spec: AnnotationSpec,
        num_frames: int,
        extractors: Sequence[FeatureExtractor] = (),
        classifier: FeatureExtractor | None = None,
        segment: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        """Takes them.

        Args:
          spec: what the label maps' ids mean.
          num_frames: T of the videos, after frame 0.
          extractors: of pictures or clips; each with a name of its own.
          classifier: of pictures.
          segment: uint8 [N,H,W,3] -> uint8 [N,H,W] ids of the spec.

        Raises:
          ValueError: two extractors of one name, clips longer than the videos, or a classifier of clips.
        """
        names = [extractor.name for extractor in extractors]
        if len(set(names)) < len(names):
            raise ValueError(f"feature extractors must have different names, received {names}: rename a file")
        for extractor in extractors:
            if extractor.clip_length is not None and extractor.clip_length > num_frames + 1:
                raise ValueError(
                    f"{extractor.name} reads clips of {extractor.clip_length} frames, a video has {num_frames + 1}: "
                    "measure longer ones, or leave it out"
                )
        if classifier is not None and classifier.clip_length is not None:
            raise ValueError(f"{classifier.name}: a classifier must read pictures, it reads clips")
        self.spec, self._extractors, self._classifier, self._segment = spec, extractors, classifier, segment

    def part(self, frames: np.ndarray, label_maps: np.ndarray, first: int) -> dict[str, np.ndarray]:
        """What a video adds to its set's scores.

        Args:
          frames: uint8 [T+1,H,W,3].
          label_maps: uint8 [T+1,H,W], what they are to show.
          first: the first frame that pictures are looked at from: 1 where frame 0 is a real one. Clips are looked at
            whole.
        """
        part, pictures = {}, frames[first:]
        for extractor in self._extractors:
            part[f"frechet_{extractor.name}"] = extractor(pictures if extractor.clip_length is None else frames)
        if self._classifier is not None:
            part[f"classifier_score_{self._classifier.name}"] = self._classifier(pictures)
        if self._segment is not None:
            scores = SegmentationScores(self.spec)
            scores.add(label_maps[first:], self._segment(pictures))
            part["segmenter"] = scores.confusion
        return part


class SetScores:
    """Adds up the parts of one set of videos.

    Args:
      spec: as of SetMeasures.
    """

    def __init__(self, spec: AnnotationSpec):
        self._segmentation = SegmentationScores(spec)
        self._features: dict[str, FeatureStatistics] = {}
        self._classes: dict[str, ClassifierScore] = {}

    def add(self, part: dict[str, np.ndarray]) -> None:
        """Adds a video's part."""
        for name, array in part.items():
            if name == "segmenter":
                self._segmentation.confusion += array
            elif name.startswith("classifier_score_"):
                self._classes.setdefault(name, ClassifierScore(array.shape[1])).add(array)
            else:
                self._features.setdefault(name, FeatureStatistics(array.shape[1])).add(array)

    def learn_what_classifiers_say(self, others: "Iterable[SetScores]") -> None:
        """A classifier of which any set shows that it says logits says so in this set too."""
        for name, classes in self._classes.items():
            classes.says_logits |= any(other._classes[name].says_logits for other in others)

    def result(self, real: "SetScores | None") -> tuple[dict[str, float | None], list[str]]:
        """The scores named above, and what could not be measured and why.

        Args:
          real: the set that Frechet distances are to; None: there are none, as of the real set itself.
        """
        scores, warnings = {}, []
        for name, features in self._features.items() if real is not None else ():
            try:
                scores[name] = frechet_distance(real._features[name], features)
            except ValueError as error:
                scores[name] = None
                warnings.append(f"{name}: {error}")
        for name, classes in self._classes.items():
            try:
                scores[name] = classes.result()
            except ValueError as error:
                scores[name] = None
                warnings.append(f"{name}: {error}")
        if self._segmentation.confusion.any():
            result = self._segmentation.result()
            scores |= {"segmenter_accuracy": result["pixel_accuracy"], "segmenter_mean_iou": result["mean_iou"]}
        return scores, warnings
