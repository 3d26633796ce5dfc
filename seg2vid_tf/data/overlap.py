"""Frames that one split shares with others: a model measured on what it learned from looks better than it is."""

import hashlib
import os
from collections.abc import Sequence

import keras
import numpy as np

from seg2vid_tf.data.pipeline import make_dataset
from seg2vid_tf.ops.image import to_uint8


def shared_frames(frames: Sequence[np.ndarray], splits: Sequence[str | os.PathLike]) -> int:
    """How many of some frames are frames of prepared splits, pixel by pixel: no copy that was scaled or coded anew.

    Args:
      frames: uint8 [H,W,3], read from a split and scaled as data/pipeline.py does.
      splits: read whole, with a progress bar.

    Raises:
      ValueError: a split holds smaller frames than [H,W], or cannot be read.
    """
    wanted = [_digest(frame) for frame in frames]
    size = frames[0].shape[:2]
    found = set()
    for split in splits:
        batches = make_dataset(split, num_frames=0, batch_size=1, training=False, size=size)
        bar = keras.utils.Progbar(int(batches.cardinality()), unit_name="frame of the training data")
        for batch in batches:
            found.add(_digest(to_uint8(batch["frames"][0, 0]).numpy()))
            bar.add(1)
    return sum(digest in found for digest in wanted)


def _digest(frame):
    return hashlib.sha256(frame.tobytes()).digest()
