"""What a worker's TensorFlow is told before it begins, because it changes how floats are summed.

Threads share the machine's cores, too. oneDNN's kernels are switched on by an environment variable that the programs
set for themselves (flags.py); a worker on another machine has an environment of its own.
"""

import dataclasses
import os
import sys

from seg2vid_tf.flags import ONEDNN


@dataclasses.dataclass(frozen=True)
class TensorFlowSettings:
    """The settings of a job, for each process that works on it.

    Attributes:
      threads: for one operation and for several; None: as many as TensorFlow takes by itself.
      onednn: "1" or "0", whether TensorFlow uses oneDNN's kernels; "": as it decides by the CPU; None: as each process
        has it.
    """

    threads: int | None = None
    onednn: str | None = None

    def apply(self) -> None:
        """Makes them this process's.

        Raises:
          ValueError: TensorFlow has begun to work with others.
        """
        mine = os.environ.get(ONEDNN, "")
        if self.onednn not in (None, mine):
            if "tensorflow" in sys.modules:
                raise ValueError(
                    f"TensorFlow was loaded with {ONEDNN}={mine!r} in process {os.getpid()}, the job was started with "
                    f"{self.onednn!r}: set it in the workers' environment"
                )
            os.environ[ONEDNN] = self.onednn
        if self.threads is not None:
            _limit_threads(self.threads)


def _limit_threads(threads):
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
