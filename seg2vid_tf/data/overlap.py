"""Frames that one split shares with others: a model measured on what it learned from looks better than it is.

The very same frames are told by their SHA-256, where the splits are stored alike. What was coded anew or scaled is told
by its perceptual hash (Zauner, 2010: the signs of a picture's low frequencies), 256 bits of the extra eval's ImageHash.
Of 909 frames of five data sets at 64x128, copies of JPEG quality 75 differ in 8 bits at most, of quality 30 or of half
the size in 20; pictures of other scenes, or ten frames later, in 50 or more; the next frame of a slow video in a few.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
from PIL import Image

from seg2vid_tf.data.shards import load_manifest, read_clips

SIDE = 16  # of the square of frequencies
MOST_BITS = 16  # by which a copy may differ
# Grey levels that a frame's pixels differ by, one standard deviation; what is flatter looks like anything flat.
_FLAT = 4.0
_AT_ONCE = 4096


class SharedFrames(NamedTuple):
    """How many frames of a split are frames of others.

    Attributes:
      same: pixel by pixel; None where the splits are stored in different ways, so that equal frames are not equal.
      alike: how many others look like one: coded anew, scaled, or its neighbours in time; None without ImageHash.
    """

    same: int | None
    alike: int | None


def shared_frames(split: str | os.PathLike, others: Sequence[str | os.PathLike]) -> SharedFrames:
    """How many frames of a prepared split are frames of other ones.

    All are read whole, with a progress bar.

    Raises:
      ValueError: one is damaged.
    """
    comparable = len({_how_stored(each) for each in (split, *others)}) == 1
    known, hashes = set(), []
    for other in others:
        for digest, bits in _fingerprints(other):
            known.add(digest)
            hashes += [] if bits is None else [bits]
    same, to_find = 0, []
    for digest, bits in _fingerprints(split):
        if comparable and digest in known:
            same += 1
        elif bits is not None:
            to_find.append(bits)
    return SharedFrames(same if comparable else None, _alike(to_find, hashes) if _imagehash() else None)


def _how_stored(split):
    manifest = load_manifest(split)
    return str({key: manifest[key] for key in ("size", "image_format", "quality")})


def _fingerprints(split) -> Iterator[tuple[bytes, np.ndarray | None]]:
    """(SHA-256, perceptual hash uint8 [SIDE * SIDE / 8]) of each frame; None for the hash of what is flat."""
    imagehash = _imagehash()
    bar = keras.utils.Progbar(load_manifest(split)["num_clips"], unit_name=f"clip of {split}, looked through")
    for clip in read_clips(split):
        for frame in clip.frames:
            bits = None
            if imagehash and frame.std() >= _FLAT:
                bits = np.packbits(imagehash.phash(Image.fromarray(frame), hash_size=SIDE).hash)
            yield hashlib.sha256(frame.tobytes()).digest(), bits
        bar.add(1)


def _alike(hashes, others) -> int:
    """How many of some hashes are MOST_BITS or less away from one of others."""
    if not hashes or not others:
        return 0
    ours, found = _signs(hashes), np.zeros(len(hashes), bool)
    for first in range(0, len(others), _AT_ONCE):
        agreeing = ours @ _signs(others[first : first + _AT_ONCE]).T  # those that agree less those that do not
        found |= (agreeing >= SIDE * SIDE - 2 * MOST_BITS).any(axis=1)
    return int(found.sum())


def _signs(hashes):
    return 2.0 * np.unpackbits(np.stack(hashes), axis=1).astype(np.float32) - 1.0


def _imagehash():
    """The module ImageHash, None where it is not installed."""
    try:
        import imagehash  # an optional extra
    except ImportError:
        return None
    return imagehash
