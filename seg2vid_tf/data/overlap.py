"""Frames that one split shares with others: a model measured on what it learned from looks better than it is."""

import hashlib
import os
from collections.abc import Iterator, Sequence

import keras

from seg2vid_tf.data.shards import load_manifest, read_clips


def shared_frames(split: str | os.PathLike, others: Sequence[str | os.PathLike]) -> int:
    """How many frames of a prepared split are, pixel by pixel, frames of other ones; no copy that was coded anew.

    All are read whole, with a progress bar.

    Raises:
      ValueError: they were stored in different ways, so that equal frames would not be equal; or one is damaged.
    """
    stored, *others_stored = (_how_stored(each) for each in (split, *others))
    for other, other_stored in zip(others, others_stored, strict=True):
        if other_stored != stored:
            raise ValueError(f"{other} is stored as {other_stored}, {split} as {stored}")
    found = {digest for other in others for digest in _digests(other)}
    return sum(digest in found for digest in _digests(split))


def _how_stored(split):
    manifest = load_manifest(split)
    return {key: manifest[key] for key in ("size", "image_format", "quality")}


def _digests(split) -> Iterator[bytes]:
    bar = keras.utils.Progbar(load_manifest(split)["num_clips"], unit_name=f"clip of {split}, looked through")
    for clip in read_clips(split):
        yield from (hashlib.sha256(frame.tobytes()).digest() for frame in clip.frames)
        bar.add(1)
