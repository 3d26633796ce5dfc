"""Holds this checkout against another revision of it: the same things, measured in turn on the same cores.

    python experiments/benchmarks/against.py --base=5528ef5
    python experiments/benchmarks/against.py --base=HEAD~1 --parts=files,load,generate --repeats=7

The revision is checked out into a folder of its own, both export a model of random weights by their own code, and each
part (parts.py) then runs in a process of its own, once of the base and once of this checkout, as often as --repeats
says. The table has medians and their ratios: below 1, this checkout needs less.

    files        bytes of saved_model.pb, of the one that makes videos
    load         CPU seconds of loading it: in Python, in the session loader, by the C API
    generate     CPU seconds of generate.py, from the process's start to the GIF
    server       seconds from serve.py's start until the model is AVAILABLE, warm-up included
    clip         stage 2, a clip at batch 1: GFLOP, seconds
    motion       stage 2, a training step at batch 2: seconds, MiB above TensorFlow's own
    start_frame  stage 1, a training step at batch 4: seconds, MiB above TensorFlow's own
    matching     the posterior of a clip, seconds
    tests        seconds of the tests, as `make test` runs them; only where --parts names it
"""

import contextlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

import numpy as np
from absl import flags

from seg2vid_tf.flags import run

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT = ["files", "load", "generate", "server", "clip", "motion", "start_frame", "matching"]
EXPORTED = {"files", "load", "generate", "server"}

BASE = flags.DEFINE_string("base", None, "git revision that this checkout is held against", required=True)
PARTS = flags.DEFINE_list("parts", DEFAULT, "what is measured")
REPEATS = flags.DEFINE_integer("repeats", 5, "measurements of each part and side", lower_bound=1)
MODEL_SIZE = flags.DEFINE_string("model_size", "small", "sizes of both stages")


def main():
    unknown = set(PARTS.value) - {*DEFAULT, "tests"}
    if unknown:
        raise ValueError(f"--parts knows {', '.join([*DEFAULT, 'tests'])}, received {sorted(unknown)}")
    with tempfile.TemporaryDirectory(prefix="against_") as folder:
        folder = pathlib.Path(folder)
        with checkout(BASE.value, folder / "base") as base:
            sides = {"base": base, "here": ROOT}
            if EXPORTED & set(PARTS.value):
                for side, tree in sides.items():
                    print(f"exporting by the code of {side} ...", flush=True)
                    measure(tree, folder / side, "export")
            found = {}
            for part in PARTS.value:
                # In turn, so that what else the machine does meets both.
                for repeat in range(REPEATS.value):
                    for side, tree in sides.items():
                        print(f"{part}: {side}, {repeat + 1} of {REPEATS.value}", file=sys.stderr, flush=True)
                        for name, value in measure(tree, folder / side, part).items():
                            found.setdefault(name, {}).setdefault(side, []).append(value)
    print(table(found))


@contextlib.contextmanager
def checkout(revision, folder):
    """A worktree of the revision for the time of the block.

    Raises:
      ValueError: git knows no such revision.
    """
    made = subprocess.run(
        ["git", "worktree", "add", "--detach", str(folder), revision], cwd=ROOT, capture_output=True, text=True
    )
    if made.returncode:
        raise ValueError(f"--base: {made.stderr.strip().splitlines()[-1]}")
    try:
        yield folder
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, check=True, capture_output=True)


def measure(tree, folder, part) -> dict[str, float]:
    """{what: value} of one part, by the package that lies in ``tree``.

    Raises:
      ValueError: it failed; with the end of what it said.
    """
    command = [sys.executable, str(pathlib.Path(__file__).with_name("parts.py")), f"--part={part}"]
    command += [f"--tree={tree}", f"--folder={folder}", f"--model_size={MODEL_SIZE.value}"]
    done = subprocess.run(
        command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, text=True
    )
    if done.returncode:
        raise ValueError(f"{part} of {tree}: {done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(found) -> str:
    """Markdown: medians of both sides and their ratio, and where they were measured."""
    lines = [f"{cores()}, Python {platform.python_version()}, medians of {REPEATS.value}", ""]
    lines += [f"| model size {MODEL_SIZE.value} | {BASE.value} | here | ratio |", "|---|---|---|---|"]
    for name, sides in found.items():
        base, here = (float(np.median(sides[side])) for side in ("base", "here"))
        # What is measured as a difference, as memory above TensorFlow's own, may be nothing or less.
        ratio = f"{here / base:.2f}" if base > 0 else "-"
        lines.append(f"| {name} | {base:.4g} | {here:.4g} | {ratio} |")
    return "\n".join(lines)


def cores() -> str:
    """How many cores this process may use, and of which processor."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{len(os.sched_getaffinity(0))} cores of {line.split(':', 1)[1].strip()}"
    return f"{os.cpu_count()} cores, {platform.processor() or platform.machine()}"


if __name__ == "__main__":
    run(main)
