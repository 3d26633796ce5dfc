"""The model card of an export: what the run folder knows of how the model was trained."""

import os
import pathlib

from seg2vid_tf.run_folder import RunFolder


def model_card(name: str, run_dir: str | os.PathLike, stages: tuple[str, ...] = ("start_frame", "motion")) -> str:
    """Markdown: spec, size, steps and losses of the stages.

    Raises:
      ValueError: ``run_dir`` does not hold them.
    """
    lines = [f"# {name}", ""]
    for stage in stages:
        folder = RunFolder(pathlib.Path(run_dir) / stage)
        config, spec = folder.load(stage)
        training, model = config.training, config.model
        lines += [
            f"## {stage}",
            "",
            f"- annotation spec: {spec.name}, {spec.num_classes} classes",
            f"- size: {model.height} x {model.width}",
            f"- training: {folder.newest_step()} steps of {training.batch_size} clips, seed {training.seed}, "
            f"{training.precision}",
            f"- model: {model}",
            f"- losses: {config.losses}",
            "",
        ]
    lines += ["Data, licence, metrics and known failures: to be stated by who trained it (--card=FILE).", ""]
    return "\n".join(lines)
