"""What stage 2 costs: GFLOP of each part, time of a clip, time and peak memory of a training step.

    python experiments/benchmarks/motion_cost.py --model_size=small --train_batch=2

GFLOP are those that TensorFlow's profiler counts in the forward pass for one clip (a multiply-add is two). The training
step runs in a process of its own, whose peak resident memory is reported, TensorFlow itself (about 0.5 GiB) included.
Times are medians over --repeats after one warm-up.
"""

import dataclasses
import json
import os
import subprocess
import sys

from absl import flags
from timing import gflop, median_seconds, parameters, random_batch, read_all, step_cost

from seg2vid_tf.flags import run

MODEL_SIZE = flags.DEFINE_string("model_size", "small", "sizes of stage 2")
TRAIN_BATCH = flags.DEFINE_integer("train_batch", 2, "clips of the training step", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 7, "timed runs of each case", lower_bound=1)
TRAINING = flags.DEFINE_bool("training", True, "measure the training step, too")
STEP = flags.DEFINE_bool("step", False, "measure the training step alone, as JSON")


def main():
    if STEP.value:
        print(json.dumps(training_step()))
        return
    import tensorflow as tf

    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import MOTION_PRESETS, preset
    from seg2vid_tf.models.build import build_motion

    config, spec = preset(MOTION_PRESETS, MODEL_SIZE.value).model, load_spec("cityscapes")
    motion = build_motion(config, spec)
    size, steps = (config.height, config.width), config.num_frames
    frames, annotation = tf.zeros([1, steps + 1, *size, 3]), tf.zeros([1, *size, spec.num_classes])
    start, z = frames[:, 0], tf.zeros([1, motion.latent_dim])
    levels = motion.image_encoder(start, annotation)
    picture = tf.concat([start, annotation], -1)
    print(
        f"TensorFlow {tf.__version__}, {os.cpu_count()} cores, medians of {REPEATS.value}, spec cityscapes; size "
        f"{MODEL_SIZE.value}: {size[0]}x{size[1]}, 1 + {steps} frames"
    )
    print("| part | parameters | GFLOP a clip |\n|---|---|---|")
    visibility = tf.ones([steps, *size, 1])
    parts = {
        "image encoder": (motion.image_encoder, lambda: motion.image_encoder(start, annotation)),
        "flow decoder": (motion.decoder, lambda: motion.decoder(levels, picture, start[..., :1], z)),
        "refiner": (
            motion.refiner,
            lambda: motion.refiner(frames[0, 1:], visibility, tf.repeat(annotation, steps, axis=0)),
        ),
    }
    for name, (network, call) in parts.items():
        print(f"| {name} | {parameters(network)} | {gflop(call):.2f} |")
    print(f"| all of a clip, warps included | | {gflop(lambda: motion.decode(start, annotation, z)['frames']):.2f} |")
    encoders = (motion.background_encoder, motion.foreground_encoder)
    weights = " + ".join(parameters(network) for network in encoders)
    print(f"| motion encoders (training, motion of a clip) | {weights} | ", end="")
    print(f"{gflop(lambda: motion.encode(frames, annotation).mean()):.2f} |")
    decode = tf.function(motion.decode)
    milliseconds = 1000 * median_seconds(lambda: read_all(decode(start, annotation, z)), REPEATS.value)
    print(f"\n| what | time | peak memory |\n|---|---|---|\n| a clip, batch 1 | {milliseconds:.0f} ms | |")
    if TRAINING.value:
        print_training_step()


def print_training_step():
    """In a process of its own, whose peak memory is the step's."""
    command = [
        sys.executable,
        __file__,
        "--step",
        *(f"--{f.name}={f.value}" for f in (MODEL_SIZE, TRAIN_BATCH, REPEATS)),
    ]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"| training step, batch {TRAIN_BATCH.value} | {1000 * measured['seconds']:.0f} ms "
        f"| {measured['peak_gib']:.2f} GiB |"
    )


def training_step() -> dict:
    """Median seconds and peak memory of the preset's training step."""
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import MOTION_PRESETS, preset
    from seg2vid_tf.training.motion_trainer import MotionTrainer

    config, spec = preset(MOTION_PRESETS, MODEL_SIZE.value), load_spec("cityscapes")
    config = dataclasses.replace(config, training=dataclasses.replace(config.training, batch_size=TRAIN_BATCH.value))
    trainer = MotionTrainer(config, spec)
    shape = (TRAIN_BATCH.value, trainer.num_frames + 1, config.model.height, config.model.width)
    batch = random_batch(spec.num_classes, shape)
    return step_cost(trainer, batch, REPEATS.value)


if __name__ == "__main__":
    run(main)
