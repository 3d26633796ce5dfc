"""Whatever comes in at its ports, the server answers it or refuses it, and goes on."""

import base64
import contextlib
import http.client
import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.programs import HANG_SECONDS
from tests.stacks import on_second_stack

pytestmark = on_second_stack

grpc = pytest.importorskip("grpc")
predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
prediction_service_pb2_grpc = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
NAMES = ["instances", "inputs", "signature_name", "label_map_png", "seed", "z", "style", "label_map", "b64", "walk"]
SIGNATURES = ["serving_default", "from_tensor", "animate", "continue", "encode_style", "nothing"]
fuzzed = settings(
    max_examples=700, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(SIGNATURES)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), inner),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def post(server):
    """post(body, path) -> (status, JSON object), over one connection."""
    with contextlib.closing(http.client.HTTPConnection(server.rest, timeout=HANG_SECONDS)) as connection:

        def ask(body, path="/v1/models/tiny:predict"):
            for left in (1, 0):
                try:
                    connection.request("POST", path, body)
                    answer = connection.getresponse()
                except ConnectionError:  # a connection that nothing was asked on for seconds is closed
                    connection.close()
                    if not left:
                        raise
                    continue
                return answer.status, json.loads(answer.read())

        yield ask


@pytest.fixture(scope="module")
def predictions(server):
    """The stub of PredictionService."""
    with grpc.insecure_channel(server.grpc) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def good_png(examples):
    return examples["serving_default"]["label_map_png"][0]


def _body(png, seed=1):
    row = {"label_map_png": {"b64": base64.b64encode(png).decode()}, "seed": seed}
    return json.dumps({"instances": [row]}).encode()


def _changed(draw, data):
    """Bytes with a few changes: other values, a piece cut out or in, an end that is missing."""
    data = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.sampled_from(["set", "flip", "cut", "insert", "end"]))
        if kind == "set":
            data[start : start + 1] = draw(st.binary(min_size=1, max_size=1))
        elif kind == "flip" and data:
            data[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del data[start : start + draw(st.integers(1, 8))]
        elif kind == "insert":
            data[start:start] = draw(st.binary(max_size=8))
        elif kind == "end":
            del data[start:]
    return bytes(data)


def _check(status, document):
    """An answer, or a refusal that says why: never an error of the server's own."""
    assert status in (200, 400, 404), (status, document)
    assert ("error" in document) == (status != 200), document


@fuzzed
@given(document=documents)
def test_any_json_is_answered_or_refused(post, document):
    _check(*post(json.dumps(document).encode()))


@fuzzed
@given(fields=st.fixed_dictionaries({}, optional={name: documents for name in NAMES[:3]}), row=documents)
def test_anything_of_a_requests_form_is_answered_or_refused(post, fields, row):
    _check(*post(json.dumps({"instances": [row], **fields}).encode()))


@fuzzed
@given(data=st.data())
def test_a_changed_request_is_answered_or_refused(post, good_png, data):
    _check(*post(_changed(data.draw, _body(good_png))))


@fuzzed
@given(data=st.data())
def test_a_changed_png_is_answered_or_refused_by_name(post, good_png, data):
    status, document = post(_body(_changed(data.draw, good_png)))
    _check(status, document)
    assert status == 200 or "label_map_png" in document["error"], document


@fuzzed
@given(path=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30))
def test_any_address_is_answered_or_refused(post, path):
    status, document = post(b"{}", "/v1/models/" + path)
    _check(status, document)
    assert status != 200


@settings(fuzzed, max_examples=300)
@given(
    signature=st.sampled_from(SIGNATURES),
    inputs=st.dictionaries(
        st.sampled_from(NAMES),
        st.tuples(
            st.integers(0, 30), st.lists(st.integers(-2, 3) | st.just(2**40), max_size=4), st.binary(max_size=24)
        ),
        max_size=4,
    ),
)
def test_any_tensor_by_grpc_is_answered_or_refused(predictions, signature, inputs):
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "tiny", signature
    for name, (dtype, sizes, content) in inputs.items():
        tensor = request.inputs[name]
        tensor.dtype, tensor.tensor_content = dtype, content
        for size in sizes:
            tensor.tensor_shape.dim.add(size=size)
        if math.prod(sizes) == 1:
            tensor.string_val.append(content)
    try:
        predictions.Predict(request, timeout=HANG_SECONDS)
    except grpc.RpcError as error:
        assert error.code().name in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"), error


def test_it_still_answers(post, good_png):
    status, document = post(_body(good_png))
    assert status == 200 and len(document["predictions"][0]["frames_bytes"]) == 3
    assert np.frombuffer(base64.b64decode(document["predictions"][0]["frames_bytes"][0]["b64"])[:4], "u1")[0] == 0x89
