"""LocalServer: both doors in front of the models."""

import concurrent.futures
import socket
import threading
import time

import grpc
import uvicorn
from tensorflow_serving.config import model_server_config_pb2

from seg2vid_tf.serving.local_server.configs import BatchingParameters
from seg2vid_tf.serving.local_server.grpc_door import MAX_BYTES, add_services
from seg2vid_tf.serving.local_server.metrics import Metrics
from seg2vid_tf.serving.local_server.models import Models
from seg2vid_tf.serving.local_server.rest_door import rest_door

_THREADS = 32  # requests at once; most of them wait for their batch
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

    Attributes:
      port, rest_api_port: as they are.
      models: what is served.

    Raises:
      ValueError: a port is in use.
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
    ):
        self.models, metrics = Models(config, batching, poll_seconds), Metrics()
        options = [
            ("grpc.max_receive_message_length", MAX_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),
        ]
        self._grpc = grpc.server(concurrent.futures.ThreadPoolExecutor(_THREADS), options=options)
        add_services(self._grpc, self.models, metrics)
        try:
            self.port = self._grpc.add_insecure_port(f"0.0.0.0:{port}")
        except RuntimeError as error:
            raise ValueError(f"port {port} cannot be opened, give another --port: {error}") from error
        app = rest_door(self.models, metrics, rest_timeout, prometheus_path)
        grace = int(_GRACE_SECONDS)
        self._rest = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=grace)
        )
        # asyncio sends without delay (40 ms an answer) only what says that it is TCP.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind(("0.0.0.0", rest_api_port))
        except OSError as error:
            self._socket.close()
            self._grpc.stop(None)
            raise ValueError(f"port {rest_api_port} cannot be opened, give another --rest_api_port: {error}") from error
        self.rest_api_port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._rest.run, args=([self._socket],), name="rest", daemon=True)

    def start(self) -> None:
        """Loads what is there, then opens both doors."""
        self.models.start()
        self._grpc.start()
        self._thread.start()
        while not self._rest.started:
            if not self._thread.is_alive():
                raise RuntimeError("the REST door did not open")
            time.sleep(0.01)

    def stop(self) -> None:
        """Closes both doors, answers what came in before, and unloads."""
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
