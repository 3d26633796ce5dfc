"""A published single-person pose network, a TFLite file or a SavedModel's folder, of MoveNet's form.

The network: input [1,h,w,3] RGB (uint8 or int32 0..255), output float32 [1,1,J,3]: y, x as shares of the input, and a
score. It sees the frame with its aspect ratio kept, in black bars, as it was trained; what it says of the bars' frame
becomes shares of the picture. Source: tfhub.dev/google/movenet/singlepose/lightning.
"""

import os

import numpy as np

from seg2vid_tf.ops.picture_network import PictureNetwork


class PoseNetwork:
    """Frames -> joints.

    Attributes:
      num_joints: J.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int | None = None):
        """Loads the network.

        Raises:
          ValueError: what PictureNetwork refuses, or not a pose network as the module docstring has it.
        """
        self._network = PictureNetwork(path, "pose network", num_threads)
        made = self._network.output_shape
        if len(made) != 4 or made[1] != 1 or made[3] != 3:
            raise ValueError(f"{self._network.found}; the output must be [1,1,J,3] of (y, x, score)")
        if self._network.size is None:
            raise ValueError(f"{self._network.found}; the input must be of one fixed size")
        if self._network.dtype == np.float32:
            raise ValueError(f"{self._network.found}; the input must be uint8 or int32, it is float32")
        self.num_joints = made[2]

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """uint8 [N,H,W,3] RGB -> float32 [N,J,3]: y and x as shares of the frame's height and width, score."""
        height, width = frames.shape[1:3]
        side_y, side_x = self._network.size
        # The smallest frame around the picture that has the network's aspect ratio.
        full = np.array([max(height, width * side_y / side_x), max(width, height * side_x / side_y)])
        rows, columns = np.rint(full).astype(int)
        top, left = (rows - height) // 2, (columns - width) // 2
        joints = np.empty((len(frames), self.num_joints, 3), np.float32)
        for index, frame in enumerate(frames):
            barred = np.zeros((rows, columns, 3), np.uint8)
            barred[top : top + height, left : left + width] = frame
            (((output,),),) = self._network.outputs(barred[None])
            joints[index, :, 0] = (output[:, 0] * rows - top) / height
            joints[index, :, 1] = (output[:, 1] * columns - left) / width
            joints[index, :, 2] = output[:, 2]
        return joints
