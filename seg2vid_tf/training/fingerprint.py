"""What data a run has learned from, as one number."""

import hashlib
import pathlib

from seg2vid_tf.files import sha256_of


def fingerprint(manifests: list[dict], perceptual_path: str = "") -> str:
    """SHA-256 over those of the shards and of the perceptual network's file.

    Two runs with the same one learn from the same clips, in the same order, by the same perceptual loss.
    """
    parts = [shard["sha256"] for manifest in manifests for shard in manifest["shards"]]
    if perceptual_path:
        parts.append(sha256_of(pathlib.Path(perceptual_path)))
    return hashlib.sha256("".join(parts).encode()).hexdigest()
