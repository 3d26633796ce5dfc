"""A killed training goes on as if nothing had happened: the same bits as an unbroken run.

Stage 2 by the real program and SIGKILL, stage 1 inside this process through the same ``fit``, on a stack each.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.data.pipeline import make_dataset
from seg2vid_tf.models.restore import seg2vid_from_run
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.fit import fit
from seg2vid_tf.training.replicas import mirrored_strategy
from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer
from tests.programs import HANG_SECONDS
from tests.stacks import on_first_stack, on_second_stack

ROOT = pathlib.Path(__file__).resolve().parents[2]


def checkpoint(folder, step):
    """{name: array} of everything in a checkpoint."""
    reader = tf.train.load_checkpoint(str(folder.checkpoints / f"ckpt-{step}"))
    names = [name for name in reader.get_variable_to_shape_map() if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    return {name: reader.get_tensor(name) for name in names}


def assert_same_bits(a, b):
    assert set(a) == set(b) and len(a) > 20
    for name, value in a.items():
        assert value.dtype == b[name].dtype, name
        assert np.array_equal(value, b[name]), name


class Program:
    """experiments/train_motion.py in a process of its own; ended with this block, whatever happens."""

    def __init__(self, flags, run_dir, data_dir, *more):
        self._log = open(run_dir.parent / f"{run_dir.name}.log", "a+")
        command = [sys.executable, ROOT / "experiments/train_motion.py", *flags]
        command += [f"--data_dir={data_dir}", f"--run_dir={run_dir}", *more]
        self.process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        self.folder = RunFolder(run_dir / "motion")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._log.close()

    def log(self):
        self._log.seek(0)
        return self._log.read()[-6000:]

    def steps(self):
        """Steps of the checkpoints, oldest first."""
        return sorted(int(p.stem.split("-")[1]) for p in self.folder.checkpoints.glob("ckpt-*.index"))

    def wait_for_checkpoints(self):
        """Waits until there are two: the kill may cut off the newer one while it is written."""
        end = time.monotonic() + HANG_SECONDS
        while len(self.steps()) < 2:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.01)  # a poll: nothing in the program tells when

    def finish(self):
        assert self.process.wait(timeout=HANG_SECONDS) == 0, self.log()


@on_first_stack  # and workers are killed on the second
def test_a_killed_program_resumes_to_the_same_bits(
    smallest_motion, with_model, with_training, command_line, street_data, tmp_path
):
    config = with_model(smallest_motion, memory=2)
    # Without decay: it is counted from --steps, and how many those will be is known once the first program is dead.
    flags = command_line(with_training(config, checkpoint_every=2, sample_every=100_000, seed=3, decay=0.0))
    flags = [flag for flag in flags if not flag.startswith("--steps=")]
    killed, unbroken = tmp_path / "killed", tmp_path / "unbroken"
    with Program(flags, killed, street_data, "--steps=100000") as program:
        program.wait_for_checkpoints()
        program.process.send_signal(signal.SIGKILL)
        assert program.process.wait() == -signal.SIGKILL
        last = program.steps()[-1] + 4
    steps = f"--steps={last}"
    with (
        Program(flags, killed, street_data, steps, "--resume") as resumed,
        Program(flags, unbroken, street_data, steps) as whole,
    ):
        resumed.finish()
        whole.finish()
        assert "going on from step" in resumed.log() and "going on from step" not in whole.log()
        assert_same_bits(checkpoint(resumed.folder, last), checkpoint(whole.folder, last))
        assert seg2vid_from_run(resumed.folder.path.parent, ("motion",)).motion.memory.filled == 1.0
        before = sorted((p, p.stat().st_mtime_ns) for p in killed.rglob("*"))

    # The flags of another run, and the same run without --resume: one line, and the folder is as it was.
    with (
        Program(flags, killed, street_data, steps, "--resume", "--seed=4") as other,
        Program(flags, killed, street_data, steps) as again,
    ):
        for refused in (other, again):
            assert refused.process.wait(timeout=HANG_SECONDS) == 1, refused.log()
        # Both wrote into one log.
        assert "config.training.seed: 3 -> 4" in again.log()
        assert "already holds a run: go on with --resume" in again.log() and "Traceback" not in again.log()
    assert sorted((p, p.stat().st_mtime_ns) for p in killed.rglob("*")) == before


@on_second_stack
def test_stage_1_resumes_to_the_same_bits(whole_start_frame, with_training, spec, street_data, tmp_path):
    model = whole_start_frame.model
    strategy = mirrored_strategy()

    def train(folder, seed_of_weights, batches=100):
        # One step of the class finder alone, and whole ones.
        config = with_training(
            whole_start_frame, steps=4, sample_every=100_000, checkpoint_every=3, class_finder_steps=1
        )

        def make_batches(start_step, input_context=None):
            endless = make_dataset(
                street_data / "train",
                num_frames=0,
                batch_size=config.training.batch_size,
                seed=0,
                start_step=start_step,
                size=(model.height, model.width),
                input_context=input_context,
            )
            return endless.take(batches)

        keras.utils.set_random_seed(seed_of_weights)
        with strategy.scope():
            trainer = StartFrameTrainer(config, spec)
        validation = next(iter(make_batches(0)))
        fit(trainer, make_batches, validation, folder, strategy)

    broken, whole = RunFolder(tmp_path / "broken"), RunFolder(tmp_path / "whole")
    train(whole, seed_of_weights=0)
    with pytest.raises(StopIteration):
        train(broken, seed_of_weights=0, batches=3)  # the learning rates have begun to fall by then
    assert broken.newest_step() == 3
    train(broken, seed_of_weights=1)  # a resumed run owes nothing to the weights it was built with
    after = checkpoint(whole, 4)
    assert_same_bits(checkpoint(broken, 4), after)
    networks = {"generator", "style_encoder", "discriminator"}
    averages = {"generator_average", "style_encoder_average"}
    optimizers = {"generator_optimizer", "discriminator_optimizer", "class_finder_optimizer"}
    assert networks | averages | optimizers <= {name.split("/")[0] for name in after}
    for name in ("generator", "style_encoder"):
        weights, average = (after[f"{n}/0/.ATTRIBUTES/VARIABLE_VALUE"] for n in (name, f"{name}_average"))
        assert np.abs(weights).max() > 0 and not np.array_equal(weights, average), name
