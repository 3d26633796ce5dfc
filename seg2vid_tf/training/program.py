"""What the two training programs share: from flags to a running fit."""

import contextlib
import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Iterator

from absl import flags, logging

from seg2vid_tf.config import differences, to_json
from seg2vid_tf.exported_weights import trained_networks
from seg2vid_tf.files import sha256_of
from seg2vid_tf.flags import config_from_flags, define_config_flags
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.workers import workers_from_environment

flags.disclaim_key_flags()  # they are the program's own (flags.py)


def define_training_flags(presets: dict) -> None:
    """--preset and the config's fields, --data_dir, --more_train_data, --run_dir, --resume, --devices."""
    define_config_flags(presets)
    flags.DEFINE_string("data_dir", None, "folder that holds train/ and validation/ (prepare_data.py)", required=True)
    flags.DEFINE_list("more_train_data", [], "further prepared splits of the same spec to train on, comma-separated")
    flags.DEFINE_string("run_dir", None, "folder of the run; each stage has its own inside it", required=True)
    flags.DEFINE_bool("resume", False, "go on from the run's newest checkpoint")
    flags.DEFINE_list("devices", [], "cpu:0,cpu:1 or gpu:0,...; every GPU there is, else one CPU, by default")


@contextlib.contextmanager
def claimed_run(stage: str, presets: dict) -> Iterator[RunFolder]:
    """The run's folder, which this process holds during the block; of several workers the chief alone does.

    Refuses what the flags alone show to be wrong, in a second: before TensorFlow loads and the data is read.

    Raises:
      ValueError: as of RunFolder.check and workers_from_environment, or another process holds the folder.
    """
    values = flags.FLAGS
    config, folder = config_from_flags(presets, values), RunFolder(pathlib.Path(values.run_dir) / stage)
    if not workers_from_environment().is_chief:
        yield folder
        return
    recorded = recorded_precision(folder, stage) if values.resume and config.training.precision == "auto" else None
    if recorded is not None:
        config = dataclasses.replace(config, training=dataclasses.replace(config.training, precision=recorded))
    folder.check(stage, config, values.resume)
    with folder.held():
        yield folder


def recorded_precision(folder, stage: str) -> str | None:
    """The precision in which the run in a RunFolder began, and goes on; None where none has begun.

    A run begins with its config.json: one that was stopped before its first checkpoint is held against it too.
    """
    return folder.load(stage)[0].training.precision if (folder.path / "config.json").exists() else None


def train(stage: str, presets: dict, run_folder: RunFolder, trainer_class, make_measure=None) -> None:
    """Trains one stage as the flags say.

    Args:
      stage: "start_frame" or "motion".
      presets: the stage's presets.
      run_folder: the run's, <run_dir>/<stage>.
      trainer_class: StartFrameTrainer or MotionTrainer.
      make_measure: (validation batches without end, how many frames they hold before one comes again, spec) -> fit's
        ``measure``, or None for no measuring.
    """
    from seg2vid_tf.training.replicas import joint_training, training_strategy

    workers = workers_from_environment()
    with joint_training(workers):
        strategy = training_strategy(tuple(flags.FLAGS.devices), workers)
        _train(stage, presets, run_folder, trainer_class, make_measure, strategy)


def _train(stage, presets, run_folder, trainer_class, make_measure, strategy):
    import keras

    from seg2vid_tf.data.pipeline import make_dataset
    from seg2vid_tf.data.shards import check_shards, manifest_spec
    from seg2vid_tf.models.build import set_precision
    from seg2vid_tf.training.fit import fit
    from seg2vid_tf.training.precision import PRECISIONS, choose_precision
    from seg2vid_tf.training.replicas import summed_over_workers

    values = flags.FLAGS
    config = config_from_flags(presets, values)
    training, data_dir = config.training, pathlib.Path(values.data_dir)
    chief = strategy.extended.should_checkpoint
    replicas, parts = strategy.num_replicas_in_sync, getattr(training, "accumulate", 1)
    if training.batch_size % (replicas * parts):
        raise ValueError(
            f"batch_size {training.batch_size} does not divide by {replicas} devices times accumulate {parts}: make it "
            f"a multiple of {replicas * parts}"
        )
    print(f"reading {data_dir} ...", flush=True)
    # A damaged shard is named now, not at the step that meets it.
    train_dirs, validation_dir = [data_dir / "train", *values.more_train_data], data_dir / "validation"
    manifests = [check_shards(folder) for folder in train_dirs]
    held_out = check_shards(validation_dir)
    spec, validation_spec = manifest_spec(manifests[0]), manifest_spec(held_out)
    if spec != validation_spec:
        raise ValueError(f"{data_dir}: train holds spec {spec.name!r}, validation another, {validation_spec.name!r}")
    window = {
        "num_frames": getattr(config.model, "num_frames", 0),
        "size": (config.model.height, config.model.width),
        "with_instances": getattr(config.model, "instance_boundary", False),
    }
    exact_motion = getattr(config.losses, "exact_motion", False)
    for folder, manifest in zip(train_dirs, manifests, strict=True):
        if exact_motion and not manifest["has_motion"]:
            raise ValueError(
                f"{folder}: it holds no exact motion, which flow_weight and occlusion_weight compare with; prepare it "
                "with --include_motion, or leave them out"
            )
    # Shuffled, because in order the first windows are neighbours of one clip, and always the same four.
    validation = make_dataset(validation_dir, batch_size=4, flip=False, **window)

    def make_batches(start_step, input_context=None):
        return make_dataset(
            train_dirs,
            input_context=input_context,
            batch_size=training.batch_size,
            seed=training.seed,
            start_step=start_step,
            flip=training.flip,
            crop=training.crop,
            recolor=training.recolor,
            reverse=getattr(training, "reverse", False),  # stage 1 has single frames
            with_motion=exact_motion,
            with_matching=keeps_matching(training),
            **window,
        )

    # Everything that can be refused is refused before the run folder is claimed.
    make_batches(0)
    memory = getattr(config.model, "memory", 0)  # stage 1 has none
    if memory:
        windows = int(
            make_dataset(
                train_dirs, batch_size=1, training=False, with_motion=exact_motion, window_stride=1, **window
            ).cardinality()
        )
        if memory > windows:
            logging.warning("memory %d: there are %d windows to train on, it holds some several times", memory, windows)
    print("building the networks ...", flush=True)
    validation_batch = next(iter(validation))
    chosen = 0
    if chief:
        recorded = None
        if values.resume:
            recorded = recorded_precision(run_folder, stage)
            say_new_steps(run_folder, stage, training)
        chosen = PRECISIONS.index(choose_precision(training.precision, recorded))
    # The chief's choice: machines may differ in what is faster.
    training = dataclasses.replace(training, precision=PRECISIONS[summed_over_workers(strategy, chosen)])
    config = dataclasses.replace(config, training=training)
    set_precision(training.precision)
    keras.utils.set_random_seed(training.seed)
    with strategy.scope():
        trainer = trainer_class(config, spec)
    if stage == "start_frame":
        _mute_unseen_classes(trainer, manifests)
    if training.init_from and not run_folder.newest_step():  # a run that goes on needs the other one no longer
        start_from(training.init_from, stage, trainer)
    measure = make_measure and make_measure(validation, held_out["num_frames"], spec) if chief else None
    data = fingerprint(manifests, training.perceptual_path)
    if chief:
        run_folder.start(stage, config, spec, data, values.resume)
    if summed_over_workers(strategy, chief) and not chief:  # only now the chief's config.json is that of this run
        run_folder.join(stage, config, spec, data)
    begin = finish = None
    if stage == "motion" and trainer.motion.recalls:
        begin, finish = trainer.motion.forget, functools.partial(trainer.look_back, make_batches)
    elif getattr(config.model, "style_encoder", False):  # stage 1
        begin, finish = trainer.resume_averages, functools.partial(trainer.standardise_style, make_batches)
    terms = fit(trainer, make_batches, validation_batch, run_folder, strategy, measure, begin, finish)
    if terms and chief:
        print(f"{run_folder.path}: " + ", ".join(f"{name} {value:.4f}" for name, value in terms.items()))


def say_new_steps(run_folder, stage: str, training) -> None:
    """Says what another --steps than before does to the learning rate of a run that goes on.

    Args:
      run_folder: the run's RunFolder.
      stage: "start_frame" or "motion".
      training: the config's part that holds from now on.
    """
    from seg2vid_tf.training.late_decay import LateDecay

    step = run_folder.newest_step()
    before = run_folder.load(stage)[0].training if step else training
    if before.steps == training.steps:
        return
    old, new = (
        float(LateDecay(t.learning_rate, t.steps, t.decay, getattr(t, "warmup_steps", 0))(step))
        for t in (before, training)
    )
    said = f"--steps was {before.steps} and is {training.steps}: after step {step} the learning rate"
    if old == new:
        print(f"{said} goes on at {new:.3g}")
    else:
        print(f"{said}, which is counted from it (--decay={training.decay:g}), goes on at {new:.3g}, not at {old:.3g}")


def _mute_unseen_classes(trainer, manifests):
    from seg2vid_tf.data.shards import unseen_classes

    unseen = unseen_classes(manifests)
    if unseen is None:
        print("this data was prepared before manifests counted classes: whether one is missing in it is not known")
    elif unseen:
        trainer.mute_classes(unseen)
        names = ", ".join(trainer.spec.classes[class_id].name for class_id in unseen)
        logging.warning(
            "no training picture shows %s: painted as unlabelled pixels are, unless --init_from knows better",
            names,
        )


def keeps_matching(training) -> bool:
    """Whether windows are seen again as they were, so that matching finds the same."""
    if not hasattr(training, "jitter"):  # stage 1 matches nothing
        return False
    return not (training.crop < 1 or training.recolor or training.reverse or training.jitter)


# What a run that starts from another one may have otherwise: networks of the same weights, in another setting.
_FREE = ("height", "width", "flow_scale", "warp", "temperature", "smoothness", "smooth_classes", "instance_motion")


def start_from(run_dir: str, stage: str, trainer) -> None:
    """Gives a trainer's networks the weights of another run's newest checkpoint, or of an export.

    Optimizers start afresh.

    Where the run kept a moving average, network and average both take the average: it is what the run's samples show.
    A network that the run did not train (a video discriminator) keeps its random weights, one of shorter clips too,
    and so does a discriminator that an export did not keep.

    Args:
      run_dir: the other run; the frames' size, and the pixels that a flow head's unit stands for, may be others.
        Stage 2 may have predicted fewer frames (models/motion/lengthen.py), and remembered more or fewer motions.
      stage: "start_frame" or "motion".
      trainer: StartFrameTrainer or MotionTrainer, before its first step.

    Raises:
      ValueError: no such run or checkpoint, or one of another stage, spec or of networks of other sizes.
    """
    import keras

    from seg2vid_tf.models.build import build_motion
    from seg2vid_tf.models.motion.lengthen import lengthen
    from seg2vid_tf.training.moving_average import copy_weights

    other = trained_networks(run_dir, stage)
    config, spec = other.load(stage)
    if spec != trainer.spec:
        raise ValueError(
            f"init_from: {other.path} was trained on spec {spec.name!r}, this data has {trainer.spec.name!r}"
        )
    motion = stage == "motion"
    shorter = motion and config.model.num_frames < trainer.num_frames
    looks_back = "memory", "prior_rank"  # what is learned of the training clips once training is over
    rebuilt = shorter or (
        motion and any(getattr(config.model, name) != getattr(trainer.config.model, name) for name in looks_back)
    )
    changed = [
        line
        for line in differences(to_json(config.model), to_json(trainer.config.model))
        if line.split(":")[0] not in (*_FREE, *looks_back, *["num_frames"] * shorter)
    ]
    if changed:
        raise ValueError(
            f"init_from: the networks of {other.path} are others: {'; '.join(changed)}; give that run's flags"
        )
    trained = other.names()
    networks = {
        name: owner
        for name, owner in trainer.checkpointed.items()
        if name in trained and isinstance(owner, keras.layers.Layer)
    }
    if rebuilt:
        # Of the other networks only a video discriminator could be taken over, of clips as long.
        networks = ({} if shorter else networks) | {
            "motion": build_motion(dataclasses.replace(config.model, warp="native"), spec)
        }
    if other.restore(networks, newest_only=True) == 0:
        raise ValueError(f"init_from: {other.path} has no checkpoint yet")
    if rebuilt:
        lengthen(networks["motion"], trainer.motion)
    for name, network in trainer.checkpointed.items():
        if f"{name}_average" in networks:
            copy_weights(networks[f"{name}_average"], network)


def fingerprint(manifests: list[dict], perceptual_path: str = "") -> str:
    """SHA-256 over those of the shards and of the perceptual network's file.

    Two runs with the same one learn from the same clips, in the same order, by the same perceptual loss.
    """
    parts = [shard["sha256"] for manifest in manifests for shard in manifest["shards"]]
    if perceptual_path:
        parts.append(sha256_of(pathlib.Path(perceptual_path)))
    return hashlib.sha256("".join(parts).encode()).hexdigest()
