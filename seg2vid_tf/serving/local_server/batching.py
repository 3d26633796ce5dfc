"""Dynamic batching: requests that wait at the same time run as one.

As in TensorFlow Serving, rows are concatenated on axis 0 where signature and outputs agree, wait at most a little
while, and may be filled up with copies to one of a few sizes. Unlike there, requests whose rows have other shapes never
share a batch, and when one is refused its requests run alone: a bad row is refused and its neighbours are answered.
"""

import collections
import concurrent.futures
import dataclasses
import threading
import time
from collections.abc import Callable

import numpy as np

from seg2vid_tf.serving.local_server.configs import BatchingParameters
from seg2vid_tf.serving.status import StatusError


@dataclasses.dataclass
class _Task:
    inputs: dict
    rows: int
    since: float
    deadline: float
    done: concurrent.futures.Future


class Batcher:
    """Runs a function on batches, in threads of its own until it is closed.

    Args:
      run: run(key, inputs, timeout seconds) -> {output: array with the batch's rows}; raises for a bad batch.
      parameters: sizes and times.
    """

    def __init__(self, run: Callable[[tuple, dict, float], dict], parameters: BatchingParameters):
        self._run, self._parameters = run, parameters
        self._queues: dict[tuple, collections.deque[_Task]] = {}
        self._changed, self._closed = threading.Condition(), False
        self._threads = [
            threading.Thread(target=self._work, name=f"batch_{i}", daemon=True)
            for i in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def __call__(self, key: tuple, inputs: dict[str, np.ndarray], timeout: float) -> dict[str, np.ndarray]:
        """Waits for the answer of one request.

        Args:
          key: what requests of one batch agree in, besides their inputs' shapes: signature and outputs.
          inputs: {name: array [rows, ...]}.
          timeout: seconds.

        Raises:
          StatusError: unequal or too many rows, a full queue, or no answer in time.
          Exception: what ``run`` raised for these rows.
        """
        sizes = {value.shape[:1] for value in inputs.values()}
        if len(sizes) != 1 or sizes == {()}:
            raise StatusError(
                "INVALID_ARGUMENT",
                "batching input tensors must have equal 0th-dimension size: "
                + ", ".join(f"{name}: {list(value.shape)}" for name, value in sorted(inputs.items())),
            )
        ((rows,),) = sizes
        most = self._parameters.max_batch_size
        if rows > most:
            raise StatusError(
                "INVALID_ARGUMENT", f"{rows} rows are more than the largest batch: send at most {most} at once"
            )
        key = (key, *((name, value.shape[1:]) for name, value in sorted(inputs.items())))
        now = time.monotonic()
        task = _Task(inputs, rows, now, now + timeout, concurrent.futures.Future())
        with self._changed:
            if self._closed:
                raise StatusError("UNAVAILABLE", "this version is being unloaded, ask again")
            queue = self._queues.setdefault(key, collections.deque())
            if rows + sum(waiting.rows for waiting in queue) > self._parameters.max_enqueued_batches * most:
                raise StatusError("UNAVAILABLE", "the batch scheduling queue is full, try again later")
            queue.append(task)
            self._changed.notify()
        try:
            return task.done.result(timeout)
        except concurrent.futures.TimeoutError as error:
            task.done.cancel()
            raise StatusError("DEADLINE_EXCEEDED", f"no answer within {timeout:g} s") from error

    def close(self) -> None:
        """Runs what waits, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self):
        while (batch := self._next_batch()) is not None:
            self._answer(*batch)

    def _next_batch(self):
        """Waits for a batch that is full or has waited long enough: (key, tasks); None at the end."""
        patience = self._parameters.batch_timeout_micros / 1e6
        with self._changed:
            while True:
                waiting = [(queue[0].since, key) for key, queue in self._queues.items() if queue]
                if not waiting:
                    if self._closed:
                        return None
                    self._changed.wait()
                    continue
                since, key = min(waiting, key=lambda entry: entry[0])
                left = since + patience - time.monotonic()
                if left <= 0 or self._closed:  # before full ones: a busy queue must not starve the others
                    return self._taken(key)
                most = self._parameters.max_batch_size
                full = [k for k, queue in self._queues.items() if sum(task.rows for task in queue) >= most]
                if full:
                    return self._taken(full[0])
                self._changed.wait(left)

    def _taken(self, key):
        queue, tasks, rows = self._queues[key], [], 0
        while queue and rows + queue[0].rows <= self._parameters.max_batch_size:
            task = queue.popleft()
            if task.done.set_running_or_notify_cancel():
                tasks.append(task)
                rows += task.rows
        if not queue:
            del self._queues[key]  # a key is made of what callers send: what is done with is forgotten
        return key[0], tasks

    def _answer(self, key, tasks):
        try:
            self._run_together(key, tasks)
        except Exception as error:  # whatever it is, it is the answer of whoever asked
            refused = isinstance(error, StatusError) and error.code == "INVALID_ARGUMENT"
            if refused and len(tasks) > 1:  # one of them is bad; of anything else, more would only make more
                for task in tasks:
                    self._answer(key, [task])
                return
            # Its traceback holds this batch's tensors, and they would hold it, until the garbage collector comes by.
            told = StatusError(error.code, error.message) if isinstance(error, StatusError) else error
            for task in tasks:
                task.done.set_exception(told.with_traceback(None))

    def _run_together(self, key, tasks):
        if not tasks:
            return
        rows = sum(task.rows for task in tasks)
        size = min((s for s in self._parameters.allowed_batch_sizes if s >= rows), default=rows)
        inputs = {}
        for name in tasks[0].inputs:
            parts = [task.inputs[name] for task in tasks]
            inputs[name] = np.concatenate([*parts, *[parts[-1][:1]] * (size - rows)])  # as the server does
        outputs = self._run(key, inputs, max(task.deadline for task in tasks) - time.monotonic())
        start = 0
        for task in tasks:
            task.done.set_result({name: value[start : start + task.rows] for name, value in outputs.items()})
            start += task.rows
