"""The REST door: predict, status, metadata and the Prometheus page, at TensorFlow Serving's addresses.

POST /v1/models/<model>[/versions/<number> | /labels/<label>]:predict
GET  /v1/models/<model>[/versions/<number> | /labels/<label>][/metadata]
"""

import json
import re
import urllib.parse

import tensorflow as tf
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from seg2vid_tf.serving.local_server import json_tensor
from seg2vid_tf.serving.local_server.grpc_door import signature_map, status_response
from seg2vid_tf.serving.local_server.metrics import Metrics
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.local_server.servable import DEFAULT_SIGNATURE
from seg2vid_tf.serving.status import HTTP_STATUS, StatusError

_WHICH = r"(?i:/v1/models/([^/:]+)(?:/versions/([0-9]{1,19})|/labels/([^/:]+))?)"
_PREDICT = re.compile(_WHICH + "(?i::predict)")
_STATUS = re.compile(_WHICH + "(?i:(/metadata)?)")
# A JSON document becomes thirty times as large in memory.
_LARGEST_BODY = 16 << 20
_LARGEST_VERSION = 2**63 - 1


def rest_door(models: Models, metrics: Metrics, timeout: float, prometheus_path: str | None) -> Starlette:
    """The application.

    Args:
      models: what is served.
      metrics: where requests are counted.
      timeout: longest that a request may take, seconds.
      prometheus_path: address of the Prometheus page; None: there is none.
    """

    async def answer(request: Request) -> Response:
        try:
            body = await _body(request)
            path = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
            if request.method == "GET" and path == prometheus_path:
                return Response(metrics.page(), media_type="text/plain; version=0.0.4")
            if request.method == "GET":  # here, where no prediction is in the way
                content = _get(models, path)
            else:
                content = await run_in_threadpool(_post, models, metrics, timeout, request.method, path, body)
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


def _error(error):
    return Response(json_tensor.error_body(error.message), HTTP_STATUS[error.code], media_type="application/json")


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


def _post(models, metrics, timeout, method, path, body):
    which, _ = _parsed(_PREDICT.fullmatch(path) if method == "POST" else None, method, path)
    with models.use(*which) as servable, metrics.request(which[0], "REST"):
        return _predict(servable, body, timeout)


def _get(models, path):
    which, metadata = _parsed(_STATUS.fullmatch(path), "GET", path)
    if not metadata:
        return _json(status_response(models, *which))
    with models.use(*which) as servable:
        model_spec = {"name": which[0], "signature_name": "", "version": str(servable.version)}
        signatures = json.loads(_json(signature_map(servable)))
        return json.dumps({"model_spec": model_spec, "metadata": {"signature_def": signatures}}).encode()


def _predict(servable, body, timeout):
    document = json_tensor.parse_request(body)
    signature = document.get("signature_name") or DEFAULT_SIGNATURE
    if signature not in servable.signatures:
        raise StatusError("INVALID_ARGUMENT", f'Serving signature name: "{signature}" not found in signature def')
    types = {name: tf.as_dtype(info.dtype) for name, info in servable.signatures[signature].inputs.items()}
    outputs = servable.predict(signature, json_tensor.read_inputs(document, types), timeout=timeout)
    return json_tensor.write_outputs(outputs, rows="instances" in document)


async def _body(request):
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise StatusError("RESOURCE_EXHAUSTED", f"the request is larger than {_LARGEST_BODY >> 20} MiB; use gRPC")
    return bytes(body)


def _json(message):
    """A message with its empty fields, whose option has another name in each stack's protobuf."""
    try:
        text = json_format.MessageToJson(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    except TypeError:
        text = json_format.MessageToJson(message, preserving_proto_field_name=True, including_default_value_fields=True)
    return text.encode()
