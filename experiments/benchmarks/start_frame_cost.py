"""What each model size of stage 1 costs: parameters, GFLOP, time of a start frame, time and memory of a training step.

    python experiments/benchmarks/start_frame_cost.py --model_sizes=tiny,small --train_batch=4

GFLOP are those that TensorFlow's profiler counts in the forward pass of one picture (a multiply-add is two). Each
training step runs in a process of its own, whose peak resident memory is reported, TensorFlow itself (about 0.5 GiB)
included. Times are medians over --repeats after one warm-up.
"""

import dataclasses
import json
import os
import subprocess
import sys

from absl import flags
from timing import gflop, median_seconds, parameters, random_batch, step_cost

from seg2vid_tf.flags import run

MODEL_SIZES = flags.DEFINE_list("model_sizes", ["tiny", "small", "base", "large"], "which to count")
TIMED = flags.DEFINE_list("timed", ["tiny", "small"], "model sizes whose times and memory are measured too")
DISCRIMINATORS = flags.DEFINE_multi_enum(
    "discriminator", ["segmentation", "multiscale"], ["segmentation", "multiscale"], "whose training step to measure"
)
TRAIN_BATCH = flags.DEFINE_integer("train_batch", 4, "batch of the training step", lower_bound=1)
REPEATS = flags.DEFINE_integer("repeats", 7, "timed runs of each case", lower_bound=1)
PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "mixed_bfloat16"], "of the training step")
ACCUMULATE = flags.DEFINE_integer("accumulate", 1, "parts of the training step's batch", lower_bound=1)
STEP = flags.DEFINE_string("step", None, "SIZE:DISCRIMINATOR; measure this training step alone, as JSON")


def main():
    if STEP.value:
        print(json.dumps(training_step(*STEP.value.split(":"))))
        return
    import tensorflow as tf

    print(f"TensorFlow {tf.__version__}, {os.cpu_count()} cores, medians of {REPEATS.value}, spec cityscapes")
    print("| model size | frames | generator | style encoder | segmentation D | multiscale D | start frame, batch 1 |")
    print("|---|---|---|---|---|---|---|")
    for name in MODEL_SIZES.value:
        print(counted(name), flush=True)
    print(f"\ntraining step, batch {TRAIN_BATCH.value} in {ACCUMULATE.value} parts, {PRECISION.value}")
    print("| model size | discriminator | step | peak memory |\n|---|---|---|---|")
    for name in TIMED.value:
        for discriminator in DISCRIMINATORS.value:
            # Peak memory belongs to a process: one for each case.
            command = [sys.executable, __file__, f"--step={name}:{discriminator}"]
            command += [f"--{f.name}={f.value}" for f in (TRAIN_BATCH, REPEATS, PRECISION, ACCUMULATE)]
            measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"| {name} | {discriminator} | {1000 * measured['seconds']:.0f} ms | {measured['peak_gib']:.2f} GiB |",
                flush=True,
            )


def counted(name: str) -> str:
    """One row: parameters and GFLOP of its networks, and the time of a start frame where it is asked for."""
    import tensorflow as tf

    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import START_FRAME_PRESETS, preset
    from seg2vid_tf.models.build import build_discriminator, build_generator, build_style_encoder
    from seg2vid_tf.models.start_frame.start_frame_model import StartFrameModel

    spec, model = load_spec("cityscapes"), preset(START_FRAME_PRESETS, name).model
    size = (model.height, model.width)
    frame = tf.zeros([1, *size, 3])
    annotation = tf.zeros([1, *size, spec.num_classes])
    generator, encoder = build_generator(model, spec), build_style_encoder(model)
    inputs = {
        "annotation": annotation,
        "style": tf.zeros([1, model.style_dim]),
        "noise": tf.zeros([1, *(side // model.noise_stride for side in size), model.noise_channels]),
    }
    cells = [cell(generator, inputs), cell(encoder, {"frame": frame})]
    for kind in ("segmentation", "multiscale"):
        discriminator = build_discriminator(dataclasses.replace(model, discriminator=kind), spec)
        judged = {"frame": frame} if kind == "segmentation" else {"frame": frame, "annotation": annotation}
        cells.append(cell(discriminator, judged))
    milliseconds = ""
    if name in TIMED.value:
        start_frame_model = StartFrameModel(generator, encoder, spec)
        paint = tf.function(
            lambda label_map, seed: start_frame_model.paint(label_map, start_frame_model.draw_style(seed), seed)
        )
        label_map, seed = tf.zeros([1, *size], tf.uint8), tf.constant([0], tf.int64)
        milliseconds = f"{1000 * median_seconds(lambda: paint(label_map, seed).numpy(), REPEATS.value):.0f} ms"
    return f"| {name} | {size[0]}x{size[1]} | {' | '.join(cells)} | {milliseconds} |"


def cell(network, inputs) -> str:
    """Parameters and GFLOP of one network."""
    return f"{parameters(network)}, {gflop(lambda: network(inputs)):.2f} GFLOP"


def training_step(name: str, discriminator: str) -> dict:
    """Median seconds and peak memory of one of their training steps."""
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import START_FRAME_PRESETS, preset
    from seg2vid_tf.models.build import set_precision
    from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer

    config = preset(START_FRAME_PRESETS, name)
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, discriminator=discriminator),
        training=dataclasses.replace(
            config.training, batch_size=TRAIN_BATCH.value, precision=PRECISION.value, accumulate=ACCUMULATE.value
        ),
    )
    set_precision(PRECISION.value)
    spec = load_spec("cityscapes")
    trainer = StartFrameTrainer(config, spec)
    batch = random_batch(spec.num_classes, (TRAIN_BATCH.value, 1, config.model.height, config.model.width))
    return step_cost(trainer, batch, REPEATS.value)


if __name__ == "__main__":
    run(main)
