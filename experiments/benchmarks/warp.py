"""Benchmark of the bilinear warp: forward, + image and flow gradients, + flow gradient only.

    python experiments/benchmarks/warp.py --rounds=20 --shapes=8x128x256x3,32x128x256x3,8x64x128x64

Every variant runs in graph mode; the variants take turns within every round, so that a busy machine slows all of them.
The table holds median milliseconds and, in brackets, how many times faster than the first row, which is TensorFlow
Addons where it can be imported and the naive four gathers elsewhere. The row image_gradient=False computes the flow
gradient alone in the second column too.
"""

import os
import statistics
import time

from absl import flags

from seg2vid_tf.flags import run

FLAGS = flags.FLAGS
flags.DEFINE_list("shapes", ["8x128x256x3", "32x128x256x3", "8x64x128x64"], "image shapes, BxHxWxC")
flags.DEFINE_integer("rounds", 15, "timed runs of every variant and task", lower_bound=1)
flags.DEFINE_integer("seed", 0, "seed of the images and flows")

TASKS = ("forward", "+ image and flow gradients", "+ flow gradient")


def naive_warp(image, flow):
    """Four gathers and automatic differentiation: what one writes without thinking of the gradient."""
    import tensorflow as tf

    batch, height, width, channels = tf.unstack(tf.shape(image))
    grid = tf.stack(tf.meshgrid(tf.range(height), tf.range(width), indexing="ij"), -1)
    last = tf.stack([height - 1, width - 1])
    position = tf.clip_by_value(tf.cast(grid, tf.float32) - flow, 0.0, tf.cast(last, tf.float32))
    corner = tf.minimum(tf.cast(position, tf.int32), last - 1)
    ay, ax = tf.split(position - tf.cast(corner, tf.float32), 2, -1)
    index = (tf.range(batch)[:, None, None] * height + corner[..., 0]) * width + corner[..., 1]
    pixels = tf.reshape(image, [-1, channels])
    upper = (1 - ax) * tf.gather(pixels, index) + ax * tf.gather(pixels, index + 1)
    lower = (1 - ax) * tf.gather(pixels, index + width) + ax * tf.gather(pixels, index + width + 1)
    return (1 - ay) * upper + ay * lower


def variants():
    """{name: (warp, whether all of it is compiled by XLA)}, the reference first."""
    from seg2vid_tf.ops.warp import dense_image_warp

    found = {}
    try:
        from tensorflow_addons.image import dense_image_warp as addons_warp

        found["Addons"] = (addons_warp, False)
    except ImportError as error:
        print(f"no TensorFlow Addons here: {error}")
    found["four gathers"] = (naive_warp, False)
    found["native"] = (dense_image_warp, False)
    found["native, image_gradient=False"] = (lambda i, f: dense_image_warp(i, f, image_gradient=False), False)
    found["compiled"] = (lambda i, f: dense_image_warp(i, f, compiled=True), False)
    found["native inside jit_compile"] = (dense_image_warp, True)
    return found


def programs(warp, jit_compile):
    """One graph per task, each (image, flow, upstream gradient) -> tensors."""
    import tensorflow as tf

    def forward(image, flow, upstream):
        return warp(image, flow)

    def both(image, flow, upstream):
        with tf.GradientTape() as tape:
            tape.watch([image, flow])
            out = warp(image, flow)
        # image_gradient=False has no image gradient to give.
        return out, *(g for g in tape.gradient(out, [image, flow], upstream) if g is not None)

    def flow_only(image, flow, upstream):
        with tf.GradientTape() as tape:
            tape.watch(flow)
            out = warp(image, flow)
        return out, tape.gradient(out, flow, upstream)

    return [tf.function(task, jit_compile=jit_compile) for task in (forward, both, flow_only)]


def measure(contenders, shape, rounds, seed):
    """{variant: [median milliseconds of every task]}."""
    import tensorflow as tf

    image = tf.random.stateless_uniform(shape, [seed, 0], -1.0, 1.0)
    upstream = tf.random.stateless_normal(shape, [seed, 1])
    # Smooth fields of a few pixels, as a flow network makes them: neighbours read neighbours.
    flow = tf.image.resize(4.0 * tf.random.stateless_normal([shape[0], 8, 16, 2], [seed, 2]), shape[1:3])
    graphs = {name: programs(*variant) for name, variant in contenders.items()}
    times = {name: [[] for _ in TASKS] for name in graphs}
    for turn in range(rounds + 2):
        for name, tasks in graphs.items():
            for task, record in zip(tasks, times[name], strict=True):
                start = time.perf_counter()
                task(image, flow, upstream)
                if turn >= 2:  # The first two trace and warm up.
                    record.append(1e3 * (time.perf_counter() - start))
    return {name: [statistics.median(record) for record in records] for name, records in times.items()}


def main():
    try:
        shapes = [tuple(int(size) for size in text.split("x")) for text in FLAGS.shapes]
    except ValueError as error:
        raise ValueError(f"--shapes takes BxHxWxC,BxHxWxC,.., received {FLAGS.shapes}") from error
    if any(len(shape) != 4 for shape in shapes):
        raise ValueError(f"--shapes takes BxHxWxC,BxHxWxC,.., received {FLAGS.shapes}")
    import tensorflow as tf

    gpus = len(tf.config.list_physical_devices("GPU"))
    print(f"TensorFlow {tf.__version__}, {len(os.sched_getaffinity(0))} cores, {gpus} GPUs")
    contenders = variants()
    for shape in shapes:
        medians = measure(contenders, shape, FLAGS.rounds, FLAGS.seed)
        reference = next(iter(medians.values()))
        print(f"\n| {'x'.join(map(str, shape))}, ms | {' | '.join(TASKS)} |\n|---|---|---|---|")
        for name, row in medians.items():
            cells = [f"{ms:.1f} ({base / ms:.2f}x)" for ms, base in zip(row, reference, strict=True)]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    run(main)
