"""Shards written by an Apache Beam pipeline (the extra "beam"), each by whatever worker takes it.

The bytes are those that ``write_shards`` writes.
"""

from collections.abc import Sequence

from seg2vid_tf.data.beam_runner import DIRECT, run_on_beam
from seg2vid_tf.data.shard_writer import ShardWriter


def write_shards_with_beam(
    writer: ShardWriter, runner: str = DIRECT, arguments: Sequence[str] = (), workers: int = 1
) -> dict:
    """Writes one split, whole or not at all; finished shards are kept for the next try.

    Args:
      writer: what to write; its source and output are read and written by the workers.
      runner, arguments, workers: as of run_on_beam.

    Returns:
      The manifest.

    Raises:
      ValueError: what the writer's workplace, ``write`` and ``finish`` refuse.
      ImportError, RuntimeError: as of run_on_beam.
    """
    with writer.workplace():
        run_on_beam(writer.write, range(writer.num_shards), runner, arguments, workers)
        return writer.finish(writer.entries())
