"""LocalServer: gRPC and REST in front of the models."""

import concurrent.futures
import socket
import threading
import time

import grpc
import uvicorn
from tensorflow_serving.config import model_server_config_pb2

from seg2vid_tf.serving.local_server.configs import BatchingParameters
from seg2vid_tf.serving.local_server.connection import connection
from seg2vid_tf.serving.local_server.grpc_transport import MAX_BYTES, MessageDeadline, add_services
from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.local_server.metrics import Metrics
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.local_server.rest_transport import rest_transport

_GRACE_SECONDS = 30.0


class LocalServer:
    """Serves until it is stopped; use it in a with statement.

    Args:
      config: the models (configs.read_models).
      port: of gRPC; 0: any free one.
      rest_api_port: of REST; 0: any free one.
      batching: how requests are put together; None: each runs as it comes.
      prometheus_path: address of the Prometheus page on the REST port, or None.
      rest_timeout: longest that a REST request may take, seconds.
      poll_seconds: how often the models' folders are looked at.
      host: where it listens, a name or address; "0.0.0.0" is every address of the machine. There is no authentication:
        whoever reaches it can use it.
      allow_config_reload: whether callers of gRPC may change the config, to folders in those that it names.
      limits: what it takes on at once.

    Attributes:
      host, port, rest_api_port: as they are; host is an address.
      models: what is served.

    Raises:
      ValueError: a port is in use, or no such host.
    """

    def __init__(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        port: int = 0,
        rest_api_port: int = 0,
        batching: BatchingParameters | None = None,
        prometheus_path: str | None = None,
        rest_timeout: float = 30.0,
        poll_seconds: float = 1.0,
        host: str = "127.0.0.1",
        allow_config_reload: bool = False,
        limits: Limits | None = None,
    ):
        limits = limits or Limits()
        try:
            (family, _, _, _, (host, *_)), *_ = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ValueError(f"host {host!r} cannot be found, give another --host: {error}") from error
        self.host = host
        self.models, metrics = Models(config, batching, poll_seconds, limits.rows), Metrics()
        self._grpc = _grpc_server(limits)
        add_services(self._grpc, self.models, metrics, limits, allow_config_reload)
        try:
            named = f"[{host}]" if family == socket.AF_INET6 else host
            self.port = self._grpc.add_insecure_port(f"{named}:{port}")
        except RuntimeError as error:
            raise ValueError(f"port {port} of {host} cannot be opened, give another --port: {error}") from error
        self._rest = uvicorn.Server(
            uvicorn.Config(
                rest_transport(self.models, metrics, rest_timeout, prometheus_path, limits),
                http=connection(limits, rest_timeout),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=int(_GRACE_SECONDS),
            )
        )
        try:
            self._socket = _listening_socket(family, host, rest_api_port)
        except ValueError:
            self._grpc.stop(None)
            raise
        self.rest_api_port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._rest.run, args=([self._socket],), name="rest", daemon=True)

    def start(self) -> None:
        """Loads what is there, then opens both ports."""
        self.models.start()
        self._grpc.start()
        self._thread.start()
        while not self._rest.started:
            if not self._thread.is_alive():
                raise RuntimeError("the REST port did not open")
            time.sleep(0.01)

    def stop(self) -> None:
        """Closes both ports, answers what came in before, and unloads."""
        stopped = self._grpc.stop(_GRACE_SECONDS)
        self._rest.should_exit = True
        self._thread.join()
        stopped.wait()
        self.models.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def _grpc_server(limits):
    options = [
        ("grpc.max_receive_message_length", MAX_BYTES),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),
        ("grpc.max_allowed_incoming_connections", limits.connections),
    ]
    # As many calls as connections: those whose message is still on its way are in nobody's.
    return grpc.server(
        concurrent.futures.ThreadPoolExecutor(limits.connections),
        interceptors=[MessageDeadline(limits.read_seconds)],
        options=options,
        maximum_concurrent_rpcs=limits.connections,
    )


def _listening_socket(family, host, port):
    # asyncio sends without delay (40 ms an answer) only what says that it is TCP.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ValueError(f"port {port} cannot be opened, give another --rest_api_port: {error}") from error
    return listening
