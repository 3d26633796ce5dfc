"""What the two training programs share: from flags to a running fit."""

import hashlib
import pathlib

from absl import flags

from seg2vid_tf.flags import config_from_flags, define_config_flags

flags.disclaim_key_flags()  # they are the program's own (flags.py)


def define_training_flags(presets: dict) -> None:
    """--preset and the config's fields, --data_dir, --run_dir, --resume, --devices."""
    define_config_flags(presets)
    flags.DEFINE_string("data_dir", None, "folder that holds train/ and validation/ (prepare_data.py)", required=True)
    flags.DEFINE_string("run_dir", None, "folder of the run; each stage has its own inside it", required=True)
    flags.DEFINE_bool("resume", False, "go on from the run's newest checkpoint")
    flags.DEFINE_list("devices", [], "cpu:0,cpu:1 or gpu:0,...; every GPU there is, else one CPU, by default")


def train(stage: str, presets: dict, trainer_class) -> None:
    """Trains one stage as the flags say.

    Args:
      stage: "start_frame" or "motion"; the run lives in <run_dir>/<stage>.
      presets: the stage's presets.
      trainer_class: StartFrameTrainer or MotionTrainer.
    """
    import keras

    from seg2vid_tf.data.pipeline import make_dataset
    from seg2vid_tf.data.shards import check_shards, manifest_spec
    from seg2vid_tf.models.build import set_precision
    from seg2vid_tf.run_folder import RunFolder
    from seg2vid_tf.training.fit import fit
    from seg2vid_tf.training.replicas import mirrored_strategy

    values = flags.FLAGS
    config = config_from_flags(presets, values)
    training, data_dir = config.training, pathlib.Path(values.data_dir)
    strategy = mirrored_strategy(tuple(values.devices))
    if training.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(f"batch_size {training.batch_size} does not divide by {strategy.num_replicas_in_sync} devices")
    # A damaged shard is named now, not at the step that meets it.
    manifests = [check_shards(data_dir / split) for split in ("train", "validation")]
    spec, validation_spec = (manifest_spec(manifest) for manifest in manifests)
    if spec != validation_spec:
        raise ValueError(f"{data_dir}: train holds spec {spec.name!r}, validation another, {validation_spec.name!r}")
    window = {"num_frames": getattr(config.model, "num_frames", 0), "size": (config.model.height, config.model.width)}
    # Shuffled, because in order the first windows are neighbours of one clip, and always the same four.
    validation = make_dataset(data_dir / "validation", batch_size=4, flip=False, **window)

    def make_batches(start_step):
        return make_dataset(
            data_dir / "train",
            batch_size=training.batch_size,
            seed=training.seed,
            start_step=start_step,
            flip=training.flip,
            crop=training.crop,
            **window,
        )

    # Everything that can be refused is refused before the run folder is claimed.
    make_batches(0)
    validation_batch = next(iter(validation))
    set_precision(training.precision)
    keras.utils.set_random_seed(training.seed)
    folder = RunFolder(pathlib.Path(values.run_dir) / stage)
    with strategy.scope():
        trainer = trainer_class(config, spec)
    folder.start(stage, config, spec, fingerprint(manifests[0]), values.resume)
    terms = fit(trainer, make_batches, validation_batch, folder, strategy)
    if terms:
        print(f"{folder.path}: " + ", ".join(f"{name} {value:.4f}" for name, value in terms.items()))


def fingerprint(manifest: dict) -> str:
    """SHA-256 over the shards' own: two data sets with the same one hold the same clips in the same order."""
    return hashlib.sha256("".join(shard["sha256"] for shard in manifest["shards"]).encode()).hexdigest()
