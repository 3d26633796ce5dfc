"""Networks from run folders: the newest checkpoints, in a process without a strategy."""

import dataclasses
import os
import pathlib

from seg2vid_tf.config import StartFrameConfig
from seg2vid_tf.models.build import build_generator, build_motion, build_style_encoder
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.models.start_frame.painter import StartFramePainter
from seg2vid_tf.run_folder import RunFolder


def painter_from_run(run_dir: str | os.PathLike) -> tuple[StartFramePainter, StartFrameConfig]:
    """Stage 1, the average of its weights, from <run_dir>/start_frame.

    Raises:
      ValueError: no such run, or it has no checkpoint that can be read.
    """
    folder = RunFolder(pathlib.Path(run_dir) / "start_frame")
    config, spec = folder.load("start_frame")
    generator = build_generator(config.model, spec)
    style_encoder = build_style_encoder(config.model) if config.model.style_encoder else None
    averages = {"generator_average": generator}
    if style_encoder is not None:
        averages["style_encoder_average"] = style_encoder
    _restore(folder, averages)
    return StartFramePainter(generator, style_encoder, spec), config


def seg2vid_from_run(run_dir: str | os.PathLike) -> Seg2Vid:
    """Builds Seg2Vid from <run_dir>/start_frame and <run_dir>/motion.

    Raises:
      ValueError: a stage is missing, has no checkpoint, or the stages differ in spec or size.
    """
    folder = RunFolder(pathlib.Path(run_dir) / "motion")
    motion_config, motion_spec = folder.load("motion")
    painter, start_config = painter_from_run(run_dir)
    spec = painter.spec
    if spec != motion_spec:
        raise ValueError(
            f"{run_dir}: start_frame was trained on spec {spec.name!r}, motion on another, {motion_spec.name!r}"
        )
    sizes = [(c.model.height, c.model.width) for c in (start_config, motion_config)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"{run_dir}: start_frame was trained at {sizes[0]}, motion at {sizes[1]}: train both at one size"
        )
    # The faster warps of training have the same meaning and no place in an export.
    motion = build_motion(dataclasses.replace(motion_config.model, warp="native"), spec)
    _restore(folder, {"motion": motion})
    return Seg2Vid(painter.generator, motion, spec, sizes[0], painter.style_encoder)


def _restore(folder, objects):
    if folder.restore(objects, newest_only=True) == 0:
        raise ValueError(f"{folder.path} has no checkpoint yet: train it first")
