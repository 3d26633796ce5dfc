"""Which precision a run computes in where its flags leave it open: bfloat16 where this machine is faster with it.

CPUs differ a hundredfold in what a bfloat16 convolution costs beside a float32 one: those with AMX take a third of the
time, those without bfloat16 instructions many times as much. So a small convolution and its gradient are timed in both.
"""

import time

import tensorflow as tf

PRECISIONS = ("float32", "mixed_bfloat16")
# A training step does more than convolve, and casts between the types besides: less than this gains nothing there.
WORTHWHILE = 0.8
_REPEATS = 5


def choose_precision(asked: str, recorded: str | None = None) -> str:
    """ "float32" or "mixed_bfloat16", and says on standard output why where it was left open.

    Args:
      asked: "auto", or one of the two, which is taken as it is.
      recorded: what the run that is gone on with computes in; None: it is a new one.

    Raises:
      ValueError: another word.
    """
    if asked != "auto":
        if asked not in PRECISIONS:
            raise ValueError(f"precision must be auto, {' or '.join(PRECISIONS)}, received {asked!r}")
        return asked
    if recorded is not None:
        print(f"precision: {recorded}, as the run began")
        return recorded
    try:
        ratio = _time_ratio()
    except tf.errors.OpError as error:  # as where oneDNN may use less than the CPU has (ONEDNN_MAX_CPU_ISA)
        print(f"precision: float32 (this machine computes no bfloat16 convolution: {type(error).__name__})")
        return "float32"
    chosen = PRECISIONS[ratio < WORTHWHILE]
    print(f"precision: {chosen} (a bfloat16 convolution takes {ratio:.2f} of a float32 one's time on this machine)")
    return chosen


def _time_ratio() -> float:
    """What a bfloat16 convolution and its gradient take of float32's time.

    Both in turn, and the least of several turns each: other work on the machine only ever adds, now to one, now to the
    other.
    """
    steps = [_convolution(dtype) for dtype in (tf.bfloat16, tf.float32)]
    seconds = [[], []]
    for turn in range(1 + _REPEATS):
        for step, measured in zip(steps, seconds, strict=True):
            begin = time.perf_counter()
            for value in step():
                value.numpy()
            if turn > 0:  # the first one traces
                measured.append(time.perf_counter() - begin)
    return min(seconds[0]) / min(seconds[1])


def _convolution(dtype):
    """A function that computes a 3x3 convolution of 64 channels and its gradient."""
    image = tf.cast(tf.random.stateless_uniform([2, 32, 64, 64], [0, 0]), dtype)
    kernel = tf.cast(tf.random.stateless_uniform([3, 3, 64, 64], [0, 1]), dtype)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch([image, kernel])
            loss = tf.reduce_sum(tf.cast(tf.nn.conv2d(image, kernel, 1, "SAME"), tf.float32))
        return [tf.reduce_sum(tf.cast(gradient, tf.float32)) for gradient in tape.gradient(loss, [image, kernel])]

    return step
