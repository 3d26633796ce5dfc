"""One loaded version of a model: its session, proved by its warm-up requests, and what its signatures accept."""

import gc
import logging
import pathlib
import threading
import time

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import error_codes_pb2, meta_graph_pb2

from seg2vid_tf.serving.local_server.batching import Batcher
from seg2vid_tf.serving.local_server.configs import BatchingParameters
from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.session_loader import SessionLoader
from seg2vid_tf.serving.status import StatusError, plain
from seg2vid_tf.serving.warmup import warm_up

DEFAULT_SIGNATURE = "serving_default"
_WARMUP_SECONDS = 600.0
_LOG = logging.getLogger(__name__)


class Servable:
    """A version, loaded and warm; ``retire`` frees it once nobody uses it.

    Args:
      folder: the version folder.
      version: its number.
      batching: how requests are put together; None: each runs as it comes, a few at once.
      most_rows: of a request where ``batching`` does not say it.

    Raises:
      Exception: it cannot be loaded, or a warm-up request fails.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        version: int,
        batching: BatchingParameters | None = None,
        most_rows: int = Limits.rows,
    ):
        self.version, self._most_rows = version, most_rows
        _LOG.info("%s: loading", folder)
        self._loader = SessionLoader(folder)
        self._batcher = None if batching is None else Batcher(self._run, batching)
        # As many as a batcher would run: each takes a model's memory.
        self._places = threading.BoundedSemaphore(BatchingParameters().num_batch_threads)
        self._users, self._free = 0, threading.Condition()

        def warm(signature, inputs):
            _LOG.info("%s: warming up %s", folder, signature)
            return self.predict(signature, inputs, timeout=_WARMUP_SECONDS)

        try:
            warm_up(folder, warm)
        except BaseException:
            self.retire()
            raise

    @property
    def signatures(self) -> dict[str, meta_graph_pb2.SignatureDef]:
        """{name: inputs and outputs}."""
        return self._loader.signatures

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray], outputs: tuple[str, ...] = (), timeout: float = 30.0
    ) -> dict[str, np.ndarray]:
        """Answers one request.

        Args:
          signature: its name; "": serving_default.
          inputs: {name: array}.
          outputs: names of those wanted; (): all.
          timeout: seconds.

        Raises:
          StatusError: unknown signature, inputs or outputs, a wrong type, what the graph refuses, or no answer in time.
        """
        signature = signature or DEFAULT_SIGNATURE
        if signature not in self.signatures:
            raise StatusError("FAILED_PRECONDITION", f'Serving signature key "{signature}" not found.')
        definition = self.signatures[signature]
        self._check_inputs(definition, inputs)
        unknown = set(outputs) - set(definition.outputs)
        if unknown or len(set(outputs)) < len(outputs):
            raise StatusError(
                "INVALID_ARGUMENT",
                f"output tensor alias not found in signature, or twice: {list(outputs)}. "
                f"Outputs expected to be in the set {{{','.join(sorted(definition.outputs))}}}.",
            )
        key = signature, tuple(outputs) or tuple(definition.outputs)
        return (self._run_alone if self._batcher is None else self._batcher)(key, inputs, timeout)

    def __enter__(self):
        with self._free:
            self._users += 1
        return self

    def __exit__(self, *_):
        with self._free:
            self._users -= 1
            self._free.notify_all()

    def retire(self, seconds: float | None = None) -> None:
        """Waits until nobody uses it, so many seconds at most, and frees it."""
        with self._free:
            if not self._free.wait_for(lambda: self._users == 0, seconds):
                return  # the process ends; what still runs cannot be freed
        if self._batcher is not None:
            self._batcher.close()
        self._loader.close()
        gc.collect()  # a graph's parts refer to each other, 150 MiB that would stay with every version

    def _run_alone(self, key, inputs, timeout):
        rows = max((value.shape[0] for value in inputs.values() if value.ndim), default=0)
        if rows > self._most_rows:
            raise StatusError(
                "INVALID_ARGUMENT",
                f"{rows} rows are more than {self._most_rows}: send fewer at once, or start the server with a "
                "--batching_parameters_file whose max_batch_size is larger",
            )
        start = time.monotonic()
        if not self._places.acquire(timeout=max(0.0, timeout)):
            raise StatusError("DEADLINE_EXCEEDED", f"no answer within {timeout:g} s")
        try:
            return self._run(key, inputs, timeout - (time.monotonic() - start))
        finally:
            self._places.release()

    def _run(self, key, inputs, timeout):
        signature, outputs = key
        try:
            return self._loader.run(signature, inputs, outputs, timeout)
        except tf.errors.OpError as error:
            raise StatusError(error_codes_pb2.Code.Name(error.error_code), plain(error.message)) from error

    def _check_inputs(self, definition, inputs):
        """A session would cast a wrong type in silence, where the server's refuses it."""
        given, wanted = set(inputs), set(definition.inputs)
        if given != wanted:
            raise StatusError(
                "INVALID_ARGUMENT",
                f"input size does not match signature: Sent extra: {{{','.join(sorted(given - wanted))}}}. "
                f"Missing but required: {{{','.join(sorted(wanted - given))}}}.",
            )
        for name, value in inputs.items():
            info = definition.inputs[name]
            wanted_type = tf.as_dtype(info.dtype)
            given_type = tf.string if value.dtype == object else tf.as_dtype(value.dtype)
            if given_type != wanted_type:
                raise StatusError("INVALID_ARGUMENT", f"{name} must be {wanted_type.name}, received {given_type.name}")
            shape = tf.TensorShape(info.tensor_shape)
            if not shape.is_compatible_with(value.shape):
                raise StatusError("INVALID_ARGUMENT", f"{name} must have shape {shape}, received {list(value.shape)}")
            if value.shape[:1] == (0,):  # wherever it would stand in a batch
                raise StatusError("INVALID_ARGUMENT", f"{name} has no row, its shape is {list(value.shape)}")
