"""Clips -> shards and their manifest, one shard after the other or each wherever there is a worker.

    <data_dir>/.<split>.unfinished/shard-00000.tfrecord, shard-00000.json, ...      while it is being made
    <data_dir>/<split>/shard-00000.tfrecord, ..., manifest.json                     renamed when it is whole

A shard's bytes follow from its clips and the options alone. Its .json, written last, says what it was made of and what
became of it; who prepares the same data again, after a crash or a mended file, keeps every shard whose .json says that
nothing has changed.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.doubts import ignored_doubt, mask_doubt
from seg2vid_tf.annotations.label_map import validate_label_map
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_record import IMAGE_FORMATS, serialize_clip
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.data.shards import MANIFEST, SCHEMA_VERSION
from seg2vid_tf.files import NotWritten, check_new, held_folder, read_document, sha256_of, write_document
from seg2vid_tf.flags import is_input_error

# Around each record of a TFRecord file: its length, and the checksums of both.
_FRAMING = 16
# What a shard's entry says that the manifest says once, of all of them.
_OF_SPLIT = ("size", "has_instances", "bad_clips", "remarks")


@dataclasses.dataclass(frozen=True)
class ShardWriter:
    """One split to be written: the shards of a source. It can be pickled, and ``write`` runs anywhere.

    Attributes:
      source: where the clips come from; all of one size.
      out_dir: the data folder; ``out_dir/split`` must not hold anything yet.
      split: name of the split's folder, "train".
      clips_per_shard: clips in one file.
      image_format: of the frames, "png" or "jpeg".
      quality: JPEG quality 1..100.
      include_motion: whether to store exact flow and visibility, which every clip must then have.
      max_bad_clips: how many clips may be left out because something is wrong with them; the manifest names them.

    Raises:
      ValueError: an option out of range, or more than max_bad_clips whose files' names show that they are bad.
    """

    source: ClipSource
    out_dir: str | os.PathLike
    split: str
    clips_per_shard: int = 32
    image_format: str = "png"
    quality: int = 95
    include_motion: bool = False
    max_bad_clips: int = 0

    def __post_init__(self):
        if self.split in ("", ".", "..") or pathlib.Path(self.split).name != self.split or self.split.startswith("."):
            raise ValueError(f"split must be a plain folder name such as 'train', received {self.split!r}")
        if self.image_format not in IMAGE_FORMATS or not 1 <= self.quality <= 100 or self.clips_per_shard < 1:
            raise ValueError(
                f"image_format must be one of {list(IMAGE_FORMATS)}, quality 1..100, clips_per_shard at least 1; "
                f"received {self.image_format!r}, {self.quality}, {self.clips_per_shard}"
            )
        if self.max_bad_clips < 0:
            raise ValueError(f"max_bad_clips must be at least 0, received {self.max_bad_clips}")
        # What names alone show is told before a shard is written.
        self.check_bad([{"clip_id": clip_id, "error": fault} for clip_id, fault in self.source.faults().items()])

    @property
    def target(self) -> pathlib.Path:
        return pathlib.Path(self.out_dir) / self.split

    @property
    def unfinished(self) -> pathlib.Path:
        """Where the shards are until the split is whole."""
        return self.target.with_name(f".{self.split}.unfinished")

    @property
    def num_shards(self) -> int:
        return -(-len(self.source.clip_ids) // self.clips_per_shard)

    @contextlib.contextmanager
    def workplace(self) -> Iterator[None]:
        """Opens the folder for unfinished shards, for this process alone; one that holds no shard is removed again.

        Raises:
          ValueError: the split is there already, or another process prepares it.
        """
        check_new(self.target)
        with held_folder(self.unfinished, self.target):
            try:
                check_new(self.target)  # another process may have finished just before
                yield
            finally:
                if self.unfinished.exists() and not list(self.unfinished.glob("shard-*.json")):
                    shutil.rmtree(self.unfinished)

    def write(self, index: int, each: Callable[[int], None] = lambda length: None) -> dict:
        """Writes one shard into the workplace, unless it is there and nothing it is made of has changed.

        Args:
          index: from 0.
          each: called after each clip with its length.

        Returns:
          its entry in the manifest, with "size", "has_instances", "bad_clips" and "remarks" beside what load_manifest
          needs.

        Raises:
          ValueError: more than max_bad_clips of its clips are bad, or the file cannot be written whole.
        """
        ids, name = self._ids(index), f"shard-{index:05d}"
        note = self.unfinished / f"{name}.json"
        made_of = self.made_of(index)
        entry = self._kept(note, made_of)
        if entry is not None:
            for clip in entry["clips"]:
                each(clip["length"])
            return entry
        note.unlink(missing_ok=True)
        try:
            entry = self._stored(ids, name, each)
            write_document(note, {"made_of": made_of, "entry": entry}, indent=None)
        except (OSError, NotWritten, tf.errors.OpError) as error:
            raise ValueError(
                f"{self.unfinished / name}: cannot be written whole ({error}); is the disk full? Make room and start "
                "again, the shards before it are kept"
            ) from error
        return entry

    def entries(self) -> list[dict]:
        """What ``write`` returned for every shard, wherever it ran.

        Raises:
          ValueError: a shard was not written where this process looks for it.
        """
        notes = [self.unfinished / f"shard-{index:05d}.json" for index in range(self.num_shards)]
        try:
            return [read_document(note)["entry"] for note in notes]
        except FileNotFoundError as error:
            raise ValueError(
                f"{error.filename} is missing, though all shards were written: the workers must see the same disk as "
                "this process, under the same path"
            ) from error

    def _ids(self, index):
        return self.source.clip_ids[index * self.clips_per_shard : (index + 1) * self.clips_per_shard]

    def _stored(self, ids: Sequence[str], name: str, each: Callable[[int], None]) -> dict:
        """Writes the clips of these ids as <name>.tfrecord and returns their entry in the manifest."""
        path, temporary = self.unfinished / f"{name}.tfrecord", self.unfinished / f".{name}.{os.getpid()}.tmp"
        entry = {"file": path.name, "clips": [], "size": None, "has_instances": None, "bad_clips": [], "remarks": []}
        class_pixels = np.zeros(self.source.spec.num_classes, np.int64)
        num_bytes = 0
        try:
            with tf.io.TFRecordWriter(str(temporary)) as writer:
                for clip in self._clips(ids, entry):
                    shape = {"size": list(clip.label_maps.shape[1:]), "has_instances": clip.instance_maps is not None}
                    if entry["clips"]:
                        _check_alike(shape, entry, clip.clip_id)
                    entry |= shape
                    record = serialize_clip(
                        clip,
                        image_format=self.image_format,
                        quality=self.quality,
                        include_motion=self.include_motion,
                    )
                    writer.write(record)
                    num_bytes += len(record) + _FRAMING
                    class_pixels += np.bincount(clip.label_maps.ravel(), minlength=256)[: len(class_pixels)]
                    entry["clips"].append(self._said_of(clip))
                    each(len(clip.frames))
            if temporary.stat().st_size != num_bytes:
                raise OSError(f"{temporary.stat().st_size} of {num_bytes} bytes arrived")
            entry |= {
                "num_clips": len(entry["clips"]),
                "num_frames": sum(clip["length"] for clip in entry["clips"]),
                "bytes": num_bytes,
                "class_pixels": class_pixels.tolist(),
                "sha256": sha256_of(temporary),
            }
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return entry

    def _clips(self, ids, entry) -> Iterator[Clip]:
        """The good clips among these; the entry is told of the bad ones and of what is odd."""
        for clip_id, clip in self.source.read_each(ids):
            try:
                if isinstance(clip, Exception):
                    raise clip
                self._check(clip)
            except (ValueError, OSError) as error:
                entry["bad_clips"].append({"clip_id": clip_id, "error": str(error)})
                if len(entry["bad_clips"]) > self.max_bad_clips and not is_input_error(error):
                    raise  # a fault of ours, which ends the program: its traceback says where
                self.check_bad(entry["bad_clips"])
                continue
            entry["remarks"] += [{"clip_id": clip_id, "remark": r} for r in self._remarks(clip)]
            yield clip

    def _said_of(self, clip: Clip) -> dict:
        """What the manifest says of a clip."""
        files = [str(path) for path in self.source.files(clip.clip_id)]
        cut_from = {"recording": self.source.recording(clip.clip_id), "files": files}
        return {"clip_id": clip.clip_id, "length": len(clip.frames), **cut_from, **clip.made_from}

    def finish(self, entries: list[dict], more: dict | None = None) -> dict:
        """Puts the manifest beside the shards and gives the folder the split's name.

        Args:
          entries: what ``write`` returned for every shard, in any order.
          more: what the manifest is to say besides.

        Returns:
          The manifest.

        Raises:
          ValueError: no clip is left, more than max_bad_clips are bad, or the shards do not belong together.
        """
        entries = sorted(entries, key=lambda entry: entry["file"])
        bad = [clip for entry in entries for clip in entry["bad_clips"]]
        self.check_bad(bad)
        shards = [entry for entry in entries if entry["clips"]]
        if not shards:
            why = f"all {len(bad)} are bad, the first: {bad[0]['error']}" if bad else "is the source empty?"
            raise ValueError(f"{self.target}: no clips to write; {why}")
        remarks = [remark for entry in entries for remark in entry.get("remarks", ())]
        manifest = {**self._manifest(shards, bad, remarks), **(more or {})}
        try:
            write_document(self.unfinished / MANIFEST, manifest, indent=1)
            os.rename(self.unfinished, self.target)
        except OSError as error:
            raise ValueError(
                f"{self.target}: cannot be finished ({error}); its shards are kept, start again when it can"
            ) from error
        kept = {self.target / file for entry in shards for file in self._files(entry)} | {self.target / MANIFEST}
        for path in sorted(self.target.rglob("*"), reverse=True):  # what lies in a folder before the folder
            if path in kept or path.parent in kept:
                continue
            if not path.is_dir():  # the lock, notes, and shards of an earlier try that had more of them
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()
        return manifest

    def _manifest(self, shards: list[dict], bad: list[dict], remarks: list[dict]) -> dict:
        _check_all_alike(shards)
        return {
            "schema_version": SCHEMA_VERSION,
            "split": self.split,
            "spec": self.source.spec.to_json(),
            "source": self.source.settings,
            "image_format": self.image_format,
            "quality": self.quality if self.image_format == "jpeg" else None,
            "has_motion": self.include_motion,
            "has_instances": shards[0]["has_instances"],
            "size": shards[0]["size"],
            "num_clips": sum(entry["num_clips"] for entry in shards),
            "num_frames": sum(entry["num_frames"] for entry in shards),
            "bad_clips": bad,
            "remarks": remarks,
            "shards": [{key: value for key, value in entry.items() if key not in _OF_SPLIT} for entry in shards],
        }

    def _files(self, entry: dict) -> dict[str, str]:
        """{file, or folder of files, below the target: its SHA-256} of what a shard consists of."""
        return {entry["file"]: entry["sha256"]}

    def _kept(self, note: pathlib.Path, made_of: str) -> dict | None:
        """The entry of a shard that an earlier try has written; None: it must be written."""
        try:
            document = read_document(note)
            entry = document["entry"]
            files = self._files(entry).items() if document["made_of"] == made_of else None
            same = files is not None and all(sha256_of(self.unfinished / file) == digest for file, digest in files)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry if same else None

    def check_bad(self, bad: list[dict]) -> None:
        """Raises ValueError, with the last one's error, where these are more bad clips than allowed."""
        if len(bad) > self.max_bad_clips:
            allowed = f"{len(bad)} bad clips, {self.max_bad_clips} allowed; the last: " if self.max_bad_clips else ""
            raise ValueError(f"{allowed}{bad[-1]['error']}")

    def made_of(self, index: int) -> str:
        """A fingerprint of everything that a shard's bytes follow from, of its files their names, sizes and times."""
        ids = self._ids(index)
        files = [path for clip_id in ids for path in self.source.files(clip_id)]
        stats = [(str(path), *_state_of(path)) for path in files]
        document = [ids, stats, self.options(), self.source.settings, self.source.spec.to_json()]
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def options(self) -> list:
        """What a shard's bytes follow from besides its clips."""
        return [self.image_format, self.quality, self.include_motion, SCHEMA_VERSION]

    def _check(self, clip: Clip) -> None:
        """Holds a clip against the spec."""
        if self.include_motion and not clip.has_motion:
            raise ValueError(f"clip {clip.clip_id!r} has no exact flow; write this source with include_motion=False")
        if (clip.label_maps == self.source.spec.ignore_id).all():
            raise ValueError(
                f"clip {clip.clip_id!r} has no annotation: every pixel is ignored; it needs a label map, or, if it has "
                "one, the label set that its ids are of: --label_ids"
            )
        validate_label_map(
            clip.label_maps, self.source.spec, clip.label_maps.shape[1:], name=f"clip {clip.clip_id!r}, label_maps"
        )

    def _remarks(self, clip: Clip) -> list[str]:
        """What is odd about a clip that is stored all the same."""
        spec = self.source.spec
        doubts = ignored_doubt(clip.label_maps, spec.ignore_id), mask_doubt(clip.label_maps, spec)
        return [*clip.remarks, *filter(None, doubts)]


def write_shards(
    source: ClipSource,
    out_dir: str | os.PathLike,
    *,
    split: str,
    progress: Callable[[int, int], None] | None = None,
    **options,
) -> dict:
    """Writes one split in this process, whole or not at all; shards finished before an error are kept for the next try.

    Args:
      source, out_dir, split, options: as of ShardWriter.
      progress: called after each clip with the numbers of clips and frames so far.

    Returns:
      The manifest.

    Raises:
      ValueError: what ShardWriter, its workplace, ``write`` and ``finish`` refuse.
    """
    writer = ShardWriter(source, out_dir, split, **options)
    entries, bad, num_clips, num_frames = [], [], 0, 0

    def each(length):
        nonlocal num_clips, num_frames
        num_clips, num_frames = num_clips + 1, num_frames + length
        if progress is not None:
            progress(num_clips, num_frames)

    with writer.workplace():
        for index in range(writer.num_shards):
            entry = writer.write(index, each)
            # What finish would refuse is told before the other shards are written.
            bad += entry["bad_clips"]
            writer.check_bad(bad)
            first = next((earlier for earlier in entries if earlier["clips"]), entry)
            _check_all_alike([first, entry])
            entries.append(entry)
        return writer.finish(entries)


def _check_all_alike(entries: list[dict]) -> None:
    shards = [entry for entry in entries if entry["clips"]]
    for shard in shards:
        _check_alike(shard, shards[0], shard["clips"][0]["clip_id"])


def _check_alike(shape: dict, first: dict, clip_id: str) -> None:
    """Whether a clip, or a shard's clips, can stand beside the first ones."""
    if shape["size"] != first["size"]:
        raise ValueError(f"clip {clip_id!r}: {shape['size']} (height, width), the first clip has {first['size']}")
    if shape["has_instances"] != first["has_instances"]:
        raise ValueError(
            f"clip {clip_id!r} and the first one: only one has instance maps; give all clips some, or none"
        )


def _state_of(path: pathlib.Path) -> tuple[int, int, bool]:
    """Of a file, and whether it may be read: what was refused for that is looked at again."""
    try:
        stat = path.stat()
    except OSError:  # reading it will say why
        return -1, -1, False
    return stat.st_size, stat.st_mtime_ns, os.access(path, os.R_OK)
