"""Seg2VidClient: videos from a server, by gRPC or REST, from any machine.

By REST it needs NumPy and Pillow alone; by gRPC also grpcio and protobuf. TensorFlow by neither.
"""

import io
import itertools
import os
import pathlib
import time
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageOps

from seg2vid_tf.annotations.doubts import MapWarning, ignored_doubt, set_doubt
from seg2vid_tf.annotations.label_map import read_label_map
from seg2vid_tf.annotations.map_file import read_ids, read_palette
from seg2vid_tf.annotations.palette import builtin_contradiction
from seg2vid_tf.annotations.spec import SPEC_DIR, AnnotationSpec, load_spec
from seg2vid_tf.config import RunWarning
from seg2vid_tf.serving.client_transports import GrpcTransport, RestTransport
from seg2vid_tf.serving.kept_answers import KeptAnswers
from seg2vid_tf.serving.motion_file import decode_motion
from seg2vid_tf.serving.status import StatusError
from seg2vid_tf.traced_video import TracedVideo

_ORIENTATION = 0x0112  # EXIF's tag
# How an export refuses chunk 0 that was made before ``continue`` had one.
_NO_CHUNK_0 = "chunk must lie in 1.."
_WAIT, _LONGEST_WAIT = 0.1, 2.0  # seconds between tries; doubled each time


class Seg2VidClient:
    """Asks one model of one server.

    Args:
      address: "host:port", of the server's gRPC or REST port.
      model: its name there.
      protocol: "grpc" or "rest".
      version: its number; None: the newest, or the one that ``label`` names.
      label: a version's label, as "stable".
      timeout: of one answer with all its tries, seconds.
      retries: how often a server that is UNAVAILABLE, or not there, is asked again.
      spec: the model's, to hold label maps against; None: the server alone knows it. Palette files are then held
        against the specs that come with the package.
      kept: answers that were kept are not asked for again, and those that come are kept; None: none are.

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
        spec: AnnotationSpec | None = None,
        kept: KeptAnswers | None = None,
    ):
        if protocol not in ("grpc", "rest"):
            raise ValueError(f"protocol must be 'grpc' or 'rest', received {protocol!r}")
        if version is not None and label:
            raise ValueError(f"give a version or a label, received {version} and {label!r}")
        self._timeout, self._retries, self._spec = timeout, retries, spec
        self._kept, self._which = kept, (model, version, label)
        self._transport = (GrpcTransport if protocol == "grpc" else RestTransport)(address, model, version, label)

    def generate(self, label_map: str | os.PathLike | np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """A video from a label map.

        Args:
          label_map: a PNG file of class ids, grey, or palette whose colours do not say otherwise, or uint8 [H, W].
          seed: what is drawn: the same one gives the same video.

        Returns:
          frames uint8 [T+1, H, W, 3], and the last frame's label map uint8 [H, W].

        Raises:
          ValueError: no label map.
          StatusError: what the server says.
        """
        inputs = {"label_map_png": [_ids_png(label_map, self._spec)], "seed": np.array([seed], np.int64)}
        return _pictures(self.predict("serving_default", inputs))

    def paint(self, label_map: str | os.PathLike | np.ndarray, style: np.ndarray, seed: int = 0) -> np.ndarray:
        """A start frame in a given style, to ``animate``.

        Args:
          label_map: as of ``generate``.
          style: float32 [S], what the model's encoder, a model of its own on the server, answers of a picture:
            ``predict("encode_style", {"reference": picture[None]})["style"][0]``.
          seed: of the details that the style leaves open.

        Returns:
          uint8 [H, W, 3].

        Raises:
          ValueError: no label map, or the server's model paints in no given style.
          StatusError: what the server says.
        """
        shapes = self._again(self._transport.input_shapes).get("from_tensor", {})
        if "style" not in shapes:
            raise ValueError("the server's model paints no start frames in a given style")
        inputs = {"label_map": self.read_label_map(label_map)[None], "style": np.float32(style)[None]}
        inputs["seed"] = np.array([seed], np.int64)
        if "z" in shapes:  # this model makes a video of it, too: one without motion
            inputs["z"] = np.zeros([1, shapes["z"][1]], np.float32)
        frames = self.predict("from_tensor", inputs)
        return frames["frames"][0, 0] if "frames" in frames else frames["frame"][0]

    def animate(self, start_frame: str | os.PathLike | np.ndarray, label_map, seed: int = 0):
        """A video from a picture, a JPEG or PNG file or uint8 [H, W, 3], and its label map; as ``generate``."""
        return _pictures(self.predict("animate", self._files(start_frame, label_map, seed)))

    def video(
        self,
        label_map: str | os.PathLike | np.ndarray,
        seed: int = 0,
        num_frames: int | None = None,
        start_frame: str | os.PathLike | np.ndarray | None = None,
        walk: float = 0.0,
    ) -> Iterator[np.ndarray]:
        """A video of any length, chunk by chunk; what stays in sight stays sharp (traced_video.py).

        Args:
          label_map, seed: as of ``generate``.
          num_frames: frames after the start frame; None: the model's T.
          start_frame: as of ``animate``, instead of one that the model paints.
          walk: how far the motion changes from chunk to chunk, 0 (not at all) .. 1 (drawn anew).

        Yields:
          uint8 [n, H, W, 3], which one after the other are the video's num_frames + 1 frames.

        Raises:
          ValueError, StatusError: as ``generate``; what was yielded before is right.
        """
        if num_frames is not None and num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, received {num_frames}")
        if not 0 <= walk <= 1:
            raise ValueError(f"walk must lie in 0..1, received {walk}")
        if start_frame is None:
            frames, last = self.generate(label_map, seed)
        else:
            frames, last = self.animate(start_frame, label_map, seed)
        length = len(frames) - 1
        left = length if num_frames is None else num_frames
        if left <= length:
            yield frames[: left + 1]
            return
        yield frames[:1]
        chunks = self._traced(frames[0], self.read_label_map(label_map), seed, walk)
        try:
            chunk = next(chunks)
        except StatusError as error:
            if _NO_CHUNK_0 not in error.message:
                raise
            warnings.warn(
                "the server's export is from before November 29, 2026, and does not answer its motion: a longer video "
                "blurs from chunk to chunk; generate.py's does not, nor would an export that is made anew",
                RunWarning,
                stacklevel=2,
            )
            chunk, chunks = frames[1:], self._chained(frames[-1], last, seed, walk)
        while True:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return
            chunk = next(chunks)

    def _traced(self, frame, label_map, seed, walk):
        """Chunk after chunk, each pixel from the frame that showed it first."""
        video = TracedVideo(frame[None], label_map[None])
        for chunk in itertools.count():
            answer = self._next_chunk(frame, label_map, seed, chunk, walk)
            frames, label_map = _pictures(answer)
            flow, visibility = zip(*map(decode_motion, answer["motion_bytes"][0]), strict=True)
            frames, label_maps = video.add(
                np.stack(flow)[None], np.stack(visibility)[None], frames[None], label_map[None, None]
            )
            frame, label_map = frames[0, -1], label_maps[0, -1]
            yield frames[0]

    def _chained(self, frame, label_map, seed, walk):
        """Chunk 1 and those after it, each from the last frame of the one before."""
        for chunk in itertools.count(1):
            frames, label_map = _pictures(self._next_chunk(frame, label_map, seed, chunk, walk))
            frame = frames[-1]
            yield frames

    def _next_chunk(self, frame, label_map, seed, chunk, walk):
        more = {"chunk": np.array([chunk], np.int64), "walk": np.array([walk], np.float32)}
        return self.predict("continue", {**self._files(frame, label_map, seed), **more})

    def read_label_map(self, label_map: str | os.PathLike | np.ndarray) -> np.ndarray:
        """The ids in a label map's file as ``generate`` reads them, uint8 [H, W]; an array is returned as it is."""
        return label_map if isinstance(label_map, np.ndarray) else _ids_of_file(label_map, self._spec)

    def predict(self, signature: str, inputs: dict[str, np.ndarray | list[bytes]]) -> dict[str, np.ndarray]:
        """Any signature: {name: array or list of files, a row each} -> {name: array}.

        Raises:
          StatusError: what the server says.
        """
        inputs = {n: np.array(v, object) if isinstance(v, list) else np.asarray(v) for n, v in inputs.items()}

        def ask():
            return self._again(lambda timeout: self._transport.predict(signature, inputs, timeout))

        return ask() if self._kept is None else self._kept.answer((*self._which, signature), inputs, ask)

    def status(self) -> dict[int, str]:
        """{version: its state}, as "AVAILABLE".

        Raises:
          StatusError: what the server says.
        """
        return self._again(self._transport.status)

    def size(self) -> tuple[int, int]:
        """(height, width) of the model's label maps.

        Raises:
          StatusError: what the server says.
          ValueError: no signature says it.
        """
        shapes = self._again(self._transport.input_shapes)
        for signature in ("from_tensor", "animate_tensor"):
            shape = shapes.get(signature, {}).get("label_map", ())
            if len(shape) == 3 and min(shape[1:]) > 0:
                return tuple(shape[1:])
        raise ValueError(f"the server's model says no size: its signatures are {sorted(shapes)}; resize maps yourself")

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Waits until a version can be asked.

        Raises:
          StatusError: none can, and what was said at the end.
        """
        pauses = _pauses(time.monotonic() + timeout)
        while True:
            try:
                states = self._transport.status(min(5.0, timeout))
                if "AVAILABLE" in states.values():
                    return
                error = StatusError("UNAVAILABLE", f"no version is ready: {states}")
            except StatusError as unready:
                error = unready
            if not next(pauses, False):
                raise error

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _files(self, picture, label_map, seed):
        if not isinstance(picture, np.ndarray):
            data = _upright(pathlib.Path(picture).read_bytes())
        elif picture.dtype == np.uint8 and picture.ndim == 3:
            data = _png(picture)
        else:
            shape = list(picture.shape)
            raise ValueError(f"a start frame must be uint8 [H, W, 3] or a file, received {picture.dtype} {shape}")
        seeds = np.array([seed], np.int64)
        return {"start_frame_jpeg": [data], "label_map_png": [_ids_png(label_map, self._spec)], "seed": seeds}

    def _again(self, ask):
        end = time.monotonic() + self._timeout
        pauses = itertools.islice(_pauses(end), self._retries)
        while True:
            try:
                return ask(max(0.001, end - time.monotonic()))
            except StatusError as error:
                if error.code != "UNAVAILABLE" or not next(pauses, False):
                    raise


def _pictures(answer):
    """frames uint8 [n, H, W, 3] and label map uint8 [H, W] of an answer."""
    frames = np.stack([np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in answer["frames_bytes"][0]])
    return frames, np.asarray(Image.open(io.BytesIO(answer["label_map_bytes"][0])))


def _pauses(end):
    """Sleeps before each further try, longer each time, and yields True; ends where a pause would end too late."""
    wait = _WAIT
    while time.monotonic() + wait <= end:
        time.sleep(wait)
        yield True
        wait = min(_LONGEST_WAIT, 2 * wait)


def _ids_png(label_map, spec):
    ids = label_map if isinstance(label_map, np.ndarray) else _ids_of_file(label_map, spec)
    if ids.dtype != np.uint8 or ids.ndim != 2:
        raise ValueError(f"label_map must be uint8 [H, W] or a PNG file, received {ids.dtype} {list(ids.shape)}")
    name = "label_map" if isinstance(label_map, np.ndarray) else str(label_map)
    doubts = [ignored_doubt(ids, 255)] if spec is None else [ignored_doubt(ids, spec.ignore_id), set_doubt(ids, spec)]
    for doubt in filter(None, doubts):
        warnings.warn(f"{name}: {doubt}", MapWarning, stacklevel=4)
    return _png(ids)


def _ids_of_file(path, spec):
    if spec is not None:
        return read_label_map(path, spec, palette=True)
    ids = read_ids(path, allow_palette=True)
    palette = read_palette(path)
    if palette is not None:
        specs = [load_spec(file.stem) for file in sorted(SPEC_DIR.glob("*.json"))]
        contradiction = builtin_contradiction(palette, np.unique(ids), specs)
        if contradiction:
            raise ValueError(
                f"{path}: a palette PNG whose indices are hardly the ids that it shows: {contradiction}; give the "
                "model's "
                "spec, request.py --spec, and --colors=classes or --colors=grey, or save the ids as a grey PNG"
            )
    return ids


def _upright(data):
    """A picture file whose EXIF tag turns it, turned: servers show what is stored."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.getexif().get(_ORIENTATION, 1) in (1, None):
                return data
            return _png(np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
    except (OSError, SyntaxError, ValueError):
        return data  # the server says what is wrong with it


def _png(array):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()
