"""Shards written by an Apache Beam pipeline (the extra "beam"): on one machine, or by Flink, Spark or Dataflow workers.

Each shard is one element: workers write them where all of them see one file system, and the bytes are those that
``write_shards`` writes.
"""

import logging
from collections.abc import Sequence

from seg2vid_tf.data.shard_writer import ShardWriter
from seg2vid_tf.data.shards import MANIFEST
from seg2vid_tf.files import read_document


def write_shards_with_beam(writer: ShardWriter, runner: str = "DirectRunner", arguments: Sequence[str] = ()) -> dict:
    """Writes one split, whole or not at all; finished shards are kept for the next try.

    Args:
      writer: what to write; its source and output are read and written by the workers.
      runner: name of a Beam runner; "DirectRunner" is this process, by Beam's FnApiRunner: DirectRunner itself would
        look for a program to download.
      arguments: Beam's own command line, such as ["--flink_master=localhost:8081"].

    Returns:
      The manifest.

    Raises:
      ImportError: Apache Beam is not installed.
      ValueError: what the writer's workplace refuses, and whatever a worker raises, as Beam reports it.
    """
    # What fails is raised; beside it Beam logs the same with the traceback of each of its layers.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    except ImportError as error:
        raise ImportError("--runner needs Apache Beam: pip install 'seg2vid_tf[beam]'") from error
    with writer.workplace():
        try:
            chosen = FnApiRunner() if runner == "DirectRunner" else runner
            with beam.Pipeline(runner=chosen, options=PipelineOptions(list(arguments))) as pipeline:
                _ = (
                    pipeline
                    | "shards" >> beam.Create(range(writer.num_shards))
                    # Without it one worker would take what was created together.
                    | "spread" >> beam.Reshuffle()
                    | "write" >> beam.Map(writer.write)
                    | "gather" >> beam.combiners.ToList()
                    | "finish" >> beam.Map(writer.finish)
                )
        except RuntimeError as error:
            raise ValueError(f"the Beam pipeline failed: {error}") from error
    return read_document(writer.target / MANIFEST)
