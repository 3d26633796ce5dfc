"""Video: what one method shows of one clip, as every measure takes it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Video:
    """One video and the motion it was made with; T frames after frame 0.

    Attributes:
      frames: uint8 [T+1,H,W,3], RGB.
      label_maps: uint8 [T+1,H,W], frame 0's and what the motion makes of it.
      flow: float32 [T,H,W,2], (dy, dx) in pixels on the grid of frame t, from the frame that t's chunk starts with.
      visibility: float32 [T,H,W,1]; None: the method knows no occlusion.
      flow_backward, visibility_backward: the same on the grid of the frame that the chunk starts with; or None.
      chunk: frames of a chunk: frame t's starts with frame t - 1 - (t - 1) % chunk.
    """

    frames: np.ndarray
    label_maps: np.ndarray
    flow: np.ndarray
    chunk: int
    visibility: np.ndarray | None = None
    flow_backward: np.ndarray | None = None
    visibility_backward: np.ndarray | None = None

    @property
    def sources(self) -> np.ndarray:
        """int [T]: the number of the frame that frame 1, 2, .. T was made from."""
        before = np.arange(len(self.flow))
        return before - before % self.chunk
