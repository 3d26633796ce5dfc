"""What chaos.py interrupts: the programs that write, in miniature, what each must give, and what it has finished."""

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPERIMENTS = ROOT / "experiments"
# Far beyond what the slowest takes on a busy machine: what has not ended by then hangs.
HANG_SECONDS = 900.0
STEPS = 30
_DATA = "--dataset=synthetic_street --num_frames=3 --height=32 --width=64 --clips_per_shard=2 --include_motion".split()
_TRAINING = (
    f"--height=16 --width=32 --batch_size=2 --precision=float32 --steps={STEPS} --checkpoint_every=1 --log_every=10 "
    "--resume"
).split()
_START_FRAME = (
    "--style_dim=4 --noise_channels=2 --noise_stride=2 --generator_filters=8,8,8 --spade_filters=4 "
    "--style_encoder_filters=4,8 --segmentation_filters=4,8"
).split()
_MOTION = (
    "--num_frames=2 --background_latent=3 --foreground_latent=2 --encoder_filters=8 --image_filters=8,8,8 "
    "--refiner_filters=8,8 --flow_scale=4"
).split()


@dataclasses.dataclass(frozen=True)
class Job:
    """One program in miniature.

    Attributes:
      name: of the job.
      command: (base, out) -> its file and flags; it reads what other jobs have put into ``base``, writes into ``out``.
      result: out -> {what: digest or bytes} of all that must be the same in the end, whatever happened on the way.
      finished: out -> {what: stamp} of what a later try must not lose or make anew.
    """

    name: str
    command: Callable[[pathlib.Path, pathlib.Path], list[str]]
    result: Callable[[pathlib.Path], dict]
    finished: Callable[[pathlib.Path], dict]

    def first_step(self, log: str) -> int | None:
        """The step at which a training began or went on, as its log says."""
        steps = re.findall(r"(?:going on from|starting at) step (\d+)", log)
        return int(steps[-1]) if steps else None


def _files(*patterns):
    """out -> {path: SHA-256} of the files that match."""

    def digests(out):
        from seg2vid_tf.files import sha256_of

        paths = sorted(path for pattern in patterns for path in out.glob(pattern) if path.is_file())
        return {str(path.relative_to(out)): sha256_of(path) for path in paths}

    return digests


def _stamps(*patterns):
    """out -> {name: when it was written} of the files that match; a shard keeps its name when its folder gets its."""

    def stamps(out):
        return {path.name: path.stat().st_mtime_ns for pattern in patterns for path in out.glob(pattern)}

    return stamps


def _trained(stage):
    """out -> config.json and every tensor of the last step's checkpoint."""

    def tensors(out):
        import tensorflow as tf

        reader = tf.train.load_checkpoint(str(out / stage / f"checkpoints/ckpt-{STEPS}"))
        names = sorted(set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"})
        values = {name: np.asarray(reader.get_tensor(name)) for name in names}
        config = (out / stage / "config.json").read_bytes()
        return {"config.json": config} | {name: (value.dtype.str, value.tobytes()) for name, value in values.items()}

    return tensors


def _steps(stage):
    def steps(out):
        found = [int(path.stem.split("-")[1]) for path in (out / stage / "checkpoints").glob("ckpt-*.index")]
        return {"step": max(found, default=0)}

    return steps


def _notes(out):
    """Shards with their notes, and those of the finished split."""
    unfinished = out / ".train.unfinished"
    noted = [path.with_suffix(".tfrecord") for path in unfinished.glob("shard-*.json")]
    return {path.name: path.stat().st_mtime_ns for path in [*noted, *out.glob("train/*.tfrecord")] if path.exists()}


def _program(name, *arguments):
    return [str(EXPERIMENTS / name), *map(str, arguments)]


def prepare_validation(out):
    return _program(
        "prepare_data.py", *_DATA, "--num_clips=4", "--first_seed=100", "--split=validation", f"--output={out}"
    )


JOBS = {
    job.name: job
    for job in (
        Job(
            "prepare",
            lambda base, out: _program("prepare_data.py", *_DATA, "--num_clips=24", "--split=train", f"--output={out}"),
            _files("train/manifest.json", "train/*.tfrecord"),
            _notes,
        ),
        Job(
            "start_frame",
            lambda base, out: _program(
                "train_start_frame.py", *_TRAINING, *_START_FRAME, f"--data_dir={base}", f"--run_dir={out}"
            ),
            _trained("start_frame"),
            _steps("start_frame"),
        ),
        Job(
            "motion",
            lambda base, out: _program(
                "train_motion.py", *_TRAINING, *_MOTION, f"--data_dir={base}", f"--run_dir={out}"
            ),
            _trained("motion"),
            _steps("motion"),
        ),
        Job(
            "export",
            lambda base, out: _program(
                "export.py", f"--run_dir={base}", "--name=model", "--version=1", f"--root={out}"
            ),
            _files("model/1/**/*", "model/encoder/1/**/*"),
            _stamps("model/1/saved_model.pb"),
        ),
        Job(
            "evaluate",
            lambda base, out: _program(
                "evaluate.py",
                f"--run_dir={base}",
                f"--data={base / 'validation'}",
                f"--train_data={base / 'train'}",
                "--samples=2",
                "--noexternal_flow",
                f"--output={out / 'evaluation'}",
            ),
            _files("evaluation/*.json", "evaluation/report.html", "evaluation/clips/*"),
            _stamps("evaluation/clips/[0-9]*.json"),
        ),
    )
}


@contextlib.contextmanager
def started(command, log, **more):
    """A program's process, in a group of its own, which ends with the block; its output goes to a file."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=output, stderr=output, start_new_session=True, **more
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ended(process):
    """The exit status of a process that is waited for; None where it hangs."""
    try:
        return process.wait(HANG_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def snapshot(folder):
    """{path: (size, when it was written)} of everything below a folder."""
    found = {}
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):  # gone between the two looks
                stat = os.stat(os.path.join(path, name))
                found[os.path.join(path, name)] = stat.st_size, stat.st_mtime_ns
    return found


def changes(folder, process, seconds):
    """Counts the changes of a folder as they are seen: yields (how many so far, seconds) until the process ends."""
    start, before, count = time.monotonic(), snapshot(folder), 0
    while process.poll() is None and time.monotonic() - start < seconds:
        time.sleep(0.002)
        now = snapshot(folder)
        if now != before:
            count, before = count + 1, now
            yield count, time.monotonic() - start
