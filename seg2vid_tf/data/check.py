"""What prepared splits hold, and everything that is wrong with them: every record is read, decoded and looked at."""

import collections
import hashlib
import itertools
import os
import pathlib
import struct
from collections.abc import Callable, Iterator

import numpy as np

from seg2vid_tf.annotations.label_map import validate_label_map
from seg2vid_tf.data.clip_record import parse_clip
from seg2vid_tf.data.shards import load_manifest, manifest_spec, sources
from seg2vid_tf.files import sha256_of

# Mean grey levels by which the frame that differs most from the first one must differ, or nothing moves.
MIN_CHANGE = 0.5
# Of the median change from frame to frame, what identical ones may differ by.
_SAME = 0.02
_HEADER = 12
_FOOTER = 4


def records(path: pathlib.Path, trusted: bool = False) -> Iterator[tuple[int, bytes | None, str]]:
    """The records of a TFRecord file: (byte offset, record, "") or (byte offset, None, what is wrong there).

    A damaged record does not hide those behind it, unless its length is what is damaged.

    Args:
      path: the file.
      trusted: whether its SHA-256 is right; the records' own checksums, seconds a megabyte, are then skipped.
    """
    size, offset = path.stat().st_size, 0
    with path.open("rb") as file:
        while offset < size:
            header = file.read(_HEADER)
            length, length_crc = struct.unpack("<QI", header) if len(header) == _HEADER else (0, None)
            end = offset + _HEADER + length + _FOOTER
            if end > size or (not trusted and _masked_crc(header[:8]) != length_crc):
                yield offset, None, f"damaged or cut off here, and {size - offset} bytes from here on cannot be read"
                return
            record, footer = file.read(length), file.read(_FOOTER)
            if trusted or _masked_crc(record) == struct.unpack("<I", footer)[0]:
                yield offset, record, ""
            else:
                yield offset, None, "damaged record"
            offset = end


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC_TABLE = _crc_table()


def _masked_crc(data):
    """TFRecord's checksum: CRC-32C, rotated and shifted by a constant. Source: TensorFlow, lib/hash/crc32c.h."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def check_split(
    split_dir: str | os.PathLike,
    each: Callable[[], None] = lambda: None,
    look: Callable[[object], None] = lambda clip: None,
) -> dict:
    """Reads a split through.

    Args:
      split_dir: it holds manifest.json.
      each: called after each record.
      look: called with each good clip.

    Returns:
      {"spec": the AnnotationSpec, "size", "clips", "frames", "lengths": {length: clips}, "classes": {name: share of
      pixels, "(ignored)" too}, "still": ids of clips in which nothing moves, "plain": ids of clips of one class alone,
      "doubled": {clip id: the frames that are the same as the one before, in clips that move},
      "digests": {clip id: SHA-256 of its frames}, "sources": the files that its clips were made of, "left_out": the
      clips that were not stored and why, "remarks": what was odd about those that were, "errors": one line for each
      thing that is wrong, with shard and byte offset}.

    Raises:
      ValueError: there is no readable manifest; a missing or shortened shard is an error of the report.
    """
    folder = pathlib.Path(split_dir)
    manifest = load_manifest(folder, sizes=False)
    spec, errors = manifest_spec(manifest), []
    findings = _Findings(spec)
    for shard in manifest["shards"]:
        path = folder / shard["file"]
        if not path.is_file():
            errors.append(f"{path}: is missing")
            continue
        trusted = sha256_of(path) == shard["sha256"]
        if not trusted:
            errors.append(f"{path}: its content has changed: its SHA-256 is another than when it was written")
        found = []
        for offset, record, problem in records(path, trusted):
            each()
            try:
                if record is None:
                    raise ValueError(problem)
                clip = parse_clip(record)
                found.append(clip.clip_id)
                _check_maps(clip, manifest["size"], spec)
            except (ValueError, OSError, SyntaxError, KeyError, IndexError) as error:
                errors.append(f"{path}, offset {offset}: {error}")
                continue
            findings.add(clip)
            look(clip)
        lost = [clip["clip_id"] for clip in shard["clips"] if clip["clip_id"] not in found]
        if lost:
            errors.append(f"{path}: lacks the clips {lost[:10]}{' and more' if len(lost) > 10 else ''}")
    return {
        "spec": spec,
        "size": manifest["size"],
        **findings.report(),
        "sources": sources(manifest),
        "left_out": manifest.get("bad_clips", []),
        "remarks": manifest.get("remarks", []),
        "errors": errors,
    }


def _check_maps(clip, size, spec):
    """Raises ValueError where a clip's label maps are not of the split's size, [height, width], or spec."""
    stored = clip.label_maps.shape[1:]
    if list(stored) != size:
        raise ValueError(f"clip {clip.clip_id!r}: size {stored}, not {size}")
    validate_label_map(clip.label_maps, spec, stored, name=f"clip {clip.clip_id!r}, label_maps")


class _Findings:
    """What is found in the good clips of a split, as they come."""

    def __init__(self, spec):
        self._spec = spec
        self._pixels, self._lengths = np.zeros(256, np.int64), collections.Counter()
        self._still, self._plain, self._doubled, self._digests = [], [], {}, {}

    def add(self, clip):
        self._lengths[len(clip.frames)] += 1
        counts = np.bincount(clip.label_maps.ravel(), minlength=256)
        self._pixels += counts
        if np.count_nonzero(np.delete(counts, self._spec.ignore_id)) == 1:
            self._plain.append(clip.clip_id)
        change = np.abs(clip.frames[1:].astype(np.int16) - clip.frames[0]).mean(axis=(1, 2, 3))
        if len(change) and change.max() < MIN_CHANGE:
            self._still.append(clip.clip_id)
        elif twins := identical_neighbours(clip.frames):
            self._doubled[clip.clip_id] = twins
        self._digests[clip.clip_id] = hashlib.sha256(clip.frames.tobytes()).hexdigest()

    def report(self):
        """These entries of ``check_split``'s."""
        total = max(self._pixels.sum(), 1)
        names = {c.id: c.name for c in self._spec.classes} | {self._spec.ignore_id: "(ignored)"}
        return {
            "clips": sum(self._lengths.values()),
            "frames": sum(length * count for length, count in self._lengths.items()),
            "lengths": dict(sorted(self._lengths.items())),
            "classes": {name: float(self._pixels[i] / total) for i, name in names.items()},
            "still": self._still,
            "plain": self._plain,
            "doubled": self._doubled,
            "digests": self._digests,
        }


def identical_neighbours(frames: np.ndarray) -> list[int]:
    """The frames of uint8 [L, H, W, 3] that are the same as the one before: dropped by a recorder, or doubled.

    A frame that was encoded twice differs by a little; what moves differs by far more.
    """
    steps = [np.abs(b.astype(np.int16) - a).mean() for a, b in itertools.pairwise(frames)]
    moving = np.median(steps) if steps else 0.0
    return [i for i, step in enumerate(steps, 1) if step == 0 or step < _SAME * moving]


def between_splits(reports: dict[str, dict]) -> list[str]:
    """What is wrong with splits beside each other: files that two were made of, classes that differ; one line each."""
    wrong = []
    for (one, first), (other, second) in itertools.combinations(reports.items(), 2):
        shared = sorted(first["sources"] & second["sources"])
        if shared:
            wrong.append(f"{one} and {other} were made of the same files, {len(shared)}, the first {shared[0]}")
        if first["spec"] != second["spec"]:
            names = {report["spec"].name for report in (first, second)}
            how = "of that name, of other classes" if len(names) == 1 else "another"
            wrong.append(f"{one} holds spec {first['spec'].name!r}, {other} {second['spec'].name!r}, {how}")
    return wrong


def duplicates(reports: dict[str, dict]) -> list[tuple[str, str]]:
    """Pairs of clips with the same frames, in splits or across them, as "split/clip id"; reports as of check_split."""
    first, pairs = {}, []
    for split, report in reports.items():
        for clip_id, digest in report["digests"].items():
            name = f"{split}/{clip_id}"
            if digest in first:
                pairs.append((first[digest], name))
            first.setdefault(digest, name)
    return pairs
