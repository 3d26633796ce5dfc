"""TensorFlow Serving's config files, protocol buffers as text: models, batching, monitoring.

The package of the server's messages holds the first kind alone; the other two are described here, field by field, as in
servables/tensorflow/session_bundle_config.proto and config/monitoring_config.proto. What the server reads and the local
server has nothing for is said in a warning, so that one file goes for both.
"""

import dataclasses
import logging
import os
import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from tensorflow_serving.config import model_server_config_pb2

_LOG = logging.getLogger(__name__)
_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {"bool": _FIELD.TYPE_BOOL, "int64": _FIELD.TYPE_INT64, "string": _FIELD.TYPE_STRING}
# Of the server's fields those that the local server goes without, and what it does instead.
_BATCHING_WITHOUT = {
    "thread_pool_name": "its threads have names of their own",
    "pad_variable_length_inputs": "requests whose rows have other shapes run on their own",
    "enable_large_batch_splitting": "a request with more rows than max_batch_size is refused",
    "max_execution_batch_size": "max_batch_size is the most rows that run at once",
}
_MODEL_WITHOUT = {"logging_config": "it logs no requests"}
_MESSAGES = {
    "BatchingParameters": {
        "max_batch_size": "Int64Value",
        "batch_timeout_micros": "Int64Value",
        "max_enqueued_batches": "Int64Value",
        "num_batch_threads": "Int64Value",
        "thread_pool_name": "StringValue",
        "allowed_batch_sizes": "repeated int64",
        "pad_variable_length_inputs": "bool",
        "enable_large_batch_splitting": "BoolValue",
        "max_execution_batch_size": "Int64Value",
    },
    "PrometheusConfig": {"enable": "bool", "path": "string"},
    "MonitoringConfig": {"prometheus_config": "PrometheusConfig"},
}


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """How requests are put together; the defaults are TensorFlow Serving's.

    Attributes:
      max_batch_size: most rows of a batch, and of a request.
      batch_timeout_micros: longest that a batch waits for more rows, microseconds.
      max_enqueued_batches: batches that may wait; what comes on top is refused, UNAVAILABLE.
      num_batch_threads: batches that run at once.
      allowed_batch_sizes: a batch is filled up to one of these sizes, the last of them max_batch_size; (): any.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = dataclasses.field(default_factory=lambda: len(os.sched_getaffinity(0)))
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self):
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, received {getattr(self, name)}")
        if self.batch_timeout_micros < 0:
            raise ValueError(f"batch_timeout_micros must not be negative, received {self.batch_timeout_micros}")
        sizes = self.allowed_batch_sizes
        if sizes and (min(sizes) < 1 or list(sizes) != sorted(set(sizes)) or sizes[-1] != self.max_batch_size):
            raise ValueError(
                f"allowed_batch_sizes must rise, and end with max_batch_size {self.max_batch_size}, received "
                f"{list(sizes)}"
            )


def read_models(path: str | os.PathLike) -> model_server_config_pb2.ModelServerConfig:
    """Reads a models.config.

    Raises:
      ValueError: no such file, no config of models, a model without name or absolute path, two of one name, or what
        only TensorFlow Serving serves.
    """
    config = _read(path, model_server_config_pb2.ModelServerConfig())
    check_models(config, str(path))
    return config


def check_models(config: model_server_config_pb2.ModelServerConfig, name: str) -> None:
    """As of ``read_models``; ``name`` is what the messages call the config."""
    names = [model.name for model in config.model_config_list.config]
    for model in config.model_config_list.config:
        if not model.name or not model.base_path:
            raise ValueError(f"{name}: every model needs a name and a base_path, received {model}")
        if not os.path.isabs(model.base_path):
            raise ValueError(f"{name}: {model.name} needs an absolute base_path, has {model.base_path!r}")
        # An old file says it by model_type, a number here, as it is on its way out.
        platform = model.model_platform or {1: "tensorflow"}.get(model.model_type, "")
        if platform != "tensorflow":
            raise ValueError(f"{name}: {model.name} needs model_platform: 'tensorflow', has {platform!r}")
        policy = model.model_version_policy.WhichOneof("policy_choice")
        if policy not in (None, "latest", "all", "specific"):
            raise ValueError(
                f"{name}: {model.name}: the local server has no model_version_policy {policy}: use latest, all or "
                "specific, or serve by TensorFlow Serving"
            )
        _tell_of(model, _MODEL_WITHOUT, f"{name}: {model.name}")
    if config.HasField("custom_model_config"):
        raise ValueError(
            f"{name}: the local server has no custom_model_config: use model_config_list, or TensorFlow Serving"
        )
    if not names:
        raise ValueError(f"{name}: model_config_list names no model")
    if len(set(names)) < len(names):
        raise ValueError(f"{name}: a model's name stands there twice: {sorted(names)}")


def _tell_of(message, without, name):
    for field, _ in message.ListFields():
        if field.name in without:
            what = "%s: the local server goes without TensorFlow Serving's %s: %s"
            _LOG.warning(what, name, field.name, without[field.name])


def read_batching(path: str | os.PathLike) -> BatchingParameters:
    """Reads a file of batching parameters.

    Raises:
      ValueError: no such file, an unknown field, or a value that makes no sense.
    """
    message = _read(path, _message("BatchingParameters"))
    _tell_of(message, _BATCHING_WITHOUT, path)
    given = {
        field.name: getattr(message, field.name).value
        for field in dataclasses.fields(BatchingParameters)
        if field.name != "allowed_batch_sizes" and message.HasField(field.name)
    }
    try:
        return BatchingParameters(**given, allowed_batch_sizes=tuple(message.allowed_batch_sizes))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_prometheus_path(path: str | os.PathLike) -> str | None:
    """The URL of the Prometheus page that a monitoring config enables, if it does.

    Raises:
      ValueError: no such file, or an unknown field.
    """
    config = _read(path, _message("MonitoringConfig")).prometheus_config
    return (config.path or "/monitoring/prometheus/metrics") if config.enable else None


def _read(path, message):
    try:
        return text_format.Parse(pathlib.Path(path).read_text(encoding="utf-8"), message)
    except FileNotFoundError as error:
        raise ValueError(f"no config file {path}") from error
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise ValueError(f"{path} is no {message.DESCRIPTOR.name} in text form: {error}") from error


def _message(name):
    """A new, empty message of one of _MESSAGES."""
    file = descriptor_pb2.FileDescriptorProto(name="seg2vid_tf/server_configs.proto", package="seg2vid_tf.configs")
    file.syntax = "proto3"
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for number, (field_name, kind) in enumerate(fields.items(), 1):
            *repeated, kind = kind.split()
            label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=number, label=label)
            field.type = _TYPES.get(kind, _FIELD.TYPE_MESSAGE)
            if kind not in _TYPES:
                package = "seg2vid_tf.configs" if kind in _MESSAGES else "google.protobuf"
                field.type_name = f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"seg2vid_tf.configs.{name}"))()
