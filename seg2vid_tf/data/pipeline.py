"""Shards -> batches: windows of 1 + T frames as a tf.data.Dataset whose k-th batch depends on the seed and k alone.

Only window numbers are shuffled (windows.py); records are read and decoded after that. What is done to the window at
position p (augmentation.py) is drawn from (seed, p). A record is found by skipping record headers: keep shards at some
tens of clips.
Several splits of one kind make one stream, as if the second one's shards stood behind the first one's.
"""

import functools
import os
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf
from absl import logging

from seg2vid_tf.config import MIN_CROP
from seg2vid_tf.data.augmentation import (
    is_mirrored,
    randomly_cropped,
    randomly_mirrored,
    randomly_recolored,
    randomly_reversed,
)
from seg2vid_tf.data.clip_record import FLOWS, MOTION, parse_window
from seg2vid_tf.data.matching_cache import MatchingCache
from seg2vid_tf.data.shards import load_manifest, manifest_spec
from seg2vid_tf.data.windows import evenly_spread, in_order, list_windows, shuffled
from seg2vid_tf.ops.image import to_float


def make_dataset(
    split_dir: str | os.PathLike | Sequence[str | os.PathLike],
    *,
    num_frames: int,
    batch_size: int,
    seed: int = 0,
    training: bool = True,
    start_step: int = 0,
    flip: bool = True,
    crop: float = 1.0,
    reverse: bool = False,
    recolor: float = 0.0,
    with_motion: bool = False,
    with_instances: bool = False,
    with_matching: bool = False,
    with_clip_ids: bool = False,
    size: tuple[int, int] | None = None,
    frame_stride: int = 1,
    window_stride: int | None = None,
    max_windows: int | None = None,
    drop_remainder: bool | None = None,
    input_context: tf.distribute.InputContext | None = None,
) -> tf.data.Dataset:
    """Batches of windows.

    Args:
      split_dir: a split that write_shards wrote; or a list of splits whose windows are mixed, each as often as any
        other: of one spec (its label sets may differ), stored at one size in one image format.
      num_frames: T; a window holds T + 1 frames (0: single frames).
      batch_size: windows in a batch, over all devices.
      seed: of the order and the mirroring.
      training: endless, shuffled, mirrored; else every window once, in order, as it is.
      start_step: batches to leave out at the start, without reading them.
      flip: whether training mirrors half of the windows left to right.
      crop: in training, each window shows a random part of its frames, between this share of height and width and all
        of them, one part for the whole window; 0.1 to 1, 1: all of them.
      reverse: whether training shows half of the windows backwards in time; only without motion.
      recolor: in training, by how much brightness, contrast and saturation change at most, 0 (not at all) to 1.
      with_motion: whether to give flow and visibility; only the windows at the start of a clip have them.
      with_instances: whether to give instance maps; every split must be stored with them.
      with_matching: whether to give what matching finds in the frames, which is kept beside the shards; only where
        neither crop, reverse nor recolor makes every window another one.
      with_clip_ids: whether to say which clip each window is of.
      size: (height, width) to scale down to, frames by area, label and instance maps by nearest neighbour; None: as
        stored.
      frame_stride: distance between the frames of a window.
      window_stride: distance between the starts of a clip's windows; None: 1 in training, else windows without overlap.
      max_windows: gives so many of the windows at most, evenly spread over all of them; None: all.
      drop_remainder: whether an incomplete last batch is dropped; None: in training only.
      input_context: in training, of a worker among several. Batches are then those of one device, and the devices of
        all workers, in their order, hold the global batch's windows one after the other, as parts of equal size.

    Returns:
      Dataset of dicts: ``frames`` float32 [B, T+1, H, W, 3] in [-1, 1], ``label_maps`` uint8 [B, T+1, H, W]; with
      motion also ``flow``, ``flow_backward`` float32 [B, T, H, W, 2] in pixels, ``visibility``, ``visibility_backward``
      float32 [B, T, H, W, 1]; with instances also ``instance_maps`` int32 [B, T+1, H, W], 0 = no instance; with clip
      ids ``clip_id`` string [B]; with matching ``displacements`` [B, T, h, w, 2] and ``fits`` [B, T, h, w, 1] as of
      ops.matching.estimate_flow, but where they cannot be kept. TensorFlow is not to shard it once more
      (AutoShardPolicy.OFF). Iterating raises tf.errors.DataLossError at a damaged record; check_shards says which shard
      that is.

    Raises:
      ValueError: what load_manifest refuses, splits that do not fit together, no clip long enough, no motion or no
        instance maps stored, a bad argument.
    """
    splits = _load_splits(split_dir, with_motion, with_instances)
    name, manifest = ", ".join(str(folder) for folder in splits), next(iter(splits.values()))
    _check_numbers(batch_size, start_step, crop, recolor)
    _check_augmentation(with_motion, with_matching and training, crop, reverse, recolor)
    size = _checked_size(name, manifest, size, with_motion)
    shards = [(str(folder / shard["file"]), shard) for folder, m in splits.items() for shard in m["shards"]]
    windows = list_windows(
        name, [shard for _, shard in shards], num_frames, training, frame_stride, window_stride, with_motion
    )
    windows = windows[evenly_spread(len(windows), max_windows)]
    skipped = start_step * batch_size
    stream = shuffled(windows, seed, skipped) if training else in_order(windows, skipped)
    stream, rows = _shared_out(stream, batch_size, training, input_context)
    matching = _matching_cache(name, shards, num_frames, frame_stride, size) if with_matching else None
    read = functools.partial(
        _read_window,
        tf.constant([file for file, _ in shards]),
        num_frames=num_frames,
        stride=frame_stride,
        size=tuple(manifest["size"]),
        image_format=manifest["image_format"],
        with_motion=with_motion,
        with_instances=with_instances,
        with_clip_ids=with_clip_ids,
    )
    augmentation = _Augmentation(flip, crop, reverse, recolor) if training else _NO_AUGMENTATION
    prepare = functools.partial(_prepared, manifest=manifest, size=size, augmentation=augmentation, seed=seed)

    def load(position, window):
        example = prepare(read(window), position)
        if matching is not None:
            mirrored = is_mirrored(seed, position) if training and flip else tf.constant(False)
            example |= matching.of(window, mirrored, example["frames"])
        return example

    dataset = stream.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.batch(rows, drop_remainder=training if drop_remainder is None else drop_remainder)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.prefetch(2).with_options(options)


class _Augmentation(NamedTuple):
    """As ``make_dataset`` takes them."""

    flip: bool
    crop: float
    reverse: bool
    recolor: float


_NO_AUGMENTATION = _Augmentation(flip=False, crop=1.0, reverse=False, recolor=0.0)


def _prepared(example, position, manifest, size, augmentation, seed):
    """A window as it was read -> at that size, its frames float32 in [-1, 1], augmented as its position says."""
    stored_size = tuple(manifest["size"])
    if augmentation.crop < 1:
        # By Lanczos: area and bilinear sampling, at a scale that is no whole number, take the fine detail away that a
        # discriminator would teach.
        example = randomly_cropped(example, stored_size, augmentation.crop, seed, position)
        example = _resized(example, size, "lanczos3")
    elif size != stored_size:
        example = _resized(example, size, "area")
    example["frames"] = to_float(example["frames"])
    if augmentation.flip:
        example = randomly_mirrored(example, manifest_spec(manifest), seed, position)
    if augmentation.reverse:
        example = randomly_reversed(example, seed, position)
    if augmentation.recolor:
        example = randomly_recolored(example, augmentation.recolor, seed, position)
    return example


def _matching_cache(name, shards, num_frames, frame_stride, size):
    try:
        return MatchingCache(shards, num_frames, frame_stride, size)
    except (OSError, ValueError) as error:  # slower, and no different
        logging.warning("%s: matching is not kept, it is done at every step: %s", name, error)
    return None


def _check_augmentation(with_motion, keeps_matching, crop, reverse, recolor):
    if reverse and with_motion:
        raise ValueError("reverse must be False where exact motion is asked for: that belongs to the first frame")
    if keeps_matching and (crop < 1 or reverse or recolor):
        raise ValueError(
            "with_matching keeps what is found in a window: crop must be 1, reverse False and recolor 0, received "
            f"{crop}, {reverse} and {recolor}"
        )


def _checked_size(name, manifest, size, with_motion):
    """(height, width) that windows get; None: as stored."""
    stored_size = tuple(manifest["size"])
    size = stored_size if size is None else tuple(size)
    if size != stored_size and (with_motion or size[0] > stored_size[0] or size[1] > stored_size[1]):
        raise ValueError(
            f"{name}: stored at {stored_size} (height, width), asked for {size}: only frames, label and instance maps "
            "scale, and only down; prepare the data at that size"
        )
    return size


def _check_numbers(batch_size, start_step, crop, recolor):
    if batch_size < 1 or start_step < 0:
        raise ValueError(
            f"batch_size must be at least 1 and start_step at least 0, received {batch_size}, {start_step}"
        )
    if not MIN_CROP <= crop <= 1:
        raise ValueError(f"crop must lie in {MIN_CROP}..1, received {crop}")
    if not 0 <= recolor <= 1:
        raise ValueError(f"recolor must lie in 0..1, received {recolor}")


def _read_window(files, window, **what):
    """The window's example as it is stored; ``what``: parse_window's further arguments."""
    records = tf.data.TFRecordDataset(files[window[0]])
    record = records.skip(tf.cast(window[1], tf.int64)).take(1).get_single_element()
    return parse_window(record, window[2], **what)


def _shared_out(stream, batch_size, training, input_context):
    """(the part of the stream that this worker reads, how many windows a batch of one device has)."""
    if input_context is None:
        return stream, batch_size
    workers, devices = input_context.num_input_pipelines, input_context.num_replicas_in_sync
    if batch_size % devices:
        raise ValueError(f"batch_size {batch_size} does not divide by {devices} devices: make it a multiple")
    if workers > 1:
        if not training:
            raise ValueError("input_context is for training: without it a last batch may be too small to be shared out")
        share, worker = batch_size // workers, input_context.input_pipeline_id
        stream = stream.filter(lambda position, _: position % batch_size // share == worker)
    return stream, batch_size // devices


def _load_splits(split_dir, with_motion: bool, with_instances: bool) -> dict[pathlib.Path, dict]:
    """{split folder: manifest}, held against the first one and against what is asked for."""
    given = [split_dir] if isinstance(split_dir, str | os.PathLike) else list(split_dir)
    splits = {pathlib.Path(folder): load_manifest(folder) for folder in given}
    if not splits or len(splits) < len(given):
        raise ValueError(f"split_dir must be one split or several different ones, received {[str(f) for f in given]}")
    first_folder, first = next(iter(splits.items()))
    for folder, manifest in splits.items():
        for key in ("size", "image_format"):
            if manifest[key] != first[key]:
                raise ValueError(
                    f"{folder}: {key} {manifest[key]}, but {first_folder} has {first[key]}; prepare both alike to "
                    "train on them together"
                )
        spec, first_spec = manifest_spec(manifest), manifest_spec(first)
        if spec != first_spec:
            raise ValueError(
                f"{folder}: spec {spec.name!r}, but {first_folder} has another, {first_spec.name!r}; prepare both with "
                "one spec (--spec, --label_ids) to train on them together"
            )
        if with_motion and not manifest["has_motion"]:
            raise ValueError(f"{folder}: stored without motion; prepare it with --include_motion, or drop with_motion")
        if with_instances and not manifest.get("has_instances"):
            raise ValueError(
                f"{folder}: stored without instance maps; prepare it from a source with them, or drop with_instances"
            )
    return splits


def _resized(example, size, method):
    frames = tf.image.resize(tf.cast(example["frames"], tf.float32), size, method, antialias=True)
    resized = {**example, "frames": tf.clip_by_value(frames, 0.0, 255.0)}  # Lanczos swings over at edges
    for key in ("label_maps", "instance_maps"):
        if key in example:
            resized[key] = tf.image.resize(example[key][..., None], size, tf.image.ResizeMethod.NEAREST_NEIGHBOR)[
                ..., 0
            ]
    ratio = tf.cast(size, tf.float32) / tf.cast(tf.shape(example["label_maps"])[1:3], tf.float32)
    for key in MOTION:
        if key in example:
            # Flows of two surfaces have no mean.
            nearest = tf.image.resize(example[key], size, tf.image.ResizeMethod.NEAREST_NEIGHBOR)
            resized[key] = nearest * ratio if key in FLOWS else nearest
    return resized
