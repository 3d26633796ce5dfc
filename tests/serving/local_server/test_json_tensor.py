"""Rows and columns of JSON become tensors of the signature's types, or are refused; and back."""

import base64
import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seg2vid_tf.serving.local_server.json_tensor import parse_request, read_inputs, write_outputs
from seg2vid_tf.serving.status import StatusError

TYPES = {"ids": tf.uint8, "scale": tf.float32, "file": tf.string}
FILE = {"b64": base64.b64encode(b"\x89PNG\x00").decode()}


def _read(document, types=TYPES):
    return read_inputs(parse_request(json.dumps(document).encode()), types)


def test_rows_and_columns_are_the_same_tensors():
    rows = {"instances": [{"ids": [1, 2], "scale": 0.5, "file": FILE}, {"ids": [3, 255], "scale": 2, "file": "text"}]}
    columns = {"inputs": {"ids": [[1, 2], [3, 255]], "scale": [0.5, 2], "file": [FILE, "text"]}}
    for tensors in (_read(rows), _read(columns)):
        assert tensors["ids"].dtype == np.uint8 and tensors["ids"].tolist() == [[1, 2], [3, 255]]
        assert tensors["scale"].dtype == np.float32 and tensors["scale"].tolist() == [0.5, 2.0]
        assert tensors["file"].tolist() == [b"\x89PNG\x00", b"text"]


def test_a_single_input_needs_no_name():
    only = {"file": tf.string}
    for document in ({"instances": [FILE]}, {"inputs": [FILE]}, {"instances": [{"file": FILE}]}):
        assert _read(document, only)["file"].tolist() == [b"\x89PNG\x00"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error"),
        (b"\xff", "JSON Parse error"),
        (b"[" * 200_000, "JSON Parse error"),
        (b"[]", "must be a JSON object"),
        (b'{"instances": [1], "inputs": [1]}', "exactly one of"),
        (b'{"signature_name": "x"}', "exactly one of"),
        (b'{"signature_name": 1, "inputs": [1]}', "must be a string"),
        (b'{"instances": []}', "not empty"),
        (b'{"instances": {"ids": 1}}', "must be a list"),
        (b'{"instances": [1]}', "the inputs are several"),
        (b'{"inputs": [1]}', "the inputs are several"),
        (b'{"inputs": {"ids": [1]}}', "Missing named input: file, scale"),
        (b'{"instances": [{"ids": 1}]}', "element 0: keys must be equal to: file,ids,scale"),
    ],
)
def test_what_is_no_request_is_refused(body, message):
    with pytest.raises(StatusError, match=message) as refused:
        read_inputs(parse_request(body), TYPES)
    assert refused.value.code == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ids", [[1], [2, 3]], "unequal lengths"),
        ("ids", [[1], 2], "unequal lengths"),
        ("ids", [1.5], "float are not of expected type uint8"),
        ("ids", [True], "bool are not of expected type uint8"),
        ("ids", ["1"], "str are not of expected type uint8"),
        ("ids", [None], "NoneType"),
        ("ids", [256], "does not fit in uint8"),
        ("ids", [-1], "does not fit in uint8"),
        ("ids", [10**30], "uint8"),
        ("scale", [1e39], "too large for float32"),
        ("scale", [10**400], "too large for float32"),
        ("scale", [FILE], "dict are not of expected type float32"),
        ("file", [{"b64": "?"}], "Unable to base64 decode"),
        ("file", [{"b64": "AA==", "more": 1}], "expected a string"),
        ("file", [1], "expected a string"),
    ],
)
def test_values_of_another_type_are_refused_by_name(name, value, message):
    good = {"ids": [1], "scale": [1.0], "file": [FILE]}
    with pytest.raises(StatusError, match=f"^INVALID_ARGUMENT: {name}: .*{message}"):
        _read({"inputs": {**good, name: value}})


def test_nan_goes_through_for_the_graph_to_refuse():
    assert np.isnan(_read({"inputs": {"ids": [1], "scale": [float("nan")], "file": [FILE]}})["scale"][0])


def test_bytes_come_back_as_base64_and_a_single_output_without_its_name():
    files = np.array([[b"\x00", b"\x01"], [b"\x02", b"\x03"]], object)
    outputs = {"frames_bytes": files, "n": np.array([1, 2])}
    rows = json.loads(write_outputs(outputs, rows=True))["predictions"]
    assert rows[1] == {"frames_bytes": [{"b64": "Ag=="}, {"b64": "Aw=="}], "n": 2}
    columns = json.loads(write_outputs(outputs, rows=False))["outputs"]
    assert columns["frames_bytes"][1] == rows[1]["frames_bytes"] and columns["n"] == [1, 2]
    assert json.loads(write_outputs({"n": np.array([1, 2])}, rows=True)) == {"predictions": [1, 2]}
    assert json.loads(write_outputs({"n": np.array([1, 2])}, rows=False)) == {"outputs": [1, 2]}


@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.int64, np.int32, np.float32]), arrays.array_shapes(min_dims=1, max_dims=4)
    )
)
def test_what_is_written_is_read_back_bit_by_bit(array):
    columns = json.loads(write_outputs({"x": array}, rows=False))["outputs"]
    back = read_inputs({"inputs": {"x": columns}}, {"x": tf.as_dtype(array.dtype)})["x"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
