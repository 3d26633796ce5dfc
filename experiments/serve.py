"""Serves exported models: by TensorFlow Serving, or by the local server that stands in for it.

    python experiments/serve.py --model_name=street --model_base_path=saved_models/street
    python experiments/serve.py --model_config_file=models.config --batching_parameters_file=batching.config

tensorflow_model_server is what runs where it is on PATH or TF_SERVING_BIN names it, Docker where --server=docker asks
for it, and the local server otherwise (pip install -e '.[serving]'), which is good for laptops and tests: the same
doors, versions, batches and errors, in Python. The flags are those that all of them have; what else TensorFlow Serving
needs for them, such as --enable_batching, is added.
"""

import ipaddress
import logging
import os
import pathlib
import shutil
import signal
import sys
import threading

from absl import flags

from seg2vid_tf.flags import run
from seg2vid_tf.serving.server_flags import DOCKER_IMAGE, ServerFlags, binary_command, docker_command, find_binary

HOST = flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "address that is listened on; the default is reached from this machine alone, 0.0.0.0 from everywhere: no server "
    "asks who calls, so whoever reaches it can use it",
)
MODEL_NAME = flags.DEFINE_string("model_name", "", "name of the one model that is served")
MODEL_BASE_PATH = flags.DEFINE_string("model_base_path", "", "its folder, which holds <version>/saved_model.pb")
MODEL_CONFIG_FILE = flags.DEFINE_string("model_config_file", "", "models.config, instead of one model")
PORT = flags.DEFINE_integer("port", 8500, "gRPC", lower_bound=0, upper_bound=65535)
REST_API_PORT = flags.DEFINE_integer("rest_api_port", 8501, "REST", lower_bound=0, upper_bound=65535)
BATCHING = flags.DEFINE_string("batching_parameters_file", "", "puts requests together by this file's parameters")
MONITORING = flags.DEFINE_string("monitoring_config_file", "", "says where the Prometheus page is")
POLL = flags.DEFINE_integer("file_system_poll_wait_seconds", 1, "how often folders are looked at", lower_bound=1)
CONFIG_POLL = flags.DEFINE_integer(
    "model_config_file_poll_wait_seconds", 0, "how often models.config is read anew; 0: never", lower_bound=0
)
REST_TIMEOUT = flags.DEFINE_integer("rest_api_timeout_in_ms", 30000, "longest REST request", lower_bound=1)
ALLOW_CONFIG_RELOAD = flags.DEFINE_bool(
    "allow_config_reload",
    False,
    "callers of the local server may change its config by gRPC, to folders in those that it was started with",
)
SERVER = flags.DEFINE_enum(
    "server", "auto", ["auto", "binary", "docker", "local"], "which server; auto: the binary if there is one, or local"
)
IMAGE = flags.DEFINE_string("docker_image", DOCKER_IMAGE, "of --server=docker; :2.20.0-gpu for a GPU")


def main():
    settings = ServerFlags(
        model_name=MODEL_NAME.value,
        model_base_path=MODEL_BASE_PATH.value,
        model_config_file=MODEL_CONFIG_FILE.value,
        port=PORT.value,
        rest_api_port=REST_API_PORT.value,
        batching_parameters_file=BATCHING.value,
        monitoring_config_file=MONITORING.value,
        file_system_poll_wait_seconds=POLL.value,
        model_config_file_poll_wait_seconds=CONFIG_POLL.value,
        rest_api_timeout_in_ms=REST_TIMEOUT.value,
    )
    binary = find_binary() if SERVER.value in ("auto", "binary") else None
    if ALLOW_CONFIG_RELOAD.value and (binary is not None or SERVER.value in ("binary", "docker")):
        raise ValueError("--allow_config_reload is the local server's: TensorFlow Serving always allows it")
    if binary is not None:
        if HOST.present:
            raise ValueError(
                "--host: tensorflow_model_server listens on every address; --server=docker and local heed it"
            )
        print("tensorflow_model_server listens on every address, and asks nobody who calls", flush=True)
        replace_process(binary_command(binary, settings))
    elif SERVER.value == "binary":
        raise ValueError("tensorflow_model_server is not on PATH, and TF_SERVING_BIN does not name it")
    elif SERVER.value == "docker":
        if not shutil.which("docker"):
            raise ValueError("--server=docker: docker is not on PATH")
        replace_process(docker_command(IMAGE.value, settings, model_folders(settings), HOST.value))
    else:
        serve_locally(settings)


def replace_process(command):
    print(" ".join(command), flush=True)
    os.execvp(command[0], command)


def model_folders(settings):
    """The folders that Docker must see."""
    if settings.model_base_path:
        return [settings.model_base_path]
    from seg2vid_tf.serving.local_server.configs import read_models

    return [model.base_path for model in read_models(settings.model_config_file).model_config_list.config]


def serve_locally(settings):
    """Until SIGTERM or Ctrl-C: what came in before is answered, then all is unloaded."""
    print("the local server loads its models, half a minute on slow cores; then its ports open ...", flush=True)
    try:
        from tensorflow_serving.config import model_server_config_pb2  # TensorFlow loads here: --help needs none.

        from seg2vid_tf.serving.local_server.configs import read_batching, read_models, read_prometheus_path
        from seg2vid_tf.serving.local_server.server import LocalServer
    except ImportError as error:
        raise ImportError(f"the local server needs the extra serving: pip install -e '.[serving]' ({error})") from error

    if settings.model_config_file:
        config = read_models(settings.model_config_file)
    else:
        config = model_server_config_pb2.ModelServerConfig()
        config.model_config_list.config.add(
            name=settings.model_name, base_path=settings.model_base_path, model_platform="tensorflow"
        )
    batching, monitoring = settings.batching_parameters_file, settings.monitoring_config_file
    logging.getLogger("seg2vid_tf").setLevel(logging.INFO)  # which versions come and go
    asked_to_stop = threading.Event()
    with LocalServer(
        config,
        settings.port,
        settings.rest_api_port,
        read_batching(batching) if batching else None,
        read_prometheus_path(monitoring) if monitoring else None,
        settings.rest_api_timeout_in_ms / 1000,
        settings.file_system_poll_wait_seconds,
        HOST.value,
        ALLOW_CONFIG_RELOAD.value,
    ) as server:
        # Only now: while models are loaded, a signal ends the program at once.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked_to_stop.set())
        ports = f"gRPC port {server.port}, REST port {server.rest_api_port}"
        print(f"local server (a stand-in for TensorFlow Serving): {ports}")
        print(f"  {reached(server.host)}")
        for model in config.model_config_list.config:
            print(f"  {model.name}: {shown(server, model)}", flush=True)
        while not asked_to_stop.wait(settings.model_config_file_poll_wait_seconds or None):
            config = reloaded(server, settings.model_config_file, config)


def reached(host):
    """Who can use a server that listens on an address, for people."""
    if ipaddress.ip_address(host).is_loopback:
        return f"on {host}: this machine alone reaches it (--host)"
    return f"on {host}: whoever reaches this machine can use it, nobody is asked who they are, nothing is encrypted"


def reloaded(server, path, config):
    """Reads models.config anew: the config that holds from now on, the old one where the new one makes no sense."""
    from seg2vid_tf.serving.local_server.configs import read_models
    from seg2vid_tf.serving.status import StatusError

    try:
        changed = read_models(path)
        if changed != config:
            server.models.reload(changed)
            names = ", ".join(model.name for model in changed.model_config_list.config)
            print(f"{path} was read again: it names {names}", flush=True)
    except (ValueError, OSError, StatusError) as error:
        print(f"{path} was not taken over, the models stay as they are: {error}", file=sys.stderr, flush=True)
        return config
    return changed


def shown(server, model):
    """A model's versions and their states, for people."""
    from seg2vid_tf.serving.status import StatusError

    try:
        states = server.models.status(model.name)
    except StatusError:
        return f"no version in {model.base_path} yet{hint(pathlib.Path(model.base_path))}"
    return ", ".join(f"{v} {s.state}{s.error and f' ({s.error})'}" for v, s in states.items())


def hint(folder):
    """What may be wrong with a model's folder that holds no version."""
    if (folder / "saved_model.pb").exists():
        return f": it is a version itself, give {folder.parent}"
    models = sorted(path.parent.parent.name for path in folder.glob("*/*/saved_model.pb"))
    return f": it holds the models {', '.join(dict.fromkeys(models))}, give one's folder" if models else ""


if __name__ == "__main__":
    run(main, timed_log=True)
