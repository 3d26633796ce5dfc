"""Warm-up requests: what a server runs of a version before it serves it, so that the first caller does not wait.

Only the package of TensorFlow Serving's own messages is needed, the extra "serving".
"""

import importlib.util
import pathlib

import numpy as np
import tensorflow as tf

WARMUP = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"


def can_warm_up() -> bool:
    """Whether the package of the messages is installed."""
    return importlib.util.find_spec("tensorflow_serving") is not None


def write_warmup(folder: pathlib.Path, name: str, examples: dict[str, dict[str, np.ndarray]]) -> None:
    """Writes one request of one row for each signature.

    A request that fails would fail the whole load: these are rows that the export was proved with.

    Args:
      folder: the version folder.
      name: the model's.
      examples: {signature: {input: array}} (verify.example_inputs).
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    with tf.io.TFRecordWriter(str(folder / WARMUP)) as writer:
        for signature, inputs in examples.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = name, signature
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value[:1]))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
