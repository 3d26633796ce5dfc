"""The model card of an export: what the run folder knows of how the model was trained."""

import os

from seg2vid_tf.exported_weights import trained_networks
from seg2vid_tf.run_folder import RunFolder


def model_card(
    name: str,
    run_dir: str | os.PathLike,
    stages: tuple[str, ...] = ("start_frame", "motion"),
    motion_dir: str | os.PathLike | None = None,
) -> str:
    """Markdown: spec, size, steps and losses of the stages.

    Args:
      name: the model's.
      run_dir, stages, motion_dir: as of ``models.restore.seg2vid_from_run``.

    Raises:
      ValueError: the folders do not hold them.
    """
    sources = {"start_frame": run_dir, "motion": motion_dir or run_dir}
    lines = [f"# {name}", ""]
    for stage in stages:
        folder = trained_networks(sources[stage], stage)
        config, spec = folder.load(stage)
        lines += [
            f"## {stage}",
            "",
            f"- annotation spec: {spec.name}, {spec.num_classes} classes",
            f"- size: {config.model.height} x {config.model.width}",
            *_how_trained(folder, config),
            f"- model: {config.model}",
            "",
        ]
    lines += ["Data, licence, metrics and known failures: to be stated by who trained it (--card=FILE).", ""]
    return "\n".join(lines)


def _how_trained(folder, config):
    if not isinstance(folder, RunFolder):
        return [f"- training: that of {folder.path.parent.name}/{folder.path.name}, an export with a card of its own"]
    training = config.training
    return [
        f"- training: {folder.newest_step()} steps of {training.batch_size} clips, seed {training.seed}, "
        f"{training.precision}",
        f"- losses: {config.losses}",
    ]
