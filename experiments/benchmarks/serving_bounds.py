"""Measures what a server takes from bad clients: memory of one body, of 64 unfinished ones, and what others notice.

    python experiments/benchmarks/serving_bounds.py --saved_model=saved_models/synthetic_street/8

A server on free ports, as in serving.py. Parts:

    bodies   a body of 16 MiB of each kind, each to a server of its own, as what one leaves free would hide the next:
             what it adds to the server's memory at its peak, as a multiple of its size
    half     64 connections with half a body of 16 MiB each: the server's memory, and when they are gone
    others   latency of good requests, alone and while 64 bad clients try
"""

import collections
import concurrent.futures
import contextlib
import gzip
import http.client
import os
import pathlib
import socket
import tempfile
import threading
import time

import numpy as np
from absl import flags
from served import NAME, ROOT, example, inputs_of, served
from serving import first_version

from seg2vid_tf.flags import run

BOUND_PARTS = flags.DEFINE_list("bound_parts", ["bodies", "half", "others"], "what to measure")
GOOD = flags.DEFINE_integer("good", 60, "good requests of each case", lower_bound=1)
BAD_CLIENTS = flags.DEFINE_integer("bad_clients", 64, "bad clients, and unfinished bodies, at once", lower_bound=1)
PAUSE = flags.DEFINE_float("pause", 0.1, "of a bad client between two tries, seconds", lower_bound=0.0)
SIZE = 16 << 20
PATH = f"/v1/models/{NAME}:predict"


def main():
    with tempfile.TemporaryDirectory(prefix="serving_") as folder:
        folder = pathlib.Path(folder)
        request = example(first_version(folder))[0]
        for part in BOUND_PARTS.value:
            {"bodies": bodies, "half": half, "others": others}[part](folder, request)


def document(value):
    """A request of SIZE bytes, whose input is a list of one value again and again."""
    values = b",".join([value] * ((SIZE - 100) // (len(value) + 1)))
    return (
        b'{"signature_name": "from_tensor", "inputs": {"label_map": [%b], "style": [1], "z": [1], "seed": [1]}}'
        % values
    )


def kinds():
    """{what it is: (body, headers)}."""
    values = {
        "floats": b"0.12345678",
        "long floats": b"0.12345678901234567",
        "digits": b"0",
        "pixels": b"[0.1234567,0.2345678,0.3456789]",
        "empty lists": b"[]",
        "empty dicts": b"{}",
        "short strings": b'"ab"',
        "emoji": '"\N{GRINNING FACE}"'.encode(),
        "long numbers": b"1" * 4000,
        "one file": b'{"b64":"%b"}' % (b"A" * (SIZE - 200)),
    }
    found = {name: (document(value), {}) for name, value in values.items()}
    packed = gzip.compress(found["floats"][0])
    return {**found, "floats, packed": (packed, {"Content-Encoding": "gzip"})}


def post(server, body, headers=None):
    """(HTTP status, answer), or (the error's name, b"")."""
    connection = http.client.HTTPConnection(server.rest, timeout=120)
    with contextlib.closing(connection):
        try:
            connection.request("POST", PATH, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError as error:
            return type(error).__name__, b""


@contextlib.contextmanager
def peak(server):
    """Yields a list, to which the MiB that the server had more at its peak than before are added."""
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # VmHWM begins anew
    before, found = server.memory(), []
    yield found
    found.append(server.memory("VmHWM") - before)


def bodies(folder, _):
    print("| 16 MiB of | status | memory at the peak | to its size | seconds |")
    print("|---|---|---|---|---|")
    for name, (body, headers) in kinds().items():
        with served(folder) as server, peak(server) as more:
            start = time.perf_counter()
            status, _ = post(server, body, headers)
            seconds = time.perf_counter() - start
        times = more[0] * 2**20 / SIZE
        print(f"| {name} | {status} | +{more[0]:.0f} MiB | {times:.1f} x | {seconds:.2f} |", flush=True)


def half(folder, _):
    answered, count = collections.Counter(), BAD_CLIENTS.value

    def unfinished(server):
        answered[send(server, SIZE, b" " * (SIZE // 2))] += 1

    pool = concurrent.futures.ThreadPoolExecutor(count)
    with served(folder) as server, peak(server) as more, pool:
        start = time.perf_counter()
        list(pool.map(unfinished, [server] * count))
        gone = time.perf_counter() - start
    said = ", ".join(f"{number} {status}" for status, number in answered.items())
    print(f"{count} halves of 16 MiB: +{more[0]:.0f} MiB at the peak, gone after {gone:.0f} s ({said})", flush=True)


def send(server, length, part):
    """The status of a request that announces more than it sends and waits until it is closed, or what became of it."""
    host, port = server.rest.split(":")
    with socket.create_connection((host, int(port)), timeout=120) as connection:
        try:
            connection.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (PATH.encode(), length))
            connection.sendall(part)
            received = b""
            while piece := connection.recv(1 << 16):
                received += piece
        except OSError as error:
            return type(error).__name__
        return received[9:12].decode() or "closed"


def drip(server):
    """A head that comes byte by byte."""
    host, port = server.rest.split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=120) as connection:
        for byte in f"POST {PATH} HTTP/1.1\r\nX: {'x' * 1000}":
            connection.sendall(byte.encode())
            time.sleep(0.5)


def others(folder, request):
    with served(folder) as server:
        beside_others(server, request)


def beside_others(server, request):
    floats, digits, packed = document(b"0.12345678"), document(b"0"), gzip.compress(b" " * (64 << 20))
    bad = [
        lambda: send(server, SIZE, b" " * (1 << 20)),
        lambda: drip(server),
        lambda: post(server, floats),
        lambda: post(server, digits),
        lambda: post(server, b'{"instances": [{"seed": 1}]}'),
        lambda: post(server, b'{"instances": [{"seed": 1, "label_map_png": "x"}]}'),
        lambda: post(server, b"\xff" * 1000),
        lambda: post(server, packed, {"Content-Encoding": "gzip"}),
    ]
    ended, tried = threading.Event(), collections.Counter()

    def work(number):
        while not ended.wait(PAUSE.value):
            bad[number % len(bad)]()
            tried[number % len(bad)] += 1

    with server.client("rest") as client:

        def measured():
            seconds = []
            for _ in range(GOOD.value):
                start = time.perf_counter()
                client.predict("serving_default", inputs_of(request))  # which raises where it is not answered
                seconds.append(time.perf_counter() - start)
            return np.percentile(seconds, [50, 99])

        measured()
        alone = measured()
        with peak(server) as more:
            for number in range(BAD_CLIENTS.value):
                threading.Thread(target=work, args=(number,), daemon=True).start()
            beside = measured()
            ended.set()
    print("| good requests | p50 | p99 |")
    print("|---|---|---|")
    for name, (p50, p99) in (("alone", alone), (f"beside {BAD_CLIENTS.value} bad clients", beside)):
        print(f"| {name} | {1000 * p50:.0f} ms | {1000 * p99:.0f} ms |")
    print(
        f"p99 to that alone: {beside[1] / alone[1]:.2f}; {sum(tried.values())} bad tries; +{more[0]:.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    run(main)
