"""Clips on disk: TFRecord shards and the manifest that vouches for them.

    <data_dir>/<split>/manifest.json
    <data_dir>/<split>/shard-00000.tfrecord, shard-00001.tfrecord, ...

A record is one Clip (clip_record.py). TensorFlow reads an empty shard without a word; the manifest therefore holds
every shard's size and SHA-256, every clip's length, and the spec that the label maps are written in.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator

import tensorflow as tf

from seg2vid_tf.annotations.label_map import validate_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_record import IMAGE_FORMATS, parse_clip, serialize_clip
from seg2vid_tf.files import new_folders

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
_KEYS = {
    *("schema_version", "split", "spec", "size", "image_format", "quality", "has_motion", "has_instances"),
    *("num_clips", "num_frames", "shards"),
}
_SHARD_KEYS = {"file", "num_clips", "num_frames", "bytes", "sha256", "clips"}


def write_shards(
    clips: Iterable[Clip],
    out_dir: str | os.PathLike,
    spec: AnnotationSpec,
    *,
    split: str,
    clips_per_shard: int = 32,
    image_format: str = "png",
    quality: int = 95,
    include_motion: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict:
    """Writes one split, whole or not at all: everything goes to a temporary folder that is renamed at the end.

    Args:
      clips: read one at a time; all of one size.
      out_dir: the data folder; ``out_dir/split`` must not hold anything yet.
      spec: what the label maps' ids mean.
      split: name of the split's folder, "train".
      clips_per_shard: clips in one file.
      image_format: of the frames, "png" or "jpeg".
      quality: JPEG quality 1..100.
      include_motion: whether to store exact flow and visibility, which every clip must then have.
      progress: called after each clip with the numbers of clips and frames so far.

    Returns:
      The manifest.

    Raises:
      ValueError: a bad argument, a split that is there already, no clips, a clip id that comes twice, clips of several
        sizes, ids outside the spec, missing motion; whatever ``clips`` itself raises passes through.
    """
    target = pathlib.Path(out_dir) / split
    if split in ("", ".", "..") or pathlib.Path(split).name != split or split.startswith("."):
        raise ValueError(f"split must be a plain folder name such as 'train', received {split!r}")
    if image_format not in IMAGE_FORMATS or not 1 <= quality <= 100 or clips_per_shard < 1:
        raise ValueError(
            f"image_format must be one of {list(IMAGE_FORMATS)}, quality 1..100, clips_per_shard at least 1; "
            f"received {image_format!r}, {quality}, {clips_per_shard}"
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ValueError(f"{target}: already there; choose another split or output folder, or delete it first")
    temporary = target.with_name(f".{split}.{os.getpid()}.tmp")
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "split": split,
        "spec": spec.to_json(),
        "image_format": image_format,
        "quality": quality if image_format == "jpeg" else None,
        "has_motion": include_motion,
        "shards": [],
    }
    num_clips = num_frames = 0
    with new_folders(out_dir):
        temporary.mkdir()
        try:
            with contextlib.ExitStack() as open_shard:
                for clip in _checked(clips, spec, include_motion):
                    if num_clips % clips_per_shard == 0:
                        open_shard.close()
                        writer = open_shard.enter_context(_next_shard(temporary, manifest["shards"]))
                    if num_clips == 0:
                        has_instances = clip.instance_maps is not None
                        manifest |= {"size": list(clip.label_maps.shape[1:]), "has_instances": has_instances}
                    writer.write(
                        serialize_clip(clip, image_format=image_format, quality=quality, include_motion=include_motion)
                    )
                    length = len(clip.frames)
                    num_clips, num_frames = num_clips + 1, num_frames + length
                    manifest["shards"][-1]["clips"].append({"clip_id": clip.clip_id, "length": length})
                    if progress is not None:
                        progress(num_clips, num_frames)
            if num_clips == 0:
                raise ValueError(f"{target}: no clips to write; is the source empty?")
            for shard in manifest["shards"]:
                shard |= {
                    "num_clips": len(shard["clips"]),
                    "num_frames": sum(c["length"] for c in shard["clips"]),
                    "bytes": (temporary / shard["file"]).stat().st_size,
                    "sha256": _sha256(temporary / shard["file"]),
                }
            manifest |= {"num_clips": num_clips, "num_frames": num_frames}
            (temporary / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            os.rename(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return manifest


def _next_shard(folder: pathlib.Path, shards: list[dict]) -> tf.io.TFRecordWriter:
    shards.append({"file": f"shard-{len(shards):05d}.tfrecord", "clips": []})
    return tf.io.TFRecordWriter(str(folder / shards[-1]["file"]))


def _checked(clips: Iterable[Clip], spec: AnnotationSpec, include_motion: bool) -> Iterator[Clip]:
    """The clips, each held against the first one and the spec."""
    first, seen = None, set()
    for clip in clips:
        first = first or clip
        if clip.clip_id in seen:
            raise ValueError(f"clip id {clip.clip_id!r} comes twice; ids must be unique in a split")
        seen.add(clip.clip_id)
        size, expected = clip.label_maps.shape[1:], first.label_maps.shape[1:]
        if size != expected:
            raise ValueError(
                f"clip {clip.clip_id!r}: {list(size)} (height, width), the first clip has {list(expected)}"
            )
        if (clip.instance_maps is None) != (first.instance_maps is None):
            raise ValueError(
                f"clip {clip.clip_id!r} and {first.clip_id!r}: only one has instance maps; give all clips some, or none"
            )
        if include_motion and not clip.has_motion:
            raise ValueError(f"clip {clip.clip_id!r} has no exact flow; write this source with include_motion=False")
        validate_label_map(clip.label_maps, spec, size, name=f"clip {clip.clip_id!r}, label_maps")
        yield clip


def load_manifest(split_dir: str | os.PathLike) -> dict:
    """The manifest of a split, its shards' sizes checked against the disk.

    Raises:
      ValueError: no readable manifest of this schema, or a shard that is missing or of another size.
    """
    folder = pathlib.Path(split_dir)
    path = folder / MANIFEST
    if not path.is_file():
        splits = sorted(p.parent.name for p in folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []
        hint = f"; it holds the splits {splits}, name one of them" if splits else "; make it with prepare_data.py"
        raise ValueError(f"{path}: no such file, so {folder} is no split{hint}")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not a JSON document ({error}); prepare the data again") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"{path}: schema version {version}, expected {SCHEMA_VERSION}; prepare the data again")
    missing = _KEYS - set(manifest) or {key for shard in manifest["shards"] for key in _SHARD_KEYS - set(shard)}
    if missing or not manifest["shards"]:
        raise ValueError(f"{path}: lacks {sorted(missing) or 'any shard'}; prepare the data again")
    for shard in manifest["shards"]:
        file = folder / shard["file"]
        found = file.stat().st_size if file.is_file() else None
        if found != shard["bytes"]:
            state = "is missing" if found is None else f"has {found} bytes"
            raise ValueError(f"{file}: corrupt shard: {state}, expected {shard['bytes']} bytes; prepare the data again")
    return manifest


def manifest_spec(manifest: dict) -> AnnotationSpec:
    """The spec that a manifest's label maps are written in."""
    return AnnotationSpec.from_json(manifest["spec"])


def check_shards(split_dir: str | os.PathLike) -> dict:
    """Reads every shard of a split (about a second per GB) and compares its SHA-256 with the manifest's.

    Returns:
      The manifest.

    Raises:
      ValueError: what load_manifest refuses, or a shard whose content has changed.
    """
    manifest = load_manifest(split_dir)
    for shard in manifest["shards"]:
        file = pathlib.Path(split_dir) / shard["file"]
        found = _sha256(file)
        if found != shard["sha256"]:
            raise ValueError(
                f"{file}: corrupt shard: SHA-256 {found}, expected {shard['sha256']}; prepare the data again"
            )
    return manifest


def read_clips(split_dir: str | os.PathLike) -> Iterator[Clip]:
    """Yields the clips of a split in order, everything decoded.

    Raises:
      ValueError: what load_manifest refuses, or a record that is damaged.
    """
    for shard in load_manifest(split_dir)["shards"]:
        file = pathlib.Path(split_dir) / shard["file"]
        try:
            for record in tf.data.TFRecordDataset(str(file)):
                yield parse_clip(record.numpy())
        except tf.errors.DataLossError as error:
            raise ValueError(f"{file}: corrupt shard ({error.message}); prepare the data again") from error


def _sha256(path: pathlib.Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
