"""The parts of chaos.py that crowd a server: bad, slow and broken-off requests, versions that swap, a jumping clock."""

import base64
import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import http.client
import itertools
import json
import pathlib
import shutil
import socket
import threading
import time

import numpy as np
from chaos_runs import JUMP_SECONDS, jumping_clock
from served import NAME, example, inputs_of, served

_ANSWER_SECONDS = 300.0
_PATH = f"/v1/models/{NAME}:predict"


@dataclasses.dataclass
class Asked:
    """What a server is asked, and what it must answer.

    Attributes:
      folders: of two versions that answer otherwise.
      requests: (PNG, seed) each.
      answers: of either version, a request's outputs: [2][N].
    """

    folders: list[pathlib.Path]
    requests: list
    answers: list


def asked(folder):
    """Two small models of random weights, and what the session loader answers of each; made once."""
    from seg2vid_tf.serving.session_loader import SessionLoader

    folders = [_model(folder / "models", seed) for seed in (1, 2)]
    requests, answers = example(folders[0]), []
    for version in folders:
        with SessionLoader(version) as loaded:
            answers.append([loaded.run("serving_default", inputs_of(request)) for request in requests])
    if all(_same(*pair) for pair in zip(*answers, strict=True)):
        raise RuntimeError("both versions answer the same: a swap would not be seen")
    return Asked(folders, requests, answers)


def _model(folder, seed):
    target = folder / str(seed) / NAME / "1"
    if target.exists():
        return target
    import keras

    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.config import MotionModelConfig, StartFrameModelConfig
    from seg2vid_tf.models.build import build_generator, build_motion, build_style_encoder
    from seg2vid_tf.models.seg2vid import Seg2Vid
    from seg2vid_tf.serving.export import export

    keras.utils.set_random_seed(seed)
    spec, size = load_spec("synthetic_street"), {"height": 16, "width": 32}
    paint = StartFrameModelConfig(
        **size, style_dim=4, noise_channels=2, noise_stride=2, generator_filters=(8, 8, 8), spade_filters=4
    )
    filters = {"encoder_filters": (8,), "image_filters": (8, 8, 8), "refiner_filters": (8, 8)}
    move = MotionModelConfig(**size, num_frames=1, background_latent=3, foreground_latent=2, flow_scale=4.0, **filters)
    networks = build_generator(paint, spec), build_motion(move, spec)
    return export(Seg2Vid(*networks, spec, (16, 32), build_style_encoder(paint, spec)), folder / str(seed), NAME, 1)


def _same(one, other):
    return one.keys() == other.keys() and all(one[name].tolist() == other[name].tolist() for name in one)


@contextlib.contextmanager
def _serving(folder, version, **more):
    """A server of one version, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(version, folder / NAME / "1")
    with served(folder, **more) as server:
        yield server


class _Clients:
    """Requests of all kinds by many threads; each thread has its own connections."""

    def __init__(self, server, what):
        self._server, self._asked, self._own = server, what, threading.local()
        png = what.requests[0][0]
        self._bad = [
            lambda n: self._predict(n, label_map_png=[png[: len(png) // 2]]),
            lambda n: self._predict(n, label_map_png=[b""]),
            lambda n: self._predict(n, seed=np.array([0.5], np.float32)),
            lambda n: self._predict(n, seed=np.array([1, 2], np.int64)),
            lambda n: self._predict(n, seed=None),
            lambda n: self._raw(_PATH, b"not JSON", {400}),
            lambda n: self._raw("/v1/models/nothing:predict", b'{"instances": [1]}', {404}),
            lambda n: self._raw(_PATH, b"x" * 1000, {400}, {"Content-Encoding": "gzip"}),
            self._slow,
            self._broken_off,
            self._left,
            self._hurried,
        ]

    def ask(self, number):
        """(kind, outcome): the kind "good" or a bad one's place; "right", "refused" or what went wrong."""
        kind = "good" if number % 2 else f"bad {number // 2 % len(self._bad)}"
        try:
            if number % 2:
                return kind, self._good(number)
            return kind, self._bad[number // 2 % len(self._bad)](number)
        except Exception as error:  # what it should not raise is what is looked for
            return kind, f"{type(error).__name__}: {error}"[:200]

    def _client(self, number):
        protocol = ("grpc", "rest")[number // 2 % 2]
        if not hasattr(self._own, protocol):
            setattr(self._own, protocol, self._server.client(protocol, timeout=_ANSWER_SECONDS))
        return getattr(self._own, protocol)

    def _good(self, number):
        from seg2vid_tf.serving.status import StatusError

        place = number % len(self._asked.requests)
        request = self._asked.requests[place]
        while True:
            try:
                answer = self._client(number).predict("serving_default", inputs_of(request))
            except StatusError as error:
                if error.code == "RESOURCE_EXHAUSTED":  # others' broken-off requests still run: what a caller does
                    self.refused += 1
                    time.sleep(0.1)
                    continue
                return f"{error.code}: {error.message[:100]}"
            right = any(_same(answer, answers[place]) for answers in self._asked.answers[: self.versions])
            return "right" if right else "WRONG ANSWER"

    refused, versions = 0, 1

    def _predict(self, number, **changed):
        from seg2vid_tf.serving.status import StatusError

        inputs = {**inputs_of(self._asked.requests[0]), **changed}
        try:
            self._client(number).predict("serving_default", {k: v for k, v in inputs.items() if v is not None})
        except StatusError as error:
            return "right" if error.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED") else error.code
        return "answered"

    def _connection(self):
        return contextlib.closing(http.client.HTTPConnection(self._server.rest, timeout=_ANSWER_SECONDS))

    def _raw(self, path, body, statuses, headers=None):
        with self._connection() as connection:
            connection.request("POST", path, body, headers or {})
            status = connection.getresponse().status
        return "right" if status in {*statuses, 429} else f"HTTP {status}"

    def _body(self, number):
        png, seed = self._asked.requests[number % len(self._asked.requests)]
        row = {"label_map_png": {"b64": base64.b64encode(png).decode()}, "seed": int(seed)}
        return json.dumps({"instances": [row]}).encode()

    def _head(self, length):
        host, port = self._server.rest.split(":")
        opened = socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS)
        opened.sendall(f"POST {_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        return opened

    def _slow(self, number):
        """A good request whose body comes in twenty pieces over two seconds, and is answered."""
        body = self._body(number)
        with self._head(len(body)) as opened:
            for part in range(0, len(body), len(body) // 20 + 1):
                opened.sendall(body[part : part + len(body) // 20 + 1])
                time.sleep(0.1)
            status = opened.recv(1 << 16)[9:12]
        return "right" if status in (b"200", b"429") else f"slow: {status}"

    def _broken_off(self, number):
        """Half a body, and gone."""
        body = self._body(number)
        with self._head(len(body)) as opened:
            opened.sendall(body[: len(body) // 2])
        return "right"

    def _left(self, number):
        """A whole request, and gone before the answer."""
        body = self._body(number)
        with self._head(len(body)) as opened:
            opened.sendall(body)
        return "right"

    def _hurried(self, number):
        """By gRPC with a deadline that no answer can keep."""
        from seg2vid_tf.serving.status import StatusError

        if not hasattr(self._own, "hurried"):
            self._own.hurried = self._server.client("grpc", timeout=0.001)
        with contextlib.suppress(StatusError):
            self._own.hurried.predict("serving_default", inputs_of(self._asked.requests[0]))
        return "right"


def requests(report, folder, count, at_once):
    """Part requests: one try, as its memory is that of one server."""
    report.tried("requests", f"{count} by {at_once}", lambda rng: _crowded(folder, count, at_once, rng))


def _crowded(folder, count, at_once, rng):
    what, memory, found = asked(folder), [], collections.Counter()
    numbers = [int(n) for n in rng.permutation(count)]
    block = max(at_once, count // 20)
    start = time.monotonic()
    with _serving(folder / "requests", what.folders[0]) as server:
        clients = _Clients(server, what)
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for first in range(0, count, block):
                found.update(pool.map(clients.ask, numbers[first : first + block]))
                memory.append(server.memory())
                print(f"{min(first + block, count)} of {count} requests, {memory[-1]:.0f} MiB", flush=True)
        alive = server.process.poll() is None
    minutes = (time.monotonic() - start) / 60
    wrong = {f"{kind}: {said}": n for (kind, said), n in found.items() if said != "right"}
    hangs = sum(n for said, n in wrong.items() if "DEADLINE" in said or "timed out" in said or "Timeout" in said)
    good = sum(n for (kind, said), n in found.items() if kind == "good" and said == "right")
    later = memory[len(memory) // 5 :]
    return {
        "losses": int(not alive),
        "wrong": sum(wrong.values()) - hangs,
        "hangs": hangs,
        "tries": count,
        "said": f"{good} good ones answered to the bit, {clients.refused} times asked again (RESOURCE_EXHAUSTED), "
        f"{minutes:.1f} minutes, memory {memory[0]:.0f} MiB after {min(block, count)}, {later[0]:.0f} after a fifth, "
        f"{memory[-1]:.0f} at the end, {max(memory):.0f} at most; {wrong or 'nothing went wrong'}",
    }


def swaps(report, folder, count):
    """Part swaps: one try, as each version takes over from the one before."""
    report.tried("swaps", str(count), lambda _: _swapped(folder, count))


def _swapped(folder, count):
    what, found, stop = asked(folder), collections.Counter(), threading.Event()
    numbers, late = itertools.count(1, 2), 0
    with _serving(folder / "swaps", what.folders[0]) as server, server.client() as client:
        clients = _Clients(server, what)
        clients.versions = 2

        def work():
            while not stop.wait(0.05):  # what loads the next version needs the cores, too
                found[clients.ask(next(numbers))] += 1

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for version in range(2, count + 2):
                model = what.folders[(version - 1) % 2]
                temporary = folder / "swaps" / "next"
                shutil.copytree(model, temporary)
                temporary.rename(folder / "swaps" / NAME / str(version))
                end = time.monotonic() + _ANSWER_SECONDS
                while [v for v, state in client.status().items() if state == "AVAILABLE"] != [version]:
                    if time.monotonic() > end:
                        raise RuntimeError(f"version {version} never took over: {client.status()}")
                    time.sleep(0.05)
                # From now on the new one alone answers.
                answer = client.predict("serving_default", inputs_of(what.requests[0]))
                late += not _same(answer, what.answers[(version - 1) % 2][0])
                shutil.rmtree(folder / "swaps" / NAME / str(version - 1))
                print(f"version {version} serves, {sum(found.values())} requests", flush=True)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        memory = server.memory()
    wrong = {said: n for (_, said), n in found.items() if said != "right"}
    return {
        "wrong": sum(wrong.values()) + late,
        "tries": count,
        "said": f"{sum(found.values())} requests beside, {memory:.0f} MiB; {wrong or 'all answered to the bit'}, "
        f"{late} by a version that was gone",
    }


def clock(report, folder):
    """Part clock, of a server: good requests by both protocols while its clock jumps."""
    report.tried("clock", "server", functools.partial(_served_by_clock, folder))


def _served_by_clock(folder, rng, count=400):
    what = asked(folder)
    variables = jumping_clock(folder / "clock", rng)
    with _serving(folder / "clock_server", what.folders[0], env=variables) as server:
        clients = _Clients(server, what)
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = collections.Counter(pool.map(clients.ask, range(1, 2 * count, 2)))
        seconds = time.monotonic() - start
    wrong = {said: n for (_, said), n in found.items() if said != "right"}
    return {
        "wrong": sum(wrong.values()),
        "tries": int(seconds / JUMP_SECONDS),
        "said": f"{count} requests in {seconds:.0f} s: {wrong or 'all answered to the bit'}",
    }
