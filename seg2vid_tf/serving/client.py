"""Seg2VidClient: videos from a server, by gRPC or REST, from any machine.

By REST it needs NumPy and Pillow alone; by gRPC also TensorFlow Serving's messages, whose package loads TensorFlow.
"""

import io
import itertools
import os
import pathlib
import time

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.png_file import read_ids_png
from seg2vid_tf.serving.client_doors import GrpcDoor, RestDoor
from seg2vid_tf.serving.status import StatusError

_WAIT, _LONGEST_WAIT = 0.1, 2.0  # seconds between tries; doubled each time


class Seg2VidClient:
    """Asks one model of one server.

    Args:
      address: "host:port", of the server's gRPC or REST door.
      model: its name there.
      protocol: "grpc" or "rest".
      version: its number; None: the newest, or the one that ``label`` names.
      label: a version's label, as "stable".
      timeout: of one answer with all its tries, seconds.
      retries: how often a server that is UNAVAILABLE, or not there, is asked again.

    Raises:
      ValueError: unknown protocol, or both version and label.
    """

    def __init__(
        self,
        address: str,
        model: str,
        protocol: str = "grpc",
        version: int | None = None,
        label: str | None = None,
        timeout: float = 60.0,
        retries: int = 5,
    ):
        if protocol not in ("grpc", "rest"):
            raise ValueError(f"protocol must be 'grpc' or 'rest', received {protocol!r}")
        if version is not None and label:
            raise ValueError(f"give a version or a label, received {version} and {label!r}")
        self._timeout, self._retries = timeout, retries
        self._door = (GrpcDoor if protocol == "grpc" else RestDoor)(address, model, version, label)

    def generate(self, label_map: str | os.PathLike | np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """A video from a label map.

        Args:
          label_map: a PNG file of class ids, grey or palette, or uint8 [H, W].
          seed: what is drawn: the same one gives the same video.

        Returns:
          frames uint8 [T+1, H, W, 3], and the last frame's label map uint8 [H, W].

        Raises:
          ValueError: no label map.
          StatusError: what the server says.
        """
        inputs = {"label_map_png": [_ids_png(label_map)], "seed": np.array([seed], np.int64)}
        return self._video("serving_default", inputs)

    def animate(self, start_frame: str | os.PathLike | np.ndarray, label_map, seed: int = 0):
        """A video from a picture, a JPEG or PNG file or uint8 [H, W, 3], and its label map; as ``generate``."""
        return self._video("animate", self._files(start_frame, label_map, seed))

    def go_on(self, last_frame, last_label_map, seed: int, chunk: int, walk: float = 0.0):
        """The next T frames of a video, from its last frame and label map.

        Args:
          last_frame, last_label_map: of ``generate``, ``animate`` or the chunk before.
          seed: as there.
          chunk: 1 for the first one that goes on, 2, ...
          walk: how far the motion changes from chunk to chunk, 0 (not at all) .. 1 (drawn anew).

        Returns:
          frames uint8 [T, H, W, 3], and the last frame's label map.
        """
        more = {"chunk": np.array([chunk], np.int64), "walk": np.array([walk], np.float32)}
        return self._video("continue", {**self._files(last_frame, last_label_map, seed), **more})

    def predict(self, signature: str, inputs: dict[str, np.ndarray | list[bytes]]) -> dict[str, np.ndarray]:
        """Any signature: {name: array or list of files, a row each} -> {name: array}.

        Raises:
          StatusError: what the server says.
        """
        inputs = {n: np.array(v, object) if isinstance(v, list) else np.asarray(v) for n, v in inputs.items()}
        return self._again(lambda timeout: self._door.predict(signature, inputs, timeout))

    def status(self) -> dict[int, str]:
        """{version: its state}, as "AVAILABLE".

        Raises:
          StatusError: what the server says.
        """
        return self._again(self._door.status)

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Waits until a version can be asked.

        Raises:
          StatusError: none can, and what was said at the end.
        """
        pauses = _pauses(timeout)
        while True:
            try:
                states = self._door.status(min(5.0, timeout))
                if "AVAILABLE" in states.values():
                    return
                error = StatusError("UNAVAILABLE", f"no version is ready: {states}")
            except StatusError as unready:
                error = unready
            if not next(pauses, False):
                raise error

    def close(self) -> None:
        """Ends the connection."""
        self._door.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _video(self, signature, inputs):
        answer = self.predict(signature, inputs)
        frames = np.stack([np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in answer["frames_bytes"][0]])
        return frames, np.asarray(Image.open(io.BytesIO(answer["label_map_bytes"][0])))

    def _files(self, picture, label_map, seed):
        if not isinstance(picture, np.ndarray):
            data = pathlib.Path(picture).read_bytes()
        elif picture.dtype == np.uint8 and picture.ndim == 3:
            data = _png(picture)
        else:
            shape = list(picture.shape)
            raise ValueError(f"a start frame must be uint8 [H, W, 3] or a file, received {picture.dtype} {shape}")
        seeds = np.array([seed], np.int64)
        return {"start_frame_jpeg": [data], "label_map_png": [_ids_png(label_map)], "seed": seeds}

    def _again(self, ask):
        end, pauses = time.monotonic() + self._timeout, itertools.islice(_pauses(self._timeout), self._retries)
        while True:
            try:
                return ask(max(0.001, end - time.monotonic()))
            except StatusError as error:
                if error.code != "UNAVAILABLE" or not next(pauses, False):
                    raise


def _pauses(seconds):
    """Sleeps before each further try, longer each time, and yields True; ends where a pause would end too late."""
    end, wait = time.monotonic() + seconds, _WAIT
    while time.monotonic() + wait <= end:
        time.sleep(wait)
        yield True
        wait = min(_LONGEST_WAIT, 2 * wait)


def _ids_png(label_map):
    ids = label_map if isinstance(label_map, np.ndarray) else read_ids_png(label_map, allow_palette=True)
    if ids.dtype != np.uint8 or ids.ndim != 2:
        raise ValueError(f"label_map must be uint8 [H, W] or a PNG file, received {ids.dtype} {list(ids.shape)}")
    return _png(ids)


def _png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()
