"""Clips whose annotation an annotator makes, where the data set has none or another is wanted."""

import abc
import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Callable

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.data.pictures import aspect_crop, resize_frame
from seg2vid_tf.files import NotWritten
from seg2vid_tf.ops.npz_file import write_arrays

_PIECE = 64  # frames


class Annotator(abc.ABC):
    """Frames -> label maps, each frame's from itself alone. It can be pickled.

    Attributes:
      spec: what the ids of its maps mean.
      settings: everything that determines its maps, as JSON; a network by the SHA-256 of its file or folder.
    """

    spec: AnnotationSpec
    settings: dict

    @abc.abstractmethod
    def annotate(self, frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """frames uint8 [N,h,w,3] -> uint8 [N,*size], ids of the spec, its ignore id where it is not sure."""


def check_min_score(min_score: float) -> None:
    """Raises ValueError where a network's smallest score is no share in [0, 1)."""
    if not 0 <= min_score < 1:
        raise ValueError(f"min_score must lie in 0..1, a share, received {min_score}")


class Annotated(ClipSource):
    """A source's clips with the annotator's label maps; instance maps are left out.

    Maps are made for a few frames at a time and kept in a cache folder, so that a run that is started again, in the
    middle of a long clip too, does not make them twice.

    Args:
      source: its clips, best at the files' own size, so that the annotator sees all there is.
      annotator: what makes the maps.
      size: (height, width) to bring the clips to afterwards.
      crop_to_aspect: as of FrameClips.
      cache: folder for the maps; None: they are not kept.
      each: called with the number of frames whose maps are there, after a few of a clip; with functions of modules
        alone the source can be pickled.
    """

    def __init__(
        self,
        source: ClipSource,
        annotator: Annotator,
        size: tuple[int, int],
        *,
        crop_to_aspect: bool = False,
        cache: str | os.PathLike | None = None,
        each: Callable[[int], None] | None = None,
    ):
        self._source, self._annotator, self._size, self._crop = source, annotator, tuple(size), crop_to_aspect
        self._cache, self._each = None if cache is None else pathlib.Path(cache), each
        self.spec = annotator.spec
        self.clip_ids, self.remarks = source.clip_ids, source.remarks
        self.settings = {
            **source.settings,
            "annotator": annotator.settings,
            "size": list(size),
            "crop_to_aspect": crop_to_aspect,
        }

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return self._source.files(clip_id)

    def recording(self, clip_id: str) -> str:
        return self._source.recording(clip_id)

    def length(self, clip_id: str) -> int | None:
        return self._source.length(clip_id)

    def faults(self) -> dict[str, str]:
        return self._source.faults()

    def read(self, clip_id: str) -> Clip:
        """The clip of that id.

        Raises:
          ValueError: what the source and the annotator refuse, with the clip's name.
          NotWritten: the cache cannot be written.
        """
        clip = self._source.read(clip_id)
        frames = clip.frames
        if clip.flow is not None and frames.shape[1:3] != self._size:
            raise ValueError(
                f"clip {clip_id!r}: its exact motion is of size {frames.shape[1:3]}, not {self._size}; read it at that"
            )
        if self._crop:
            rows, columns = aspect_crop(frames.shape[1:3], self._size)
            frames = np.ascontiguousarray(frames[:, rows, columns])
        try:
            pieces = []
            for start in range(0, len(frames), _PIECE):
                pieces.append(self._made(frames[start : start + _PIECE]))
                if self._each is not None:
                    self._each(min(start + _PIECE, len(frames)))
            label_maps = np.concatenate(pieces)
        except ValueError as error:
            where = "".join(f" ({path})" for path in self.files(clip_id)[:1])
            raise ValueError(f"clip {clip_id!r}{where}: {error}") from error
        frames = np.stack([resize_frame(frame, self._size) for frame in frames])
        return dataclasses.replace(clip, frames=frames, label_maps=label_maps, instance_maps=None)

    def _made(self, frames):
        """The maps of frames, from the cache where they were made of the same ones by this annotator."""
        if self._cache is None:
            return self._annotator.annotate(frames, self._size)
        made_by = [self._annotator.settings, self.spec.to_json(), self._size, frames.shape]
        digest = hashlib.sha256(json.dumps(made_by).encode())
        for frame in frames:
            digest.update(np.ascontiguousarray(frame))
        path = self._cache / f"{digest.hexdigest()}.npz"
        label_maps = _kept(path)
        if label_maps is None or label_maps.shape != (len(frames), *self._size):
            label_maps = self._annotator.annotate(frames, self._size)
            try:
                write_arrays(path, {"label_maps": label_maps}, compressed=True)
            except OSError as error:
                raise NotWritten(f"{path}: cannot be written ({error})") from error
        return label_maps


def _kept(path):
    """What a cached file holds; None where there is none, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return stored["label_maps"]
    # A flipped bit is an error of the archive, of the decompressor, or of the array's header, of a kind of each.
    except Exception:
        return None
