"""What a result is held against: the start frame moved by a flow that no model has to predict.

    copy_frame_0   nothing moves
    mean_flow      every clip moves as the training set's clips do on average (``MeanFlow``)
    affine         one affine motion per frame, the best between the real frames: it sees the future, a model does not

Each is a flow, float32 [T,H,W,2] as everywhere, and its video the start frame warped by it, occlusion unknown.
"""

import numpy as np
import tensorflow as tf

from seg2vid_tf.evaluation.external_flow import measured_flow, require_opencv
from seg2vid_tf.evaluation.video import Video
from seg2vid_tf.ops.warp import dense_image_warp

# When the alignment of two frames ends: so many steps, or correlation that grows by less.
_STEPS, _GAIN = 200, 1e-5


def warped_video(start_frame: np.ndarray, label_map: np.ndarray, flow: np.ndarray) -> Video:
    """The start frame, and its label map by nearest neighbour, moved by a flow.

    Args:
      start_frame: uint8 [H,W,3].
      label_map: uint8 [H,W].
      flow: float32 [T,H,W,2].
    """
    images = np.repeat(start_frame[None], len(flow), axis=0).astype(np.float32)
    warped = np.rint(dense_image_warp(tf.constant(images), tf.constant(flow, tf.float32)).numpy()).astype(np.uint8)
    height, width = label_map.shape
    rows = np.rint(np.arange(height)[:, None] - flow[..., 0]).astype(int).clip(0, height - 1)
    columns = np.rint(np.arange(width) - flow[..., 1]).astype(int).clip(0, width - 1)
    return Video(
        frames=np.concatenate([start_frame[None], warped]),
        label_maps=np.concatenate([label_map[None], label_map[rows, columns]]),
        flow=np.asarray(flow, np.float32),
        chunk=len(flow),
    )


def zero_flow(frames: np.ndarray) -> np.ndarray:
    """The flow of a clip, uint8 [T+1,H,W,3], in which nothing moves."""
    return np.zeros((len(frames) - 1, *frames.shape[1:3], 2), np.float32)


def affine_flow(frames: np.ndarray) -> np.ndarray:
    """For each frame the affine motion of the whole picture that aligns frame 0 with it best.

    By the enhanced correlation coefficient (Evangelidis and Psarakis, 2008; OpenCV's findTransformECC), on grey frames,
    beginning with the frame before's motion, which is kept where the two frames cannot be aligned.

    Args:
      frames: uint8 [T+1,H,W,3], the real clip.

    Raises:
      ImportError: OpenCV is not installed.
    """
    cv2 = require_opencv()
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, _GAIN)
    height, width = grey[0].shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    matrix, flows = np.eye(2, 3, dtype=np.float32), []
    for frame in grey[1:]:
        try:
            _, matrix = cv2.findTransformECC(frame, grey[0], matrix.copy(), cv2.MOTION_AFFINE, stop, None, 5)
        except cv2.error as error:
            if error.code != cv2.Error.StsNoConv:
                raise
        # frame(x, y) = grey[0](matrix (x, y, 1)), and flow is what leads there from (x, y), with the sign turned.
        there = matrix @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
        flows.append(np.stack([y - there[1].reshape(y.shape), x - there[0].reshape(x.shape)], axis=-1))
    return np.stack(flows).astype(np.float32)


class MeanFlow:
    """The mean flow of many clips, at each place and frame; memory does not grow with their number."""

    def __init__(self):
        self._sum, self.count = None, 0

    def add(self, frames: np.ndarray) -> None:
        """Adds a clip, uint8 [T+1,H,W,3], whose flow is measured by OpenCV."""
        flow, _, _ = measured_flow(np.repeat(frames[:1], len(frames) - 1, axis=0), frames[1:])
        self._sum = flow.astype(np.float64) + (0 if self._sum is None else self._sum)
        self.count += 1

    def result(self) -> np.ndarray:
        """float32 [T,H,W,2].

        Raises:
          ValueError: no clip was added.
        """
        if not self.count:
            raise ValueError("no clip was added, so there is no mean flow")
        return (self._sum / self.count).astype(np.float32)
