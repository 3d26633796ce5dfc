"""The client's messages are TensorFlow Serving's: each is read by the other's classes, to the byte."""

import numpy as np
import pytest

pytest.importorskip("google.protobuf")
from seg2vid_tf.serving.messages import MESSAGES, STATES, array, tensor

STRINGS = np.array([[b"a", b""], [b"\xff\x00", b"c"]], object)
ARRAYS = {
    "uint8": np.arange(6, dtype=np.uint8).reshape(2, 3),
    "int32": np.int32([-1, 2**31 - 1]),
    "int64": np.int64([[-(2**63)], [2**63 - 1]]),
    "float32": np.float32([0.5, -np.inf]),
    "float64": np.float64(0.1),
    "bool": np.array([True, False]),
    "strings": STRINGS,
    "empty": np.zeros((0, 3), np.float32),
}


@pytest.mark.parametrize("value", ARRAYS.values(), ids=ARRAYS)
def test_arrays_come_back(value):
    found = array(MESSAGES["TensorProto"].FromString(tensor(value).SerializeToString()))
    assert found.dtype == value.dtype
    np.testing.assert_array_equal(found, value)


def test_what_a_server_may_answer_by_hand():
    proto = MESSAGES["TensorProto"]
    message = proto(dtype=4, int_val=[7, 9])  # uint8, the last value stands for those that are left out
    message.tensor_shape.dim.add(size=2), message.tensor_shape.dim.add(size=2)
    assert array(message).tolist() == [[7, 9], [9, 9]] and array(message).dtype == np.uint8
    message = proto(dtype=1)
    message.tensor_shape.dim.add(size=2)
    assert array(message).tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"shape \[\] was answered with 2 values"):
        array(proto(dtype=3, int_val=[1, 2]))
    with pytest.raises(ValueError, match="DataType 99"):
        array(proto(dtype=99))
    with pytest.raises(ValueError, match="a tensor of complex64 cannot be sent"):
        tensor(np.zeros(1, np.complex64))


def test_the_wire_by_hand():
    """Field number * 8 + kind, then the value: name is field 1 of model_spec, which is field 1."""
    request = MESSAGES["GetModelStatusRequest"]()
    request.model_spec.name, request.model_spec.version.value = "ab", 3
    assert request.SerializeToString() == b"\x0a\x08" + b"\x0a\x02ab" + b"\x12\x02\x08\x03"


@pytest.mark.parametrize("value", ARRAYS.values(), ids=ARRAYS)
def test_tensors_are_tensorflows(value):
    tf = pytest.importorskip("tensorflow")
    theirs = tf.make_ndarray(type(tf.make_tensor_proto(0)).FromString(tensor(value).SerializeToString()))
    np.testing.assert_array_equal(theirs, value)
    sent = tf.make_tensor_proto(value).SerializeToString()
    np.testing.assert_array_equal(array(MESSAGES["TensorProto"].FromString(sent)), value)


def test_fields_are_servings():
    """Every field here has the number, the kind and the name of the original's."""
    pytest.importorskip("tensorflow_serving")
    from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
    from tensorflow.core.protobuf import meta_graph_pb2
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2, predict_pb2

    modules = tensor_pb2, tensor_shape_pb2, meta_graph_pb2, get_model_metadata_pb2, get_model_status_pb2
    modules += (model_pb2, predict_pb2)
    theirs = {name: value for m in modules for name, value in vars(m).items() if hasattr(value, "DESCRIPTOR")}
    assert {number: name for name, number in theirs["ModelVersionStatus"].State.items()} == STATES
    others = {"Dim": tensor_shape_pb2.TensorShapeProto.Dim}
    for name in MESSAGES.keys() - {"Version", "Any"}:  # protobuf's own Int64Value and Any
        original = (others.get(name) or theirs[name]).DESCRIPTOR.fields_by_name
        for field in MESSAGES[name].DESCRIPTOR.fields:
            there = original[field.name]
            kinds = {there.type, field.type}
            # An enum travels as the number that it is.
            assert there.number == field.number and (len(kinds) == 1 or kinds == {14, 5}), (name, field.name)
