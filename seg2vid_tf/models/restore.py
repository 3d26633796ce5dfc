"""Trained networks, in a process without a strategy: a run's newest checkpoints, stage 1 also from an export."""

import dataclasses
import os
import pathlib

from seg2vid_tf.config import StartFrameConfig
from seg2vid_tf.exported_weights import trained_networks
from seg2vid_tf.models.build import build_generator, build_motion, build_style_encoder
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.models.start_frame.start_frame_model import StartFrameModel


def load_start_frame_model(path: str | os.PathLike) -> tuple[StartFrameModel, StartFrameConfig]:
    """Stage 1, the average of its weights, from a run (<path>/start_frame) or an export, for frames of any size.

    Raises:
      ValueError: no such run, or it has no checkpoint that can be read; an export without stage 1, or of before exports
        said how large their networks are.
    """
    folder = trained_networks(path, "start_frame")
    config, spec = folder.load("start_frame")
    generator = build_generator(config.model, spec)
    style_encoder = build_style_encoder(config.model, spec) if config.model.style_encoder else None
    averages = {"generator_average": generator}
    if style_encoder is not None:
        averages["style_encoder_average"] = style_encoder
    _restore(folder, averages)
    return StartFrameModel(generator, style_encoder, spec), config


def seg2vid_from_run(
    run_dir: str | os.PathLike,
    stages: tuple[str, ...] = ("start_frame", "motion"),
    motion_dir: str | os.PathLike | None = None,
) -> Seg2Vid:
    """Builds Seg2Vid from <run_dir>/start_frame and <run_dir>/motion.

    Args:
      run_dir: the folder of both stages' runs.
      stages: which of them are wanted: "start_frame" alone paints, "motion" alone animates frames; the folder may lack
        the other.
      motion_dir: a run or an export that stage 2 is taken from instead.

    Raises:
      ValueError: a stage is missing, has no checkpoint, or the stages differ in spec or size.
    """
    if stages == ("start_frame",):
        start_frame_model, start_config = load_start_frame_model(run_dir)
        size = (start_config.model.height, start_config.model.width)
        return Seg2Vid(start_frame_model.generator, None, start_frame_model.spec, size, start_frame_model.style_encoder)
    folder = trained_networks(motion_dir or run_dir, "motion")
    if not folder.path.exists() and (pathlib.Path(run_dir) / "start_frame").exists():
        raise ValueError(
            f"{folder.path.parent} holds no stage 2, which a video needs: train it with train_motion.py, or take that "
            "of another run or an export (export.py --motion_dir); or look at what stage 1 paints with "
            "sample_start_frames.py, export it with export.py --model=start_frame"
        )
    config, spec = folder.load("motion")
    size = (config.model.height, config.model.width)
    generator = style_encoder = None
    if "start_frame" in stages:
        start_frame_model, start_config = load_start_frame_model(run_dir)
        _check_together(
            (run_dir, start_frame_model.spec, start_config.model), (motion_dir or run_dir, spec, config.model)
        )
        generator, style_encoder = start_frame_model.generator, start_frame_model.style_encoder
    # The faster warps of training have the same meaning and no place in an export.
    motion = build_motion(dataclasses.replace(config.model, warp="native"), spec)
    _restore(folder, {"motion": motion})
    return Seg2Vid(generator, motion, spec, size, style_encoder, config.model.temperature, config.model.smoothness)


def _check_together(start, motion):
    """(folder, spec, model config) of each stage."""
    (start_dir, start_spec, start), (motion_dir, motion_spec, motion) = start, motion
    if start_spec != motion_spec:
        raise ValueError(
            f"{start_dir}: start_frame was trained on spec {start_spec.name!r}, motion of {motion_dir} on another, "
            f"{motion_spec.name!r}"
        )
    if (start.height, start.width) != (motion.height, motion.width):
        raise ValueError(
            f"{start_dir}: start_frame was trained at {start.height}x{start.width}, motion of {motion_dir} at "
            f"{motion.height}x{motion.width}: train one of them at the other's --height and --width"
        )


def _restore(folder, objects):
    if folder.restore(objects, newest_only=True) == 0:
        raise ValueError(f"{folder.path} has no checkpoint yet: train it first")
