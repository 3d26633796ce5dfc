"""What the tests of the served model share: inputs, signatures as Python loads them, a running server, a PNG writer."""

import contextlib
import http.client
import io
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.export_folder import encoder_folder, saved_models
from seg2vid_tf.serving.client import Seg2VidClient
from seg2vid_tf.serving.server_flags import find_binary
from seg2vid_tf.serving.signatures import ENCODER_SIGNATURES
from seg2vid_tf.serving.status import StatusError
from seg2vid_tf.serving.verify import answers
from seg2vid_tf.serving.warmup import WARMUP
from tests.programs import HANG_SECONDS, free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "seg2vid_tf/serving/deploy"


@pytest.fixture(scope="session")
def expected(seg2vid):
    """{signature: (example inputs of batch 2, what the tiny model in memory answers)}."""
    return answers(seg2vid)


@pytest.fixture(scope="session")
def videos(expected):
    """``expected`` of the SavedModel that makes videos."""
    return {name: pair for name, pair in expected.items() if name not in ENCODER_SIGNATURES}


@pytest.fixture(scope="session")
def encodings(expected):
    """``expected`` of its encoder."""
    return {name: expected[name] for name in ENCODER_SIGNATURES}


@pytest.fixture(scope="session")
def examples(expected):
    """{signature: {input: array of batch 2}}."""
    return {signature: inputs for signature, (inputs, _) in expected.items()}


@pytest.fixture(scope="session")
def served(saved_model):
    """served(signature, **arrays) -> {output: array}, through tf.saved_model.load and TensorFlow's graph optimiser."""
    import tensorflow as tf

    loaded = [tf.saved_model.load(str(folder)) for folder in saved_models(saved_model)]
    functions = {name: function for each in loaded for name, function in each.signatures.items()}

    def run(signature, **inputs):
        outputs = functions[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return run


def encode_png(array, mode=None, image_format="PNG") -> bytes:
    """An array as the bytes of a picture file."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(array))
    (image.convert(mode) if mode else image).save(buffer, format=image_format)
    return buffer.getvalue()


@pytest.fixture(scope="session", name="encode_png")
def _encode_png():
    return encode_png


class _Server:
    """A running server, its addresses and its models' folder."""

    def __init__(self, grpc, rest, models):
        self.grpc, self.rest, self.models = grpc, rest, models

    def client(self, model="tiny", protocol="grpc", **more):
        address = self.grpc if protocol == "grpc" else self.rest
        return Seg2VidClient(address, model, protocol, **{"timeout": HANG_SECONDS, **more})

    def ask(self, path, body=None, method=None):
        """(status, JSON object) of an HTTP request."""
        connection = http.client.HTTPConnection(self.rest, timeout=HANG_SECONDS)
        with contextlib.closing(connection):
            connection.request(method or ("GET" if body is None else "POST"), path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()


@pytest.fixture(scope="session")
def server(saved_model, tmp_path_factory):
    """Serves "tiny", version 3, its encoder as "encoder", and another as "moving", version 1; batches as in deploy/."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copytree(saved_model, folder / "tiny" / "3")
    shutil.copytree(encoder_folder(saved_model), encoder_folder(folder / "tiny" / "3"))
    shutil.copytree(encoder_folder(saved_model), folder / "moving" / "1")
    (folder / "moving" / "1" / WARMUP).unlink()  # "tiny" goes through it; each takes seconds
    config = folder / "models.config"
    label = 'version_labels { key: "stable" value: 3 }'
    config.write_text(
        "model_config_list {"
        f'config {{ name: "tiny" base_path: "{folder}/tiny" model_platform: "tensorflow" {label} }}'
        f'config {{ name: "encoder" base_path: "{folder}/tiny/encoder" model_platform: "tensorflow" {label} }}'
        f'config {{ name: "moving" base_path: "{folder}/moving" model_platform: "tensorflow" }} }}'
    )
    ports = free_ports(2)
    command = [sys.executable, str(ROOT / "experiments/serve.py"), f"--model_config_file={config}"]
    command += ["--model_config_file_poll_wait_seconds=1", f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    command += [f"--batching_parameters_file={DEPLOY / 'batching.config'}"]
    command += [f"--monitoring_config_file={DEPLOY / 'monitoring.config'}"]
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "PYTHONPATH": str(ROOT)})
    running = _Server(f"localhost:{ports[0]}", f"localhost:{ports[1]}", folder)
    try:
        with running.client() as client:
            try:
                client.wait_until_ready(HANG_SECONDS / 3)  # one that died is waited for in vain
            except StatusError as error:
                raise AssertionError(log.read_text()) from error
        yield running
    finally:
        process.terminate()
        stopped = process.wait(HANG_SECONDS)
        assert stopped == 0 or (stopped == -signal.SIGTERM and find_binary()), log.read_text()
