"""What the local server takes on at once, at its ports: a model that does as it is told stands behind them."""

import concurrent.futures
import contextlib
import gzip
import http.client
import json
import socket
import struct
import threading
import time
import types

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.config import model_server_config_pb2

from seg2vid_tf.serving.client_transports import GrpcTransport, RestTransport
from seg2vid_tf.serving.local_server import models as models_module
from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.local_server.server import LocalServer
from seg2vid_tf.serving.status import StatusError

# The times are what a good request takes on a machine with much else to do, many times over.
LIMITS = Limits(connections=4, in_flight=2, body_bytes=4 << 20, read_seconds=2.0, answer_seconds=4.0)
BODY = b'{"inputs": {"x": [1, 2]}}'
ANSWER = {"outputs": [2.0, 4.0]}


class _Doubling:
    """A servable that doubles x; -1 waits at the gate, where it is counted, -2 has a large answer."""

    gate, waiting = threading.Event(), threading.Semaphore(0)

    def __init__(self, folder, version, batching, most_rows):
        self.version = version
        definition = meta_graph_pb2.SignatureDef()
        definition.inputs["x"].dtype = definition.outputs["y"].dtype = tf.float32.as_datatype_enum
        self.signatures = {"serving_default": definition}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def retire(self, seconds=None):
        pass

    def predict(self, signature, inputs, outputs=(), timeout=None):
        if inputs["x"][0] == -1:
            self.waiting.release()
            if not self.gate.wait(timeout):
                raise StatusError("DEADLINE_EXCEEDED", f"no answer within {timeout:.1f} s")
        return {"y": np.zeros(2_000_000, np.float32) if inputs["x"][0] == -2 else 2 * inputs["x"]}


@pytest.fixture
def served(monkeypatch, tmp_path):
    """served(**more) -> a LocalServer of "double" that runs, with the limits above."""
    monkeypatch.setattr(models_module, "Servable", _Doubling)
    _Doubling.gate.clear()
    (tmp_path / "double" / "1").mkdir(parents=True)
    with contextlib.ExitStack() as running:

        def serve(**more):
            server = LocalServer(_config(tmp_path / "double"), **{"limits": LIMITS, "rest_timeout": 30.0, **more})
            return running.enter_context(server)

        yield serve
        _Doubling.gate.set()


def _config(folder):
    text = f'config {{ name: "double" base_path: "{folder}" model_platform: "tensorflow" }}'
    return text_format.Parse(f"model_config_list {{ {text} }}", model_server_config_pb2.ModelServerConfig())


def _connect(server):
    return socket.create_connection(("127.0.0.1", server.rest_api_port), timeout=30)


def _post(server, body=BODY, **headers):
    """(status, JSON object) of a predict request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_api_port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", "/v1/models/double:predict", body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def _head(length):
    return b"POST /v1/models/double:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


def _all(connection):
    """What comes until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def test_it_listens_where_it_is_told_and_on_this_machine_alone_unless_it_is(served):
    server = served()
    assert (server.host, _post(server)) == ("127.0.0.1", (200, ANSWER))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.rest_api_port))
    assert served(host="127.0.0.2").host == "127.0.0.2"
    with pytest.raises(ValueError, match="host 'no such host' cannot be found, give another --host"):
        served(host="no such host")


def test_unfinished_requests_are_answered_408_and_closed_and_others_go_on(served):
    server = served()
    with _connect(server) as silent, _connect(server) as head, _connect(server) as body:
        head.sendall(b"POST /v1/models/double:predict HTTP/1.1\r\nHost:")
        body.sendall(_head(100) + b"{")
        assert _post(server) == (200, ANSWER)
        assert _all(body).startswith(b"HTTP/1.1 408 ")
        assert (_all(silent), _all(head)) == (b"", b"")


def test_one_connection_more_is_told_so_and_there_is_room_again(served):
    server = served()
    with contextlib.ExitStack() as opened:
        for _ in range(LIMITS.connections):
            opened.enter_context(_connect(server)).sendall(_head(100))
        assert _all(opened.enter_context(_connect(server))).startswith(b"HTTP/1.1 429 ")
    assert _until(lambda: _status(server)) == 200


def _status(server):
    with contextlib.suppress(ConnectionError):
        status, _ = _post(server)
        return status == 200 and status


def _until(true):
    end = time.monotonic() + 30
    while not (value := true()):
        assert time.monotonic() < end
    return value


def test_one_request_more_is_refused_at_both_ports_and_a_call_without_a_deadline_has_one(served):
    server = served()
    waiting = json.dumps({"inputs": {"x": [-1]}}).encode()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(_post, server, waiting) for _ in range(LIMITS.in_flight)]
        for _ in range(LIMITS.in_flight):
            assert _Doubling.waiting.acquire(timeout=30)
        status, document = _post(server)
        assert status == 429 and "2 requests" in document["error"]
        _Doubling.gate.set()
        assert [answer.result() for answer in asked] == [(200, {"outputs": [-2.0]})] * 2
        _Doubling.gate.clear()
        transports = [GrpcTransport(f"127.0.0.1:{server.port}", "double", None, None) for _ in range(3)]
        calls = [pool.submit(transport.predict, "", {"x": np.float32([-1])}, None) for transport in transports]
        codes = sorted(call.exception().code for call in calls)
        assert codes == ["DEADLINE_EXCEEDED"] * 2 + ["RESOURCE_EXHAUSTED"], "all three within answer_seconds"
        for transport in transports:
            transport.close()


@pytest.mark.parametrize("days", [400, -400])
def test_a_clock_that_is_put_forward_or_back_ends_no_call(served, monkeypatch, days):
    grpc_server = pytest.importorskip("grpc._server")
    server = served()
    jumped = types.SimpleNamespace(time=lambda: time.time() + days * 86_400)
    monkeypatch.setattr(grpc_server, "time", jumped)
    transport = GrpcTransport(f"127.0.0.1:{server.port}", "double", None, None)
    assert transport.predict("", {"x": np.float32([2])}, 30.0)["y"].tolist() == [4.0]
    transport.close()


def _frame(kind, flags, stream, payload):
    """A frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def test_half_a_grpc_message_is_ended_too(served):
    server = served()
    fields = {":method": "POST", ":scheme": "http", ":path": "/tensorflow.serving.PredictionService/Predict"}
    fields |= {":authority": "x", "te": "trailers", "content-type": "application/grpc"}
    headers = b"".join(
        b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in field) for field in fields.items()
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b"") + _frame(1, 4, 1, headers))
        connection.sendall(_frame(0, 0, 1, struct.pack(">bI", 0, 1000) + b"half"))
        received, cancelled = b"", b"grpc-status\x011"
        while cancelled not in received:
            part = connection.recv(1 << 16)
            assert part, received
            received += part


def test_an_answer_that_nobody_fetches_is_not_kept(served):
    server = served()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # or the kernel takes all of it
        connection.connect(("127.0.0.1", server.rest_api_port))
        body = b'{"inputs": {"x": [-2]}}'
        connection.sendall(_head(len(body)) + body)
        connection.recv(100)
        time.sleep(1.5 * LIMITS.read_seconds)
        assert len(_all(connection)) < 8_000_000, "the end of it is gone"


def test_gzip_bodies_are_unpacked_and_what_is_too_large_is_told_so(served):
    server = served()
    assert _post(server, gzip.compress(BODY), **{"Content-Encoding": "gzip"}) == (200, ANSWER)
    assert _post(server, BODY + b" " * LIMITS.body_bytes)[0] == 429
    many = b'{"inputs": {"x": [%b0]}}' % (b"0," * (3 << 19))
    status, document = _post(server, many)
    assert status == 429 and "hold so many values" in document["error"]


def test_the_client_gets_the_types_that_grpc_gives(served):
    server = served()
    rest = RestTransport(f"127.0.0.1:{server.rest_api_port}", "double", None, None)
    answer = rest.predict("serving_default", {"x": np.float32([0.05])}, 30.0)
    assert answer["y"].dtype == np.float32 and answer["y"] == np.float32(0.1)


def test_callers_may_change_the_config_only_where_that_is_allowed(served, tmp_path):
    from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc

    grpc = pytest.importorskip("grpc")
    for allowed, path, code in (
        (False, tmp_path / "double", "PERMISSION_DENIED"),
        (True, tmp_path, "PERMISSION_DENIED"),
        (True, tmp_path / "double", None),
    ):
        server = served(allow_config_reload=allowed)
        request = model_management_pb2.ReloadConfigRequest(config=_config(path))
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            reload = model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest
            if code is None:
                reload(request, timeout=30)
                continue
            with pytest.raises(grpc.RpcError) as refused:
                reload(request, timeout=30)
            assert refused.value.code().name == code
            assert ("--allow_config_reload" in refused.value.details()) == (not allowed)


def test_tensors_that_claim_more_than_a_message_may_hold_are_refused_together(served):
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    grpc = pytest.importorskip("grpc")
    server, request = served(), predict_pb2.PredictRequest()
    request.model_spec.name = "double"
    for name in "abcd":  # 20 MiB each, of one number that stands for all
        request.inputs[name].CopyFrom(tf.make_tensor_proto(1.0, tf.float32))
        request.inputs[name].tensor_shape.dim.add(size=5 << 20)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel, pytest.raises(grpc.RpcError) as refused:
        prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=30)
    assert refused.value.code().name == "INVALID_ARGUMENT" and "more than 64 MiB" in refused.value.details()
