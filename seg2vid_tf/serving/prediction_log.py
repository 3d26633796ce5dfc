"""Requests and answers on disk: TFRecords of PredictionLog, TensorFlow Serving's own form of them.

Needs the package of TensorFlow Serving's messages, the extra "serving".
"""

import importlib.util
import os

import numpy as np
import tensorflow as tf

from seg2vid_tf.files import replacing


def can_log() -> bool:
    """Whether the package of the messages is installed."""
    return importlib.util.find_spec("tensorflow_serving") is not None


def write_log(path: str | os.PathLike, name: str, entries: dict[str, tuple[dict, dict]]) -> None:
    """Writes one entry for each signature.

    Args:
      path: the file.
      name: the model's.
      entries: {signature: (inputs, outputs)}, arrays by name (verify.answers); outputs may be {}.
    """
    from tensorflow_serving.apis import prediction_log_pb2

    with replacing(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for signature, (inputs, outputs) in entries.items():
            log = prediction_log_pb2.PredictionLog()
            request, response = log.predict_log.request, log.predict_log.response
            request.model_spec.name, request.model_spec.signature_name = name, signature
            for arrays, tensors in ((inputs, request.inputs), (outputs, response.outputs)):
                for key, value in arrays.items():
                    tensors[key].CopyFrom(tf.make_tensor_proto(value))
            # Else the inputs lie in an order of the process.
            writer.write(log.SerializeToString(deterministic=True))


def read_log(path: str | os.PathLike) -> dict[str, tuple[dict[str, np.ndarray], dict[str, np.ndarray]]]:
    """What ``write_log`` wrote.

    Raises:
      ValueError: no such file, or none of this form.
    """
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis import prediction_log_pb2

    entries = {}
    try:
        for record in tf.data.TFRecordDataset(os.fspath(path)).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record).predict_log
            tensors = log.request.inputs, log.response.outputs
            arrays = tuple({name: tf.make_ndarray(value) for name, value in found.items()} for found in tensors)
            entries[log.request.model_spec.signature_name] = arrays
    except (tf.errors.OpError, DecodeError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as TFRecords of PredictionLog: {error}") from error
    return entries
