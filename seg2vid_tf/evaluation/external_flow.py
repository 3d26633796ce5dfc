"""The flow between two frames as a method measures it that knows nothing of the model: DIS, by OpenCV.

Source: Kroeger et al., "Fast Optical Flow using Dense Inverse Search" (ECCV 2016), OpenCV's preset "medium", on grey
frames. Needs the extra "eval". It is an estimate: at 128x256 it moves what has texture right to a fraction of a pixel.
"""

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.occlusion import consistent_visibility


def require_opencv():
    """OpenCV; ImportError, with what to install, where it is not there."""
    try:
        import cv2  # an optional extra: only what measures with it needs it
    except ImportError as error:
        raise ImportError(
            "measuring flow and affine motion needs OpenCV: pip install 'seg2vid_tf[eval]', or leave both out with "
            "--noexternal_flow"
        ) from error
    return cv2


def measured_flow(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flow of each target frame from its source frame, both ways, and which pixels have a correspondence.

    Args:
      source: uint8 [N,H,W,3], at least 16x16.
      target: uint8 [N,H,W,3].

    Returns:
      flow float32 [N,H,W,2], (dy, dx) in pixels on the target's grid: target(p) = source(p - flow(p)); flow_backward
      likewise on the source's grid: source(p) = target(p + flow_backward(p)); visibility float32 [N,H,W,1] of the
      target's pixels, 1 where the two flows agree (ops/occlusion.py).

    Raises:
      ImportError: OpenCV is not installed.
      ValueError: other frames than that.
    """
    for name, frames in (("source", source), ("target", target)):
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape != source.shape or min(frames.shape[1:3]) < 16:
            raise ValueError(
                f"{name} must be uint8 [N,H,W,3] of one shape, at least 16x16, received {frames.dtype} {frames.shape}"
            )
    cv2 = require_opencv()
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def moved(here, there):
        """float32 [N,H,W,2], (dy, dx): here(p) = there(p + moved(p))."""
        grey = [[cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames] for frames in (here, there)]
        return np.stack([search.calc(a, b, None) for a, b in zip(*grey, strict=True)])[..., ::-1]

    flow, flow_backward = -moved(target, source), moved(source, target)
    visibility, _ = consistent_visibility(tf.constant(flow), tf.constant(flow_backward))
    return flow, flow_backward, visibility.numpy()
