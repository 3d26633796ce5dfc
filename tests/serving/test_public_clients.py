"""What others' clients send and get: TensorFlow Serving's own stubs, its REST as its documents ask, OVMS' client."""

import base64
import importlib.util
import json

import pytest

from tests.programs import run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack


@pytest.fixture(scope="module")
def png(examples):
    return examples["serving_default"]["label_map_png"][0]


def test_tensorflow_servings_stubs(server, png):
    pytest.importorskip("tensorflow_serving")
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_management_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
        regression_pb2,
    )

    with grpc.insecure_channel(server.grpc) as channel:
        predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        states = model_service_pb2_grpc.ModelServiceStub(channel)

        def request(message, **fields):
            made = message(**fields)
            made.model_spec.name = "tiny"
            return made

        asked = request(predict_pb2.PredictRequest, output_filter=["frames_bytes"])
        asked.inputs["label_map_png"].CopyFrom(tf.make_tensor_proto([png]))
        asked.inputs["seed"].CopyFrom(tf.make_tensor_proto([7], tf.int64))
        answer = predictions.Predict(asked, timeout=600)
        assert (answer.model_spec.version.value, answer.model_spec.signature_name) == (3, "serving_default")
        (frames,) = (tf.make_ndarray(tensor) for tensor in answer.outputs.values())
        assert frames.shape == (1, 3) and frames[0, 0].startswith(b"\x89PNG")

        asked = request(get_model_metadata_pb2.GetModelMetadataRequest, metadata_field=["signature_def"])
        found = get_model_metadata_pb2.SignatureDefMap()
        assert predictions.GetModelMetadata(asked, timeout=600).metadata["signature_def"].Unpack(found)
        assert set(found.signature_def["serving_default"].inputs) == {"label_map_png", "seed"}

        (state,) = states.GetModelStatus(request(get_model_status_pb2.GetModelStatusRequest), 600).model_version_status
        assert (state.version, state.State.Name(state.state)) == (3, "AVAILABLE")

        reload = model_management_pb2.ReloadConfigRequest()
        # No export has a signature for these two.
        for call, message, code in (
            (predictions.Classify, request(classification_pb2.ClassificationRequest), "UNIMPLEMENTED"),
            (predictions.Regress, request(regression_pb2.RegressionRequest), "UNIMPLEMENTED"),
            (states.HandleReloadConfigRequest, reload, "PERMISSION_DENIED"),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                call(message, timeout=600)
            assert refused.value.code().name == code


def test_rest_as_tensorflow_servings_documents_ask(server, png):
    requests = pytest.importorskip("requests")
    url, row = f"http://{server.rest}/v1/models/tiny", {"label_map_png": {"b64": base64.b64encode(png).decode()}}
    session = requests.Session()
    session.trust_env = False  # no proxy on the way to this machine

    def asked(method, path, **more):
        answer = session.request(method, url + path, timeout=600, **more)
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status_code, answer.json()

    status, document = asked("GET", "")
    assert status == 200 and document["model_version_status"][0]["state"] == "AVAILABLE"
    status, document = asked("GET", "/metadata")
    assert status == 200 and document["model_spec"]["version"] == "3"
    rows = {"instances": [{**row, "seed": 7}]}
    columns = {"signature_name": "serving_default", "inputs": {"label_map_png": [row["label_map_png"]], "seed": [7]}}
    status, by_row = asked("POST", ":predict", json=rows)
    # curl -d says that its JSON is a form.
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    again, by_curl = asked("POST", ":predict", data=json.dumps(rows), headers=form)
    third, by_column = asked("POST", "/versions/3:predict", json=columns)
    assert (status, again, third) == (200, 200, 200)
    frames = by_column["outputs"]["frames_bytes"]
    assert by_row["predictions"][0]["frames_bytes"] == by_curl["predictions"][0]["frames_bytes"] == frames[0]
    for verb in ("classify", "regress"):
        status, document = asked("POST", f":{verb}", json={"examples": [{"seed": 7}]})
        assert status == 400 and document["error"]
    v2 = session.get(f"http://{server.rest}/v2/models/tiny", timeout=600)  # KServe's, which Triton's clients speak
    assert v2.status_code == 404 and "begin with /v1/models/" in v2.json()["error"]


@pytest.mark.skipif(importlib.util.find_spec("ovmsclient") is None, reason="pip install --no-deps ovmsclient==2023.1")
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_ovms_client(server, png, tmp_path, protocol):
    """In a process of its own: it brings TensorFlow Serving's messages a second time."""
    (tmp_path / "label.png").write_bytes(png)
    address = server.grpc if protocol == "grpc" else server.rest
    code = f"""
import json, numpy as np, ovmsclient
client = ovmsclient.make_{protocol}_client({address!r})
inputs = {{"label_map_png": [open({str(tmp_path / "label.png")!r}, "rb").read()], "seed": np.array([7], np.int64)}}
answer = client.predict(inputs, "tiny", 3, timeout=600)
try:
    client.get_model_status("tiny")
    newest = "found"
except ovmsclient.tfs_compat.base.errors.ModelNotFoundError as error:
    newest = str(error)
state = client.get_model_status("tiny", 3)[3]["state"]
print(json.dumps([state, {{name: list(value.shape) for name, value in answer.items()}}, newest]))
"""
    done = run_python("-c", code, env={"no_proxy": "localhost"})
    assert done.returncode == 0, done.stderr
    state, shapes, newest = json.loads(done.stdout)
    assert (state, shapes) == ("AVAILABLE", {"frames_bytes": [1, 3], "label_map_bytes": [1]})
    assert "Could not find version 0" in newest  # what it asks for where no version is given
