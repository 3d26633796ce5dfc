"""What the benchmarks of the networks share: random batches, median times, counts."""

import resource
import time

import numpy as np


def median_seconds(call, repeats: int) -> float:
    """Median seconds of a call over the repeats; one call more comes first, traces, and is not counted."""
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds[1:]))


def random_batch(num_classes: int, shape: tuple[int, int, int, int]) -> dict:
    """A training batch of noise, the same each time: {frames float32 [B,T+1,H,W,3] in [-1,1], label_maps uint8}."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    return {
        "frames": tf.constant(rng.uniform(-1, 1, (*shape, 3)), tf.float32),
        "label_maps": tf.constant(rng.integers(0, num_classes, shape), tf.uint8),
    }


def read_all(tensors: dict) -> None:
    """Waits for every tensor's value."""
    for value in tensors.values():
        value.numpy()


def step_cost(trainer, batch: dict, repeats: int) -> dict:
    """Median seconds of a trainer's step, and the peak memory in GiB of the process that took it."""
    import tensorflow as tf

    step = tf.function(trainer.train_step)
    seconds = median_seconds(lambda: read_all(step(batch, tf.constant(0, tf.int64))), repeats)
    return {"seconds": seconds, "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def gflop(call) -> float:
    """GFLOP that TensorFlow's profiler counts in what a function of no arguments computes."""
    import tensorflow as tf

    graph = tf.function(call).get_concrete_function().graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops / 1e9


def parameters(network) -> str:
    """How many trainable numbers a network has, in millions."""
    return f"{sum(int(np.prod(v.shape)) for v in network.trainable_variables) / 1e6:.2f} M"
