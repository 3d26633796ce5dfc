"""Running a SavedModel by TensorFlow's C API, the C++ path that TensorFlow Serving takes, without Python's graph code.

The library is the one in the installed wheel, called by ctypes. Source of the calls: tensorflow/c/c_api.h, tf_tensor.h
and tf_tstring.h.
"""

import ctypes
import os
import pathlib

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

_STRING_BYTES = 24  # of a TF_TString


class _Output(ctypes.Structure):
    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class _Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("deallocator", ctypes.c_void_p)]


_POINTER, _SIZE, _NUMBER, _TEXT = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p
_SHAPE, _NAMES = ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_char_p)
_OUTPUTS, _POINTERS = ctypes.POINTER(_Output), ctypes.POINTER(_POINTER)
# (name, what it returns, what it takes)
_FUNCTIONS = (
    ("TF_NewStatus", _POINTER, []),
    ("TF_DeleteStatus", None, [_POINTER]),
    ("TF_GetCode", _NUMBER, [_POINTER]),
    ("TF_Message", _TEXT, [_POINTER]),
    ("TF_NewGraph", _POINTER, []),
    ("TF_DeleteGraph", None, [_POINTER]),
    ("TF_NewSessionOptions", _POINTER, []),
    ("TF_DeleteSessionOptions", None, [_POINTER]),
    (
        "TF_LoadSessionFromSavedModel",
        _POINTER,
        [_POINTER, _POINTER, _TEXT, _NAMES, _NUMBER, _POINTER, ctypes.POINTER(_Buffer), _POINTER],
    ),
    ("TF_CloseSession", None, [_POINTER, _POINTER]),
    ("TF_DeleteSession", None, [_POINTER, _POINTER]),
    ("TF_GraphOperationByName", _POINTER, [_POINTER, _TEXT]),
    (
        "TF_SessionRun",  # inputs, then outputs; targets
        None,
        [_POINTER, _POINTER, *[_OUTPUTS, _POINTERS, _NUMBER] * 2, _POINTER, _NUMBER, _POINTER, _POINTER],
    ),
    ("TF_AllocateTensor", _POINTER, [_NUMBER, _SHAPE, _NUMBER, _SIZE]),
    ("TF_DeleteTensor", None, [_POINTER]),
    ("TF_TensorType", _NUMBER, [_POINTER]),
    ("TF_NumDims", _NUMBER, [_POINTER]),
    ("TF_Dim", ctypes.c_int64, [_POINTER, _NUMBER]),
    ("TF_TensorByteSize", _SIZE, [_POINTER]),
    ("TF_TensorData", _POINTER, [_POINTER]),
    ("TF_StringInit", None, [_POINTER]),
    ("TF_StringCopy", None, [_POINTER, _TEXT, _SIZE]),
    ("TF_StringDealloc", None, [_POINTER]),
    ("TF_NewBuffer", ctypes.POINTER(_Buffer), []),
    ("TF_DeleteBuffer", None, [ctypes.POINTER(_Buffer)]),
    ("TF_StringGetDataPointer", _POINTER, [_POINTER]),
    ("TF_StringGetSize", _SIZE, [_POINTER]),
)


def _library():
    """The wheel's library, its functions declared."""
    library = ctypes.CDLL(str(pathlib.Path(tf.__file__).parent / "libtensorflow_cc.so.2"))
    for name, result, arguments in _FUNCTIONS:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class CApiLoader:
    """A version folder, loaded by the C API until it is closed; use it in a with statement.

    Args:
      path: folder that holds saved_model.pb.

    Attributes:
      signatures: {name: SignatureDef}.

    Raises:
      ValueError: the library cannot load it.
    """

    def __init__(self, path: str | os.PathLike):
        self._path, self._library = path, _library()
        self._status, self._graph = self._library.TF_NewStatus(), self._library.TF_NewGraph()
        options, meta_graph = self._library.TF_NewSessionOptions(), self._library.TF_NewBuffer()
        tags = (ctypes.c_char_p * 1)(b"serve")
        self._session = self._library.TF_LoadSessionFromSavedModel(
            options, None, os.fsencode(path), tags, 1, self._graph, meta_graph, self._status
        )
        self._library.TF_DeleteSessionOptions(options)
        document = ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length) if self._session else b""
        self._library.TF_DeleteBuffer(meta_graph)
        try:
            self._check(f"{path} cannot be loaded")
        except ValueError:
            self.close()
            raise
        self.signatures = dict(meta_graph_pb2.MetaGraphDef.FromString(document).signature_def)
        self.signatures.pop("__saved_model_init_op", None)  # no signature of ours

    def run(self, signature: str, inputs: dict) -> dict[str, np.ndarray]:
        """As of SessionLoader; what the graph refuses is a ValueError here, too."""
        if self._session is None:
            raise ValueError(f"{self._path}: this loader is closed")
        if signature not in self.signatures:
            raise ValueError(f"{self._path} has no signature {signature!r}, it has {sorted(self.signatures)}")
        definition = self.signatures[signature]
        if set(inputs) != set(definition.inputs):
            raise ValueError(f"{signature} takes {sorted(definition.inputs)}, received {sorted(inputs)}")
        given, strings = [], []
        made = (ctypes.c_void_p * len(definition.outputs))()
        try:
            for value in inputs.values():
                given.append(self._tensor(np.asarray(value), strings))
            self._library.TF_SessionRun(
                self._session,
                None,
                self._places(definition.inputs[name].name for name in inputs),
                (ctypes.c_void_p * len(given))(*given),
                len(given),
                self._places(definition.outputs[name].name for name in definition.outputs),
                made,
                len(made),
                None,
                0,
                None,
                self._status,
            )
            self._check(f"{self._path}: {signature}")
            return {name: self._array(tensor) for name, tensor in zip(definition.outputs, made, strict=True)}
        finally:
            for string in strings:  # what they hold is not freed with their tensor
                self._library.TF_StringDealloc(string)
            for tensor in (*given, *made):
                if tensor:
                    self._library.TF_DeleteTensor(tensor)

    def close(self) -> None:
        """Ends the session; a second time does nothing."""
        if self._session:
            self._library.TF_CloseSession(self._session, self._status)
            self._library.TF_DeleteSession(self._session, self._status)
        if self._graph:
            self._library.TF_DeleteGraph(self._graph)
            self._library.TF_DeleteStatus(self._status)
        self._session = self._graph = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _check(self, what):
        if self._library.TF_GetCode(self._status):
            message = self._library.TF_Message(self._status).decode(errors="replace")
            raise ValueError(f"{what}: {message}")

    def _places(self, names):
        """Tensors' names, "operation:0" -> an array of TF_Output."""
        places = []
        for name in names:
            operation, index = name.rsplit(":", 1)
            place = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            if not place:
                raise ValueError(f"{self._path}: a signature names {name}, which the graph lacks")
            places.append(_Output(place, int(index)))
        return (_Output * len(places))(*places)

    def _tensor(self, array, strings):
        """A new tensor; its strings' places are added to ``strings``."""
        dtype = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        size = array.size * (_STRING_BYTES if dtype == tf.string else array.itemsize)
        tensor = self._library.TF_AllocateTensor(dtype.as_datatype_enum, shape, array.ndim, size)
        data = self._library.TF_TensorData(tensor)
        if dtype != tf.string:
            content = array.tobytes()
            ctypes.memmove(data, content, size)
            return tensor
        for number, value in enumerate(array.ravel()):
            place = data + number * _STRING_BYTES
            self._library.TF_StringInit(place)
            strings.append(place)
            self._library.TF_StringCopy(place, value, len(value))
        return tensor

    def _array(self, tensor):
        shape = [self._library.TF_Dim(tensor, i) for i in range(self._library.TF_NumDims(tensor))]
        dtype = tf.as_dtype(self._library.TF_TensorType(tensor))
        data = self._library.TF_TensorData(tensor)
        if dtype != tf.string:
            content = ctypes.string_at(data, self._library.TF_TensorByteSize(tensor))
            return np.frombuffer(content, dtype.as_numpy_dtype).reshape(shape)
        values = np.empty(int(np.prod(shape)), object)
        for number in range(len(values)):
            place = data + number * _STRING_BYTES
            text = self._library.TF_StringGetDataPointer(place)
            values[number] = ctypes.string_at(text, self._library.TF_StringGetSize(place))
        return values.reshape(shape)
