"""What stage 1 is measured by: does a generated start frame show its label map, does it look real, does it vary.

Frames are uint8 [B,H,W,3], label maps uint8 [B,H,W]. A segmenter reads the generated and the real frames back into
labels (the real ones' score is what a perfect generator could hope for); LPIPS compares pictures, 0 = equal.

A segmenter judges sharpness and grain as much as layout. The quantised MobileNet-EdgeTPU DeepLab reads 30 real frames
(one Cityscapes clip, 128x256) with accuracy 0.93, the same after a Gaussian blur of 1 pixel with 0.71, of 1.5 pixels
with 0.08, and with noise of 10 grey levels with 0.06: a low score alone does not say that the layout is wrong.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.evaluation.segmentation_scores import SegmentationScores, cityscapes_to_spec
from seg2vid_tf.ops.image import to_float


class StartFrameScores:
    """Gathers the scores of one batch after another; ``result`` gives them over all frames."""

    def __init__(self, spec: AnnotationSpec, segmenter: Callable | None = None, lpips: Callable | None = None):
        """Takes the networks to measure by, at least one.

        Args:
          spec: what the label maps' ids mean.
          segmenter: uint8 [N,H,W,3] -> uint8 [N,H,W] Cityscapes trainIds, a Segmenter; None: no segmenter scores.
          lpips: float [N,H,W,3] in [-1, 1], twice -> float [N], from load_lpips; None: no LPIPS scores.

        Raises:
          ValueError: neither network, or a segmenter that cannot speak the spec (cityscapes_to_spec).
        """
        if segmenter is None and lpips is None:
            raise ValueError("nothing to measure with: give a segmenter, lpips or both")
        self._segmenter, self._lpips = segmenter, lpips
        self._to_spec = None if segmenter is None else cityscapes_to_spec(spec)
        self._generated, self._real = SegmentationScores(spec), SegmentationScores(spec)
        self._frames = 0
        self._distances: list[float] = []
        self._between_seeds: list[float] = []

    def segment(self, frames: np.ndarray) -> np.ndarray | None:
        """uint8 [B,H,W], the spec's ids that the segmenter sees in frames uint8 [B,H,W,3]; None without a segmenter.

        Whoever measures the same held-out frames again and again calls it once per batch of real frames, keeps what it
        returns, and gives that to ``add`` as segmented_real each time.
        """
        return None if self._segmenter is None else self._to_spec[self._segmenter(frames)]

    def add(
        self,
        label_maps: np.ndarray,
        real: np.ndarray,
        generated: Sequence[np.ndarray],
        segmented_real: np.ndarray | None = None,
    ) -> None:
        """Scores one batch.

        Args:
          label_maps: uint8 [B,H,W], what the frames were generated from.
          real: uint8 [B,H,W,3], the real frames of these label maps.
          generated: one uint8 [B,H,W,3] per seed, at least one; the first is held against label maps and real frames.
          segmented_real: ``segment(real)`` from before; None: it is made now.

        Raises:
          ValueError: no seed, another shape or dtype, or (with a segmenter) label ids outside the spec.
        """
        if label_maps.dtype != np.uint8 or label_maps.ndim != 3:
            raise ValueError(f"label_maps must be uint8 [B,H,W], received {label_maps.dtype} {label_maps.shape}")
        if not len(generated):
            raise ValueError("generated: received no frames, expected one array per seed, at least one")
        expected = (*label_maps.shape, 3)
        for name, frames in (("real", real), *((f"generated[{i}]", frames) for i, frames in enumerate(generated))):
            if frames.dtype != np.uint8 or frames.shape != expected:
                raise ValueError(f"{name} must be uint8 {expected}, received {frames.dtype} {frames.shape}")
        if self._segmenter is not None:
            self._real.add(label_maps, self.segment(real) if segmented_real is None else segmented_real)
            self._generated.add(label_maps, self.segment(generated[0]))
        if self._lpips is not None:
            self._distances.extend(self._distance(generated[0], real))
            for one, other in itertools.combinations(generated, 2):
                self._between_seeds.extend(self._distance(one, other))
        self._frames += len(label_maps)

    def _distance(self, a, b):
        return np.asarray(self._lpips(to_float(a), to_float(b)), np.float64).tolist()

    def result(self) -> dict:
        """The scores, a flat dict of numbers; keys only for what was given.

        * "frames": how many label maps were added.
        * "segmenter_accuracy", "segmenter_mean_iou": the first seed's frames against the label maps, 0..1.
        * "segmenter_accuracy_real", "segmenter_mean_iou_real": the real frames against them.
        * "segmenter_accuracy_ratio", "segmenter_mean_iou_ratio": the first over the second; left out where that is 0.
        * "lpips": the first seed's frame to the real one, mean over frames; smaller is closer.
        * "lpips_between_seeds": mean over all pairs of seeds of all label maps; 0 = the seed changes nothing. Needs two
          seeds.

        Raises:
          ValueError: nothing was added, or no pixel of any label map counts.
        """
        if not self._frames:
            raise ValueError("no frame was scored: add a batch first")
        scores = {"frames": self._frames}
        if self._segmenter is not None:
            generated, real = self._generated.result(), self._real.result()
            for score, kind in (("segmenter_accuracy", "pixel_accuracy"), ("segmenter_mean_iou", "mean_iou")):
                scores[score], scores[f"{score}_real"] = generated[kind], real[kind]
                if real[kind]:
                    scores[f"{score}_ratio"] = generated[kind] / real[kind]
        for name, values in (("lpips", self._distances), ("lpips_between_seeds", self._between_seeds)):
            if values:
                scores[name] = float(np.mean(values))
        return scores
