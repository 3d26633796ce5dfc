"""How fast shards are written and read, beside what a training step of stage 2 takes.

    python experiments/benchmarks/data_speed.py --model_size=small --train_batch=2

Rendered clips at the preset's size are written as PNG and as JPEG (preparing: without the rendering), and read as the
training programs read them, augmented or not. Frames a second, medians over --repeats; then how many times more that is
than one training step, on the same cores, consumes.
"""

import dataclasses
import os
import tempfile
import time

from absl import flags
from timing import median_seconds, random_batch, step_cost

from seg2vid_tf.flags import run

MODEL_SIZE = flags.DEFINE_string("model_size", "small", "sizes of stage 2")
TRAIN_BATCH = flags.DEFINE_integer("train_batch", 2, "clips of the training step", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 5, "timed runs of each case", lower_bound=1)
CLIPS, LENGTH = 4, 10


def frames_per_second(dataset, frames):
    """Of an endless dataset whose batches hold so many frames each."""
    batches, count = iter(dataset), 10

    def read():
        for _ in range(count):
            next(batches)

    return count * frames / median_seconds(read, REPEATS.value)


def main():
    import tensorflow as tf

    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import MOTION_PRESETS, preset
    from seg2vid_tf.data.clip_source import ClipList
    from seg2vid_tf.data.pipeline import make_dataset
    from seg2vid_tf.data.shard_writer import write_shards
    from seg2vid_tf.data.synthetic_street import SyntheticStreet
    from seg2vid_tf.training.motion_trainer import MotionTrainer

    config, spec = preset(MOTION_PRESETS, MODEL_SIZE.value), load_spec("synthetic_street")
    config = dataclasses.replace(config, training=dataclasses.replace(config.training, batch_size=TRAIN_BATCH.value))
    size, steps = (config.model.height, config.model.width), config.model.num_frames
    shape = (TRAIN_BATCH.value, steps + 1, *size)
    clips = ClipList(SyntheticStreet(range(CLIPS), LENGTH, *size, with_motion=False), spec)
    step = step_cost(MotionTrainer(config, spec), random_batch(spec.num_classes, shape), REPEATS.value)["seconds"]
    consumed = TRAIN_BATCH.value * (steps + 1) / step
    print(
        f"TensorFlow {tf.__version__}, {os.cpu_count()} cores, medians of {REPEATS.value}; model size "
        f"{MODEL_SIZE.value}: {size[0]}x{size[1]}, windows of 1 + {steps} frames, a step of {TRAIN_BATCH.value} takes "
        f"{step:.2f} s"
    )
    print("| what | frames/s | times what a step consumes |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for image_format in ("png", "jpeg"):
            written = []
            for number in range(REPEATS.value):
                started = time.perf_counter()
                write_shards(clips, folder, split=f"{image_format}{number}", image_format=image_format)
                written.append(time.perf_counter() - started)
            seconds = sorted(written)[len(written) // 2]
            print(f"| writing {image_format} | {CLIPS * LENGTH / seconds:.0f} | |")
            for name, options in (
                ("", {"flip": False}),
                (", mirrored and recoloured", {"recolor": 0.2}),
                (", cropped too", {"recolor": 0.2, "crop": 0.7}),
            ):
                dataset = make_dataset(f"{folder}/{image_format}0", num_frames=steps, batch_size=2, **options)
                rate = frames_per_second(dataset, 2 * (steps + 1))
                print(f"| reading {image_format}{name} | {rate:.0f} | {rate / consumed:.1f} |")


if __name__ == "__main__":
    run(main)
