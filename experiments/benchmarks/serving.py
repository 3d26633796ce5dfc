"""Measures a server: what an answer costs, what batches gain, whether it lasts, swaps and comes back.

    python experiments/benchmarks/serving.py --model_size=small
    python experiments/benchmarks/serving.py --parts=soak --requests=5000

A model of random weights is exported, and experiments/serve.py serves it on free ports: TensorFlow Serving where it is
installed, the local server otherwise; the first line says which. Parts:

    latency   serving_default of one row: bare session, gRPC, REST in turn
    batching  clips per second of 8 requests one after the other and at once, for several batching parameters
    soak      good and bad requests mixed: each one's status, and the server's memory
    swap      a second version appears while requests are sent
    kill      kill -9 and a new start: the same seeds' bytes
"""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import tempfile
import time

import numpy as np
from absl import flags
from served import NAME, ROOT, example, inputs_of, served

from seg2vid_tf.flags import run

MODEL_SIZE = flags.DEFINE_string("model_size", "small", "sizes of both stages")
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "version folder to serve instead of random weights")
PARTS = flags.DEFINE_list("parts", ["latency", "batching", "soak", "swap", "kill"], "what to measure")
REPEATS = flags.DEFINE_integer("repeats", 40, "timed requests of each case", lower_bound=1)
REQUESTS = flags.DEFINE_integer("requests", 5000, "requests of the soak", lower_bound=10)
CLIENTS = flags.DEFINE_integer("clients", 8, "clients at once", lower_bound=1)


def main():
    with tempfile.TemporaryDirectory(prefix="serving_") as folder:
        folder = pathlib.Path(folder)
        requests = example(first_version(folder))
        for part in PARTS.value:
            {"latency": latency, "batching": batching, "soak": soak, "swap": swap, "kill": kill}[part](folder, requests)


def first_version(folder):
    """The exported model, as version 1 of the folder that is served."""
    target = folder / NAME / "1"
    if SAVED_MODEL.value:
        return pathlib.Path(shutil.copytree(SAVED_MODEL.value, target))
    from seg2vid_tf.annotations.spec import load_spec  # TensorFlow loads here: --help needs none.
    from seg2vid_tf.config import MOTION_PRESETS, START_FRAME_PRESETS, preset
    from seg2vid_tf.models.build import build_generator, build_motion, build_style_encoder
    from seg2vid_tf.models.seg2vid import Seg2Vid
    from seg2vid_tf.serving.export import export

    spec, paint = load_spec("cityscapes"), preset(START_FRAME_PRESETS, MODEL_SIZE.value).model
    move = preset(MOTION_PRESETS, MODEL_SIZE.value).model
    networks = build_generator(paint, spec), build_motion(move, spec)
    model = Seg2Vid(*networks, spec, (move.height, move.width), build_style_encoder(paint, spec))
    return export(model, folder, NAME, 1)


def batching_config(size, threads):
    sizes = " ".join(f"allowed_batch_sizes: {n}" for n in (1, 2, 4, 8) if n <= size)
    return (
        f"max_batch_size {{ value: {size} }} batch_timeout_micros {{ value: 5000 }} "
        f"max_enqueued_batches {{ value: 1000 }} num_batch_threads {{ value: {threads} }} {sizes}"
    )


def latency(folder, requests):
    from seg2vid_tf.serving.session_loader import SessionLoader

    with served(folder) as server, SessionLoader(folder / NAME / "1") as session:
        print(next((line for line in server.log.read_text().splitlines() if "TensorFlow Serving:" in line), "a binary"))
        transports = {"bare session": session.run}
        for protocol in ("grpc", "rest"):
            transports[protocol] = server.client(protocol).predict
        seconds = {name: [] for name in transports}
        for number in range(REPEATS.value + 1):
            inputs = inputs_of(requests[number % len(requests)])
            for name, transport in transports.items():  # in turn, so that all see the machine in the same moods
                start = time.perf_counter()
                transport("serving_default", inputs)
                if number:
                    seconds[name].append(time.perf_counter() - start)
        print(f"| serving_default, a row, model size {MODEL_SIZE.value} | p50 | p95 | p99 | p50 to the session's |")
        print("|---|---|---|---|---|")
        for name, values in seconds.items():
            p50, p95, p99 = np.percentile(values, [50, 95, 99])
            shown = " | ".join(f"{1000 * p:.0f} ms" for p in (p50, p95, p99))
            print(f"| {name} | {shown} | {p50 / np.median(seconds['bare session']):.3f} |")
        print(f"the server's peak memory: {server.memory('VmHWM'):.0f} MiB", flush=True)


def batching(folder, requests):
    rounds = max(1, REPEATS.value // 8)
    print("| max_batch_size | num_batch_threads | one after the other | 8 at once | ratio | p95 of one of the 8 |")
    print("|---|---|---|---|---|---|")
    for size, threads in ((1, 1), (1, 2), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)):
        with served(folder, batching_config(size, threads)) as server, server.client() as client:
            single, together, waits = [], [], []

            def ask(request, client=client, waits=waits):
                start = time.perf_counter()
                client.predict("serving_default", inputs_of(request))
                waits.append(time.perf_counter() - start)

            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                for number in range(rounds + 1):
                    start = time.perf_counter()
                    for request in requests[:8]:
                        ask(request)
                    middle = time.perf_counter()
                    waits.clear()
                    list(pool.map(ask, requests[:8]))
                    if number:  # the first round meets shapes for the first time
                        single.append(8 / (middle - start))
                        together.append(8 / (time.perf_counter() - middle))
            one, eight = np.median(single), np.median(together)
            print(
                f"| {size} | {threads} | {one:.2f} clips/s | {eight:.2f} clips/s | {eight / one:.2f} "
                f"| {1000 * np.percentile(waits, 95):.0f} ms |",
                flush=True,
            )


def bad_inputs(png):
    """What to put in place of a good request's inputs; None: nothing."""
    return [
        {"label_map_png": [png[: len(png) // 2]]},
        {"label_map_png": [b""]},
        {"label_map_png": [b"GIF89a" + bytes(100)]},
        {"label_map_png": [bytes(np.random.default_rng(1).integers(0, 256, 1000, np.uint8))]},
        {"seed": np.array([0.5], np.float32)},
        {"seed": np.array([1, 2], np.int64)},
        {"seed": np.array([[1]], np.int64)},
        {"seed": None},
    ]


def soak(folder, requests):
    """Half of the requests are bad, each in its own way; every answer must be what it should be."""
    import keras

    from seg2vid_tf.serving.status import StatusError

    bad = bad_inputs(requests[0][0])
    wrong, memory, seconds = [], [], []

    def ask(number, transports):
        good = inputs_of(requests[number % len(requests)])
        kind = None if number % 2 else bad[number // 2 % len(bad)]
        inputs = {name: value for name, value in {**good, **(kind or {})}.items() if value is not None}
        start = time.perf_counter()
        try:
            transports[number // 16 % 2].predict("serving_default", inputs)
            code = "OK"
        except StatusError as error:
            code = error.code
        seconds.append(time.perf_counter() - start)
        if code != ("OK" if kind is None else "INVALID_ARGUMENT"):
            wrong.append((number, code))

    with served(folder, batching_config(8, 2)) as server:
        transports = server.client("grpc"), server.client("rest")
        progress = keras.utils.Progbar(REQUESTS.value, unit_name="request")
        start, block = time.perf_counter(), max(1, REQUESTS.value // 50)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS.value) as pool:
            for first in range(0, REQUESTS.value, block):
                numbers = range(first, min(first + block, REQUESTS.value))
                list(pool.map(lambda number: ask(number, transports), numbers))
                memory.append(server.memory())
                progress.update(numbers.stop)
        minutes = (time.perf_counter() - start) / 60
        alive = server.process.poll() is None
        print(
            f"{REQUESTS.value} requests by gRPC and REST, {CLIENTS.value} at once, half of them bad: {len(wrong)} "
            f"wrong answers {wrong[:5]}, server {'alive' if alive else 'dead'}, {minutes:.1f} minutes"
        )
        p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
        print(f"p50 {p50:.2f} s, p95 {p95:.2f} s, p99 {p99:.2f} s")
        print_memory(memory, block, server.memory("VmHWM"))


def print_memory(memory, block, peak):
    """MiB that the server held after each ``block`` requests, and whether it grows."""
    later = memory[len(memory) // 5 :]  # what is allocated once, at first, is no leak
    slope = np.polyfit(np.arange(len(later)) * block, later, 1)[0] * 1000
    shown = " ".join(f"{value:.0f}" for value in memory[:: max(1, len(memory) // 10)])
    print(
        f"memory {shown} MiB, peak {peak:.0f}; slope {slope:+.1f} MiB per 1000 requests over the last four fifths",
        flush=True,
    )


def swap(folder, requests):
    from seg2vid_tf.serving.status import StatusError

    temporary = folder / "second"
    shutil.copytree(folder / NAME / "1", temporary)
    failed, answered = [], []
    with served(folder, batching_config(8, 2)) as server, server.client() as client:

        def ask(number):
            try:
                client.predict("serving_default", inputs_of(requests[number % len(requests)]))
                answered.append(number)
            except StatusError as error:
                failed.append(error)

        with concurrent.futures.ThreadPoolExecutor(CLIENTS.value) as pool:
            moved, number, after = False, 0, 0
            while after < 5:  # some rounds more, by the new version alone
                list(pool.map(ask, range(number, number + CLIENTS.value)))
                number += CLIENTS.value
                if not moved:
                    temporary.rename(folder / NAME / "2")
                    moved = True
                states = client.status()
                after += [version for version, state in states.items() if state == "AVAILABLE"] == [2]
                if number > 10_000:
                    raise RuntimeError(f"version 2 never took over: {states}")
    shutil.rmtree(folder / NAME / "2")
    print(f"swap under load: {len(answered)} answered, {len(failed)} failed {failed[:3]}", flush=True)


def kill(folder, requests):
    answers = []
    for _ in range(2):
        with served(folder) as server:
            with server.client() as client:
                answers.append([client.predict("serving_default", inputs_of(r)) for r in requests[:4]])
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    same = sum(
        before[name].tolist() == after[name].tolist() for before, after in zip(*answers, strict=True) for name in before
    )
    print(f"kill -9 and a new start: {same} of {sum(map(len, answers[0]))} outputs have the same bytes", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    run(main)
