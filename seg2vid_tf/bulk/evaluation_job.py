"""A large evaluation by many workers, who each measure windows in a row into one folder on a disk that all see.

What is measured of a window depends on it, the one before and the model alone, and what all windows say together is
computed from the folder, as ever: so the numbers are those of one process, up to how floats are summed.
"""

import dataclasses
import os
import pathlib
import threading
from collections.abc import Sequence

from seg2vid_tf.bulk.progress import watched
from seg2vid_tf.bulk.tensorflow_settings import TensorFlowSettings
from seg2vid_tf.data.beam_runner import run_on_beam
from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder
from seg2vid_tf.evaluation.methods import Protocol
from seg2vid_tf.evaluator import Evaluator, Networks
from seg2vid_tf.pipeline import Seg2VidPipeline

# Windows in one piece of work; the one before them is read, too.
WINDOWS = 8
_lock, _evaluators = threading.Lock(), {}


@dataclasses.dataclass(frozen=True)
class EvaluationPlan:
    """What is measured of what, by paths: any process can make the Evaluator of it.

    Attributes:
      saved_model, run_dir: the model, by one of them.
      data, protocol, train_data, without_annotation, networks: as of Evaluator.
    """

    saved_model: str | None
    run_dir: str | None
    data: str
    protocol: Protocol
    train_data: tuple[str, ...] = ()
    without_annotation: str | None = None
    networks: Networks = Networks()

    def evaluator(self) -> Evaluator:
        """Loads everything; errors as of Evaluator and Seg2VidPipeline."""
        if self.saved_model:
            pipe = Seg2VidPipeline.from_saved_model(self.saved_model)
        else:
            pipe = Seg2VidPipeline.from_run(self.run_dir, start_frame=self.protocol.start_frame == "generated")
        return Evaluator(
            pipe,
            self.saved_model or self.run_dir,
            self.data,
            self.protocol,
            train_data=self.train_data,
            without_annotation=self.without_annotation,
            networks=self.networks,
        )


def evaluate(
    plan: EvaluationPlan,
    output: str | os.PathLike,
    fps: float = 4.0,
    runner: str | None = None,
    arguments: Sequence[str] = (),
    workers: int = 1,
) -> dict:
    """Evaluator.run, by Beam's workers.

    Args:
      plan: what is measured; where workers are on other machines, by absolute paths.
      output, fps: as of Evaluator.run.
      runner: as of run_on_beam; None: without Beam, in this process.
      arguments, workers: as of run_on_beam. Workers on this machine share its cores.

    Returns:
      What metrics.json holds.

    Raises:
      ValueError, ImportError: what Evaluator, its ``run`` and run_on_beam refuse.
      RuntimeError: a worker failed.
    """
    evaluator = plan.evaluator()
    if runner is None:
        return evaluator.run(output, fps)
    threads = None if workers == 1 else max(1, (os.cpu_count() or 1) // workers)
    # The training data was looked at by then.
    work = _Work(dataclasses.replace(plan, train_data=()), os.path.abspath(output), TensorFlowSettings(threads))
    _evaluators[work] = evaluator  # for what this very process measures

    def measure(folder, count):
        missing = [piece for piece in range(-(-count // WINDOWS)) if _missing(folder, piece, count)]
        if not missing:
            return
        done = lambda: (len(list(folder.path.glob("clips/[0-9]*.json"))), 0)  # noqa: E731 - an expression
        with watched(done, count, "windows"):
            run_on_beam(work, missing, runner, arguments, workers)
        lost = sum(_missing(folder, piece, count) for piece in missing)
        if lost:
            raise ValueError(
                f"{folder.path}: {lost} pieces are missing, though all were measured: the workers must see the same "
                "disk as this process, under the same path"
            )

    try:
        return evaluator.run(output, fps, measure)
    finally:
        _evaluators.pop(work, None)


@dataclasses.dataclass(frozen=True)
class _Work:
    """Measures a piece, by an Evaluator that is made once in a process."""

    plan: EvaluationPlan
    output: str
    tensorflow: TensorFlowSettings

    def __call__(self, piece: int) -> None:
        with _lock:
            if self not in _evaluators:
                self.tensorflow.apply()
                _evaluators[self] = self.plan.evaluator()
            evaluator = _evaluators[self]
        evaluator.measure(EvaluationFolder(pathlib.Path(self.output)), range(piece * WINDOWS, (piece + 1) * WINDOWS))


def _missing(folder, piece, count):
    return not all(folder.has(index) for index in range(piece * WINDOWS, min((piece + 1) * WINDOWS, count)))
