"""TensorFlow Serving's messages, as far as a client needs them, without TensorFlow: only protobuf is imported.

Its own package, tensorflow-serving-api, loads TensorFlow, which takes seconds and half a gigabyte of memory for a few
fields. Numbers and types of fields are those of tensorflow_serving/apis/*.proto and
tensorflow/core/framework/tensor.proto: on the wire the messages are the same. They live in a pool of their own, so a
process may load both.
"""

import math

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# {message: "number type name", ...}; a type with "*" is repeated, one with "%" the value of a map from strings.
_MESSAGES = {
    "Dim": ("1 int64 size",),
    "TensorShapeProto": ("2 Dim* dim", "3 bool unknown_rank"),
    "TensorProto": (
        "1 int32 dtype",
        "2 TensorShapeProto tensor_shape",
        "4 bytes tensor_content",
        "5 float* float_val",
        "6 double* double_val",
        "7 int32* int_val",
        "8 bytes* string_val",
        "10 int64* int64_val",
        "11 bool* bool_val",
    ),
    "Version": ("1 int64 value",),
    "ModelSpec": ("1 string name", "2 Version version", "3 string signature_name", "4 string version_label"),
    "PredictRequest": ("1 ModelSpec model_spec", "2 TensorProto% inputs"),
    "PredictResponse": ("1 TensorProto% outputs",),
    "GetModelStatusRequest": ("1 ModelSpec model_spec",),
    "ModelVersionStatus": ("1 int64 version", "2 int32 state"),
    "GetModelStatusResponse": ("1 ModelVersionStatus* model_version_status",),
    "GetModelMetadataRequest": ("1 ModelSpec model_spec", "2 string* metadata_field"),
    "Any": ("2 bytes value",),
    "GetModelMetadataResponse": ("2 Any% metadata",),
    "TensorInfo": ("3 TensorShapeProto tensor_shape",),
    "SignatureDef": ("1 TensorInfo% inputs",),
    "SignatureDefMap": ("1 SignatureDef% signature_def",),
}
# ModelVersionStatus.State
STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}
_STRING = 7
# {DataType: (NumPy's, the field that holds its values where tensor_content does not)}
_TYPES = {
    1: (np.float32, "float_val"),
    2: (np.float64, "double_val"),
    3: (np.int32, "int_val"),
    4: (np.uint8, "int_val"),
    _STRING: (object, "string_val"),
    9: (np.int64, "int64_val"),
    10: (np.bool_, "bool_val"),
}
_NUMBERS = {np.dtype(dtype): number for number, (dtype, _) in _TYPES.items()}


def _field(message, text):
    field = descriptor_pb2.FieldDescriptorProto()
    number, kind, field.name = text.split()
    field.number = int(number)
    plain = kind.rstrip("*%")
    field.label = field.LABEL_OPTIONAL if kind == plain else field.LABEL_REPEATED
    if kind.endswith("%"):  # protobuf's own form of a map: a repeated message of key and value
        entry = message.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
        entry.field.extend([_field(entry, "1 string key"), _field(entry, f"2 {plain} value")])
        entry.options.map_entry = True
        plain = f"{message.name}.{entry.name}"
    if plain[0].isupper():
        field.type, field.type_name = field.TYPE_MESSAGE, f".seg2vid.{plain}"
    else:
        field.type = getattr(field, f"TYPE_{plain.upper()}")
    return field


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="seg2vid_serving.proto", package="seg2vid", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        message.field.extend(_field(message, text) for text in fields)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = (pool.FindMessageTypeByName(f"seg2vid.{name}") for name in _MESSAGES)
    return {descriptor.name: message_factory.GetMessageClass(descriptor) for descriptor in found}


MESSAGES = _classes()


def tensor(value: np.ndarray):
    """An array as a TensorProto; one of objects or text holds strings.

    Raises:
      ValueError: no type that a model here takes.
    """
    dtype = np.dtype(object) if value.dtype.kind in "SU" else value.dtype
    if dtype not in _NUMBERS:
        raise ValueError(f"a tensor of {value.dtype} cannot be sent: give one of {sorted(map(str, _NUMBERS))}")
    found = MESSAGES["TensorProto"](dtype=_NUMBERS[dtype])
    for size in value.shape:
        found.tensor_shape.dim.add(size=size)
    if found.dtype == _STRING:
        found.string_val.extend(v.encode() if isinstance(v, str) else v for v in value.ravel().tolist())
    else:
        found.tensor_content = np.ascontiguousarray(value).tobytes()
    return found


def array(message) -> np.ndarray:
    """A TensorProto as an array, of objects (bytes) where it holds strings.

    Values that are left out at its end are the last one that is there, as tensor.proto says.

    Raises:
      ValueError: a type that no model here answers in, or a length that is not the shape's.
    """
    if message.dtype not in _TYPES:
        raise ValueError(f"a tensor of DataType {message.dtype} was answered, known are {sorted(_TYPES)}")
    dtype, field = _TYPES[message.dtype]
    shape = [dim.size for dim in message.tensor_shape.dim]
    if message.tensor_content:
        return np.frombuffer(message.tensor_content, dtype).reshape(shape).copy()
    values = list(getattr(message, field))
    missing = math.prod(shape) - len(values)
    if missing < 0 or (missing and dtype is object):
        raise ValueError(f"a tensor of shape {shape} was answered with {len(values)} values")
    found = np.empty(math.prod(shape), dtype)
    found[:] = values + (values[-1:] or [0]) * missing
    return found.reshape(shape)
