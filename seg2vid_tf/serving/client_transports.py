"""What a client asks through: REST, which needs nothing beyond NumPy, and gRPC (grpcio, protobuf). No TensorFlow.

A transport is predict(signature, inputs, timeout) -> outputs, status(timeout) -> {version: state},
input_shapes(timeout) -> {signature: {input: its sizes, -1 where they are free}}, and close(); what the server says
instead of an answer is a StatusError. A timeout is that of the whole answer. Proxies of the environment are for other
machines: a server on this one is asked directly.
"""

import base64
import contextlib
import functools
import http.client
import ipaddress
import json
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import numpy as np

from seg2vid_tf.serving.status import HTTP_STATUS, StatusError, plain

_MESSAGE_BYTES = 64 << 20
# TensorFlow's names of the types that JSON's numbers may stand for.
_TYPES = {f"DT_{name.upper()}": name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")}
_TYPES |= {"DT_UINT64": "uint64", "DT_HALF": "float16", "DT_FLOAT": "float32", "DT_DOUBLE": "float64"}


class RestTransport:
    """REST, over HTTP."""

    def __init__(self, address, model, version, label):
        which = f"/versions/{version}" if version is not None else f"/labels/{label}" if label else ""
        self._url = f"http://{address}/v1/models/{urllib.parse.quote(model, safe='')}{which}"
        self._direct, self._described = _on_this_machine(address), None

    def predict(self, signature, inputs, timeout):
        end = time.monotonic() + timeout
        columns = {name: _json(value) for name, value in inputs.items()}
        outputs = self._ask(":predict", {"signature_name": signature, "inputs": columns}, timeout, "outputs")
        if not isinstance(outputs, dict) or set(outputs) == {"b64"}:  # a single output has no name
            outputs = {next(iter(self._outputs(signature, end))): outputs}
        arrays = {name: _from_json(value) for name, value in outputs.items()}
        if any(np.asarray(array).dtype.kind in "iuf" for array in arrays.values()):  # JSON does not say which
            for name, tensor in self._outputs(signature, end).items():
                if name in arrays and tensor["dtype"] in _TYPES:
                    arrays[name] = np.asarray(arrays[name], _TYPES[tensor["dtype"]])
        return arrays

    def status(self, timeout):
        states = self._ask("", None, timeout, "model_version_status")
        return {int(state["version"]): state["state"] for state in states}

    def close(self):
        pass  # nothing is held open

    def input_shapes(self, timeout):
        return {
            name: {
                key: [int(dim["size"]) for dim in tensor["tensor_shape"].get("dim", ())]
                for key, tensor in signature.get("inputs", {}).items()
            }
            for name, signature in self._signatures(timeout).items()
        }

    def _outputs(self, signature, end):
        """{output: its description} of a signature, which is asked for once."""
        if self._described is None or signature not in self._described:
            self._described = self._signatures(max(0.001, end - time.monotonic()))
        return self._described[signature or "serving_default"]["outputs"]

    def _signatures(self, timeout):
        return self._ask("/metadata", None, timeout, "metadata")["signature_def"]["signature_def"]

    def _ask(self, what, document, timeout, key):
        body = None if document is None else json.dumps(document).encode()
        try:
            with _opened_until(timeout, self._direct) as opener:
                try:
                    with opener.open(urllib.request.Request(self._url + what, body), timeout=timeout) as answer:
                        content = answer.read()
                except urllib.error.HTTPError as error:
                    raise _http_error(error) from error
        except http.client.HTTPException as error:
            message = f"{self._url}: no answer in HTTP, is this the REST port? ({type(error).__name__}: {error})"
            raise StatusError("UNAVAILABLE", message) from error
        except TimeoutError as error:
            raise StatusError("DEADLINE_EXCEEDED", f"{self._url}: no answer in time") from error
        except (
            urllib.error.URLError,
            ConnectionError,
            socket.gaierror,
            UnicodeError,
        ) as error:  # a name as no host has
            if isinstance(getattr(error, "reason", None), TimeoutError):
                raise StatusError("DEADLINE_EXCEEDED", f"{self._url}: no answer in time") from error
            raise StatusError("UNAVAILABLE", f"{self._url}: {getattr(error, 'reason', error)}") from error
        try:
            return json.loads(content)[key]
        except (ValueError, KeyError, TypeError) as error:
            raise StatusError("UNKNOWN", f"{self._url}: answered something else than {key}: {content[:80]}") from error


class GrpcTransport:
    """gRPC."""

    def __init__(self, address, model, version, label):
        try:
            import grpc  # Only here: by REST nothing of this is needed.

            from seg2vid_tf.serving import messages
        except ImportError as error:
            raise ImportError(f"gRPC needs two packages: pip install grpcio protobuf ({error})") from error

        self._messages, self._error = messages, grpc.RpcError
        options = [(f"grpc.max_{way}_message_length", _MESSAGE_BYTES) for way in ("receive", "send")]
        options += [("grpc.enable_http_proxy", 0)] if _on_this_machine(address) else []
        self._channel = grpc.insecure_channel(address, options)
        self._model, self._version, self._label = model, version, label

    def predict(self, signature, inputs, timeout):
        request = self._request("Predict")
        request.model_spec.signature_name = signature
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(self._messages.tensor(value))
        answer = self._call("PredictionService/Predict", request, timeout)
        return {name: self._messages.array(tensor) for name, tensor in answer.outputs.items()}

    def status(self, timeout):
        answer = self._call("ModelService/GetModelStatus", self._request("GetModelStatus"), timeout)
        states = self._messages.STATES
        return {state.version: states.get(state.state, "UNKNOWN") for state in answer.model_version_status}

    def input_shapes(self, timeout):
        request = self._request("GetModelMetadata", metadata_field=["signature_def"])
        answer = self._call("PredictionService/GetModelMetadata", request, timeout)
        found = self._messages.MESSAGES["SignatureDefMap"].FromString(answer.metadata["signature_def"].value)
        return {
            name: {key: [dim.size for dim in tensor.tensor_shape.dim] for key, tensor in signature.inputs.items()}
            for name, signature in found.signature_def.items()
        }

    def close(self):
        self._channel.close()

    def _request(self, method, **fields):
        request = self._messages.MESSAGES[f"{method}Request"](**fields)
        request.model_spec.name = self._model
        if self._version is not None:
            request.model_spec.version.value = self._version
        if self._label:
            request.model_spec.version_label = self._label
        return request

    def _call(self, path, request, timeout):
        answer = self._messages.MESSAGES[f"{path.split('/')[1]}Response"]
        method = self._channel.unary_unary(
            f"/tensorflow.serving.{path}", type(request).SerializeToString, answer.FromString
        )
        try:
            return method(request, timeout=timeout)
        except self._error as error:
            raise StatusError(error.code().name, plain(error.details())) from error


def _on_this_machine(address):
    host = urllib.parse.urlsplit(f"//{address}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class _Connection(http.client.HTTPConnection):
    """One that tells which socket it opened."""

    def __init__(self, *args, opened, **kwargs):
        super().__init__(*args, **kwargs)
        self._opened = opened

    def connect(self):
        super().connect()
        self._opened(self.sock)


class _Handler(urllib.request.HTTPHandler):
    def __init__(self, opened):
        super().__init__()
        self._opened = opened

    def http_open(self, request):
        return self.do_open(functools.partial(_Connection, opened=self._opened), request)


@contextlib.contextmanager
def _opened_until(seconds, direct):
    """A urllib opener whose connections end after some time, whatever still comes: urllib's own is that of each read.

    Args:
      seconds: the time.
      direct: whether no proxy is between.

    Raises:
      TimeoutError: the time was over before the with statement was.
    """
    sockets, late = [], threading.Event()

    def opened(connected):
        sockets.append(connected)
        if late.is_set():
            end()

    def end():
        late.set()
        for connected in sockets:
            with contextlib.suppress(OSError):  # it may be closed by now
                connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    opener = urllib.request.OpenerDirector()
    # urllib's own for HTTP; one for HTTPS, which is not asked here, would read all certificates of the machine.
    for handler in (
        urllib.request.ProxyHandler({} if direct else None),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.UnknownHandler(),  # a redirect to https, which no transport here asks by
        urllib.request.HTTPErrorProcessor(),
        _Handler(opened),
    ):
        opener.add_handler(handler)
    try:
        yield opener
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(f"no answer within {seconds:g} s")


def _http_error(error):
    try:
        message = json.loads(error.read())["error"]
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        message = str(error)
    names = {status: name for name, status in reversed(HTTP_STATUS.items())}
    # 400 and 500 stand for several codes; those that are meant almost always.
    names |= {400: "INVALID_ARGUMENT", 500: "INTERNAL"}
    return StatusError(names.get(error.code, "UNKNOWN"), plain(message))


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
