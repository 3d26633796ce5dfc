"""What a reference picture's style does: how near painted classes come to the reference's own colours.

A label map is painted in the style of a foreign picture, and with the same noise in a random style. Of each class that
takes more than 2 % of the map and of the reference's map, the mean colour in CIE Lab is held against that of the class
in the reference. Over all pairs of map and reference that have the class, and several seeds each,

    share = 1 - mean |painted in the reference's style - reference| / mean |painted in a random style - reference|

says how far of the way from where a random style leaves a colour to the reference's the style comes: 1 all of it, 0 no
nearer, negative further away. Whether the layout is kept, a segmenter says of the same pictures.
"""

from collections.abc import Callable

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.evaluation.segmentation_scores import SegmentationScores

MIN_SHARE = 0.02  # of a map, below which a class has no mean colour worth the name

# sRGB's primaries under D65 (IEC 61966-2-1), each row scaled to its white.
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
_TO_XYZ /= _TO_XYZ.sum(axis=1, keepdims=True)


class StyleScores:
    """Gathers pairs of label map and reference; ``result`` gives the scores over all of them.

    Args:
      spec: what the label maps' ids mean.
      segment: uint8 [N,H,W,3] -> uint8 [N,H,W] ids of the spec; None: no segmenter scores.
    """

    def __init__(self, spec: AnnotationSpec, segment: Callable[[np.ndarray], np.ndarray] | None = None):
        self._spec, self._segment = spec, segment
        self._segmented = {name: SegmentationScores(spec) for name in ("reference_style", "random_style", "real")}
        # {class id: [(distance in the reference's style, in a random one), of each pair]}
        self._distances: dict[int, list[tuple[float, float]]] = {}
        self._pairs = 0

    def add(
        self,
        label_map: np.ndarray,
        real: np.ndarray,
        reference_map: np.ndarray,
        reference: np.ndarray,
        in_reference_style: np.ndarray,
        in_random_style: np.ndarray,
    ) -> None:
        """Scores one pair.

        Args:
          label_map: uint8 [H,W], what was painted.
          real: uint8 [H,W,3], its real picture.
          reference_map, reference: the foreign picture and what it shows, of one size.
          in_reference_style, in_random_style: uint8 [N,H,W,3], a picture a seed.

        Raises:
          ValueError: pictures that are not of their map's size, or ids outside the spec.
        """
        pictures = {"real": real[None], "reference_style": in_reference_style, "random_style": in_random_style}
        for name, several in pictures.items():
            if several.dtype != np.uint8 or not len(several) or several.shape[1:] != (*label_map.shape, 3):
                raise ValueError(
                    f"{name} must be uint8 {(*label_map.shape, 3)}, received {several.dtype} {several.shape}"
                )
        wanted = class_colors(reference[None], reference_map)
        painted = [class_colors(pictures[name], label_map) for name in ("reference_style", "random_style")]
        for number in (wanted.keys() & painted[0].keys()) - {self._spec.ignore_id}:
            apart = [np.linalg.norm(colors[number] - wanted[number], axis=-1).mean() for colors in painted]
            self._distances.setdefault(number, []).append(tuple(map(float, apart)))
        if self._segment is not None:
            for name, several in pictures.items():
                targets = np.repeat(label_map[None], len(several), axis=0)
                self._segmented[name].add(targets, self._segment(several))
        self._pairs += 1

    def result(self) -> dict:
        """The scores, a dict for JSON.

        * "pairs": how many were added.
        * "classes": {class name: {"pairs": those that have it, "reference_style", "random_style": mean distance to the
          reference's colour in Lab, "share": as above}}, and "all" of them together, class by class of each pair.
        * "segmenter_accuracy": {"reference_style", "random_style", "real"}, 0..1, with a segmenter;
          "segmenter_accuracy_ratio": of the first two to the real pictures', where that is not 0.

        Raises:
          ValueError: no pair has a class in common.
        """
        if not self._distances:
            raise ValueError(
                f"no class takes {MIN_SHARE:.0%} of both maps of any of {self._pairs} pairs: give other pictures"
            )
        classes = {self._spec.classes[number].name: pairs for number, pairs in sorted(self._distances.items())}
        classes["all"] = [pair for pairs in self._distances.values() for pair in pairs]
        result = {"pairs": self._pairs, "classes": {name: _share(pairs) for name, pairs in classes.items()}}
        if self._segment is not None:
            seen = {name: scores.result()["pixel_accuracy"] for name, scores in self._segmented.items()}
            result["segmenter_accuracy"] = seen
            if seen["real"]:
                styles = ("reference_style", "random_style")
                result["segmenter_accuracy_ratio"] = {name: seen[name] / seen["real"] for name in styles}
        return result


def class_colors(pictures: np.ndarray, label_map: np.ndarray) -> dict[int, np.ndarray]:
    """Of each id that takes more than MIN_SHARE of a map its mean colour: {id: Lab [N,3]} of uint8 [N,H,W,3]."""
    lab = rgb_to_lab(pictures)
    ids, counts = np.unique(label_map, return_counts=True)
    return {int(i): lab[:, label_map == i].mean(axis=1) for i in ids[counts > MIN_SHARE * label_map.size]}


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """uint8 sRGB [...,3] -> CIE 1976 L*a*b* under D65, float64 [...,3]: L in 0..100, neutral colours have a = b = 0."""
    value = np.asarray(rgb, np.float64) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T
    bend = 6.0 / 29.0
    x, y, z = np.moveaxis(np.where(xyz > bend**3, np.cbrt(xyz), xyz / (3.0 * bend**2) + 4.0 / 29.0), -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def _share(pairs):
    """What is told of a class: pairs [(distance in the reference's style, in a random one)]."""
    styled, random = (float(mean) for mean in np.mean(pairs, axis=0))
    share = 1.0 - styled / random if random else 0.0  # a random style that hits every colour leaves no way to go
    return {"pairs": len(pairs), "reference_style": styled, "random_style": random, "share": share}
