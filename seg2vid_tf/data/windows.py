"""The windows of some splits, and the order in which they pass: numbers alone, before anything is read.

A training stream is an endless row of windows: position p belongs to epoch p // N, and each epoch is its own
permutation of all N windows, drawn from (seed, epoch). A full shuffle so needs no buffer, and a resumed run skips what
it has seen without reading it.
"""

import numpy as np
import tensorflow as tf
from absl import logging


def list_windows(
    name: str,
    shards: list[dict],
    num_frames: int,
    training: bool,
    frame_stride: int,
    window_stride: int | None,
    with_motion: bool,
) -> np.ndarray:
    """All windows of the shards' clips.

    Args:
      name: of the splits, for messages.
      shards: as manifests list them.
      num_frames: T; a window holds T + 1 frames.
      training: whether every frame starts a window where ``window_stride`` is None; else windows do not overlap.
      frame_stride: distance between the frames of a window.
      window_stride: distance between the starts of a clip's windows.
      with_motion: whether only the window at a clip's start is wanted.

    Returns:
      int32 [N, 3]: shard number, record in it, first frame of the window.

    Raises:
      ValueError: a bad number, or no clip is long enough.
    """
    if num_frames < 0 or frame_stride < 1 or (window_stride is not None and window_stride < 1):
        raise ValueError(
            "num_frames must be at least 0, frame_stride and window_stride at least 1, "
            f"received {num_frames}, {frame_stride}, {window_stride}"
        )
    span = num_frames * frame_stride + 1
    step = window_stride or (1 if training else span)
    lengths = [(i, j, clip["length"]) for i, s in enumerate(shards) for j, clip in enumerate(s["clips"])]
    windows = []
    for shard, record, length in lengths:
        starts = range(0, length - span + 1, step)
        windows += [(shard, record, start) for start in (starts[:1] if with_motion else starts)]
    short = sum(length < span for _, _, length in lengths)
    if not windows:
        longest = max(n for _, _, n in lengths)
        fix = "lower them or prepare longer clips" if longest > 1 else "stills are for stage 1, prepare videos"
        raise ValueError(
            f"{name}: every clip is shorter than a window of {span} frames (num_frames={num_frames}, frame_stride="
            f"{frame_stride}), the longest has {longest}; {fix}"
        )
    if short:
        logging.warning("%s: %d of %d clips are shorter than %d frames and not used", name, short, len(lengths), span)
    return np.array(windows, np.int32)


def evenly_spread(count: int, most: int | None) -> np.ndarray:
    """The numbers of at most ``most`` of ``count`` things, evenly spread from the first on; None: of all."""
    most = count if most is None else min(most, count)
    return np.arange(most, dtype=np.int64) * count // most


def in_order(windows: np.ndarray, skipped: int) -> tf.data.Dataset:
    """The stream of (position int64, window int32 [3]), each window once, from position ``skipped`` on."""
    return tf.data.Dataset.from_tensor_slices((np.arange(len(windows), dtype=np.int64)[skipped:], windows[skipped:]))


def shuffled(windows: np.ndarray, seed: int, skipped: int) -> tf.data.Dataset:
    """The endless stream of (position int64, window int32 [3]) from position ``skipped`` on."""
    table, count = tf.constant(windows), len(windows)
    first_epoch, first_rank = divmod(skipped, count)

    def epoch_stream(epoch):
        # Dataset.shuffle would depend on TensorFlow's global seed and could not be entered in the middle.
        draws = tf.random.stateless_uniform([count], [seed, epoch], None, None, tf.int64, alg="philox")
        order = tf.argsort(draws)
        start = tf.where(epoch == first_epoch, tf.constant(first_rank, tf.int64), 0)
        positions = epoch * count + tf.range(start, count)
        return tf.data.Dataset.from_tensor_slices((positions, tf.gather(table, order[start:])))

    return tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(epoch_stream)
