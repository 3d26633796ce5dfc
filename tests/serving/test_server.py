"""The server's gRPC and REST: the same tests for TensorFlow Serving, where it is installed, and the local server.

experiments/serve.py starts what there is. The list is TensorFlow Serving's own (model_servers/*_test.py): not found,
status, metadata, predict by gRPC and REST, in rows and columns, labels, bad requests, versions that come, fail and go,
the Prometheus page.
"""

import base64
import concurrent.futures
import io
import json
import pathlib
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import write_label_map
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.export_folder import encoder_folder
from seg2vid_tf.serving.signatures import ENCODER_SIGNATURES
from seg2vid_tf.serving.status import StatusError
from seg2vid_tf.serving.verify import verify
from seg2vid_tf.serving.warmup import WARMUP
from tests.programs import HANG_SECONDS, run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

pytest.importorskip("tensorflow_serving")
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(params=["grpc", "rest"])
def client(server, request):
    with server.client(protocol=request.param) as connected:
        yield connected


def test_a_models_state_and_what_is_not_there(server, client):
    assert client.status() == {3: "AVAILABLE"}
    status, body = server.ask("/v1/models/tiny")
    (state,) = json.loads(body)["model_version_status"]
    assert status == 200
    assert state == {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    with server.client("other", retries=0) as other, pytest.raises(StatusError) as missing:
        other.predict("serving_default", {})
    assert missing.value.code == "NOT_FOUND" and "Servable not found for request" in missing.value.message


def test_metadata_names_every_signatures_inputs(server, examples):
    status, body = server.ask("/v1/models/tiny/metadata")
    document = json.loads(body)
    signatures = document["metadata"]["signature_def"]["signature_def"]
    assert status == 200 and document["model_spec"]["version"] == "3"
    assert set(signatures) == set(examples) - set(ENCODER_SIGNATURES)
    for signature in signatures:
        assert set(signatures[signature]["inputs"]) == set(examples[signature])


class _Served:
    """The server as one of the loaders that verify takes."""

    def __init__(self, client, signatures):
        self._client, self.signatures = client, signatures

    def run(self, signature, inputs):
        return self._client.predict(signature, inputs)


def test_every_signature_answers_as_the_model_in_memory(server, videos, encodings):
    for model, expected in (("tiny", videos), ("encoder", encodings)):
        with server.client(model) as client:
            verify(expected, _Served(client, expected), "the server, by gRPC")


def test_rest_answers_as_grpc_does(server, examples):
    for model, signature in (("tiny", "serving_default"), ("encoder", "encode_motion"), ("encoder", "encode_style")):
        with server.client(model) as grpc, server.client(model, protocol="rest") as rest:
            inputs = {name: value[:1] for name, value in examples[signature].items()}
            by_grpc, by_rest = grpc.predict(signature, inputs), rest.predict(signature, inputs)
            assert set(by_grpc) == set(by_rest)
            for name, value in by_grpc.items():
                assert by_rest[name].dtype == value.dtype, name
                np.testing.assert_array_equal(by_rest[name], value)


def _rows(examples, signature="serving_default"):
    inputs = examples[signature]
    files = [{"b64": base64.b64encode(png).decode()} for png in inputs["label_map_png"]]
    return [{"label_map_png": f, "seed": int(s)} for f, s in zip(files, inputs["seed"], strict=True)]


def test_rows_and_columns_give_the_same(server, examples):
    rows = _rows(examples)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    status, by_rows = server.ask("/v1/models/tiny:predict", json.dumps({"instances": rows}))
    assert status == 200
    status, by_columns = server.ask("/v1/models/tiny/versions/3:predict", json.dumps({"inputs": columns}))
    assert status == 200
    predictions, outputs = json.loads(by_rows)["predictions"], json.loads(by_columns)["outputs"]
    assert [p["frames_bytes"] for p in predictions] == outputs["frames_bytes"]
    assert [p["label_map_bytes"] for p in predictions] == outputs["label_map_bytes"]


def test_labels_and_numbers_name_versions(server, examples):
    inputs = {name: value[:1] for name, value in examples["encode_style"].items()}
    styles = []
    for which in ({}, {"version": 3}, {"label": "stable"}):
        for protocol in ("grpc", "rest"):
            with server.client("encoder", protocol, **which) as client:
                styles.append(client.predict("encode_style", inputs)["style"])
    np.testing.assert_allclose(styles, np.broadcast_to(styles[0], (6, *styles[0].shape)), atol=1e-5)
    for which, code in (({"version": 9}, "NOT_FOUND"), ({"label": "canary"}, "INVALID_ARGUMENT")):
        for protocol in ("grpc", "rest"):
            with server.client("encoder", protocol, **which) as client, pytest.raises(StatusError) as refused:
                client.predict("encode_style", inputs)
            assert refused.value.code == code


def test_a_changed_config_is_read_while_the_server_runs(server):
    config = server.models / "models.config"
    text = config.read_text()
    replaced = config.with_suffix(".new")
    replaced.write_text(text.replace("version_labels {", 'version_labels { key: "later" value: 3 } version_labels {'))
    replaced.rename(config)
    end = time.monotonic() + HANG_SECONDS
    while server.ask("/v1/models/tiny/labels/later")[0] != 200:
        assert time.monotonic() < end
    with server.client(label="later") as client:
        assert client.status() == {3: "AVAILABLE"}


def test_bad_tensors_are_refused_and_say_which(client, examples):
    good = {name: value[:1] for name, value in examples["serving_default"].items()}
    style = {name: value[:1] for name, value in examples["from_tensor"].items()}
    for signature, inputs, message in (
        ("serving_default", {**good, "label_map_png": [b"GIF89a"]}, "label_map_png: not a PNG file"),
        ("serving_default", {"label_map_png": good["label_map_png"]}, "seed"),
        ("serving_default", {**good, "seed": np.array([1, 2], np.int64)}, "seed|0th-dimension|batch size"),
        ("serving_default", {**good, "seed": np.array([1.5], np.float32)}, "seed|int64|expected type"),
        ("from_tensor", {**style, "z": np.full_like(style["z"], np.nan)}, "z holds NaN or infinity"),
        ("from_tensor", {**style, "label_map": style["label_map"] + 200}, "label_map"),
        ("from_tensor", {**style, "label_map": style["label_map"][:, :-1]}, "label_map"),
    ):
        with pytest.raises(StatusError, match=message) as refused:
            client.predict(signature, inputs)
        assert refused.value.code == "INVALID_ARGUMENT", message
    with pytest.raises(StatusError, match="not found") as unknown:
        client.predict("nothing", good)
    assert unknown.value.code in ("FAILED_PRECONDITION", "INVALID_ARGUMENT")  # by gRPC and by REST


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/models/tiny/versions/" + "9" * 5000, None, 400),
        ("/elsewhere", None, 404),
        ("/v1/models/tiny:predict", b"", 400),
        ("/v1/models/tiny:predict", b"not JSON", 400),
        ("/v1/models/tiny:predict", b"[1]", 400),
        ("/v1/models/tiny:predict", b'{"instances": [], "inputs": []}', 400),
        ("/v1/models/tiny:predict", b'{"instances": [{"seed": 1}]}', 400),
        ("/v1/models/tiny:predict", b'{"instances": [{"label_map_png": "x", "seed": 1, "more": 2}]}', 400),
        ("/v1/models/tiny:predict", b'{"signature_name": "nothing", "instances": [1]}', 400),
        ("/v1/models/tiny:nothing", b"{}", 400),
        ("/v1/models/tiny/versions/9:predict", b'{"instances": [1]}', 404),
        ("/v1/models/other:predict", b'{"instances": [1]}', 404),
        ("/v1/models/tiny/versions/9", None, 404),
    ],
)
def test_bad_requests_get_their_status_and_a_json_object(server, path, body, status):
    answered, content = server.ask(path, body)
    assert answered == status, content
    assert json.loads(content)["error"]


def test_requests_at_the_same_time_are_answered_as_if_alone(server, examples):
    png = examples["serving_default"]["label_map_png"][0]

    def ask(seed):
        with server.client() as client:
            answer = client.predict("serving_default", {"label_map_png": [png], "seed": np.array([seed], np.int64)})
        return answer["frames_bytes"][0, -1]

    alone = [ask(seed) for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        together = list(pool.map(ask, [0, 1, 2, 3] * 2))
    for seed, png in enumerate(together):
        np.testing.assert_allclose(_pixels(png), _pixels(alone[seed % 4]), atol=1)
    assert np.abs(_pixels(alone[0]) - _pixels(alone[1])).max() > 1, "another seed"


def _pixels(png):
    return np.asarray(Image.open(io.BytesIO(png))).astype(int)


def test_the_prometheus_page_counts_requests(server, examples):
    inputs = {name: value[:1] for name, value in examples["encode_style"].items()}
    with server.client("encoder") as client:
        client.predict("encode_style", inputs)
    status, page = server.ask("/monitoring/prometheus/metrics")
    assert status == 200
    (line,) = [
        line
        for line in page.decode().splitlines()
        if line.startswith(":tensorflow:serving:request_count{") and '"encoder"' in line and '"OK"' in line
    ]
    assert float(line.rsplit(" ", 1)[1]) >= 1
    assert b":tensorflow:serving:request_latency_bucket{" in page


def test_versions_come_fail_and_go_while_requests_are_answered(server, saved_model, examples):
    """A new version is served without one failed request; one that cannot be loaded leaves it in peace."""
    inputs = {name: value[:1] for name, value in examples["encode_style"].items()}
    folder = server.models / "moving"
    with server.client("moving", retries=0) as client:

        def add(version, broken=False):
            temporary = folder.parent / f"moving_{version}"
            shutil.copytree(encoder_folder(saved_model), temporary)
            (temporary / WARMUP).unlink()
            if broken:
                (temporary / "saved_model.pb").write_bytes(b"broken")
            temporary.rename(folder / str(version))

        style = client.predict("encode_style", inputs)["style"]
        add(2)
        _ask_until(client, inputs, style, lambda states: _available(states) == [2])
        add(7, broken=True)
        _ask_until(client, inputs, style, lambda _: _error(server, 7))
        assert client.status()[2] == "AVAILABLE"


def _available(states):
    return [version for version, state in states.items() if state == "AVAILABLE"]


def _error(server, version):
    """Why a version of "moving" could not be loaded, if that is known."""
    states = json.loads(server.ask("/v1/models/moving")[1])["model_version_status"]
    return next((s["status"]["error_message"] for s in states if s["version"] == str(version)), "")


def _ask_until(client, inputs, style, done):
    end = time.monotonic() + HANG_SECONDS
    while not done(client.status()):
        assert time.monotonic() < end, client.status()
        np.testing.assert_allclose(client.predict("encode_style", inputs)["style"], style, atol=1e-5)


def test_the_client_makes_videos_that_go_on(server, client, pipe, tmp_path):
    label_map = np.zeros((32, 64), np.uint8)
    label_map[16:] = 1
    assert client.size() == (32, 64)
    write_label_map(tmp_path / "label.png", label_map)
    frames, last = client.generate(tmp_path / "label.png", seed=5)
    assert frames.shape == (3, 32, 64, 3) and last.shape == (32, 64)
    for length in (1, 2):
        np.testing.assert_array_equal(np.concatenate(list(client.video(label_map, 5, length))), frames[: length + 1])
    long = np.concatenate(list(client.video(tmp_path / "label.png", seed=5, num_frames=5, walk=0.5)))
    expected = pipe(label_map, seed=5, num_frames=5, z_walk=0.5).frames[0]
    # A server's motion is told to a 64th of a pixel.
    assert long.shape == expected.shape and np.abs(long.astype(int) - expected).mean() < 1.5
    animated, _ = client.animate(frames[0], label_map, seed=5)
    np.testing.assert_array_equal(animated[0], frames[0])


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_start_frame_is_painted_in_the_style_of_a_picture(server, served, examples, protocol):
    label_map = np.arange(32 * 64, dtype=np.uint8).reshape(32, 64) % 9
    reference = np.broadcast_to(np.uint8([200, 120, 40]), (32, 64, 3))
    with server.client("encoder", protocol) as encoder:
        style = encoder.predict("encode_style", {"reference": reference[None]})["style"][0]
    np.testing.assert_allclose(style, served("encode_style", reference=reference[None])["style"][0], atol=1e-5)
    with server.client("tiny", protocol) as client:
        painted = client.paint(label_map, style, seed=5)
        frames, _ = client.animate(painted, label_map, seed=5)
    still = np.zeros_like(examples["from_tensor"]["z"][:1])
    expected = served("from_tensor", label_map=label_map[None], style=style[None], z=still, seed=np.int64([5]))
    np.testing.assert_allclose(painted.astype(int), expected["frames"][0, 0], atol=1)
    np.testing.assert_array_equal(frames[0], painted)


def test_the_program_writes_a_gif_or_says_what_is_wrong(server, tmp_path):
    write_label_map(tmp_path / "label.png", np.zeros((32, 64), np.uint8))

    def ask(*more):
        return run_python(ROOT / "experiments/request.py", f"--address={server.rest}", *more)

    given = f"--label_map={tmp_path / 'label.png'}", f"--output={tmp_path / 'video.gif'}"
    done = ask("--model=tiny", "--num_frames=3", *given)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "video.gif").n_frames == 4
    # The same map, painted and twice as large.
    road = next(c.color for c in load_spec("synthetic_street").classes)
    Image.new("RGB", (128, 64), road).save(tmp_path / "painted.png")
    told = "--spec=synthetic_street", "--colors=classes", "--resize", f"--output={tmp_path / 'painted.gif'}"
    done = ask("--model=tiny", "--num_frames=3", f"--label_map={tmp_path / 'painted.png'}", *told)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "painted.gif").read_bytes() == (tmp_path / "video.gif").read_bytes()
    Image.new("RGB", (100, 50), (200, 120, 40)).save(tmp_path / "sunset.png")
    styled = [f"--label_map={tmp_path / 'label.png'}", f"--reference={tmp_path / 'sunset.png'}"]
    done = ask("--model=tiny", "--encoder=encoder", *styled, f"--output={tmp_path / 'styled.gif'}")
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "styled.gif").n_frames == 3
    write_label_map(tmp_path / "large.png", np.zeros((64, 128), np.uint8))
    wrong = ask("--model=tiny", f"--label_map={tmp_path / 'large.png'}")
    assert (
        wrong.returncode == 1 and "is 64 x 128 (height x width), the model on the server takes 32 x 64" in wrong.stderr
    )
    assert "give --resize to bring it there" in wrong.stderr
    wrong = ask("--model=tiny", *styled[:1], f"--start_frame={tmp_path / 'sunset.png'}")
    assert wrong.returncode == 1 and "--start_frame is 50 x 100 (height x width)" in wrong.stderr
    assert "give --resize to bring it there" in wrong.stderr
    wrong = ask("--model=tiny", *styled)
    assert wrong.returncode == 1 and "no model 'tiny_encoder' to encode --reference" in wrong.stderr
    wrong = ask("--model=tiny", "--colors=classes", *given)
    assert wrong.returncode == 1 and "--colors needs --spec" in wrong.stderr
    wrong = ask("--model=other", *given)
    assert wrong.returncode == 1 and "NOT_FOUND" in wrong.stderr and "Traceback" not in wrong.stderr
