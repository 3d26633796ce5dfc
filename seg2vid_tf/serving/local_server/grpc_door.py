"""The gRPC door: PredictionService and ModelService, as TensorFlow Serving's own messages define them."""

import contextlib
import math

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from seg2vid_tf.serving.local_server.metrics import Metrics
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.local_server.servable import DEFAULT_SIGNATURE
from seg2vid_tf.serving.status import StatusError

MAX_BYTES = 64 << 20  # of a message, and of a tensor in it
_LONGEST = 3600.0  # seconds that a caller without a deadline waits
_METADATA = "signature_def"


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models: Models, metrics: Metrics):
        self._models, self._metrics = models, metrics

    def Predict(self, request, context):
        spec = request.model_spec
        with _status_for(context), _model(self._models, spec) as servable, self._metrics.request(spec.name, "GRPC"):
            inputs = {name: _array(name, tensor) for name, tensor in request.inputs.items()}
            timeout = min(_LONGEST, context.time_remaining())
            if timeout <= 0:
                raise StatusError("DEADLINE_EXCEEDED", "no time is left for this request")
            outputs = servable.predict(spec.signature_name, inputs, tuple(request.output_filter), timeout)
            response = predict_pb2.PredictResponse()
            _name_version(response.model_spec, spec, servable)
            for name, value in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
            return response

    def GetModelMetadata(self, request, context):
        spec = request.model_spec
        with _status_for(context), _model(self._models, spec) as servable:
            unknown = set(request.metadata_field) - {_METADATA}
            if unknown or not request.metadata_field:
                raise StatusError("INVALID_ARGUMENT", f"metadata_field must be [{_METADATA}], has {sorted(unknown)}")
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            _name_version(response.model_spec, spec, servable)
            response.model_spec.signature_name = ""
            response.metadata[_METADATA].Pack(signature_map(servable))
            return response


class _ModelStates(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, models: Models):
        self._models = models

    def GetModelStatus(self, request, context):
        with _status_for(context):
            return status_response(self._models, *_named(request.model_spec))

    def HandleReloadConfigRequest(self, request, context):
        with _status_for(context):
            self._models.reload(request.config)
        return model_management_pb2.ReloadConfigResponse()


def add_services(server: grpc.Server, models: Models, metrics: Metrics) -> None:
    """Adds both services to a gRPC server."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Predictions(models, metrics), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_ModelStates(models), server)


def status_response(models: Models, name: str, version: int | None, label: str):
    """The states of a model's versions as TensorFlow Serving's message.

    Raises:
      StatusError: no such model, version or label.
    """
    response = get_model_status_pb2.GetModelStatusResponse()
    for number, state in models.status(name, version, label).items():
        entry = response.model_version_status.add(version=number)
        entry.state = get_model_status_pb2.ModelVersionStatus.State.Value(state.state)
        entry.status.error_code = grpc.StatusCode.UNKNOWN.value[0] if state.error else 0
        entry.status.error_message = state.error
        entry.status.SetInParent()
    return response


def signature_map(servable) -> get_model_metadata_pb2.SignatureDefMap:
    """The signatures of a version as TensorFlow Serving's message."""
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, definition in servable.signatures.items():
        found.signature_def[name].CopyFrom(definition)
    return found


@contextlib.contextmanager
def _status_for(context):
    try:
        yield
    except StatusError as error:
        context.abort(getattr(grpc.StatusCode, error.code), error.message)


def _array(name, tensor):
    """A tensor's message as an array; a few bytes of it may claim to be any size."""
    try:
        dtype, sizes = tf.as_dtype(tensor.dtype), [dim.size for dim in tensor.tensor_shape.dim]
        if tensor.tensor_shape.unknown_rank or min(sizes, default=0) < 0 or math.prod(sizes) * dtype.size > MAX_BYTES:
            raise ValueError(f"a tensor of shape {sizes}")
        if dtype == tf.string and len(tensor.string_val) != math.prod(sizes):
            raise ValueError(f"{len(tensor.string_val)} strings for shape {sizes}")
        return tf.make_ndarray(tensor)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise StatusError("INVALID_ARGUMENT", f"{name}: tensor parsing error: {error}") from error


def _model(models, spec):
    return models.use(*_named(spec))


def _named(spec):
    return spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label


def _name_version(response_spec, spec, servable):
    response_spec.name, response_spec.version.value = spec.name, servable.version
    response_spec.signature_name = spec.signature_name or DEFAULT_SIGNATURE
