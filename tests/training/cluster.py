"""Several processes that train together, for test_workers.py: a worker each, on addresses of this machine.

They are forked from one process that has imported TensorFlow and not used it: importing takes longer than the training.
"""

import atexit
import json
import multiprocessing
import os
import pathlib
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.config import MOTION_PRESETS, MotionConfig, from_json
from seg2vid_tf.flags import run
from seg2vid_tf.models.start_frame.spectral_conv import SpectralConv2D
from seg2vid_tf.ops.noise import per_example_normal
from seg2vid_tf.training.moving_average import copy_weights, update_average
from seg2vid_tf.training.program import claimed_run, define_training_flags, train
from seg2vid_tf.training.replicas import example_seeds, per_replica, training_strategy
from seg2vid_tf.training.workers import workers_from_environment
from tests.programs import HANG_SECONDS, free_ports
from tests.training.two_replicas import STAGES, take_steps

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class SmallTrainer:
    """Stage 2's trainer with next to nothing to trace: one convolution, its average, noise by example."""

    prepare_step, prepare_steps = None, 0

    def __init__(self, config, spec):
        self.config, self.spec, self.num_frames = config, spec, config.model.num_frames
        self.motion, self._average = (SpectralConv2D(3, 3) for _ in range(2))
        for network in (self.motion, self._average):
            network.build((None, None, None, 3))
        copy_weights(self.motion, self._average)
        self.motion.transforms_draws = False
        self._optimizer = keras.optimizers.Adam(0.01)
        self._optimizer.build(self.motion.trainable_variables)
        self.checkpointed = {"motion": self.motion, "average": self._average, "optimizer": self._optimizer}

    def train_step(self, batch, step):
        frames = batch["frames"][:, 0]
        noise = per_example_normal(example_seeds(self.config.training.seed, step, tf.shape(frames)[0]), [3], 1)
        with tf.GradientTape() as tape:
            loss = per_replica(tf.reduce_mean(tf.abs(self.motion(frames, training=True) - noise[:, None, None])))
        variables = self.motion.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        update_average(self._average, self.motion, 0.9, step)
        return {"loss": loss}

    def samples(self, batch):
        return [[self._average(batch["frames"][:1, 0])[0]]]


def train_small(*given):
    """Stage 2's program, as from its command line, but for the trainer."""

    def main():
        with claimed_run("motion", MOTION_PRESETS) as run_folder:
            train("motion", MOTION_PRESETS, run_folder, SmallTrainer)

    define_training_flags(MOTION_PRESETS)
    sys.argv = ["train_small", *map(str, given)]
    run(main)


def steps(spec_name, data_dir, output, trainings):
    """Takes steps of some trainings, {stage: config as JSON}, and writes what take_steps gives, as <output>-<i>.npz."""
    workers = workers_from_environment()
    strategy, arrays = training_strategy((), workers), {}
    for stage, document in trainings.items():
        config_class, trainer_class = {**STAGES, "small": (MotionConfig, SmallTrainer)}[stage]
        config = from_json(config_class, document)
        _, taken = take_steps(strategy, trainer_class, config, load_spec(spec_name), data_dir)
        arrays |= {f"{stage}/{name}": value for name, value in taken.items()}
    np.savez(f"{output}-{workers.index}.npz", **arrays)


def _worker(log, tf_config, target, arguments):
    with open(log, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if tf_config:
        os.environ["TF_CONFIG"] = tf_config
    try:
        target(*arguments)
    except SystemExit as end:  # what Python does at the end of a process of its own
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        atexit._run_exitfuncs()
        sys.exit(1 if isinstance(end.code, str) else end.code)


class Cluster:
    """One call in several processes; they are ended with this block, whatever happens.

    Args:
      count: of the processes; one trains alone, without TF_CONFIG.
      folder: a new one, for their outputs.
      target: train_small or steps.
      arguments: of it.
    """

    def __init__(self, count: int, folder: pathlib.Path, target, *arguments):
        folder.mkdir()
        cluster = {"worker": [f"localhost:{port}" for port in free_ports(count)]}
        self._logs = [folder / f"worker-{index}.log" for index in range(count)]
        self.processes = []
        for index, log in enumerate(self._logs):
            log.touch()
            tf_config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
            process = FORKS.Process(target=_worker, args=(log, tf_config if count > 1 else "", target, arguments))
            process.start()
            self.processes.append(process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.join()

    def log(self, index: int) -> str:
        return self._logs[index].read_text()

    def logs(self) -> str:
        return "\n".join(f"--- worker {i}\n{self.log(i)[-4000:]}" for i in range(len(self._logs)))

    def end(self, index: int) -> int:
        """Waits for a process; its exit status."""
        self.processes[index].join(HANG_SECONDS)
        assert self.processes[index].exitcode is not None, self.logs()
        return self.processes[index].exitcode

    def finish(self) -> None:
        """Waits for all of them to end well."""
        assert [self.end(index) for index in range(len(self.processes))] == [0] * len(self.processes), self.logs()

    def wait_until(self, condition) -> None:
        """Waits until the condition holds, while all processes run."""
        end = time.monotonic() + HANG_SECONDS
        while not condition():
            assert all(process.is_alive() for process in self.processes), self.logs()
            assert time.monotonic() < end, self.logs()
            time.sleep(0.05)  # a poll: nothing in the program tells when
