"""Clips from video files: any container and codec that FFmpeg decodes (PyAV, the extra "video").

A video has no annotation: its clips' label maps are the ignore id everywhere, until an annotator makes some
(annotated.py).
"""

import os
import pathlib
from collections.abc import Iterator

import numpy as np

from seg2vid_tf.annotations.png_file import MAX_SIDE
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource, parts

# Seconds by which a video may end before the time that its header says, besides a tenth of that.
_LATE = 0.3

SUFFIXES = (".avi", ".mp4", ".mov", ".mkv", ".webm", ".mpg", ".mpeg")


class VideoClips(ClipSource):
    """The clips of video files, at the files' own size; a file is opened when one of its clips is read."""

    def __init__(
        self,
        videos: dict[str, pathlib.Path],
        spec: AnnotationSpec,
        *,
        reader: str = "video",
        max_length: int | None = None,
        frame_step: int = 1,
    ):
        """Counts the frames of every file, which reads them through once.

        Args:
          videos: {clip id: file}.
          spec: what the label maps are to mean.
          reader: what ``settings`` calls the reader.
          max_length: cut longer videos into clips of this many frames ("walk_00000030" starts at frame 30 of those that
            are taken), the last one with what is left; None: one clip per video.
          frame_step: take every n-th frame.

        Raises:
          ValueError: a length or step below 1. A file that cannot be decoded is one clip, which cannot be read.
          ImportError: PyAV is not installed.
        """
        if (max_length is not None and max_length < 1) or frame_step < 1:
            raise ValueError(f"max_length and frame_step must be positive, received {max_length}, {frame_step}")
        self.spec, self._step = spec, frame_step
        self.settings = {"reader": reader, "max_length": max_length, "frame_step": frame_step}
        self._decoder = None
        self._parts = {}
        self._bad = {}
        for name, path in videos.items():
            try:
                length = -(-sum(1 for _ in decoded_frames(path)) // frame_step)
            except ValueError as error:  # told when the clip is read, as of every other source
                self._parts[name], self._bad[name] = (path, slice(0, 0)), str(error)
                continue
            self._parts |= {clip_id: (path, part) for clip_id, part in parts(name, length, max_length).items()}
        self.clip_ids = tuple(self._parts)

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return [self._parts[clip_id][0]]

    def read(self, clip_id: str) -> Clip:
        if clip_id in self._bad:
            raise ValueError(self._bad[clip_id])
        path, part = self._parts[clip_id]
        frames = []
        for number, frame in self._frames_from(path, part.start * self._step):
            if number % self._step == 0:
                frames.append(_upright(frame))
            if len(frames) == part.stop - part.start:
                break
        else:
            found = part.start + len(frames)
            raise ValueError(f"{path}: {found} frames, there were {part.stop} before; it has changed")
        self._decoder[1] = number + 1
        label_maps = np.full((len(frames), *frames[0].shape[:2]), self.spec.ignore_id, np.uint8)
        return Clip(clip_id, np.stack(frames), label_maps)

    def _frames_from(self, path, first):
        """(number, frame) from a number on. What follows the clip before goes on where that ended, undecoded twice."""
        if self._decoder is None or self._decoder[0] != path or self._decoder[1] > first:
            self._decoder = [path, 0, decoded_frames(path)]
        _, position, frames = self._decoder
        return ((number, frame) for number, frame in enumerate(frames, position) if number >= first)

    def __getstate__(self):
        return {**self.__dict__, "_decoder": None}  # an open file stays in its process


def _upright(frame):
    """uint8 [H,W,3], turned as the file says: telephones write what they see, and how they were held."""
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90))


def decoded_frames(path: pathlib.Path) -> Iterator:
    """The frames of a video file, as PyAV decodes them.

    Raises:
      ValueError: no such file, no video stream, no frame, a picture larger than MAX_SIDE, pictures of several sizes or
        turned by other than quarters, damage.
      ImportError: PyAV is not installed.
    """
    try:
        import av  # PyAV is an optional extra: only videos need it.
    except ImportError as error:
        raise ImportError("reading videos needs PyAV: pip install 'seg2vid_tf[video]'") from error
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    number = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError(f"{path}: no video stream in it")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise ValueError(f"{path}: its codec is not known here; encode it again, as H.264")
            if max(stream.codec_context.width, stream.codec_context.height) > MAX_SIDE:
                raise ValueError(
                    f"{path}: {stream.codec_context.width}x{stream.codec_context.height} pixels, expected at most "
                    f"{MAX_SIDE}x{MAX_SIDE}; scale it down"
                )
            # What is damaged is an error, not a guess.
            stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
            frame = None
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise ValueError(f"{path}: frame {number} is damaged; encode it again")
                size = frame.width, frame.height
                if number == 0:
                    first = size
                if size != first or frame.rotation % 90:
                    raise ValueError(
                        f"{path}: frame {number} is {size[0]}x{size[1]} pixels, turned by {frame.rotation} degrees, "
                        f"the first one is {first[0]}x{first[1]}; encode it again, with one size"
                    )
                yield frame
                number += 1
            # Some encoders count one that is never shown.
            if number < stream.frames - 1:
                raise ValueError(f"{path}: {number} frames, its header says {stream.frames}: it is cut off or damaged")
            end = _end(container, stream)
            if frame is not None and None not in (end, frame.time) and frame.time < 0.9 * end - _LATE:
                raise ValueError(
                    f"{path}: its last frame is at {frame.time:.1f} s, its header says {end:.1f} s: it is cut off or "
                    "damaged"
                )
    except av.FFmpegError as error:
        raise ValueError(
            f"{path}: not a readable video, or damaged after frame {number} ({error}); encode it again"
        ) from error
    if number == 0:
        raise ValueError(f"{path}: no frame in it")


def _end(container, stream) -> float | None:
    """When the video ends, in seconds, as the header says, where it says so of the pictures."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1 and container.duration is not None
    return container.duration / 1e6 if alone else None


def find_videos(root: str | os.PathLike, pattern: str = "*") -> dict[str, pathlib.Path]:
    """{name: file} of one video, or of those in a folder and its sub-folders whose names match a glob pattern.

    Raises:
      ValueError: no such file or folder, no video there, two of one name.
    """
    root = pathlib.Path(root)
    if root.is_file():
        return {root.stem: root}
    if not root.is_dir():
        raise ValueError(f"{root}: no such file or folder")
    found = {}
    for path in sorted(root.rglob(pattern)):
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            if path.stem in found:
                raise ValueError(f"{path}: a second video called {path.stem!r}, also {found[path.stem]}; rename one")
            found[path.stem] = path
    if not found:
        raise ValueError(f"{root}: no videos {pattern} here ({', '.join(SUFFIXES)})")
    return found
