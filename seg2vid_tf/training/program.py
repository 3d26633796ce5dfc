"""What the two training programs share: from flags to a running fit."""

import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Iterator

from absl import flags, logging

from seg2vid_tf.flags import config_from_flags, define_config_flags
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.workers import workers_from_environment

flags.disclaim_key_flags()  # they are the program's own (flags.py)


def define_training_flags(presets: dict) -> None:
    """--model_size and the config's fields, --data_dir, --more_train_data, --run_dir, --resume, --devices."""
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

    from seg2vid_tf.training.fingerprint import fingerprint
    from seg2vid_tf.training.fit import fit
    from seg2vid_tf.training.replicas import summed_over_workers
    from seg2vid_tf.training.start_from import start_from
    from seg2vid_tf.training.training_data import TrainingData

    values = flags.FLAGS
    config = config_from_flags(presets, values)
    chief = strategy.extended.should_checkpoint
    _check_batch_size(config, strategy.num_replicas_in_sync)
    print(f"reading {values.data_dir} ...", flush=True)
    # Everything that can be refused is refused before the run folder is claimed.
    data = TrainingData(config, pathlib.Path(values.data_dir), values.more_train_data)
    _warn_of_repeated_windows(config, data)
    print("building the networks ...", flush=True)
    validation_batch = next(iter(data.validation))
    training = _with_precision(config.training, stage, run_folder, strategy)
    config = dataclasses.replace(config, training=training)
    keras.utils.set_random_seed(training.seed)
    with strategy.scope():
        trainer = trainer_class(config, data.spec)
    if stage == "start_frame":
        _zero_unseen_classes(trainer, data.manifests, training.init_from)
    if training.init_from and not run_folder.newest_step():  # a run that goes on needs the other one no longer
        start_from(training.init_from, stage, trainer)
    measure = None
    if make_measure and chief:
        measure = make_measure(data.validation, data.num_validation_frames, data.spec)
    learned_from = fingerprint(data.manifests, training.perceptual_path)
    if chief:
        run_folder.start(stage, config, data.spec, learned_from, values.resume)
    if summed_over_workers(strategy, chief) and not chief:  # only now the chief's config.json is that of this run
        run_folder.join(stage, config, data.spec, learned_from)
    begin, finish = _before_and_after(stage, trainer, data.make_batches)
    terms = fit(trainer, data.make_batches, validation_batch, run_folder, strategy, measure, begin, finish)
    if terms and chief:
        print(f"{run_folder.path}: " + ", ".join(f"{name} {value:.4f}" for name, value in terms.items()))


def _check_batch_size(config, replicas):
    batch_size, parts = config.training.batch_size, getattr(config.training, "accumulate", 1)  # stage 2 has none
    divisor, why = replicas * parts, ""
    if getattr(config.losses, "mode_seeking_weight", 0):
        divisor, why = 2 * divisor, " times 2 (mode_seeking_weight compares pairs)"
    if batch_size % divisor:
        raise ValueError(
            f"batch_size {batch_size} does not divide by {replicas} devices times accumulate {parts}{why}: make it a "
            f"multiple of {divisor}"
        )


def _warn_of_repeated_windows(config, data):
    memory = getattr(config.model, "memory", 0)  # stage 1 has none
    if memory and memory > (windows := data.count_windows()):
        logging.warning("memory %d: there are %d windows to train on, it holds some several times", memory, windows)


def _with_precision(training, stage, run_folder, strategy):
    """The training part of the config with the precision that this run computes in, which from now on holds."""
    from seg2vid_tf.models.build import set_precision
    from seg2vid_tf.training.precision import PRECISIONS, choose_precision
    from seg2vid_tf.training.replicas import summed_over_workers

    chosen = 0
    if strategy.extended.should_checkpoint:
        recorded = None
        if flags.FLAGS.resume:
            recorded = recorded_precision(run_folder, stage)
            say_new_steps(run_folder, stage, training)
        chosen = PRECISIONS.index(choose_precision(training.precision, recorded))
    # The chief's choice: machines may differ in what is faster.
    precision = PRECISIONS[summed_over_workers(strategy, chosen)]
    set_precision(precision)
    return dataclasses.replace(training, precision=precision)


def say_new_steps(run_folder, stage: str, training) -> None:
    """Says what another --steps than before does to the learning rate of a run that goes on.

    Args:
      run_folder: the run's RunFolder.
      stage: "start_frame" or "motion".
      training: the config's part that holds from now on.
    """
    step = run_folder.newest_step()
    before = run_folder.load(stage)[0].training if step else training
    if before.steps == training.steps:
        return
    old, new = (_learning_rate(each, step) for each in (before, training))
    start = f"--steps was {before.steps} and is {training.steps}: after step {step} the learning rate"
    if old == new:
        print(f"{start} goes on at {new:.3g}")
    else:
        print(f"{start}, which is counted from it (--decay={training.decay:g}), goes on at {new:.3g}, not at {old:.3g}")


def _learning_rate(training, step):
    """What ``learning_rate`` has become after so many steps of a run."""
    from seg2vid_tf.training.late_decay import LateDecay

    only_stage_1 = "warmup_steps", "generator_start", "class_finder_steps"
    warmup, start, alone = (getattr(training, name, 0) for name in only_stage_1)
    schedule = LateDecay(training.learning_rate, training.steps - alone, training.decay, warmup, start)
    return float(schedule(max(step - alone, 0)))


def _before_and_after(stage, trainer, make_batches):
    """What a stage does before its first and after its last step, or None."""
    from seg2vid_tf.training.start_from import first_networks

    if stage == "motion" and trainer.motion.transforms_draws:
        return trainer.motion.reset_sampling_prior, functools.partial(trainer.fit_sampling_prior, make_batches)
    if stage == "start_frame" and trainer.config.model.style_encoder:
        training, first = trainer.config.training, None
        if training.init_share:  # read before the first step: what is wrong with them is told now
            first = first_networks(training.init_from, trainer)
        return trainer.resume_averages, functools.partial(_finish_start_frame, trainer, first, make_batches)
    return None, None


def _finish_start_frame(trainer, first, make_batches):
    from seg2vid_tf.training.start_from import average_with_start

    training = trainer.config.training
    if first is not None:
        print(f"averaging with {training.init_from}, of which {training.init_share:g} is kept", flush=True)
        average_with_start(first, trainer, training.init_share)
    trainer.standardise_style(make_batches)


def _zero_unseen_classes(trainer, manifests, init_from):
    """Networks from ``init_from``, which come after this, bring what they know of such classes along."""
    from seg2vid_tf.data.shards import unseen_classes

    unseen = unseen_classes(manifests)
    if unseen is None:
        print("this data was prepared before manifests counted classes: whether one is missing in it is not known")
    elif unseen:
        trainer.zero_unseen_classes(unseen)
        names = ", ".join(trainer.spec.classes[class_id].name for class_id in unseen)
        painted = f"as {init_from} paints them" if init_from else "as unlabelled pixels are"
        logging.warning("no training picture shows %s: they will be painted %s", names, painted)
