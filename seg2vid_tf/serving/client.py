"""Seg2VidClient: videos from a server, by gRPC or REST, from any machine.

By REST it needs NumPy and Pillow alone; by gRPC also TensorFlow Serving's messages, whose package loads TensorFlow.
"""

import base64
import http.client
import io
import json
import os
import pathlib
import socket
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.png_file import read_ids_png
from seg2vid_tf.serving.status import HTTP_STATUS, StatusError

MESSAGE_BYTES = 64 << 20
_WAIT, _LONGEST_WAIT = 0.1, 2.0  # seconds between tries; doubled each time


class Seg2VidClient:
    """Asks one model of one server.

    Args:
      address: "host:port", of the server's gRPC or REST door.
      model: its name there.
      protocol: "grpc" or "rest".
      version: its number; None: the newest, or the one that ``label`` names.
      label: a version's label, as "stable".
      timeout: of one answer with all its tries, seconds.
      retries: how often a server that is UNAVAILABLE, or not there, is asked again.

    Raises:
      ValueError: unknown protocol, or both version and label.
    """

    def __init__(
        self,
        address: str,
        model: str,
        protocol: str = "grpc",
        version: int | None = None,
        label: str | None = None,
        timeout: float = 60.0,
        retries: int = 5,
    ):
        if protocol not in ("grpc", "rest"):
            raise ValueError(f"protocol must be 'grpc' or 'rest', received {protocol!r}")
        if version is not None and label:
            raise ValueError(f"give a version or a label, received {version} and {label!r}")
        self._timeout, self._retries = timeout, retries
        self._door = (_Grpc if protocol == "grpc" else _Rest)(address, model, version, label)

    def generate(self, label_map: str | os.PathLike | np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """A video from a label map.

        Args:
          label_map: a PNG file of class ids, grey or palette, or uint8 [H, W].
          seed: what is drawn: the same one gives the same video.

        Returns:
          frames uint8 [T+1, H, W, 3], and the last frame's label map uint8 [H, W].

        Raises:
          ValueError: no label map.
          StatusError: what the server says.
        """
        inputs = {"label_map_png": [_ids_png(label_map)], "seed": np.array([seed], np.int64)}
        return self._video("serving_default", inputs)

    def animate(self, start_frame: str | os.PathLike | np.ndarray, label_map, seed: int = 0):
        """A video from a picture, a JPEG or PNG file or uint8 [H, W, 3], and its label map; as ``generate``."""
        return self._video("animate", self._files(start_frame, label_map, seed))

    def go_on(self, last_frame, last_label_map, seed: int, chunk: int, walk: float = 0.0):
        """The next T frames of a video, from its last frame and label map.

        Args:
          last_frame, last_label_map: of ``generate``, ``animate`` or the chunk before.
          seed: as there.
          chunk: 1 for the first one that goes on, 2, ...
          walk: how far the motion changes from chunk to chunk, 0 (not at all) .. 1 (drawn anew).

        Returns:
          frames uint8 [T, H, W, 3], and the last frame's label map.
        """
        more = {"chunk": np.array([chunk], np.int64), "walk": np.array([walk], np.float32)}
        return self._video("continue", {**self._files(last_frame, last_label_map, seed), **more})

    def predict(self, signature: str, inputs: dict[str, np.ndarray | list[bytes]]) -> dict[str, np.ndarray]:
        """Any signature: {name: array or list of files, a row each} -> {name: array}.

        Raises:
          StatusError: what the server says.
        """
        inputs = {n: np.array(v, object) if isinstance(v, list) else np.asarray(v) for n, v in inputs.items()}
        return self._again(lambda timeout: self._door.predict(signature, inputs, timeout))

    def status(self) -> dict[int, str]:
        """{version: its state}, as "AVAILABLE".

        Raises:
          StatusError: what the server says.
        """
        return self._again(self._door.status)

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Waits until a version can be asked.

        Raises:
          StatusError: none can, and what was said at the end.
        """
        end, wait = time.monotonic() + timeout, _WAIT
        while True:
            try:
                states = self._door.status(min(5.0, timeout))
                if "AVAILABLE" in states.values():
                    return
                error = StatusError("UNAVAILABLE", f"no version is ready: {states}")
            except StatusError as unready:
                error = unready
            if time.monotonic() + wait > end:
                raise error
            time.sleep(wait)
            wait = min(_LONGEST_WAIT, 2 * wait)

    def close(self) -> None:
        """Ends the connection."""
        self._door.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _video(self, signature, inputs):
        answer = self.predict(signature, inputs)
        frames = np.stack([np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in answer["frames_bytes"][0]])
        return frames, np.asarray(Image.open(io.BytesIO(answer["label_map_bytes"][0])))

    def _files(self, picture, label_map, seed):
        data = _png(np.asarray(picture)) if isinstance(picture, np.ndarray) else pathlib.Path(picture).read_bytes()
        seeds = np.array([seed], np.int64)
        return {"start_frame_jpeg": [data], "label_map_png": [_ids_png(label_map)], "seed": seeds}

    def _again(self, ask):
        end, wait = time.monotonic() + self._timeout, _WAIT
        for left in range(self._retries, -1, -1):
            try:
                return ask(max(0.001, end - time.monotonic()))
            except StatusError as error:
                if error.code != "UNAVAILABLE" or not left or time.monotonic() + wait > end:
                    raise
            time.sleep(wait)
            wait = min(_LONGEST_WAIT, 2 * wait)


class _Rest:
    """The HTTP door."""

    def __init__(self, address, model, version, label):
        which = f"/versions/{version}" if version is not None else f"/labels/{label}" if label else ""
        self._url = f"http://{address}/v1/models/{urllib.parse.quote(model, safe='')}{which}"

    def predict(self, signature, inputs, timeout):
        columns = {name: _json(value) for name, value in inputs.items()}
        outputs = self._ask(":predict", {"signature_name": signature, "inputs": columns}, timeout, "outputs")
        if not isinstance(outputs, dict) or set(outputs) == {"b64"}:  # a single output has no name
            outputs = {self._only_output(signature, timeout): outputs}
        return {name: _from_json(value) for name, value in outputs.items()}

    def status(self, timeout):
        states = self._ask("", None, timeout, "model_version_status")
        return {int(state["version"]): state["state"] for state in states}

    def close(self):
        pass  # nothing is held open

    def _only_output(self, signature, timeout):
        signatures = self._ask("/metadata", None, timeout, "metadata")["signature_def"]["signature_def"]
        return next(iter(signatures[signature]["outputs"]))

    def _ask(self, what, document, timeout, key):
        body = None if document is None else json.dumps(document).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(self._url + what, body), timeout=timeout) as answer:
                content = answer.read()
        except urllib.error.HTTPError as error:
            raise _http_error(error) from error
        except http.client.HTTPException as error:
            message = f"{self._url}: no answer in HTTP, is this the REST port? ({type(error).__name__}: {error})"
            raise StatusError("UNAVAILABLE", message) from error
        except TimeoutError as error:
            raise StatusError("DEADLINE_EXCEEDED", f"{self._url}: no answer in time") from error
        except (urllib.error.URLError, ConnectionError, socket.gaierror) as error:
            if isinstance(getattr(error, "reason", None), TimeoutError):
                raise StatusError("DEADLINE_EXCEEDED", f"{self._url}: no answer in time") from error
            raise StatusError("UNAVAILABLE", f"{self._url}: {getattr(error, 'reason', error)}") from error
        try:
            return json.loads(content)[key]
        except (ValueError, KeyError, TypeError) as error:
            raise StatusError("UNKNOWN", f"{self._url}: answered something else than {key}: {content[:80]}") from error


class _Grpc:
    """The gRPC door."""

    def __init__(self, address, model, version, label):
        import grpc  # Only here: by REST nothing of this, and of TensorFlow, is needed.
        import tensorflow as tf
        from tensorflow_serving.apis import (
            get_model_status_pb2,
            model_service_pb2_grpc,
            predict_pb2,
            prediction_service_pb2_grpc,
        )

        self._tf, self._error = tf, grpc.RpcError
        self._predict_pb2, self._status_pb2 = predict_pb2, get_model_status_pb2
        limits = [(f"grpc.max_{way}_message_length", MESSAGE_BYTES) for way in ("receive", "send")]
        self._channel = grpc.insecure_channel(address, limits)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._model, self._version, self._label = model, version, label

    def predict(self, signature, inputs, timeout):
        request = self._named(self._predict_pb2.PredictRequest())
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(self._tf.make_tensor_proto(value))
        answer = self._call(self._predictions.Predict, request, timeout)
        return {name: self._tf.make_ndarray(tensor) for name, tensor in answer.outputs.items()}

    def status(self, timeout):
        answer = self._call(self._models.GetModelStatus, self._named(self._status_pb2.GetModelStatusRequest()), timeout)
        names = self._status_pb2.ModelVersionStatus.State
        return {state.version: names.Name(state.state) for state in answer.model_version_status}

    def close(self):
        self._channel.close()

    def _named(self, request):
        request.model_spec.name = self._model
        if self._version is not None:
            request.model_spec.version.value = self._version
        if self._label:
            request.model_spec.version_label = self._label
        return request

    def _call(self, method, request, timeout):
        try:
            return method(request, timeout=timeout)
        except self._error as error:
            raise StatusError(error.code().name, error.details()) from error


def _http_error(error):
    try:
        message = json.loads(error.read())["error"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        message = str(error)
    names = {status: name for name, status in reversed(HTTP_STATUS.items())}
    # 400 and 500 stand for several codes; those that are meant almost always.
    names |= {400: "INVALID_ARGUMENT", 500: "INTERNAL"}
    return StatusError(names.get(error.code, "UNKNOWN"), message)


def _json(value):
    if value.dtype != object:
        return value.tolist()
    return [{"b64": base64.b64encode(item).decode()} for item in value]


def _from_json(value):
    if isinstance(value, list):
        rows = [_from_json(item) for item in value]
        if rows and np.asarray(rows[0]).dtype.kind in "SO":
            array = np.empty((len(rows), *np.shape(rows[0])), object)
            array[:] = rows
            return array
        return np.array(value)
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def _ids_png(label_map):
    ids = label_map if isinstance(label_map, np.ndarray) else read_ids_png(label_map, allow_palette=True)
    if ids.dtype != np.uint8 or ids.ndim != 2:
        raise ValueError(f"label_map must be uint8 [H, W] or a PNG file, received {ids.dtype} {list(ids.shape)}")
    return _png(ids)


def _png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()
