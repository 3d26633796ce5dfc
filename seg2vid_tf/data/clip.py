"""Clip: the one record that every reader yields and every shard holds.

A clip is a run of consecutive frames with one label map each, and, where the source knows them exactly
(synthetic_street), the flow and visibility between its first frame and every later one.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Clip:
    """Consecutive frames of one sequence.

    Attributes:
      clip_id: unique in its data set, "seq0000" or "street_000012".
      frames: uint8 [L, H, W, 3], RGB.
      label_maps: uint8 [L, H, W], ids of one AnnotationSpec or its ignore id.
      instance_maps: uint16 [L, H, W], 0 = no instance, or None where the source has none.
      flow: float32 [L-1, H, W, 2], (dy, dx) in pixels on the grid of frame t = 1..L-1, pointing from frame 0 to frame
        t: frame_t(p) = frame_0(p - flow_t(p)) where visible; or None.
      flow_backward: float32 [L-1, H, W, 2] on the grid of frame 0: frame_0(p) = frame_t(p + flow_backward_t(p)); or
        None.
      visibility: float32 [L-1, H, W, 1], 1 where the pixel of frame t has a correspondence in frame 0, else 0; or None.
      visibility_backward: float32 [L-1, H, W, 1], the same for the pixels of frame 0 in frame t; or None.
      remarks: what is odd about it though nothing is wrong, for whoever prepares it; not stored with it.
      made_from: what the manifest is to say of how it came about, as JSON; not stored with it either.
    """

    clip_id: str
    frames: np.ndarray
    label_maps: np.ndarray
    instance_maps: np.ndarray | None = None
    flow: np.ndarray | None = None
    flow_backward: np.ndarray | None = None
    visibility: np.ndarray | None = None
    visibility_backward: np.ndarray | None = None
    remarks: tuple[str, ...] = ()
    made_from: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        length, height, width = self.label_maps.shape
        steps = (length - 1, height, width)
        expected = {
            "frames": ((length, height, width, 3), np.uint8),
            "label_maps": ((length, height, width), np.uint8),
            "instance_maps": ((length, height, width), np.uint16),
            "flow": ((*steps, 2), np.float32),
            "flow_backward": ((*steps, 2), np.float32),
            "visibility": ((*steps, 1), np.float32),
            "visibility_backward": ((*steps, 1), np.float32),
        }
        for name, (shape, dtype) in expected.items():
            value = getattr(self, name)
            if value is not None and (value.shape != shape or value.dtype != dtype):
                raise ValueError(
                    f"clip {self.clip_id!r}: {name} must be {np.dtype(dtype)} {shape}, "
                    f"received {value.dtype} {value.shape}"
                )
        motion = [self.flow, self.flow_backward, self.visibility, self.visibility_backward]
        if any(v is None for v in motion) != all(v is None for v in motion):
            raise ValueError(f"clip {self.clip_id!r}: flow and visibility come all four together or not at all")

    @property
    def has_motion(self) -> bool:
        """Whether the exact flow and visibility are known."""
        return self.flow is not None
