"""How many threads TensorFlow takes in a worker: they change how floats are summed, and share the machine's cores."""

import os


def limit_threads(threads: int | None) -> None:
    """Gives TensorFlow so many threads, for one operation and for several; None: leaves it as it is.

    Raises:
      ValueError: it has begun to work with another number.
    """
    if threads is None:
        return
    import tensorflow as tf  # most of a bulk job's own process needs none

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise ValueError(
                f"TensorFlow has begun with other threads than {threads} in process {os.getpid()}: work in a new "
                "process, or leave the number to TensorFlow (None)"
            ) from error
