"""Seg2Vid from a run folder: both stages' newest checkpoints, in a process without a strategy."""

import dataclasses
import os
import pathlib

from seg2vid_tf.models.build import build_generator, build_motion
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.run_folder import RunFolder


def seg2vid_from_run(run_dir: str | os.PathLike) -> Seg2Vid:
    """Builds Seg2Vid from <run_dir>/start_frame and <run_dir>/motion.

    Raises:
      ValueError: a stage is missing, has no checkpoint, or the stages differ in spec or size.
    """
    first, second = RunFolder(pathlib.Path(run_dir) / "start_frame"), RunFolder(pathlib.Path(run_dir) / "motion")
    (start_config, spec), (motion_config, motion_spec) = first.load("start_frame"), second.load("motion")
    if spec != motion_spec:
        raise ValueError(
            f"{run_dir}: start_frame was trained on spec {spec.name!r}, motion on another, {motion_spec.name!r}"
        )
    sizes = [(c.model.height, c.model.width) for c in (start_config, motion_config)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"{run_dir}: start_frame was trained at {sizes[0]}, motion at {sizes[1]}: train both at one size"
        )
    generator = build_generator(start_config.model, spec)
    # The faster warps of training have the same meaning and no place in an export.
    motion = build_motion(dataclasses.replace(motion_config.model, warp="native"), spec)
    for folder, objects in ((first, {"generator": generator}), (second, {"motion": motion})):
        if folder.restore(objects, newest_only=True) == 0:
            raise ValueError(f"{folder.path} has no checkpoint yet: train it first")
    return Seg2Vid(generator, motion, spec, sizes[0])
