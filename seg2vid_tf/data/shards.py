"""Clips on disk: TFRecord shards and the manifest that vouches for them; shard_writer.py writes them.

    <data_dir>/<split>/manifest.json
    <data_dir>/<split>/shard-00000.tfrecord, shard-00001.tfrecord, ...

A record is one Clip (clip_record.py). TensorFlow reads an empty shard without a word; the manifest therefore holds
every shard's size and SHA-256, every clip's length, and the spec that the label maps are written in.
"""

import os
import pathlib
import re
from collections.abc import Iterator

import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_record import parse_clip
from seg2vid_tf.files import read_document, sha256_of

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
_KEYS = {
    *("schema_version", "split", "spec", "size", "image_format", "quality", "has_motion", "has_instances"),
    *("num_clips", "num_frames", "shards"),
}
_SHARD_KEYS = {"file", "num_clips", "num_frames", "bytes", "sha256", "clips"}


def load_manifest(split_dir: str | os.PathLike, sizes: bool = True) -> dict:
    """The manifest of a split.

    Args:
      split_dir: it holds manifest.json.
      sizes: whether to check the shards' sizes against the disk.

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
        manifest = read_document(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; prepare the data again") from error
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise ValueError(f"{path}: schema version {version}, expected {SCHEMA_VERSION}; prepare the data again")
    missing = _KEYS - set(manifest) or {key for shard in manifest["shards"] for key in _SHARD_KEYS - set(shard)}
    if missing or not manifest["shards"]:
        raise ValueError(f"{path}: lacks {sorted(missing) or 'any shard'}; prepare the data again")
    for shard in manifest["shards"] if sizes else ():
        file = folder / shard["file"]
        found = file.stat().st_size if file.is_file() else None
        if found != shard["bytes"]:
            state = "is missing" if found is None else f"has {found} bytes"
            raise ValueError(f"{file}: corrupt shard: {state}, expected {shard['bytes']} bytes; prepare the data again")
    return manifest


def manifest_spec(manifest: dict) -> AnnotationSpec:
    """The spec that a manifest's label maps are written in."""
    return AnnotationSpec.from_json(manifest["spec"])


def unseen_classes(manifests: list[dict]) -> list[int] | None:
    """The ids of the classes that no label map of these splits, of one spec, shows.

    Returns:
      Ids in order; None where a split was prepared before manifests counted pixels, so that nobody knows.
    """
    shards = [shard for manifest in manifests for shard in manifest["shards"]]
    if not all("class_pixels" in shard for shard in shards):
        return None
    counts = [sum(pixels) for pixels in zip(*(shard["class_pixels"] for shard in shards), strict=True)]
    return [class_id for class_id, count in enumerate(counts) if count == 0]


def sources(manifest: dict) -> set[str]:
    """The files that a split's clips were made of; none where they were rendered."""
    return {file for shard in manifest["shards"] for clip in shard["clips"] for file in clip.get("files", ())}


def recordings(manifest: dict) -> dict[str, str]:
    """{clip id: the recording that it was cut from}.

    A split that was prepared before manifests said so has names alone: "walk_00000030" was cut from "walk".
    """
    clips = [clip for shard in manifest["shards"] for clip in shard["clips"]]
    cut = {c["clip_id"]: re.sub(r"_\d{8}$", "", c["clip_id"]) if c.get("files") else c["clip_id"] for c in clips}
    return {clip["clip_id"]: clip.get("recording", cut[clip["clip_id"]]) for clip in clips}


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
        found = sha256_of(file)
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
