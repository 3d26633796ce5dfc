"""fit: the training loop of both stages.

Resume is exact: batch k, its augmentation and its noise are functions of (seed, k), and a checkpoint holds the
networks, the optimizers and k. SIGTERM ends the step, saves and exits 0, and Ctrl-C does but for the status. A
non-finite loss or weight ends the run before it can reach a checkpoint.

Of several workers each takes its part of every step; the chief alone writes, draws and measures, and the others wait
for it in the next step. SIGTERM or Ctrl-C at one of them ends all after the same step.
"""

import contextlib
import json
import math
import os
import signal
import sys
import threading
import time

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.config import TrainingConfig
from seg2vid_tf.media import contact_sheet, save_png
from seg2vid_tf.ops.image import to_uint8
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.replicas import summed_over_workers

_ADVICE = "{} holds the last good steps. Look at the data, or start another --run_dir with a lower --learning_rate"


def fit(
    trainer,
    make_batches,
    validation: dict,
    folder: RunFolder,
    strategy: tf.distribute.Strategy,
    measure=None,
    begin=None,
    finish=None,
) -> dict:
    """Trains until ``steps``, from the newest checkpoint of the folder if there is one.

    Args:
      trainer: StartFrameTrainer or MotionTrainer, built under the strategy's scope.
      make_batches: (start_step, tf.distribute.InputContext) -> tf.data.Dataset of each device's batches, from that step
        on, without end.
      validation: one batch whose pictures are drawn every ``sample_every`` steps.
      folder: the run's.
      strategy: the process's.
      measure: trainer -> {name: held-out measure}, logged every ``measure_every`` steps; None: nothing is measured.
      begin: called before the first step, after the checkpoint was restored; None: there is nothing to do then.
      finish: called after the last step, before it is saved; None: nothing is left to do then.

    Returns:
      {name: loss term of the last step}; empty if there was nothing left to do.

    Raises:
      ValueError: a loss or a weight became NaN or infinite, no checkpoint can be read, another process holds the
        folder, or the workers do not see the same one.
      KeyboardInterrupt: Ctrl-C, after the step was saved.
    """
    chief = strategy.extended.should_checkpoint
    with folder.held() if chief else contextlib.nullcontext():
        return _fit(trainer, make_batches, validation, folder, strategy, measure, begin, finish)


def _fit(trainer, make_batches, validation, folder, strategy, measure, begin, finish):
    training: TrainingConfig = trainer.config.training
    chief = strategy.extended.should_checkpoint
    first = folder.restore(trainer.checkpointed)
    chiefs = summed_over_workers(strategy, first if chief else 0)
    if first != chiefs:
        raise ValueError(
            f"{folder.path}: this worker finds step {first}, the chief step {chiefs}: give all workers one --run_dir "
            "on a disk that they share"
        )
    if first >= training.steps:
        print(f"{folder.path} has already taken {first} of {training.steps} steps: nothing to do")
        return {}
    if begin is not None:
        begin()
    print(f"{folder.path}: " + (f"going on from step {first}" if first else "starting at step 0"))
    print("building the graph of the first step, which takes up to a minute or two ...", flush=True)
    train_step, prepare_step = (_compiled(call, strategy) for call in (trainer.train_step, trainer.prepare_step))
    writer = tf.summary.create_file_writer(str(folder.logs)) if chief else tf.summary.create_noop_writer()
    batches = iter(strategy.distribute_datasets_from_function(lambda context: make_batches(first, context)))
    records = _Records(trainer, folder, validation, measure, finish)
    terms = {}
    with _Termination() as termination, writer.as_default():
        for step in range(first + 1, training.steps + 1):
            if first + 1 < step == trainer.prepare_steps + 1:
                print("\nbuilding the graph of a whole step ...", flush=True)
            terms = (prepare_step if step <= trainer.prepare_steps else train_step)(next(batches), step - 1)
            _check_finite(terms, step, folder)
            # Asked once: a signal that comes later ends the next step, which then is the one that is saved.
            stopping = summed_over_workers(strategy, termination.requested) > 0
            last = stopping or step == training.steps
            if chief:
                records.keep(step, terms, last)
            if last:
                if stopping and chief:
                    print(f"\nstopped: saved step {step}; --resume goes on from here")
                break
    summed_over_workers(strategy, 0)  # the others end once the chief has saved and comes here
    if termination.interrupted:
        raise KeyboardInterrupt  # what a command line has after this one is not to begin
    return terms


def _compiled(step_of_replica, strategy):
    """(batch, steps taken before) -> {name: loss term}, of all replicas, in one graph."""
    names = []

    @tf.function
    def train_step(batch, step):
        shares = strategy.run(step_of_replica, args=(batch, step))
        sums = {name: strategy.reduce(tf.distribute.ReduceOp.SUM, share, axis=None) for name, share in shares.items()}
        names[:] = sums
        # One tensor: each that is asked for alone waits for the device once more.
        return tf.stack([tf.cast(value, tf.float32) for value in sums.values()])

    def terms_of(batch, step):
        values = train_step(batch, tf.constant(step, tf.int64))
        return dict(zip(names, map(float, values.numpy()), strict=True))

    return terms_of


class _Records:
    """What the chief keeps of a run: progress, scalars, checkpoints, pictures, measures."""

    def __init__(self, trainer, folder, validation, measure, finish):
        self._trainer, self._folder, self._validation = trainer, folder, validation
        self._measure, self._finish = measure, finish
        self._training = trainer.config.training
        self._frames_per_step = self._training.batch_size * (trainer.num_frames + 1)
        self._bar = keras.utils.Progbar(self._training.steps, unit_name="step")
        self._before = time.perf_counter()

    def keep(self, step, terms, last):
        """After each step; ``last``: none follows."""
        training, folder = self._training, self._folder
        self._show(step, terms, last)
        if last:
            print("\nthe last step is taken: saving, drawing samples ...", flush=True)
        # Before pictures and measures: what goes wrong there, or a kill while they are made, costs no step.
        if step == training.steps and self._finish is not None:
            self._finish()
        if last or step % training.checkpoint_every == 0:
            _check_weights(self._trainer.checkpointed, step, folder)
            folder.save(self._trainer.checkpointed, step)
        if last or step % training.sample_every == 0:
            _draw_samples(self._trainer, self._validation, folder, step)
        if self._measure is not None and (last or step % training.measure_every == 0):
            _log_measures(self._measure(self._trainer), folder, step)
        self._before = time.perf_counter()  # the speed that is shown is that of steps alone

    def _show(self, step, terms, last):
        logged = last or step % self._training.log_every == 0
        shown = {**terms, "frames/s": self._frames_per_step / (time.perf_counter() - self._before)}
        if sys.stdout.isatty():
            self._bar.stateful_metrics = set(shown)  # this step's values, not means since the start
            self._bar.update(step, list(shown.items()), finalize=last)
        elif logged:  # a bar redrawn in a file is one endless line
            line = ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
            print(f"{step}/{self._training.steps} {line}", flush=True)
        if logged:
            for name, value in terms.items():
                tf.summary.scalar(name, value, step)


def _check_finite(terms, step, folder):
    bad = {name: value for name, value in terms.items() if not math.isfinite(value)}
    if bad:
        raise ValueError(f"step {step}: {bad} is not finite; {_ADVICE.format(folder.checkpoints)}")


def _check_weights(checkpointed, step, folder):
    """A gradient can overflow while the loss is still finite: the next step would show it, after the checkpoint."""
    for name, owner in checkpointed.items():
        for variable in raw_variables(owner):
            if variable.dtype.is_floating and not np.isfinite(variable.numpy()).all():
                raise ValueError(
                    f"step {step}: {variable.name} of {name} is not finite; {_ADVICE.format(folder.checkpoints)}"
                )


def _draw_samples(trainer, validation, folder, step):
    rows = [[to_uint8(image).numpy() for image in row] for row in trainer.samples(validation)]
    sheet = contact_sheet(rows)
    save_png(sheet, folder.samples / f"step-{step:06d}.png")
    tf.summary.image("samples", np.asarray(sheet)[None], step)


def _log_measures(measures, folder, step):
    """To TensorBoard, to the log, and as a line of measures.jsonl.

    A resumed run may measure a step twice; one that was killed between saving and measuring leaves it out.
    """
    for name, value in measures.items():
        tf.summary.scalar(f"held_out/{name}", value, step)
    print(f"\nheld out, step {step}: " + ", ".join(f"{k} {v:.4g}" for k, v in measures.items()), flush=True)
    with (folder.path / "measures.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, **measures}) + "\n")


class _Termination:
    """While entered, SIGTERM and Ctrl-C set ``requested`` instead of ending the process; a second Ctrl-C ends it.

    A signal that the process ignores stays ignored, as Ctrl-C is in what a shell script runs in the background. Signals
    reach the main thread only.

    Attributes:
      requested: whether one came.
      interrupted: whether Ctrl-C did.
    """

    def __enter__(self):
        self.requested = self.interrupted = False
        self._previous = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                previous = signal.getsignal(number)
                if previous is not signal.SIG_IGN:
                    self._previous[number] = previous
                    signal.signal(number, self._request)
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, number, _):
        self.requested = True
        if number == signal.SIGINT:
            self.interrupted = True
            signal.signal(signal.SIGINT, self._previous[signal.SIGINT])
            # Not by print, in whose middle the signal may have come.
            os.write(2, b"\nCtrl-C: ending this step and saving it; once more stops at once, and the step is lost\n")
