"""Rows and columns of JSON become tensors of the signature's types, or are refused; and back."""

import base64
import json
import tracemalloc

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from seg2vid_tf.serving.local_server.json_tensor import (
    COST_BASE,
    parse_request,
    parsing_cost,
    read_inputs,
    write_outputs,
)
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
        ("ids", [[1], [2], 3], "unequal lengths"),
        ("file", [["a"], "b"], "unequal lengths"),
        ("ids", [1, [2]], "unequal lengths"),
        ("ids", json.loads("[" * 40 + "]" * 40), "deeper than the 32 dimensions"),
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


def test_float32_is_written_as_its_own_shortest_number():
    body = write_outputs({"x": np.float32([0.1, 1 / 3, 2, 1e-30])}, rows=False)
    assert body == b'{"outputs": [0.1, 0.33333334, 2.0, 1e-30]}'
    assert write_outputs({"x": np.array([0.1, 1 / 3])}, rows=False) == b'{"outputs": [0.1, 0.3333333333333333]}'
    assert write_outputs({"x": np.uint8([0, 255])}, rows=False) == b'{"outputs": [0, 255]}'
    assert write_outputs({"x": np.float32([np.nan, np.inf])}, rows=False) == b'{"outputs": [NaN, Infinity]}'


def _filled(value, size=1 << 16):
    """A request of about a size, whose input "x" is a list of one value again and again."""
    count = size // (len(value) + 1)
    return bytearray(b'{"inputs": {"x": [' + b",".join([value] * count) + b"]}}")


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (b"0", tf.int64),
        (b"-6", tf.float32),
        (b"1e9", tf.float32),
        (b"0.12345678", tf.float32),
        (b"1" * 4000, tf.float32),
        (b"[]", tf.float32),
        (b"[[[[1]]]]", tf.uint8),
        (b"[0.1234567,0.2345678,0.3456789]", tf.float32),
        (b"{}", tf.float32),
        (b'{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}', tf.float32),
        (b'""', tf.string),
        (b'"ab"', tf.string),
        (b'"\\u00e9"', tf.string),
        ("\N{GRINNING FACE}".join('""').encode(), tf.string),
        (b'"' + b"a" * 9000 + "\N{GRINNING FACE}".encode() + b'"', tf.string),
        (b'{"b64":"AA=="}', tf.string),
        (b'{"b64":"' + b"A" * 60_000 + b'"}', tf.string),
    ],
    ids=lambda value: str(value)[:24],
)
def test_reading_a_body_costs_no_more_than_was_counted(value, dtype):
    body = _filled(value)
    tracemalloc.start()
    try:
        inputs = read_inputs(parse_request(body), {"x": dtype})
        assert len(inputs["x"])
    except StatusError as refused:
        assert refused.code == "INVALID_ARGUMENT"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(body) + peak <= parsing_cost(body)


def test_what_would_cost_eight_times_its_size_and_more_is_refused_before_it_is_parsed():
    many = _filled(b"0", 3 << 20)
    assert parsing_cost(many) > 8 * len(many) + COST_BASE
    with pytest.raises(StatusError, match="hold so many values that they may take .* MiB") as refused:
        parse_request(many)
    assert refused.value.code == "RESOURCE_EXHAUSTED"
    for fine in (_filled(b"0", 1 << 20), _filled(b"0.12345678901234567", 16 << 20), _filled(b'"' + b"A" * (16 << 20))):
        assert parsing_cost(fine) <= 8 * len(fine) + COST_BASE
