"""Scores that belong to a set of videos, none to a video alone: distances, a classifier's score, mIoU.

    frechet_<extractor>             to the real clips, of pictures or of clips as the extractor reads them (frechet.py)
    kid_<extractor>, kvd_<..>       likewise, of pictures and of clips (kernel_distance.py); beside each .._stderr
    classifier_score_<classifier>   inception score's formula, of pictures (classifier_score.py); as published, over
                                    parts of the videos, .._10_splits, beside it .._10_splits_stddev
    segmenter_accuracy, _mean_iou   a segmenter's view of the frames against the video's own label maps

A video's part is a dict of small arrays, ``SetMeasures.part``, which can be kept on disk and added up later in any
number: memory grows with that of the videos by their features alone.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.evaluation.classifier_score import SPLITS, ClassifierScore
from seg2vid_tf.evaluation.feature_extractor import FeatureExtractor
from seg2vid_tf.evaluation.frechet import FeatureStatistics, frechet_distance
from seg2vid_tf.evaluation.kernel_distance import kernel_distance
from seg2vid_tf.evaluation.segmentation_scores import SegmentationScores
from seg2vid_tf.flags import is_input_error

# What the kernel distance is called, of what a part's features are of.
KERNEL_DISTANCES = {"pictures": "kid", "clips": "kvd"}


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
            seen = "pictures" if extractor.clip_length is None else "clips"
            part[f"{seen}_{extractor.name}"] = extractor(pictures if seen == "pictures" else frames)
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
        self._features: dict[str, dict[int, np.ndarray]] = {}
        self._classes: dict[str, ClassifierScore] = {}

    def add(self, part: dict[str, np.ndarray], number: int) -> None:
        """Adds a video's part; number: that of its clip, in all sets alike."""
        for name, array in part.items():
            if name == "segmenter":
                self._segmentation.confusion += array
            elif name.startswith("classifier_score_"):
                self._classes.setdefault(name, ClassifierScore(array.shape[1])).add(array)
            else:
                self._features.setdefault(name, {})[number] = array

    def learn_what_classifiers_say(self, others: "Iterable[SetScores]") -> None:
        """A classifier of which any set shows that it says logits says so in this set too."""
        for name, classes in self._classes.items():
            classes.says_logits |= any(other._classes[name].says_logits for other in others)

    def result(self, real: "SetScores | None") -> tuple[dict[str, float | None], list[str]]:
        """The scores named above, and what could not be measured and why.

        Args:
          real: the set that distances are to; None: there are none, as of the real set itself.
        """
        scores, warnings = {}, []

        def measure(names, function, *sets):
            try:
                values = function(*sets)
            except ValueError as error:
                if not is_input_error(error):
                    raise
                values = [None] * len(names)
                warnings.append(f"{names[0]}: {error}")
            scores.update(zip(names, values, strict=True))

        for name, made in self._features.items() if real is not None else ():
            seen, _, extractor = name.partition("_")
            both, kernel = (real._features[name], made), f"{KERNEL_DISTANCES[seen]}_{extractor}"
            measure([f"frechet_{extractor}"], _frechet_distance, *both)
            measure([kernel, f"{kernel}_stderr"], kernel_distance, *both)
        for name, classes in self._classes.items():
            measure([name], lambda score: [score.result()], classes)
            split = f"{name}_{SPLITS}_splits"
            measure([split, f"{split}_stddev"], ClassifierScore.over_splits, classes)
        if self._segmentation.confusion.any():
            result = self._segmentation.result()
            scores |= {"segmenter_accuracy": result["pixel_accuracy"], "segmenter_mean_iou": result["mean_iou"]}
        return scores, warnings


def _frechet_distance(real, made):
    """(distance,) of two sets {number: features}."""
    statistics = []
    for features in (real, made):
        statistics.append(FeatureStatistics(next(iter(features.values())).shape[1]))
        for each in features.values():
            statistics[-1].add(each)
    return (frechet_distance(*statistics),)
