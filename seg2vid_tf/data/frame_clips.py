"""Clips whose frames and maps are picture files, whatever folders a data set puts them in.

Frames are resized by area (bilinearly where a side grows), label and instance maps by nearest neighbour, to one size;
another aspect ratio is stretched, or, if asked for, cut to the size's around the centre. A frame and its maps must have
equal sizes on disk. Label maps may be palette PNGs whose indices are the ids, unless the colours say otherwise. Where
frames have no maps, or none are wanted, they are the ignore id everywhere, until an annotator makes some
(annotated.py).
"""

import copy
import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.color_map import GREY, read_told_map
from seg2vid_tf.annotations.doubts import set_doubt
from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.annotations.map_file import read_ids
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.data.pictures import TURNS, aspect_crop, exif_orientation, read_frame, read_instance_map, resize_frame

EXIF = ("turn", "ignore")


@dataclasses.dataclass(frozen=True)
class FrameFiles:
    """The files of one frame; ``label`` and ``instance`` are None where there are none.

    ``fault`` says why a clip cannot hold this frame, "" where it can: a file is missing, before it, too.
    """

    number: int
    image: pathlib.Path
    label: pathlib.Path | None
    instance: pathlib.Path | None
    fault: str = ""


class FrameClips(ClipSource):
    """Runs of frames, read when asked for."""

    def __init__(
        self,
        runs: dict[str, list[FrameFiles]],
        spec: AnnotationSpec,
        size: tuple[int, int] | None,
        *,
        reader: str,
        label_ids: str | None = None,
        max_length: int | None = None,
        number_instances: Callable[[np.ndarray], np.ndarray] = np.uint16,
        colors: str | None = None,
        crop_to_aspect: bool = False,
        exif: str | None = None,
        recordings: dict[str, str] | None = None,
    ):
        """Cuts the runs.

        Args:
          runs: {clip id: consecutive frames}.
          spec: what the ids of the label maps mean.
          size: (height, width) of the clips; None: the files' own.
          reader: what ``settings`` calls the reader.
          label_ids: label set the maps are written in; None: the spec's own ids.
          max_length: cut longer runs into clips of this many frames ("seq0000_00000030" starts at frame 30), the last
            one with what is left; None: one clip per run.
          number_instances: from the values of an instance map, uint8 or uint16, to instances from 1 up, 0 = none,
            uint16; a function that can be pickled. By default the values are that.
          colors: as of read_color_map, where maps are painted; None: the maps hold ids.
          crop_to_aspect: whether a picture of another aspect ratio than ``size`` loses its outer rows or columns, the
            same number (or one more at the end) on both sides, instead of being stretched.

          exif: what to do with a frame that its EXIF tag turns or mirrors, beside a map: "turn" it, since the map was
            drawn on what is seen, or "ignore" the tag, since it was drawn on what is stored. None: the sizes decide
            where they can; where they cannot, the frame is refused.
          recordings: {clip id of a run: the recording that it is a part of, with others perhaps}; None: each is one.

        Raises:
          ValueError: a size or length below 1, an unknown exif, crop_to_aspect without a size, or both label_ids and
            colors.
        """
        if (size and min(size) < 1) or (max_length is not None and max_length < 1):
            raise ValueError(f"size and max_length must be positive, received {size} and {max_length}")
        if crop_to_aspect and size is None:
            raise ValueError("crop_to_aspect cuts to the aspect ratio of size, which is None")
        if exif not in (None, *EXIF):
            raise ValueError(f"exif must be one of {EXIF}, received {exif!r}")
        if label_ids is not None and colors not in (None, GREY):
            raise ValueError(f"maps hold ids or colours: leave out label_ids={label_ids!r} or colors={colors!r}")
        self.spec, self._size, self._label_ids, self._colors = spec, size and tuple(size), label_ids, colors
        self._number_instances, self._crop_to_aspect, self._exif = number_instances, crop_to_aspect, exif
        self.settings = {
            "reader": reader,
            "size": size and list(size),
            "label_ids": label_ids,
            "colors": colors,
            "crop_to_aspect": crop_to_aspect,
            **({"exif": exif} if exif else {}),
        }
        self._runs, self._recordings = {}, dict(recordings or {})
        for clip_id, files in runs.items():
            if max_length is None or len(files) <= max_length:
                self._runs[clip_id] = files
                continue
            for start in range(0, len(files), max_length):
                part = f"{clip_id}_{files[start].number:08d}"
                self._runs[part] = files[start : start + max_length]
                self._recordings[part] = self._recordings.get(clip_id, clip_id)
        self.clip_ids = tuple(self._runs)
        found = {clip_id: next((f.fault for f in files if f.fault), "") for clip_id, files in self._runs.items()}
        self._faults = {clip_id: fault for clip_id, fault in found.items() if fault}

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return [path for f in self._runs[clip_id] for path in (f.image, f.label, f.instance) if path is not None]

    def recording(self, clip_id: str) -> str:
        return self._recordings.get(clip_id, clip_id)

    def faults(self) -> dict[str, str]:
        return dict(self._faults)

    def length(self, clip_id: str) -> int | None:
        return len(self._runs[clip_id])

    def sampled(self, count: int) -> "FrameClips":
        frames = [(clip_id, file) for clip_id, run in self._runs.items() for file in run if not file.fault]
        chosen = [frames[i] for i in sorted({*np.linspace(0, len(frames) - 1, min(count, len(frames))).astype(int)})]
        sample = copy.copy(self)
        sample._runs = {f"{clip_id}, {file.image.name}": [file] for clip_id, file in chosen}
        sample.clip_ids, sample._faults = tuple(sample._runs), {}
        return sample

    def read(self, clip_id: str) -> Clip:
        """The clip of that id.

        Raises:
          ValueError: a fault, an unreadable or oversized file, a map of another size than its frame, an id outside the
            spec.
        """
        files = self._runs[clip_id]
        if clip_id in self._faults:
            raise ValueError(self._faults[clip_id])
        without = [file for file in files if file.instance is None]
        if without and len(without) < len(files):
            raise ValueError(
                f"{without[0].image}: no instance map, other frames of clip {clip_id!r} have one; give all some"
            )
        frames, label_maps, instance_maps = [], [], []
        first_size = None
        for file in files:
            frame = self._frame(file)
            size = frame.shape[:2]
            first_size = first_size or size
            if size != first_size:
                raise ValueError(
                    f"{file.image}: {_by(size)}, but {files[0].image.name} is {_by(first_size)}; make them equal"
                )
            wanted = self._size or size
            kept = aspect_crop(size, wanted) if self._crop_to_aspect else (slice(None), slice(None))
            label_map = self._label_map(file, size)
            frames.append(resize_frame(frame[kept], wanted))
            label_maps.append(resize_label_map(label_map[kept], wanted))
            if file.instance is not None:
                instance_map = read_instance_map(file.instance)
                _check_size(file.instance, instance_map, size)
                instance_map = self._number_instances(instance_map)
                instance_maps.append(resize_label_map(instance_map[kept], wanted))
        return Clip(
            clip_id,
            np.stack(frames),
            np.stack(label_maps),
            np.stack(instance_maps) if instance_maps else None,
            remarks=self._remarks(files[0]),
        )

    def _label_map(self, file: FrameFiles, size: tuple[int, int]) -> np.ndarray:
        """uint8 [H, W] of a frame's size; all ignored where it has no map."""
        if file.label is None:
            return np.full(size, self.spec.ignore_id, np.uint8)
        told = {"label_ids": self._label_ids, "palette": self._colors is None, "colors": self._colors}
        label_map = read_told_map(file.label, self.spec, **told)
        _check_size(file.label, label_map, size)
        return label_map

    def _remarks(self, file: FrameFiles) -> tuple[str, ...]:
        """What is odd about a clip's first map."""
        if file.label is None or self._colors is not None:
            return ()
        doubt = set_doubt(read_ids(file.label, allow_palette=True), self.spec, self._label_ids)
        return (doubt,) if doubt else ()

    def _frame(self, file: FrameFiles) -> np.ndarray:
        """A frame, turned as its tag says unless its map was drawn on what is stored."""
        turned = "" if file.label is None or self._exif else TURNS.get(exif_orientation(file.image), "")
        frame = read_frame(file.image, turn=self._exif != "ignore")
        if not turned:
            return frame
        with Image.open(file.label) as label:
            drawn_on = label.size[::-1]
        seen, stored = frame.shape[:2], read_frame(file.image, turn=False).shape[:2]
        if drawn_on == seen != stored:
            return frame
        what = f"{file.image}: its EXIF tag says that it is to be {turned} to be upright"
        if drawn_on == stored != seen:
            raise ValueError(
                f"{what}, and its map {file.label} has the size of the picture as it is stored: give --exif=ignore, "
                "which reads frames as they are stored, or turn the maps as well"
            )
        raise ValueError(
            f"{what}, and the size of its map {file.label} does not say whether it was drawn on what is seen or on "
            "what is stored: give --exif=turn or --exif=ignore (look at one: most annotation tools turn the picture, "
            "most scripts do not)"
        )


def _check_size(path: pathlib.Path, array: np.ndarray, frame_size: tuple[int, int]) -> None:
    if array.shape != frame_size:
        raise ValueError(
            f"{path}: {_by(array.shape)}, but its frame is {_by(frame_size)}; {_size_fix(array.shape, frame_size)}"
        )


def _size_fix(size, frame_size):
    if tuple(size) == tuple(frame_size)[::-1]:
        return "one of them is turned by a quarter: turn it back"
    return "make both equal, the map by nearest"


def _by(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]} pixels"
