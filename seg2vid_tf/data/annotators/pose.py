"""PoseAnnotator: maps of limbs by a pose network of the user's own."""

import os
import pathlib

import numpy as np

from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.annotated import Annotator, check_min_score
from seg2vid_tf.files import sha256_of
from seg2vid_tf.ops.pose_network import PoseNetwork


class PoseAnnotator(Annotator):
    """The one person of each frame as limbs.

    Args:
      path: the network's TFLite file or SavedModel folder (ops/pose_network.py says what it must be like).
      spec: one with a skeleton of the network's joints, in their order.
      line_width: of the limbs, in pixels.
      min_score: in [0, 1); a limb is drawn where every joint of its ends scores above this.

    Raises:
      ValueError: what PoseNetwork refuses, a spec without a skeleton or of another number of joints, another min_score.
    """

    def __init__(
        self, path: str | os.PathLike, spec: AnnotationSpec, *, line_width: float = 3.0, min_score: float = 0.2
    ):
        check_min_score(min_score)
        self._network = PoseNetwork(path)
        joints = len(spec.skeleton.joints) if spec.skeleton else 0
        if joints != self._network.num_joints:
            raise ValueError(
                f"spec {spec.name!r} has {joints} joints, the pose network {self._network.num_joints}; give a spec "
                "with its skeleton"
            )
        self.spec, self._line_width, self._min_score = spec, line_width, min_score
        self.settings = {
            "annotator": "pose",
            "network": sha256_of(pathlib.Path(path)),
            "line_width": line_width,
            "min_score": min_score,
        }

    def annotate(self, frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        joints = self._network(frames)
        maps = draw_pose(joints, self.spec, size, line_width=self._line_width, min_score=self._min_score)
        if not maps.any():
            raise ValueError(
                f"nobody is found in any frame by min_score {self._min_score}, the best joint's is "
                f"{joints[..., 2].max():.2f}"
            )
        return maps
