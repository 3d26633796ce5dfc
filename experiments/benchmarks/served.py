"""A server of exports in a process of its own, on free ports, and what it is asked; shared by several programs."""

import contextlib
import pathlib
import socket
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "benchmark"


def example(version):
    """What is asked: label maps of blocks as PNG files, one for each of 16 seeds."""
    import tensorflow as tf

    from seg2vid_tf.export_folder import read_description

    description = read_description(version)
    (height, width), classes = description["size"], len(description["spec"]["classes"])
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, classes, (16, height // 16, width // 16)).astype(np.uint8)
    maps = np.kron(blocks, np.ones((16, 16), np.uint8))
    return [(tf.io.encode_png(m[..., None]).numpy(), seed) for seed, m in enumerate(maps)]


def inputs_of(request):
    png, seed = request
    return {"label_map_png": np.array([png], object), "seed": np.array([seed], np.int64)}


class Server:
    """A server's process; its addresses are grpc and rest.

    Args:
      folder: it serves folder/NAME, and writes its log into folder.
      batching: text of batching parameters, or None.
      env: its environment; None: this process's.
    """

    def __init__(self, folder, batching, env=None):
        parameters = folder / "batching.config"
        parameters.write_text(batching or "")
        ports = free_ports(2)
        self.grpc, self.rest = (f"localhost:{port}" for port in ports)
        command = [sys.executable, str(ROOT / "experiments/serve.py"), f"--model_name={NAME}"]
        command += [f"--model_base_path={folder / NAME}", f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
        command += [f"--batching_parameters_file={parameters}"] if batching else []
        self.log = folder / "server.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env)

    def client(self, protocol="grpc", **more):
        from seg2vid_tf.serving.client import Seg2VidClient

        address = self.grpc if protocol == "grpc" else self.rest
        return Seg2VidClient(address, NAME, protocol, **{"timeout": 600.0, "retries": 0, **more})

    def memory(self, what="VmRSS"):
        """MiB: VmRSS now, VmHWM at the peak."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split(f"{what}:")[1].split()[0]) / 1024


@contextlib.contextmanager
def served(folder, batching=None, env=None):
    server = Server(folder, batching, env)
    try:
        with server.client() as client:
            client.wait_until_ready(300)
        yield server
    except BaseException:
        print(server.log.read_text(), file=sys.stderr)
        raise
    finally:
        server.process.terminate()
        server.process.wait(60)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for opened in sockets:
            opened.bind(("localhost", 0))
        return [opened.getsockname()[1] for opened in sockets]
