"""Benchmark of one export by TensorFlow, ONNX Runtime and OpenVINO: the first video, memory, time a video.

    python experiments/export.py --saved_model=saved_models/cityscapes --format=onnx --root=converted
    python experiments/export.py --saved_model=saved_models/cityscapes --format=openvino --root=converted
    python experiments/benchmarks/converted.py --saved_model=saved_models/cityscapes \
        --onnx=converted/cityscapes/onnx --openvino=converted/cityscapes/openvino

Each is a process of its own, all on the same cores; they make a video in turn: a busy machine slows all of them.
On one, read the seconds of CPU: they count what a process worked, not what it waited for the others.
"""

import json
import os
import statistics
import subprocess
import sys
import time

from absl import flags

from seg2vid_tf.flags import run

KINDS = ("saved_model", "onnx", "openvino")
for kind in KINDS:
    flags.DEFINE_string(kind, None, f"{kind} to measure", required=kind == "saved_model")
ROUNDS = flags.DEFINE_integer("rounds", 9, "videos of each that are timed", lower_bound=1)
CHILD = flags.DEFINE_enum("child", None, KINDS, "(the program's own: makes a video for every line that it reads)")
FOLDERS = flags.FLAGS


def main():
    if CHILD.value:
        make_videos(CHILD.value, FOLDERS[CHILD.value].value)
        return
    given = [kind for kind in KINDS if FOLDERS[kind].value]
    workers = {kind: start(kind) for kind in given}
    first = {}
    for kind, worker in workers.items():  # one after the other: a start is measured alone
        first[kind] = ask(worker)
    timed = {kind: [] for kind in given}
    for _ in range(ROUNDS.value):
        for kind, worker in workers.items():
            timed[kind].append(ask(worker))
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    print(
        f"{len(os.sched_getaffinity(0))} cores, median of {ROUNDS.value} videos in turn; in brackets: of TensorFlow's"
    )
    print("| | first video, s of CPU | peak memory, MiB | a video, s | a video, s of CPU |\n|---|---|---|---|---|")
    rows = {}
    for kind in given:
        medians = [statistics.median(each[key] for each in timed[kind]) for key in ("seconds", "cpu")]
        rows[kind] = [first[kind]["total_cpu"], first[kind]["peak"], *medians]
        pairs = zip(rows[kind], rows["saved_model"], (2, 0, 3, 3), strict=True)
        print(f"| {kind} | " + " | ".join(f"{value:.{n}f} ({value / base:.2f})" for value, base, n in pairs) + " |")


def start(kind):
    """A worker that makes a video for each line; its first answer counts from its start."""
    command = [sys.executable, __file__, f"--child={kind}"]
    command += [f"--{each}={FOLDERS[each].value}" for each in KINDS if FOLDERS[each].value]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(worker):
    worker.stdin.write("\n")
    worker.stdin.flush()
    line = worker.stdout.readline()
    if not line:
        raise RuntimeError("a worker has ended, what it said is above")
    return json.loads(line)


def make_videos(kind, folder):
    import resource

    sys.stdin.readline()
    import numpy as np

    from seg2vid_tf.pipeline import Seg2VidPipeline

    pipe = getattr(Seg2VidPipeline, f"from_{kind}")(folder)
    height, width = pipe.size
    classes = np.arange(pipe.spec.num_classes, dtype=np.uint8)
    blocks = np.resize(np.random.default_rng(0).permutation(classes), (height // 16, width // 16))
    label_map, seed = np.kron(blocks, np.ones((16, 16), np.uint8)), 0
    while True:
        began, worked = time.perf_counter(), time.process_time()
        pipe(label_map, seed=seed)
        answer = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - worked}
        answer |= {"total_cpu": time.process_time()}
        answer |= {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        print(json.dumps(answer), flush=True)
        seed += 1
        if not sys.stdin.readline():
            return


if __name__ == "__main__":
    run(main)
