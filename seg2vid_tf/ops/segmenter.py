"""A published semantic segmenter, read from a file, that says what a picture shows.

The network, a TFLite file or a SavedModel's folder: input uint8, int32 or float32 [N,h,w,3] RGB (0..255, or [-1, 1]
where it is float, as DeepLab's), N 1 or any number, output class ids [N,h',w'] or [N,h',w',1], or [N,h',w',C] logits or
probabilities. The ids are the file's own; a Cityscapes segmenter gives trainIds, 0..18.
"""

import os

import numpy as np

from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.ops.picture_network import PictureNetwork


class Segmenter:
    """Frames -> class ids. It can be pickled, by its path; one object may not be called from two threads at once.

    Attributes:
      fed: how pictures become what the network reads, in words.
      size: (height, width) that the network sees; frames are resized to it and ids back. None: the frames' own.
    """

    def __init__(
        self, path: str | os.PathLike, num_threads: int | None = None, min_score: float = 0.0, unsure: int = 255
    ):
        """Loads the network.

        Args:
          path, num_threads: as of PictureNetwork.
          min_score: a class whose probability, or the softmax of its logits, is smaller is not named.
          unsure: the id of such a pixel.

        Raises:
          ValueError: what PictureNetwork refuses, or not a segmenter as the module docstring has it; a min_score for
            one that gives ids.
        """
        self._network = PictureNetwork(path, "segmenter", num_threads)
        self.size, self.fed = self._network.size, self._network.fed
        made = self._network.output_shape
        # Even a coarse segmenter says more than a row; a pose network's [1,1,17,3] does not.
        if len(made) not in (3, 4) or made[0] not in (1, -1) or any(0 <= side < 2 for side in made[1:3]):
            raise ValueError(f"{self._network.found}; the output must be [N,h,w] class ids or [N,h,w,C] logits")
        if min_score and (len(made) == 3 or made[3] == 1):
            raise ValueError(
                f"{self._network.found}; it gives ids without a score, so min_score={min_score} is useless"
            )
        self._path, self._min_score, self._unsure = str(path), min_score, unsure

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Segments frames.

        Args:
          frames: uint8 [N,H,W,3] RGB.

        Returns:
          uint8 [N,H,W] class ids, brought back to HxW by nearest neighbour at pixel centres.

        Raises:
          ValueError: other frames than that, an id above 255, or the network fails.
        """
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(f"segmenter: expected uint8 [N,H,W,3] frames, received {frames.dtype} {frames.shape}")
        size = frames.shape[1:3]
        named = [resize_label_map(self._named(output), size) for output in self._network.outputs(frames)]
        return np.concatenate([np.empty((0, *size), np.uint8), *named])

    def _named(self, output):
        """What the network says, [N,h',w'(,C)] -> uint8 [N,h',w']."""
        if not np.isfinite(output).all():
            raise ValueError(f"segmenter {self._path!r}: it gives NaN or infinity; does it read other values?")
        if output.ndim == 4 and output.shape[-1] > 1:
            ids = np.argmax(output, axis=-1)
            if self._min_score:
                for each, scores in zip(ids, output, strict=True):
                    each[_largest_probability(scores) < self._min_score] = self._unsure
        else:
            ids = output[..., 0] if output.ndim == 4 else output
            if (np.rint(ids) != ids).any():
                raise ValueError(f"segmenter {self._path!r}: numbers like {ids.flat[0]:.3g} are no class ids")
        if ids.min() < 0 or ids.max() > 255:
            raise ValueError(f"segmenter {self._path!r}: ids {ids.min()}..{ids.max()}, expected 0..255")
        return ids.astype(np.uint8)


def _largest_probability(scores):
    """[h,w,C] logits, or probabilities as they are (a quantised one's error is up to 1/512) -> [h,w]."""
    scores = scores.astype(np.float32)
    best, total = scores.max(axis=-1), scores.sum(axis=-1)
    if scores.min() >= 0.0 and np.abs(total - 1.0).max() <= scores.shape[-1] / 512 + 1e-4:
        return best
    return 1.0 / np.exp(scores - best[..., None]).sum(axis=-1)
