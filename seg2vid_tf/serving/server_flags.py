"""How a server is started: the same settings for TensorFlow Serving's binary, its Docker image and the local server."""

import dataclasses
import os
import shutil

# The newest release; it serves the models of both TensorFlow stacks.
DOCKER_IMAGE = "tensorflow/serving:2.20.0"


@dataclasses.dataclass(frozen=True)
class ServerFlags:
    """tensorflow_model_server's own flags, those that all kinds of server have in common.

    Paths become absolute.

    Attributes:
      model_name, model_base_path: one model, its newest version; or else
      model_config_file: models, policies and labels.
      port, rest_api_port: of gRPC and REST.
      batching_parameters_file: how requests are put together; "": each runs as it comes.
      monitoring_config_file: where the Prometheus page is; "": there is none.
      file_system_poll_wait_seconds: how often the models' folders are looked at.
      model_config_file_poll_wait_seconds: how often model_config_file is read anew; 0: never.
      rest_api_timeout_in_ms: longest that a REST request may take.
    """

    model_name: str = ""
    model_base_path: str = ""
    model_config_file: str = ""
    port: int = 8500
    rest_api_port: int = 8501
    batching_parameters_file: str = ""
    monitoring_config_file: str = ""
    file_system_poll_wait_seconds: int = 1
    model_config_file_poll_wait_seconds: int = 0
    rest_api_timeout_in_ms: int = 30000

    def __post_init__(self):
        if bool(self.model_config_file) == bool(self.model_base_path):
            raise ValueError(
                "give --model_base_path, one model's folder, or --model_config_file, and not both: received "
                f"{self.model_base_path!r} and {self.model_config_file!r}"
            )
        if self.model_base_path and not self.model_name:
            raise ValueError("--model_base_path needs a --model_name")
        if self.model_config_file_poll_wait_seconds and not self.model_config_file:
            raise ValueError("--model_config_file_poll_wait_seconds means nothing without --model_config_file")
        for name in ("model_base_path", "model_config_file", "batching_parameters_file", "monitoring_config_file"):
            path = getattr(self, name)
            if path and not os.path.exists(path):
                raise ValueError(f"--{name}: {path} does not exist")
            if path:  # TensorFlow Serving takes no relative ones
                object.__setattr__(self, name, os.path.abspath(path))


def find_binary() -> str | None:
    """tensorflow_model_server as TF_SERVING_BIN names it, or on PATH.

    Raises:
      ValueError: TF_SERVING_BIN names no program.
    """
    named = os.environ.get("TF_SERVING_BIN")
    if named and not shutil.which(named):
        raise ValueError(f"TF_SERVING_BIN names {named!r}, which is no program that can be run")
    return shutil.which(named or "tensorflow_model_server")


def binary_command(binary: str, flags: ServerFlags) -> list[str]:
    """The command line that starts TensorFlow Serving."""
    given = {name: value for name, value in dataclasses.asdict(flags).items() if value != ""}
    if flags.batching_parameters_file:
        given["enable_batching"] = "true"
    if flags.model_config_file:
        # A label may wait for its version; without this the server does not start before that is loaded.
        given["allow_version_labels_for_unavailable_models"] = "true"
    return [binary, *(f"--{name}={value}" for name, value in given.items())]


def docker_command(image: str, flags: ServerFlags, model_folders: list[str], host: str) -> list[str]:
    """The command line that starts TensorFlow Serving in Docker, with its files at their own paths, read-only.

    Args:
      image: the image's name; one that ends in -gpu gets all GPUs.
      flags: as of ``binary_command``.
      model_folders: of the models, as a models.config names them.
      host: the machine's address that is listened on.
    """
    # Folders, not files: a file that is replaced by another of its name would stay the old one inside.
    configs = (flags.model_config_file, flags.batching_parameters_file, flags.monitoring_config_file)
    places = sorted({*(os.path.dirname(path) for path in configs if path), *map(os.path.abspath, model_folders)})
    mounts = [part for path in places for part in ("--volume", f"{path}:{path}:ro")]
    named = f"[{host}]" if ":" in host else host
    ports = [part for port in (flags.port, flags.rest_api_port) for part in ("--publish", f"{named}:{port}:{port}")]
    gpus = ["--gpus=all"] if image.endswith("-gpu") else []
    entry = ["--entrypoint", "tensorflow_model_server"]
    _, *arguments = binary_command("", flags)
    return ["docker", "run", "--rm", "--init", *gpus, *ports, *mounts, *entry, image, *arguments]
