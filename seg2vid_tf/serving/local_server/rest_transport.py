"""REST: predict, status, metadata and the Prometheus page, at TensorFlow Serving's addresses.

POST /v1/models/<model>[/versions/<number> | /labels/<label>]:predict
GET  /v1/models/<model>[/versions/<number> | /labels/<label>][/metadata]
"""

import asyncio
import concurrent.futures
import contextlib
import json
import re
import threading
import time
import urllib.parse

import tensorflow as tf
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from seg2vid_tf.serving.local_server import json_tensor
from seg2vid_tf.serving.local_server.bodies import Bodies
from seg2vid_tf.serving.local_server.grpc_transport import signature_map, status_response
from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.local_server.metrics import Metrics
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.local_server.servable import DEFAULT_SIGNATURE
from seg2vid_tf.serving.status import HTTP_STATUS, StatusError

_WHICH = r"(?i:/v1/models/([^/:]+)(?:/versions/([0-9]{1,19})|/labels/([^/:]+))?)"
_PREDICT = re.compile(_WHICH + "(?i::predict)")
_STATUS = re.compile(_WHICH + "(?i:(/metadata)?)")
_LARGEST_VERSION = 2**63 - 1


def rest_transport(
    models: Models, metrics: Metrics, timeout: float, prometheus_path: str | None, limits: Limits
) -> Starlette:
    """The application.

    Args:
      models: what is served.
      metrics: where requests are counted.
      timeout: longest that a request is worked on, seconds.
      prometheus_path: address of the Prometheus page; None: there is none.
      limits: of what is read and worked on at once.
    """
    predictions = _Predictions(models, metrics, timeout, limits)

    async def answer(request: Request) -> Response:
        try:
            path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
            if request.method == "GET" and path == prometheus_path:
                return Response(metrics.page(), media_type="text/plain; version=0.0.4")
            if request.method == "GET":  # here, where no prediction is in the way
                content = _get(models, path)
            else:
                content = await predictions.answer(request, path)
        except StatusError as error:
            return _error(error)
        except ClientDisconnect:
            return Response(status_code=HTTP_STATUS["CANCELLED"])
        return Response(content, media_type="application/json")

    async def failed(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            code = "NOT_FOUND" if error.status_code == HTTP_STATUS["NOT_FOUND"] else "INVALID_ARGUMENT"
            return _error(StatusError(code, f"{request.method} {request.url.path}: {error.detail}"))
        return _error(StatusError("INTERNAL", f"{type(error).__name__}: {error}"))

    # Whatever the address and the method are, the error is a JSON object.
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"]
    handlers = {HTTPException: failed, Exception: failed}
    return Starlette(routes=[Route("/{path:path}", answer, methods=methods)], exception_handlers=handlers)


class _Predictions:
    """Answers predict requests, each in a thread, as many at once as the limits allow."""

    def __init__(self, models, metrics, timeout, limits):
        self._models, self._metrics, self._timeout, self._limits = models, metrics, timeout, limits
        self._bodies, self._in_flight = Bodies(limits), 0
        self._threads = concurrent.futures.ThreadPoolExecutor(limits.in_flight, thread_name_prefix="rest")
        # Large bodies are parsed one at a time: it takes memory, and the interpreter's lock.
        self._large = threading.Lock()

    async def answer(self, request, path):
        """The body of an answer.

        Raises:
          StatusError: what is wrong with the request.
        """
        which, _ = _parsed(_PREDICT.fullmatch(path) if request.method == "POST" else None, request.method, path)
        async with contextlib.AsyncExitStack() as reading:
            body = await reading.enter_async_context(self._bodies.read(request))
            with (
                self._slot(),
                self._models.use(*which) as servable,
                self._metrics.request(which[0], "REST"),
            ):
                end = time.monotonic() + self._timeout
                signature, inputs, rows = await self._in_thread(self._inputs, servable, body, end)
                del body
                await reading.aclose()  # others may send as much, now that this is parsed
                return await self._in_thread(_outputs, servable, signature, inputs, rows, end)

    @contextlib.contextmanager
    def _slot(self):
        if self._in_flight >= self._limits.in_flight:
            raise StatusError("RESOURCE_EXHAUSTED", f"{self._in_flight} requests are worked on, try again later")
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    def _in_thread(self, function, *arguments):
        return asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    def _inputs(self, servable, body, end):
        """(signature's name, {input: array}, whether they came in rows)."""
        if len(body) <= self._limits.small_bytes:
            return _read(servable, body)
        if not self._large.acquire(timeout=max(0.0, end - time.monotonic())):
            raise StatusError("RESOURCE_EXHAUSTED", "too many large requests at once: try again later, or use gRPC")
        try:
            return _read(servable, body)
        finally:
            self._large.release()


def _read(servable, body):
    document = json_tensor.parse_request(body)
    signature = document.get("signature_name") or DEFAULT_SIGNATURE
    if signature not in servable.signatures:
        raise StatusError("INVALID_ARGUMENT", f'Serving signature name: "{signature}" not found in signature def')
    types = {name: tf.as_dtype(info.dtype) for name, info in servable.signatures[signature].inputs.items()}
    return signature, json_tensor.read_inputs(document, types), "instances" in document


def _outputs(servable, signature, inputs, rows, end):
    left = end - time.monotonic()
    if left <= 0:
        raise StatusError("DEADLINE_EXCEEDED", "the deadline of this request had passed when its turn came")
    return json_tensor.write_outputs(servable.predict(signature, inputs, timeout=left), rows)


def _error(error):
    # Whose request did not come in time has half of one on the way, which would be taken for the next.
    headers = {"Connection": "close"} if error.code == "REQUEST_TIMEOUT" else None
    return Response(json_tensor.error_body(error.message), HTTP_STATUS[error.code], headers, "application/json")


def _parsed(match, method, path):
    """(model, version, label) of an address, and whether its metadata are meant; match: of _PREDICT or _STATUS."""
    if not path.lower().startswith("/v1/"):
        raise StatusError("NOT_FOUND", f"nothing is at {path}: the API's addresses begin with /v1/models/")
    if match is None:
        raise StatusError("INVALID_ARGUMENT", f"Malformed request: {method} {path}")
    name, version, label, *metadata = match.groups()
    if version is not None and int(version) > _LARGEST_VERSION:
        raise StatusError("INVALID_ARGUMENT", f"Failed to convert version: {version} to numeric.")
    which = urllib.parse.unquote(name), None if version is None else int(version), urllib.parse.unquote(label or "")
    return which, any(metadata)


def _get(models, path):
    which, metadata = _parsed(_STATUS.fullmatch(path), "GET", path)
    if not metadata:
        return _json(status_response(models, *which))
    with models.use(*which) as servable:
        model_spec = {"name": which[0], "signature_name": "", "version": str(servable.version)}
        signatures = json.loads(_json(signature_map(servable)))
        return json.dumps({"model_spec": model_spec, "metadata": {"signature_def": signatures}}).encode()


def _json(message):
    """A message with its empty fields, whose option has another name in each stack's protobuf."""
    try:
        text = json_format.MessageToJson(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    except TypeError:
        text = json_format.MessageToJson(message, preserving_proto_field_name=True, including_default_value_fields=True)
    return text.encode()
