"""Times the training step of both stages and the making of one video, at several sizes.

    python experiments/benchmarks/model_speed.py

Medians over --repeats after one warm-up, all in one process; the ratio column divides by the smallest size's time.
"""

import dataclasses
import os

from absl import flags
from timing import median_seconds, random_batch, read_all

from seg2vid_tf.flags import run

SIZES = flags.DEFINE_list("sizes", ["64x128", "128x256"], "frame sizes, HEIGHTxWIDTH, smallest first")
REPEATS = flags.DEFINE_integer("repeats", 7, "timed runs of each case", lower_bound=1)


def main():
    import tensorflow as tf  # TensorFlow loads here: --help needs none.

    sizes = [tuple(int(n) for n in size.split("x")) for size in SIZES.value]
    rows: dict[str, list[float]] = {}
    for size in sizes:
        for name, call in cases(size).items():
            rows.setdefault(name, []).append(median_seconds(lambda call=call: read_all(call()), REPEATS.value))
    print(f"TensorFlow {tf.__version__}, {os.cpu_count()} cores, model size tiny, medians of {REPEATS.value}")
    print(f"| | {' | '.join(SIZES.value)} | ratio |")
    print("|---" * (len(sizes) + 2) + "|")
    for name, seconds in rows.items():
        print(f"| {name} | {' | '.join(f'{1000 * s:.0f} ms' for s in seconds)} | {seconds[-1] / seconds[0]:.1f} |")


def cases(size) -> dict:
    """{name: function to time} for one frame size."""
    import tensorflow as tf

    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import MOTION_PRESETS, START_FRAME_PRESETS
    from seg2vid_tf.models.seg2vid import Seg2Vid
    from seg2vid_tf.serving.signatures import signatures
    from seg2vid_tf.training.motion_trainer import MotionTrainer
    from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer

    spec = load_spec("synthetic_street")
    named = {}
    trainers = []
    for presets, trainer_class in ((START_FRAME_PRESETS, StartFrameTrainer), (MOTION_PRESETS, MotionTrainer)):
        config = presets["tiny"]
        config = dataclasses.replace(config, model=dataclasses.replace(config.model, height=size[0], width=size[1]))
        trainer = trainer_class(config, spec)
        trainers.append(trainer)
        shape = (config.training.batch_size, trainer.num_frames + 1, *size)
        batch = random_batch(spec.num_classes, shape)
        step = tf.function(trainer.train_step)
        title = f"{trainer_class.__name__} step, batch {shape[0]}"
        named[title] = lambda step=step, batch=batch: step(batch, tf.constant(0, tf.int64))
    model = Seg2Vid(trainers[0].networks["generator"], trainers[1].motion, spec, size)
    function, inputs = signatures(model)["from_tensor"]
    generate = tf.function(function, input_signature=inputs)
    label_map = random_batch(spec.num_classes, (1, 1, *size))["label_maps"][:, 0]
    seed = tf.constant([0], tf.int64)
    style, z = model.draw(seed)
    frames = model.motion.num_frames
    named[f"label map -> 1 + {frames} frames, batch 1"] = lambda: generate(label_map, style, z, seed)
    return named


if __name__ == "__main__":
    run(main)
