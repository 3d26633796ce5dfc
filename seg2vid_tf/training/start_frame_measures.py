"""What stage 1 is measured by while it trains: StartFrameScores of a few held-out frames, real ones segmented once."""

import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.evaluation.lpips import load_lpips
from seg2vid_tf.evaluation.start_frame_scores import StartFrameScores
from seg2vid_tf.ops.image import to_uint8
from seg2vid_tf.ops.segmenter import Segmenter

MEASURED_SEEDS = (1, 2)


class StartFrameMeasures:
    """Called with a trainer, it gives its scores on the held-out frames chosen at the start."""

    def __init__(
        self, batches: tf.data.Dataset, spec: AnnotationSpec, segmenter_path: str, lpips_path: str, num_frames: int
    ):
        """Reads the networks and the frames.

        Args:
          batches: held-out batches, as the trainer takes them.
          spec: theirs.
          segmenter_path: segmenter (ops/segmenter.py), or "".
          lpips_path: LPIPS weights (evaluation/lpips.py), or "".
          num_frames: frames to measure, the first ones.

        Raises:
          ValueError: neither path, a file that is not what it should be, or frames that these networks cannot score.
        """
        self._spec = spec
        self._networks = {
            "segmenter": Segmenter(segmenter_path) if segmenter_path else None,
            "lpips": load_lpips(lpips_path) if lpips_path else None,
        }
        scores = self._new_scores()
        self._batches = []
        for batch in batches:
            batch = {name: value[:num_frames] for name, value in batch.items()}
            label_maps, real = batch["label_maps"][:, 0].numpy(), to_uint8(batch["frames"][:, 0]).numpy()
            segmented = scores.segment(real)
            scores.add(label_maps, real, [real], segmented)
            self._batches.append((batch, label_maps, real, segmented))
            num_frames -= len(real)
            if not num_frames:
                break
        scores.result()  # what cannot be scored is refused here, not hours later

    def _new_scores(self):
        return StartFrameScores(self._spec, **self._networks)

    def __call__(self, trainer) -> dict:
        """{score: value} of StartFrameScores, the painted frames by the trainer's averaged weights."""
        scores = self._new_scores()
        for batch, label_maps, real, segmented in self._batches:
            painted = [to_uint8(trainer.paint(batch, seed)).numpy() for seed in MEASURED_SEEDS]
            scores.add(label_maps, real, painted, segmented)
        return scores.result()
