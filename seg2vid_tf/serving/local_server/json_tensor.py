"""Tensors as JSON, by the rules of TensorFlow Serving's REST doors.

A request holds ``instances``, rows, or ``inputs``, columns; where a signature has one input its name is left out. Bytes
are {"b64": ...}, on the way back where an output's name ends in _bytes; one output has no name.
Source: tensorflow_serving/g3doc/api_rest.md.
"""

import base64
import binascii
import json

import numpy as np
import tensorflow as tf

from seg2vid_tf.serving.status import StatusError


def parse_request(body: bytes) -> dict:
    """The JSON object of a predict request.

    Raises:
      StatusError: no JSON object, a signature name that is no string, not exactly one of instances and inputs.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise StatusError("INVALID_ARGUMENT", f"JSON Parse error: {str(error)[:200] or 'nested too deep'}") from error
    if not isinstance(document, dict):
        raise _bad("the request must be a JSON object")
    if not isinstance(document.get("signature_name", ""), str):
        raise _bad("'signature_name' key must be a string value")
    if ("instances" in document) == ("inputs" in document):
        raise _bad("expecting exactly one of 'inputs' and 'instances'")
    if "instances" in document and not (isinstance(document["instances"], list) and document["instances"]):
        raise _bad("'instances' must be a list that is not empty")
    return document


def read_inputs(document: dict, types: dict[str, tf.DType]) -> dict[str, np.ndarray]:
    """The input tensors of a request.

    Args:
      document: of ``parse_request``.
      types: {input name: its type}, of the signature.

    Raises:
      StatusError: other names, or values of another type or of ragged shape.
    """
    if "instances" in document:
        columns = _columns(document["instances"], types)
    else:
        columns = document["inputs"]
        if not isinstance(columns, dict) or _is_bytes(columns):
            columns = {_only_name(types, "inputs"): columns}
        missing = sorted(set(types) - set(columns))
        if missing:
            raise _bad(f"Missing named input: {', '.join(missing)} in 'inputs' object")
    return {name: _array(name, columns[name], dtype) for name, dtype in types.items()}


def write_outputs(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The body of an answer: ``predictions`` in rows, or ``outputs`` in columns."""
    values = {name: _plain(name, value) for name, value in sorted(outputs.items())}
    if not rows:
        return json.dumps({"outputs": next(iter(values.values())) if len(values) == 1 else values}).encode()
    if len(values) == 1:
        return json.dumps({"predictions": next(iter(values.values()))}).encode()
    predictions = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return json.dumps({"predictions": predictions}).encode()


def error_body(message: str) -> bytes:
    """The body of an answer that is an error."""
    return json.dumps({"error": message}).encode()


def _columns(instances, types):
    named = [isinstance(row, dict) and not _is_bytes(row) for row in instances]
    if not any(named):
        return {_only_name(types, "instances"): instances}
    for number, row in enumerate(instances):
        if not named[number] or set(row) != set(types):
            raise _bad(f"instances: element {number}: keys must be equal to: {','.join(sorted(types))}")
    return {name: [row[name] for row in instances] for name in types}


def _only_name(types, what):
    if len(types) != 1:
        raise _bad(f"{what} is a plain value or list, but the inputs are several: {','.join(sorted(types))}")
    return next(iter(types))


def _array(name, value, dtype):
    try:
        flat = np.array(value, dtype=object)
    except ValueError as error:
        raise _bad(f"{name}: lists of unequal lengths") from error
    kinds = set(map(type, flat.ravel().tolist()))
    if list in kinds:
        raise _bad(f"{name}: lists of unequal lengths")
    if dtype == tf.string:
        strings = np.empty(flat.shape, object)
        strings.ravel()[:] = [_bytes(name, item) for item in flat.ravel()]
        return strings
    allowed = {bool} if dtype == tf.bool else {int} if dtype.is_integer else {int, float}
    if kinds - allowed:
        found = ", ".join(sorted(kind.__name__ for kind in kinds - allowed))
        raise _bad(f"{name}: JSON values of type {found} are not of expected type {dtype.name}")
    numpy_type = dtype.as_numpy_dtype
    if not dtype.is_floating:
        limits = None if dtype == tf.bool else np.iinfo(numpy_type)
        if limits is not None and ((flat < limits.min) | (flat > limits.max)).any():
            raise _bad(f"{name}: a number does not fit in {dtype.name}")
        return flat.astype(numpy_type)
    try:
        array = flat.astype(np.float64)
    except OverflowError as error:
        raise _bad(f"{name}: a number is too large for {dtype.name}") from error
    with np.errstate(over="ignore"):
        narrow = array.astype(numpy_type)
    if (np.isinf(narrow) & np.isfinite(array)).any():
        raise _bad(f"{name}: a number is too large for {dtype.name}")
    return narrow


def _bytes(name, item):
    if isinstance(item, str):
        return item.encode("utf-8", "surrogatepass")
    if not _is_bytes(item):
        raise _bad(f'{name}: expected a string or {{"b64": ...}}, received {type(item).__name__}')
    try:
        return base64.b64decode(item["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad(f"{name}: Unable to base64 decode") from error


def _is_bytes(value):
    return isinstance(value, dict) and set(value) == {"b64"} and isinstance(value["b64"], str)


def _plain(name, value):
    if value.dtype != object:
        return value.tolist()
    if name.endswith("_bytes"):
        texts = [{"b64": base64.b64encode(item).decode()} for item in value.ravel()]
    else:
        texts = [item.decode("utf-8", "replace") for item in value.ravel()]
    plain = np.empty(len(texts), object)
    plain[:] = texts
    return plain.reshape(value.shape).tolist()


def _bad(message):
    return StatusError("INVALID_ARGUMENT", message)
