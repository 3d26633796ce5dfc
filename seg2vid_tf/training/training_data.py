"""TrainingData: the splits that a run learns from and is looked at with, checked before anything is built."""

import pathlib

import tensorflow as tf

from seg2vid_tf.data.pipeline import make_dataset
from seg2vid_tf.data.shards import check_shards, manifest_spec

_VALIDATION_BATCH = 4


class TrainingData:
    """The prepared data of one run.

    Attributes:
      manifests: of the splits to train on, in their order.
      spec: AnnotationSpec of all of them.
      validation: tf.data.Dataset of the validation split's batches, shuffled, without end.
      num_validation_frames: how many frames of it there are before one comes again.

    Args:
      config: StartFrameConfig or MotionConfig: size, window and augmentation follow it.
      data_dir: folder that holds train/ and validation/.
      more_train_dirs: further splits of the same spec to train on.

    Raises:
      ValueError: a split is none, is damaged, does not belong to the others or lacks what the config asks for.
    """

    def __init__(self, config, data_dir: pathlib.Path, more_train_dirs: list[str]):
        self._training = config.training
        self._train_dirs = [data_dir / "train", *more_train_dirs]
        # A damaged shard is named now, not at the step that meets it.
        self.manifests = [check_shards(folder) for folder in self._train_dirs]
        held_out = check_shards(data_dir / "validation")
        self.spec, validation_spec = manifest_spec(self.manifests[0]), manifest_spec(held_out)
        if self.spec != validation_spec:
            raise ValueError(
                f"{data_dir}: train holds spec {self.spec.name!r}, validation another, {validation_spec.name!r}"
            )
        # Stage 1 has single frames, and nothing that moves in them.
        self._exact_motion = getattr(config.losses, "exact_motion", False)
        for folder, manifest in zip(self._train_dirs, self.manifests, strict=True):
            if self._exact_motion and not manifest["has_motion"]:
                raise ValueError(
                    f"{folder}: it holds no exact motion, which flow_weight and occlusion_weight compare with; prepare "
                    "it with --include_motion, or leave them out"
                )
        self._matches = getattr(config.model, "motion", None) == "flow"  # stage 1 and limbs match nothing
        self._window = {
            "num_frames": getattr(config.model, "num_frames", 0),
            "size": (config.model.height, config.model.width),
            "with_instances": getattr(config.model, "instance_boundary", False),
        }
        # Shuffled, because in order the first windows are neighbours of one clip, and always the same four.
        self.validation = make_dataset(
            data_dir / "validation", batch_size=_VALIDATION_BATCH, flip=False, **self._window
        )
        self.num_validation_frames = held_out["num_frames"]
        self.make_batches(0)  # refuses what it refuses

    def make_batches(self, start_step: int, input_context=None) -> tf.data.Dataset:
        """Batches of augmented windows from ``start_step`` on, without end; fit's ``make_batches``."""
        training = self._training
        return make_dataset(
            self._train_dirs,
            input_context=input_context,
            batch_size=training.batch_size,
            seed=training.seed,
            start_step=start_step,
            flip=training.flip,
            crop=training.crop,
            recolor=training.recolor,
            reverse=getattr(training, "reverse", False),
            with_motion=self._exact_motion,
            with_matching=self._matches and _sees_the_same_windows(training),
            **self._window,
        )

    def count_windows(self) -> int:
        """How many different windows there are to train on."""
        window = {"window_stride": 1, "with_motion": self._exact_motion, **self._window}
        return int(make_dataset(self._train_dirs, batch_size=1, training=False, **window).cardinality())


def _sees_the_same_windows(training) -> bool:
    """Whether windows are seen again as they were, so that matching finds the same."""
    return not (training.crop < 1 or training.recolor or training.reverse or training.jitter)
