"""The client beside servers that are away, slow, in a hurry or something else altogether."""

import contextlib
import http.server
import json
import socket
import threading

import numpy as np
import pytest

from seg2vid_tf.serving.client import Seg2VidClient
from seg2vid_tf.serving.status import StatusError

AVAILABLE = {"model_version_status": [{"version": "2", "state": "AVAILABLE"}]}


@contextlib.contextmanager
def _answering(*answers):
    """An HTTP server that gives these (status, body), one after the other, the last one for ever: its address, seen."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            seen.append((self.path, self.rfile.read(length)))
            status, body = answers[min(len(seen), len(answers)) - 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"localhost:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _sending(content):
    """A server that sends the same bytes to whoever connects, whatever was asked: its address."""
    with socket.create_server(("localhost", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1 << 16)
                        connection.sendall(content)

        threading.Thread(target=serve, daemon=True).start()
        yield f"localhost:{listening.getsockname()[1]}"


def _rest(address, **more):
    return Seg2VidClient(address, "street", "rest", **more)


def _json(document):
    return json.dumps(document).encode()


def test_a_server_that_is_unavailable_is_asked_again():
    unavailable = 503, _json({"error": "the queue is full"})
    with _answering(unavailable, unavailable, (200, _json(AVAILABLE))) as (address, seen):
        assert _rest(address).status() == {2: "AVAILABLE"}
        assert len(seen) == 3 and seen[0][0] == "/v1/models/street"
    with _answering(unavailable) as (address, seen), pytest.raises(StatusError, match="the queue is full") as refused:
        _rest(address, retries=1).status()
    assert refused.value.code == "UNAVAILABLE" and len(seen) == 2


def test_what_is_refused_is_not_asked_again():
    for status, code in ((400, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (500, "INTERNAL"), (504, "DEADLINE_EXCEEDED")):
        with _answering((status, _json({"error": "no"}))) as (address, seen), pytest.raises(StatusError) as refused:
            _rest(address).status()
        assert (refused.value.code, refused.value.message, len(seen)) == (code, "no", 1)


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_server_that_is_not_there_is_unavailable(protocol):
    if protocol == "grpc":
        pytest.importorskip("tensorflow_serving")
    with socket.create_server(("localhost", 0)) as listening:
        port = listening.getsockname()[1]
    with Seg2VidClient(f"localhost:{port}", "street", protocol, retries=1) as client:
        for ask in (client.status, lambda: client.wait_until_ready(0.2)):
            with pytest.raises(StatusError) as refused:
                ask()
            assert refused.value.code == "UNAVAILABLE"


def test_answers_of_another_kind_are_errors_that_name_the_server():
    for content, code in (
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "UNAVAILABLE"),  # gRPC's
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "UNAVAILABLE"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "UNKNOWN"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "UNKNOWN"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 100\r\n\r\n<", "UNKNOWN"),
    ):
        with _sending(content) as address, pytest.raises(StatusError) as refused:
            _rest(address, retries=0).status()
        assert refused.value.code == code, content


def test_no_answer_in_time_is_a_deadline():
    with socket.create_server(("localhost", 0)) as listening, pytest.raises(StatusError) as late:
        _rest(f"localhost:{listening.getsockname()[1]}", timeout=0.05).status()
    assert late.value.code == "DEADLINE_EXCEEDED"


def test_version_and_label_are_part_of_the_address():
    with _answering((200, _json(AVAILABLE))) as (address, seen):
        _rest(address, version=2).status()
        _rest(address, label="stable").status()
        Seg2VidClient(address, "a/b c", "rest").status()
    assert [path for path, _ in seen] == [
        "/v1/models/street/versions/2",
        "/v1/models/street/labels/stable",
        "/v1/models/a%2Fb%20c",
    ]


def test_impossible_settings_and_maps_are_refused_before_anything_is_sent():
    with pytest.raises(ValueError, match="protocol must be 'grpc' or 'rest'"):
        Seg2VidClient("localhost:1", "street", "http")
    with pytest.raises(ValueError, match="a version or a label"):
        Seg2VidClient("localhost:1", "street", "rest", version=1, label="stable")
    with pytest.raises(ValueError, match=r"label_map must be uint8 \[H, W\]"):
        _rest("localhost:1").generate(np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match=r"a start frame must be uint8 \[H, W, 3\] or a file, received float32"):
        _rest("localhost:1").animate(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8))
