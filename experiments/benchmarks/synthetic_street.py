"""Frames per second of the synthetic_street renderer, with and without exact flow and visibility.

    python experiments/benchmarks/synthetic_street.py

The best of --repeats passes over the same clips, in one process and in --processes of them. A frame counts with its
label map and instance map; the sprites and noise tables, built once per process, are not counted.
"""

import multiprocessing
import os
import platform
import time

import numpy as np
from absl import flags

from seg2vid_tf.data.synthetic_street import render_clip
from seg2vid_tf.flags import run

NUM_CLIPS = flags.DEFINE_integer("num_clips", 40, "clips rendered per pass", lower_bound=1)
NUM_FRAMES = flags.DEFINE_integer("num_frames", 5, "frames per clip, the first one included", lower_bound=1)
HEIGHT = flags.DEFINE_integer("height", 128, "frame height in pixels", lower_bound=32)
WIDTH = flags.DEFINE_integer("width", 256, "frame width in pixels", lower_bound=32)
PROCESSES = flags.DEFINE_integer("processes", os.cpu_count() or 1, "processes of the parallel case", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 3, "passes per case", lower_bound=1)


def main():
    size = HEIGHT.value, WIDTH.value
    python, cores = platform.python_version(), os.cpu_count()
    print(f"Python {python}, numpy {np.__version__}, {platform.machine()}, {cores} cores")
    print(f"frames/s at {size[0]}x{size[1]}, clips of {NUM_FRAMES.value} frames")
    print(f"| | 1 process | {PROCESSES.value} processes |")
    print("|---|---|---|")
    warm_up = (0, 2, *size, True)
    render(warm_up)
    # Spawned workers import numpy alone; they warm up on a few clips before the clock starts.
    with multiprocessing.get_context("spawn").Pool(PROCESSES.value) as pool:
        pool.map(render, [warm_up] * 4 * PROCESSES.value, chunksize=1)
        for with_motion, name in ((False, "frames, labels, instances"), (True, "the same, flow and visibility")):
            jobs = [(seed, NUM_FRAMES.value, *size, with_motion) for seed in range(NUM_CLIPS.value)]
            single, several = frames_per_second(map, jobs), frames_per_second(pool.imap_unordered, jobs)
            print(f"| {name} | {single:.0f} | {several:.0f} |")


def render(job: tuple) -> int:
    """Renders one clip and gives its number of frames; the clip itself stays in the process that made it."""
    seed, num_frames, height, width, with_motion = job
    return len(render_clip(seed, num_frames, height, width, with_motion=with_motion).frames)


def frames_per_second(apply, jobs) -> float:
    """The best rate of several passes of ``apply(render, jobs)``."""
    best = 0.0
    for _ in range(REPEATS.value):
        start = time.perf_counter()
        frames = sum(apply(render, jobs))
        best = max(best, frames / (time.perf_counter() - start))
    return best


if __name__ == "__main__":
    run(main)
