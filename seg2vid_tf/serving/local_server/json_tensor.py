"""Tensors as JSON, by the rules of TensorFlow Serving's REST interface.

A request holds ``instances``, rows, or ``inputs``, columns; where a signature has one input its name is left out. Bytes
are {"b64": ...}, on the way back where an output's name ends in _bytes; one output has no name.
Source: tensorflow_serving/g3doc/api_rest.md.

A JSON document becomes many times as large in memory where it holds many small values, so what it may cost is counted
before it is parsed (``parsing_cost``), and numbers go from the parser's lists into their tensor without a copy between.
"""

import base64
import binascii
import itertools
import json

import numpy as np
import tensorflow as tf

from seg2vid_tf.serving.status import StatusError

# A request's body may cost so many times its size in memory, and so much besides.
# A clip of the shipped models' size is small as text and large as numbers.
COST_FACTOR, COST_BASE = 8, 64 << 20
_MOST_QUOTES = 100_000
_MOST_DIMENSIONS = 32  # of an array, NumPy's bound up to its release 2


def parsing_cost(body: bytes | bytearray) -> int:
    """The most memory that a body, its JSON document and the tensors in that take together, bytes.

    It counts the marks that make Python objects, wherever they stand: brackets and commas in a string cost, too. Sizes
    are those of CPython 3.10 to 3.13 on 64 bits.
    """
    lists, dicts, keys, commas, quotes = (body.count(mark) for mark in (b"[", b"{", b":", b",", b'"'))
    values = lists + dicts + commas + 1
    in_strings = others = len(body)
    if quotes <= _MOST_QUOTES and b"\\" not in body:  # no quote is escaped, and splitting costs less than parsing
        in_strings = sum(map(len, body.split(b'"')[1::2]))
        others -= in_strings
    numbers = min(values, others // 2)  # those of one digit are kept by Python, once each
    # One character beyond the 16th bit makes four bytes of all; a string is text again, and bytes once unpacked.
    wide = 1 if body.isascii() else 4
    cost = (1 + wide) * len(body) + (1 + wide) * in_strings + 72 * quotes + others // 2
    # Half a byte for a digit of a very long number; then a value's place in its list, and in a flat one or in its
    # tensor; a number; a list with room for its first values; a dict; a key's place in it.
    return cost + 22 * values + 32 * numbers + 112 * lists + 200 * dicts + 60 * keys


def parse_request(body: bytes | bytearray) -> dict:
    """The JSON object of a predict request.

    Raises:
      StatusError: no JSON object, a signature name that is no string, not exactly one of instances and inputs;
        RESOURCE_EXHAUSTED: more and smaller values than a body of its size may hold.
    """
    cost = parsing_cost(body)
    if cost > COST_FACTOR * len(body) + COST_BASE:
        raise StatusError(
            "RESOURCE_EXHAUSTED",
            f"the {len(body) / 2**20:.1f} MiB of JSON hold so many values that they may take {cost / 2**20:.0f} MiB of "
            'memory: send fewer rows at once, pictures as {"b64": ...}, or use gRPC',
        )
    try:
        document = json.loads(str(body, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise StatusError("INVALID_ARGUMENT", f"JSON Parse error: {str(error)[:200] or 'nested too deep'}") from None
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
    shape = _shape(name, value)

    def flat():
        values = value if shape else [value]
        for _ in shape[1:]:
            values = itertools.chain.from_iterable(values)
        return values

    count = int(np.prod(shape, dtype=np.int64))
    if dtype == tf.string:
        strings = np.empty(count, object)
        for number, item in enumerate(flat()):
            strings[number] = _bytes(name, item)
        return strings.reshape(shape)
    kinds = set(map(type, flat()))
    allowed = {bool} if dtype == tf.bool else {int} if dtype.is_integer else {int, float}
    if kinds - allowed:
        found = ", ".join(sorted(kind.__name__ for kind in kinds - allowed))
        raise _bad(f"{name}: JSON values of type {found} are not of expected type {dtype.name}")
    numpy_type = dtype.as_numpy_dtype
    if not dtype.is_floating:
        limits = None if dtype == tf.bool else np.iinfo(numpy_type)
        if limits is not None and count and (min(flat()) < limits.min or max(flat()) > limits.max):
            raise _bad(f"{name}: a number does not fit in {dtype.name}")
        return np.fromiter(flat(), numpy_type, count).reshape(shape)
    try:
        array = np.fromiter(flat(), np.float64, count)
    except OverflowError as error:
        raise _bad(f"{name}: a number is too large for {dtype.name}") from error
    with np.errstate(over="ignore"):
        narrow = array.astype(numpy_type)
    if (np.isinf(narrow) & np.isfinite(array)).any():
        raise _bad(f"{name}: a number is too large for {dtype.name}")
    return narrow.reshape(shape)


def _shape(name, value):
    """The sizes of lists in lists, which must be equal at each depth."""
    shape, level = [], [value]
    while list in (kinds := set(map(type, level))):
        sizes = set(map(len, level)) if kinds == {list} else ()
        if len(sizes) != 1:
            raise _bad(f"{name}: lists of unequal lengths")
        if len(shape) == _MOST_DIMENSIONS:
            raise _bad(f"{name}: lists nested deeper than the {_MOST_DIMENSIONS} dimensions that a tensor may have")
        shape += sizes
        level = list(itertools.chain.from_iterable(level))
    return tuple(shape)


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
    if value.dtype == np.float32:
        # By way of text: 0.1 is the shortest number that is read back as this float32, 0.10000000149011612 as float64.
        return value.astype("S").astype(np.float64).tolist()
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
