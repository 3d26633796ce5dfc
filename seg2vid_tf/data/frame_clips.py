"""Clips whose frames and maps are picture files, whatever folders a data set puts them in.

Frames are resized by area (bilinearly where a side grows), label and instance maps by nearest neighbour, to one size;
another aspect ratio is stretched, or, if asked for, cut to the size's around the centre. A frame and its maps must have
equal sizes on disk. Label maps may be palette PNGs: their indices are the ids. Where frames have no maps, or none are
wanted, they are the ignore id everywhere, until an annotator makes some (annotated.py).
"""

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np

from seg2vid_tf.annotations.label_map import read_color_map, read_label_map, resize_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.data.pictures import aspect_crop, read_frame, read_instance_map, resize_frame


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
          colors: colour set of the spec that the maps are painted in, "" for its classes' own colours; None: the maps
            hold ids.
          crop_to_aspect: whether a picture of another aspect ratio than ``size`` loses its outer rows or columns, the
            same number (or one more at the end) on both sides, instead of being stretched.

        Raises:
          ValueError: a size or length below 1, crop_to_aspect without a size, or both label_ids and colors.
        """
        if (size and min(size) < 1) or (max_length is not None and max_length < 1):
            raise ValueError(f"size and max_length must be positive, received {size} and {max_length}")
        if crop_to_aspect and size is None:
            raise ValueError("crop_to_aspect cuts to the aspect ratio of size, which is None")
        if label_ids is not None and colors is not None:
            raise ValueError(f"maps hold ids or colours: leave out label_ids={label_ids!r} or colors={colors!r}")
        self.spec, self._size, self._label_ids, self._colors = spec, size and tuple(size), label_ids, colors
        self._number_instances, self._crop_to_aspect = number_instances, crop_to_aspect
        self.settings = {
            "reader": reader,
            "size": size and list(size),
            "label_ids": label_ids,
            "colors": colors,
            "crop_to_aspect": crop_to_aspect,
        }
        self._runs = {}
        for clip_id, files in runs.items():
            if max_length is None or len(files) <= max_length:
                self._runs[clip_id] = files
                continue
            for start in range(0, len(files), max_length):
                self._runs[f"{clip_id}_{files[start].number:08d}"] = files[start : start + max_length]
        self.clip_ids = tuple(self._runs)
        found = {clip_id: next((f.fault for f in files if f.fault), "") for clip_id, files in self._runs.items()}
        self._faults = {clip_id: fault for clip_id, fault in found.items() if fault}

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return [path for f in self._runs[clip_id] for path in (f.image, f.label, f.instance) if path is not None]

    def faults(self) -> dict[str, str]:
        return dict(self._faults)

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
            frame = read_frame(file.image)
            size = frame.shape[:2]
            first_size = first_size or size
            if size != first_size:
                raise ValueError(
                    f"{file.image}: {_by(size)}, but {files[0].image.name} is {_by(first_size)}; make them equal"
                )
            wanted = self._size or size
            kept = aspect_crop(size, wanted) if self._crop_to_aspect else (slice(None), slice(None))
            if file.label is None:
                label_map = np.full(size, self.spec.ignore_id, np.uint8)
            elif self._colors is None:
                label_map = read_label_map(file.label, self.spec, label_ids=self._label_ids, palette=True)
            else:
                label_map = read_color_map(file.label, self.spec, self._colors)
            _check_size(file.label, label_map, size)
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
        )


def _check_size(path: pathlib.Path, array: np.ndarray, frame_size: tuple[int, int]) -> None:
    if array.shape != frame_size:
        raise ValueError(
            f"{path}: {_by(array.shape)}, but its frame is {_by(frame_size)}; make both equal, the map by nearest"
        )


def _by(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]} pixels"
