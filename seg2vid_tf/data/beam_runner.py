"""Work by an Apache Beam pipeline (the extra "beam"): on one machine, or by Flink, Spark or Dataflow workers.

Each piece of work is one element. It leaves its result on a disk that all workers see, whole or not at all, and the
same however often it is done: runners repeat elements whose worker was lost.
"""

import concurrent.futures.process
import contextlib
import functools
import logging
import multiprocessing
import os
import pickle
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence

from seg2vid_tf.flags import ONEDNN, is_input_error

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
    if runner == DIRECT and any(argument.startswith("--direct_") for argument in arguments):
        raise ValueError(f"processes on this machine are started by workers (--workers), received {list(arguments)}")
    _run(work, pieces, runner, arguments, workers)


def _run(work, pieces, runner, arguments, workers):
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    except ImportError as error:
        raise ImportError("--runner needs Apache Beam: pip install 'seg2vid_tf[beam]'") from error
    arguments, here = list(arguments), contextlib.nullcontext()
    if runner == DIRECT:
        here = _here(work, workers)
        if workers > 1:
            # More threads than processes: pieces are dealt out to the threads at once, and some have less to do.
            arguments += [f"--direct_num_workers={4 * workers}", "--direct_running_mode=multi_threading"]
    try:
        options = PipelineOptions(arguments)
        options.get_all_options()  # Beam says which of them it does not know, and goes on without
        pipeline = beam.Pipeline(FnApiRunner() if runner == DIRECT else runner, options)
    except ValueError as error:
        raise ValueError(f"runner={runner}: {error}") from error
    try:
        with _quiet(), here, pipeline:
            _ = (
                pipeline
                | "pieces" >> beam.Create(list(pieces))
                # Without it one worker would take what was created together.
                | "spread" >> beam.Reshuffle()
                | "work" >> beam.Map(_do_here if runner == DIRECT else _elsewhere(work))
            )
    except RuntimeError as error:
        if runner == DIRECT:
            raise
        # Of what a worker refuses the last word is wanted: before it Beam puts a traceback of each of its layers.
        refusal = re.search(rf".*{RefusedByWorker.__name__}: (.*?) \[while running 'work", str(error), re.S)
        raise ValueError(refusal[1] if refusal else f"{runner}: the Beam pipeline failed: {error}") from error


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


def _done(work, piece):
    try:
        work(piece)
    except Exception as error:
        if not is_input_error(error):
            raise
        raise RefusedByWorker(str(error)) from error


def _elsewhere(work):
    """What a worker on another machine does with a piece: TensorFlow's switch is this process's before it loads."""
    return functools.partial(_done_elsewhere, {ONEDNN: os.environ.get(ONEDNN, "")}, pickle.dumps(work))


def _done_elsewhere(environment, pickled, piece):
    if "tensorflow" not in sys.modules:  # which unpickling may load
        os.environ.update(environment)
    _done(_unpickled(pickled), piece)


@functools.lru_cache(maxsize=1)
def _unpickled(pickled):
    return pickle.loads(pickled)


# Where Beam's pipeline runs in this process, its threads hand the work to what is here, and errors do not go by Beam,
# which prints a page for each. Nor are processes Beam's own (--direct_running_mode=multi_processing): when one of them
# is killed, for want of memory say, Beam 2.77 waits for its answer for ever.
_do, _errors = None, []


@contextlib.contextmanager
def _here(work, workers):
    """Does pieces during the block, in so many processes; what one of them ends with is raised at the block's end."""
    global _do
    _errors.clear()
    pool = None
    if workers > 1:
        spawn = multiprocessing.get_context("spawn")  # a fork would inherit locks that TensorFlow's threads hold
        pool = concurrent.futures.ProcessPoolExecutor(workers, spawn, _begin_worker, (work,))
        _do = lambda piece: pool.submit(_work_of_this_process, piece).result()  # noqa: E731 - as work itself
    else:
        _do = work
    try:
        yield
    except KeyboardInterrupt:
        print("\nstopping: the pieces in work are finished first, and kept", file=sys.stderr, flush=True)
        raise
    finally:
        _do = None
        if pool is not None:
            pool.shutdown(cancel_futures=True)
    if not _errors:
        return
    error = _errors[0]
    if isinstance(error, concurrent.futures.process.BrokenProcessPool):
        raise ValueError(
            "a worker process was killed, for want of memory perhaps: give fewer --workers, or a smaller batch, and "
            "start again; what was finished is kept"
        ) from error
    raise ValueError(str(error)) if isinstance(error, RefusedByWorker) else error


def _do_here(piece):
    if _do is None:
        raise RuntimeError(f"process {os.getpid()} has started no pipeline and is to do piece {piece} of one")
    if _errors:  # the job ends, with what was begun
        return
    try:
        _do(piece)
    except (Exception, KeyboardInterrupt) as error:
        _errors.append(error)


def _begin_worker(work):
    global _work
    _work = functools.partial(_done, work)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what a keyboard says is for the parent
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _work_of_this_process(piece):
    _work(piece)


def _end_with_parent():
    """Or a worker whose parent was killed would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)
