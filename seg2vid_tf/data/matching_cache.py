"""What matching (ops/matching.py) finds in stored windows, kept beside their shards: it has no weights to change it.

    <split>/matching/<shard's digest>-v<version of the matching>-<T>x<stride>-<H>x<W>.rows

A row is one window, as it is or mirrored: float32 [T,h,w,3], displacement and correlation, and the CRC-32 of those
bytes, 0 where nothing was kept. A row that does not have its checksum, as after a power cut, is not there. The files
are as large as all rows from the start, and as full as the rows that were needed: places nobody wrote take none. Two
trainings may write one row at once: they write the same.
"""

import os
import pathlib
import zlib

import numpy as np
import tensorflow as tf
from absl import logging

from seg2vid_tf.files import replacing
from seg2vid_tf.ops.matching import MATCHING_VERSION, STRIDE, estimate_flow

FOLDER = "matching"
# Of all rows together; beyond, a disk would fill up for what takes a fraction of a step.
MAX_BYTES = 4 * 2**30
_CHECKSUM_BYTES = 4


class MatchingCache:
    """The rows of some splits' shards.

    Rows are read and written one by one, not mapped into memory: a full disk is then an error that can be told. From
    that on no row is added, and a window that has none is matched whenever it is met.

    Args:
      shards: (its file, its entry in the manifest) of each shard.
      num_frames: T.
      stride: distance between the frames of a window.
      size: (height, width) that the frames have when they are matched.

    Raises:
      ValueError: all rows would take more than MAX_BYTES.
      OSError: the files cannot be made.
    """

    def __init__(self, shards: list[tuple[str, dict]], num_frames: int, stride: int, size: tuple[int, int]):
        places = [max(side // STRIDE, 2) for side in size]
        row = np.dtype([("matched", np.float32, (num_frames, *places, 3)), ("checksum", np.uint32)])
        # A row for every frame that a window may begin with, twice: as it is and mirrored.
        frames = [sum(clip["length"] for clip in shard["clips"]) for _, shard in shards]
        total = 2 * sum(frames) * row.itemsize
        if total > MAX_BYTES:
            raise ValueError(f"matching of all windows takes {total / 2**30:.1f} GiB, at most {MAX_BYTES / 2**30:.1f}")
        self._paths, self._starts = [], []
        for (file, shard), count in zip(shards, frames, strict=True):
            name = f"{shard['sha256'][:16]}-v{MATCHING_VERSION}-{num_frames}x{stride}-{size[0]}x{size[1]}.rows"
            path = pathlib.Path(file).parent / FOLDER / name
            if not path.exists() or path.stat().st_size != 2 * count * row.itemsize:
                with replacing(path) as temporary, temporary.open("wb") as made:
                    os.truncate(made.fileno(), 2 * count * row.itemsize)
            self._paths.append(path)
            self._starts.append(np.cumsum([0, *(clip["length"] for clip in shard["clips"])]))
        self._shape, self._row_bytes, self._keeps = row["matched"].shape, row.itemsize, True

    def of(self, window: tf.Tensor, mirrored: tf.Tensor, frames: tf.Tensor) -> dict[str, tf.Tensor]:
        """{displacements float32 [T,h,w,2], fits float32 [T,h,w,1]} of a window.

        Args:
          window: int32 [3], shard, record in it, first frame.
          mirrored: bool, whether the frames are the window's mirror image.
          frames: float32 [T+1,H,W,3] in [-1,1], what is matched where the row is not there yet.
        """
        place = [window, mirrored]
        there, kept = tf.numpy_function(self._read, place, [tf.bool, tf.float32])
        found = tf.cond(
            there, lambda: kept, lambda: tf.numpy_function(self._write, [*place, _matched(frames)], tf.float32)
        )
        found = tf.ensure_shape(found, self._shape)
        return {"displacements": found[..., :2], "fits": found[..., 2:]}

    def _place(self, window, mirrored):
        """(the file, the byte that the row begins with)."""
        shard, record, start = (int(number) for number in window)
        return self._paths[shard], self._row_bytes * (2 * (int(self._starts[shard][record]) + start) + int(mirrored))

    def _read(self, window, mirrored):
        """(whether the row is there, what it holds)."""
        path, first = self._place(window, mirrored)
        try:
            with path.open("rb", buffering=0) as file:
                row = os.pread(file.fileno(), self._row_bytes, first)
        except OSError as error:
            self._give_up(path, error)
            row = b""
        matched, checksum = row[:-_CHECKSUM_BYTES], row[-_CHECKSUM_BYTES:]
        if len(row) < self._row_bytes or not any(checksum) or checksum != _checksum(matched):
            return np.bool_(False), np.zeros(self._shape, np.float32)
        return np.bool_(True), np.frombuffer(matched, np.float32).reshape(self._shape).copy()

    def _write(self, window, mirrored, matched):
        if self._keeps:
            path, first = self._place(window, mirrored)
            row = matched.tobytes()
            row += _checksum(row)
            try:
                with path.open("r+b", buffering=0) as file:
                    written = 0
                    while written < len(row):  # what a nearly full disk takes a part of is refused the next time
                        written += os.pwrite(file.fileno(), row[written:], first + written)
            except OSError as error:
                self._give_up(path, error)
        return matched

    def _give_up(self, path, error):
        if self._keeps:
            self._keeps = False
            logging.warning("%s: no more of the matching is kept, it is done at every step: %s", path, error)


def _checksum(matched):
    return zlib.crc32(matched).to_bytes(_CHECKSUM_BYTES, "little")


def _matched(frames):
    return tf.concat([part[0] for part in estimate_flow(frames[None])], axis=-1)
