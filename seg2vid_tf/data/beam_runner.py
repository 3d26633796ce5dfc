"""Work by an Apache Beam pipeline (the extra "beam"): on one machine, or by Flink, Spark or Dataflow workers.

Each piece of work is one element. It leaves its result on a disk that all workers see, whole or not at all, and the
same however often it is done: runners repeat elements whose worker was lost.
"""

import concurrent.futures
import contextlib
import functools
import logging
import multiprocessing
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence

from seg2vid_tf.flags import is_input_error

DIRECT = "DirectRunner"


class RefusedByWorker(ValueError):
    """What a worker says of its input; Beam carries its text alone to whoever started the pipeline."""


def run_on_beam(
    work: Callable[[int], object],
    pieces: Iterable[int],
    runner: str = DIRECT,
    arguments: Sequence[str] = (),
    workers: int = 1,
) -> None:
    """Does each piece of work, somewhere.

    Args:
      work: what is called with a piece's number; it can be pickled.
      pieces: their numbers.
      runner: name of a Beam runner; "DirectRunner" is this machine, by Beam's FnApiRunner: DirectRunner itself would
        look for a program to download.
      arguments: Beam's own command line, such as ["--flink_master=localhost:8081"].
      workers: processes on this machine, for DirectRunner; 1: this process itself.

    Raises:
      ImportError: Apache Beam is not installed.
      ValueError: workers with another runner; what a worker refuses; a worker on this machine was killed.
      RuntimeError: a worker failed; Beam's own words, the worker's traceback among them.
    """
    if workers < 1 or (workers > 1 and runner != DIRECT):
        raise ValueError(
            f"workers must be at least 1, and 1 but with {DIRECT}, received {workers} with {runner}: how many workers "
            "other runners have is told by flags of their own"
        )
    with _quiet():
        _run(work, pieces, runner, arguments, workers)


def _run(work, pieces, runner, arguments, workers):
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    except ImportError as error:
        raise ImportError("--runner needs Apache Beam: pip install 'seg2vid_tf[beam]'") from error
    done, arguments, pool = functools.partial(_done, work), list(arguments), None
    if workers > 1:
        arguments += [f"--direct_num_workers={workers}", "--direct_running_mode=multi_threading"]
        pool = _start_pool(work, workers)
        done = _in_pool
    try:
        with beam.Pipeline(FnApiRunner() if runner == DIRECT else runner, PipelineOptions(arguments)) as pipeline:
            _ = (
                pipeline
                | "pieces" >> beam.Create(list(pieces))
                # Without it one worker would take what was created together.
                | "spread" >> beam.Reshuffle()
                | "work" >> beam.Map(done)
            )
    except (RuntimeError, RefusedByWorker) as error:
        said = _refusal(error)
        if said is None:
            raise
        raise ValueError(said) from error
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _quiet():
    """What fails is raised; beside it Beam logs the same, in part by the root logger, with the traceback of each of its
    layers."""
    levels = {logger: logger.level for logger in (logging.getLogger(), logging.getLogger("apache_beam"))}
    try:
        for logger in levels:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)


def _refusal(error):
    """What a worker refused, out of what Beam makes of it; None: it failed."""
    found, text = RefusedByWorker.__name__, str(error)
    if not isinstance(error, RefusedByWorker):  # the last one: it begins with a traceback of each of Beam's layers
        _, found, text = text.rpartition(f"{found}: ")
    return re.match(r"(.*?) \[while running 'work", text, re.S)[1] if found else None


def _done(work, piece):
    try:
        work(piece)
    except Exception as error:
        if not is_input_error(error):
            raise
        raise RefusedByWorker(str(error)) from error


# Beam's own processes on one machine (--direct_running_mode=multi_processing) are not waited for with an eye on them:
# when one of them is killed, for want of memory say, Beam 2.77 waits for its answer for ever. So its threads hand the
# work to processes of ours.
_pool = None


def _start_pool(work, workers):
    global _pool
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit TensorFlow's threads, which it does not have
    _pool = concurrent.futures.ProcessPoolExecutor(workers, spawn, _begin_worker, (work,))
    return _pool


def _in_pool(piece):
    try:
        _pool.submit(_work_of_this_process, piece).result()
    except concurrent.futures.process.BrokenProcessPool as error:
        raise RefusedByWorker(
            "a worker process was killed, for want of memory perhaps: give fewer --workers, or a smaller batch, and "
            "start again; what was finished is kept"
        ) from error


def _begin_worker(work):
    global _work
    _work = functools.partial(_done, work)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _work_of_this_process(piece):
    _work(piece)


def _end_with_parent():
    """Or a worker whose parent was killed would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)
