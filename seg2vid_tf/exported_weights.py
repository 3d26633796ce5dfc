"""The trained networks in an export, under the names of a run's: what a training starts from, and stage 1 paints with.

    generator_average, style_encoder_average, motion   in the SavedModels' own variables files, stored by number as a
                                                       run's checkpoints store them
    discriminator                                      beside them where the export kept it, in half precision

What sizes they have says the "networks" part of the export's document, {stage: the model part of its config}.
"""

import os
import pathlib

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import from_json, to_json, with_defaults
from seg2vid_tf.export_folder import (
    check_sums,
    discriminator_folder,
    is_export,
    newest_version,
    read_description,
    saved_models,
)
from seg2vid_tf.run_folder import CONFIG_CLASSES, RunFolder, read_values, variable_key

_DISCRIMINATOR_FILES = "weights"


class ExportedWeights:
    """One version of an exported model; answers ``start_from`` as a RunFolder does.

    Args:
      folder: a version folder, or a model folder: its newest version.

    Raises:
      ValueError: it is neither.
    """

    def __init__(self, folder: str | os.PathLike):
        self.path = newest_version(pathlib.Path(folder))

    def load(self, stage: str) -> tuple:
        """(config, spec) of a stage; of the config the model's sizes alone are known, the rest are defaults.

        Raises:
          ValueError: the export has not that stage, or does not say its sizes.
        """
        description = read_description(self.path)
        if stage not in description["stages"]:
            raise ValueError(f"{self.path} has no stage {stage!r}, but {description['stages']}")
        if stage not in description.get("networks", {}):
            raise ValueError(
                f"{self.path} does not say how large its networks are, so neither a training can start from it nor can "
                "its start frames be sampled by themselves: an older release wrote it; export its run again"
            )
        config_class = CONFIG_CLASSES[stage]
        document, _ = with_defaults(config_class, {"model": description["networks"][stage]})
        config = from_json(config_class, {**to_json(config_class()), **document})
        return config, AnnotationSpec.from_json(description["spec"])

    def names(self) -> set[str]:
        """The names of the networks that it holds."""
        import tensorflow as tf  # not above: who reads a config needs none of it

        readers = map(tf.train.load_checkpoint, self._prefixes())
        return {key.split("/")[0] for reader in readers for key in reader.get_variable_to_shape_map()}

    def restore(self, objects: dict, newest_only: bool = True) -> int:
        """Gives the objects, {name: network}, their weights; returns 1, as there is always one checkpoint.

        Raises:
          ValueError: a file is not what was exported, cannot be read, or holds networks of other sizes.
        """
        import tensorflow as tf

        for folder in (*saved_models(self.path), discriminator_folder(self.path)):
            check_sums(folder)
        try:
            values = read_values(self._prefixes(), objects)
        except (tf.errors.OpError, ValueError) as error:
            raise ValueError(f"{self.path} cannot be trained on: {str(error).splitlines()[0]}") from error
        for variable, value in values:
            variable.assign(value)
        return 1

    def _prefixes(self):
        prefixes = [folder / "variables" / "variables" for folder in saved_models(self.path)]
        kept = discriminator_folder(self.path)
        return [str(prefix) for prefix in (*prefixes, *([kept / _DISCRIMINATOR_FILES] if kept.exists() else []))]


def trained_networks(path: str | os.PathLike, stage: str) -> "RunFolder | ExportedWeights":
    """What holds a stage's trained networks: an export (a version or model folder), else a run's folder.

    Args:
      path: the export's folder, or the one that holds the run's start_frame/ and motion/.
      stage: "start_frame" or "motion".
    """
    folder = pathlib.Path(path)
    return ExportedWeights(folder) if is_export(folder) else RunFolder(folder / stage)


def network_sizes(sources: dict[str, str | os.PathLike]) -> dict:
    """{stage: the model part of its config, a JSON document}: the "networks" of an export's document.

    Args:
      sources: {stage: the run or export that it comes from}.

    Raises:
      ValueError: a source does not hold its stage.
    """
    return {stage: to_json(trained_networks(path, stage).load(stage)[0].model) for stage, path in sources.items()}


def copy_discriminator(run_dir: str | os.PathLike, folder: pathlib.Path) -> None:
    """Writes the discriminator of a run's newest stage-1 checkpoint into a new folder, in half precision.

    Raises:
      ValueError: the run has no checkpoint of stage 1.
    """
    import tensorflow as tf

    reader = RunFolder(pathlib.Path(run_dir) / "start_frame").newest_checkpoint()
    count = sum(key.startswith("discriminator/") for key in reader.get_variable_to_shape_map())
    weights = [tf.Variable(np.float16(reader.get_tensor(variable_key("discriminator", i)))) for i in range(count)]
    folder.mkdir(parents=True)
    tf.train.Checkpoint(discriminator=weights).write(str(folder / _DISCRIMINATOR_FILES))
