"""gRPC: PredictionService and ModelService, as TensorFlow Serving's own messages define them."""

import contextlib
import math
import threading

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

from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.local_server.metrics import Metrics
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.local_server.servable import DEFAULT_SIGNATURE
from seg2vid_tf.serving.status import StatusError

MAX_BYTES = 64 << 20  # of a message, and of the tensors in it
_METADATA = "signature_def"


class MessageDeadline(grpc.ServerInterceptor):
    """Ends calls whose message does not come in time: gRPC waits for it as long as the connection lives.

    A unary method is called with its message; served as one that takes a stream of them, it is called before that is
    there, and waits for it here. On the wire both are the same.

    Args:
      seconds: longest that a message may take.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds

    def intercept_service(self, continuation, handler_call_details):
        handler = continuation(handler_call_details)
        if handler is None or not handler.unary_unary:
            return handler

        def answer(messages, context):
            timer = threading.Timer(self._seconds, context.cancel)
            timer.daemon = True
            timer.start()
            try:
                message = next(messages)
            finally:
                timer.cancel()
            return handler.unary_unary(message, context)

        return grpc.stream_unary_rpc_method_handler(answer, handler.request_deserializer, handler.response_serializer)


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, models: Models, metrics: Metrics, limits: Limits):
        self._models, self._metrics, self._answer_seconds = models, metrics, limits.answer_seconds
        self._places, self._in_flight = threading.BoundedSemaphore(limits.in_flight), limits.in_flight

    def Predict(self, request, context):
        spec = request.model_spec
        with (
            _status_for(context),
            self._place(),
            _model(self._models, spec) as servable,
            self._metrics.request(spec.name, "GRPC"),
        ):
            inputs = _arrays(request.inputs)
            if not context.is_active():
                raise StatusError("DEADLINE_EXCEEDED", "the deadline of this request had passed when its turn came")
            # Reckoned by the clock that tells the date: none is left of a call that goes on where that clock was put
            # forward, and gRPC, which has a clock of its own, ends the call in time.
            timeout = min(context.time_remaining() or math.inf, self._answer_seconds)
            outputs = servable.predict(spec.signature_name, inputs, tuple(request.output_filter), timeout)
            response = predict_pb2.PredictResponse()
            _name_version(response.model_spec, spec, servable)
            for name, value in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
            return response

    @contextlib.contextmanager
    def _place(self):
        if not self._places.acquire(blocking=False):
            raise StatusError("RESOURCE_EXHAUSTED", f"{self._in_flight} requests are worked on, try again later")
        try:
            yield
        finally:
            self._places.release()

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
    def __init__(self, models: Models, allow_config_reload: bool):
        self._models, self._allow_config_reload = models, allow_config_reload

    def GetModelStatus(self, request, context):
        with _status_for(context):
            return status_response(self._models, *_named(request.model_spec))

    def HandleReloadConfigRequest(self, request, context):
        with _status_for(context):
            if not self._allow_config_reload:
                raise StatusError(
                    "PERMISSION_DENIED",
                    "callers may not change the config: start the server with --allow_config_reload, or change its "
                    "models.config, which it reads anew with --model_config_file_poll_wait_seconds",
                )
            self._models.reload_for_caller(request.config)
        return model_management_pb2.ReloadConfigResponse()


def add_services(
    server: grpc.Server, models: Models, metrics: Metrics, limits: Limits, allow_config_reload: bool
) -> None:
    """Adds both services to a gRPC server.

    Args:
      server: where they are added.
      models: what is served.
      metrics: where requests are counted.
      limits: of in_flight and answer_seconds.
      allow_config_reload: whether callers may change the config (Models.reload_for_caller).
    """
    predictions, states = _Predictions(models, metrics, limits), _ModelStates(models, allow_config_reload)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(predictions, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(states, server)


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


def _arrays(tensors):
    """Tensors' messages as arrays; a few bytes of each may claim to be any size."""
    left, arrays = MAX_BYTES, {}
    for name, tensor in tensors.items():
        try:
            dtype, sizes = tf.as_dtype(tensor.dtype), [dim.size for dim in tensor.tensor_shape.dim]
            if tensor.tensor_shape.unknown_rank or min(sizes, default=0) < 0:
                raise ValueError(f"its shape must be given and hold no negative size, received {sizes}")
            left -= math.prod(sizes) * dtype.size
            if left < 0:
                raise ValueError(f"with its shape {sizes} the request's tensors have more than {MAX_BYTES >> 20} MiB")
            if dtype == tf.string and len(tensor.string_val) != math.prod(sizes):
                raise ValueError(f"{len(tensor.string_val)} strings for shape {sizes}")
            arrays[name] = tf.make_ndarray(tensor)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise StatusError("INVALID_ARGUMENT", f"{name}: tensor parsing error: {error}") from error
    return arrays


def _model(models, spec):
    return models.use(*_named(spec))


def _named(spec):
    return spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label


def _name_version(response_spec, spec, servable):
    response_spec.name, response_spec.version.value = spec.name, servable.version
    response_spec.signature_name = spec.signature_name or DEFAULT_SIGNATURE
