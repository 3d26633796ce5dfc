"""Own data: folders of frames and label maps -> Clips. frame_files.py describes the layout and checks it.

Frames are resized by area (bilinearly where a side grows), label and instance maps by nearest neighbour, to one size;
another aspect ratio is stretched, or, if asked for, cut to the size's around the centre. A frame and its maps must have
equal sizes on disk. Label maps may be palette PNGs: their indices are the ids.
"""

import os
import pathlib

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.label_map import read_label_map, resize_label_map
from seg2vid_tf.annotations.png_file import MAX_SIDE, read_ids_png
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.data.frame_files import find_runs


class FrameFolder(ClipSource):
    """The clips of a folder; the files' names are checked at once, the files when a clip is read."""

    def __init__(
        self,
        root: str | os.PathLike,
        spec: AnnotationSpec,
        size: tuple[int, int],
        *,
        label_ids: str | None = None,
        sequences: list[str] | None = None,
        max_length: int | None = None,
        no_instance: int = 0,
        prefixes: list[str] | None = None,
        stills: bool = False,
        crop_to_aspect: bool = False,
    ):
        """Finds the sequences.

        Args:
          root: a folder of sequences, or one sequence.
          spec: what the ids of the label maps mean.
          size: (height, width) of the clips.
          label_ids: label set the maps are written in; None: the spec's own ids.
          sequences: the sub-folders to take; None: all.
          max_length: cut longer runs into clips of this many frames ("seq0000_00000030" starts at frame 30), the last
            one with what is left; None: one clip per run.
          no_instance: the value of an instance map that stands for "no instance"; any but 0 shifts the others up by 1.
          prefixes: the runs to take, by what their files' names begin with (find_runs); None: all.
          stills: whether every frame is a clip of its own, with no order and no gaps between them.
          crop_to_aspect: whether a picture of another aspect ratio than ``size`` loses its outer rows or columns, the
            same number (or one more at the end) on both sides, instead of being stretched.

        Raises:
          ValueError: what find_runs refuses; a size or length below 1; stills with a max_length.
        """
        if min(size) < 1 or (max_length is not None and max_length < 1):
            raise ValueError(f"size and max_length must be positive, received {tuple(size)} and {max_length}")
        if stills and max_length is not None:
            raise ValueError(f"stills are clips of one frame, so max_length={max_length} means nothing; leave it out")
        self.spec, self._size, self._label_ids, self._no_instance = spec, tuple(size), label_ids, no_instance
        self._crop_to_aspect = crop_to_aspect
        self.settings = {
            "reader": "frame_folder",
            "size": list(size),
            "label_ids": label_ids,
            "no_instance": no_instance,
            "crop_to_aspect": crop_to_aspect,
        }
        self._runs = {}
        for clip_id, files in find_runs(pathlib.Path(root), sequences, prefixes=prefixes, stills=stills).items():
            if max_length is None or len(files) <= max_length:
                self._runs[clip_id] = files
                continue
            for start in range(0, len(files), max_length):
                self._runs[f"{clip_id}_{files[start].number:08d}"] = files[start : start + max_length]
        self.clip_ids = tuple(self._runs)

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return [path for f in self._runs[clip_id] for path in (f.image, f.label, f.instance) if path is not None]

    def read(self, clip_id: str) -> Clip:
        """The clip of that id.

        Raises:
          ValueError: an unreadable or oversized file, a map of another size than its frame, an id outside the spec.
        """
        files = self._runs[clip_id]
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
            kept = aspect_crop(size, self._size) if self._crop_to_aspect else (slice(None), slice(None))
            label_map = read_label_map(file.label, self.spec, label_ids=self._label_ids, palette=True)
            _check_size(file.label, label_map, size)
            frames.append(resize_frame(frame[kept], self._size))
            label_maps.append(resize_label_map(label_map[kept], self._size))
            if file.instance is not None:
                instance_map = read_instance_map(file.instance)
                _check_size(file.instance, instance_map, size)
                instance_map = _number_instances(instance_map, self._no_instance)
                instance_maps.append(resize_label_map(instance_map[kept], self._size))
        return Clip(
            clip_id,
            np.stack(frames),
            np.stack(label_maps),
            np.stack(instance_maps) if instance_maps else None,
        )


def read_frame(path: pathlib.Path, max_width: int = MAX_SIDE) -> np.ndarray:
    """The picture in a JPEG or PNG file, uint8 [H, W, 3].

    Raises:
      ValueError: unreadable, neither RGB nor grey nor palette, higher than MAX_SIDE or wider than ``max_width``.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with Image.open(path, formats=["JPEG", "PNG"]) as image:
            mode, width, height = image.mode, *image.size
            if height <= MAX_SIDE and width <= max_width and mode in ("RGB", "L", "P"):
                return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a readable JPEG or PNG frame ({error}); write the file again") from error
    raise ValueError(
        f"{path}: {width}x{height} pixels of mode {mode}, expected at most {max_width}x{MAX_SIDE} of 8-bit RGB or "
        "grey; convert it"
    )


def read_instance_map(path: pathlib.Path, size: tuple[int, int] | None = None, resize: bool = False) -> np.ndarray:
    """The numbers in an instance map, uint8 or uint16 [H, W].

    Args:
      path: a PNG of 8 or 16 bits.
      size: (height, width) that it must have, None: any.
      resize: bring one of another size to ``size``, by nearest neighbour.

    Raises:
      ValueError: what read_ids_png refuses, or another size.
    """
    fix = "instance maps are 8- or 16-bit grey PNGs of instance numbers"
    numbers = read_ids_png(path, depths=(8, 16), fix=fix)
    if size is None or numbers.shape == tuple(size):
        return numbers
    if not resize:
        raise ValueError(f"{path} is {numbers.shape}, its label map {tuple(size)}: give --resize to bring both there")
    return resize_label_map(numbers, size)


def resize_frame(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W, 3] resized to (height, width): by area, or bilinearly where a side grows."""
    # Enlarging by area repeats single rows and columns.
    grows = size[0] > frame.shape[0] or size[1] > frame.shape[1]
    method = Image.Resampling.BILINEAR if grows else Image.Resampling.BOX
    return np.asarray(Image.fromarray(frame).resize((size[1], size[0]), method))


def aspect_crop(size: tuple[int, int], target: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of the largest part, around the centre, of a (height, width) with the target's aspect ratio.

    One side is kept whole; the other is rounded to whole pixels.
    """
    height, width = size
    rows = min(height, max(1, round(width * target[0] / target[1])))
    columns = min(width, max(1, round(height * target[1] / target[0])))
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)


def _number_instances(instance_map: np.ndarray, no_instance: int) -> np.ndarray:
    """uint16 instance numbers from 1 up, 0 = no instance."""
    instance_map = instance_map.astype(np.uint16)
    if no_instance == 0:
        return instance_map
    return np.where(instance_map == no_instance, 0, instance_map + 1).astype(np.uint16)


def _check_size(path: pathlib.Path, array: np.ndarray, frame_size: tuple[int, int]) -> None:
    if array.shape != frame_size:
        raise ValueError(
            f"{path}: {_by(array.shape)}, but its frame is {_by(frame_size)}; make both equal, the map by nearest"
        )


def _by(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]} pixels"
