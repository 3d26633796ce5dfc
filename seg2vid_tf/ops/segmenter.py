"""A published semantic segmenter, read from a file, that says what a picture shows.

The network: input uint8, int32 or float32 [1,h,w,3] RGB (0..255, or [-1, 1] where it is float, as DeepLab's), output
class ids [1,h',w'] or [1,h',w',1], or [1,h',w',C] logits. The ids are the file's own; a Cityscapes segmenter gives
trainIds, 0..18.
"""

import os

import numpy as np

from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.ops.tflite import TFLiteNetwork


class Segmenter:
    """Frames -> class ids. It can be pickled, by its path; one object may not be called from two threads at once.

    Attributes:
      size: (height, width) that the network sees; frames are resized to it and ids back.
    """

    def __init__(
        self, path: str | os.PathLike, num_threads: int | None = None, min_score: float = 0.0, unsure: int = 255
    ):
        """Loads the network.

        Args:
          path: the ``.tflite`` file.
          num_threads: CPU threads of the interpreter; None: os.cpu_count().
          min_score: a class whose probability, the softmax of its logits, is smaller is not named.
          unsure: the id of such a pixel.

        Raises:
          ValueError: no such file, not a TFLite model, or not a segmenter as the module docstring has it; a min_score
            for one that gives ids.
        """
        self._network = TFLiteNetwork(path, "segmenter", num_threads)
        self.size = self._network.size
        made = self._network.output_shape
        if len(made) not in (3, 4) or made[0] not in (1, -1):
            raise ValueError(f"{self._network.found}; the output must be [1,h,w] class ids or [1,h,w,C] logits")
        if min_score and (len(made) == 3 or made[3] == 1):
            raise ValueError(
                f"{self._network.found}; it gives ids without a score, so min_score={min_score} is useless"
            )
        self._path, self._min_score, self._unsure = str(path), min_score, unsure

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Segments frames, one after the other.

        Args:
          frames: uint8 [N,H,W,3] RGB; resized bilinearly to the network's size (antialiased where that is smaller).

        Returns:
          uint8 [N,H,W] class ids, brought back to HxW by nearest neighbour at pixel centres.

        Raises:
          ValueError: other frames than that, or an id above 255.
        """
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(f"segmenter: expected uint8 [N,H,W,3] frames, received {frames.dtype} {frames.shape}")
        ids = np.empty(frames.shape[:3], np.uint8)
        for index, frame in enumerate(frames):
            ids[index] = resize_label_map(self._segment(frame), frames.shape[1:3])
        return ids

    def _segment(self, frame):
        output = self._network(frame)
        unsure = None
        if output.ndim == 3 and output.shape[-1] > 1:
            logits, output = output.astype(np.float64), np.argmax(output, axis=-1)
            if self._min_score:
                # The largest logit's softmax.
                unsure = 1.0 < self._min_score * np.exp(logits - logits.max(-1, keepdims=True)).sum(-1)
        elif output.ndim == 3:
            output = output[..., 0]
        if output.min() < 0 or output.max() > 255:
            raise ValueError(f"segmenter {self._path!r}: ids {output.min()}..{output.max()}, expected 0..255")
        ids = output.astype(np.uint8)
        return ids if unsure is None else np.where(unsure, np.uint8(self._unsure), ids)
