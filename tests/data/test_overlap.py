import dataclasses
import io
import sys

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.overlap import SharedFrames, _alike, shared_frames
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet


@pytest.fixture(scope="module")
def clips():
    return list(SyntheticStreet([1, 2, 3], 3, 32, 64, with_motion=False))


def test_frames_that_are_there_too_are_counted_wherever_they_are(spec, clips, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imagehash", None)  # not installed
    mixed = np.concatenate([clips[2].frames[:1], clips[0].frames[1:]])
    for split, source in (
        ("train", ClipList(clips[:2], spec)),
        ("apart", ClipList(clips[2:], spec)),
        ("mixed", ClipList([dataclasses.replace(clips[2], frames=mixed)], spec)),
        ("large", SyntheticStreet([1], 3, 64, 128, with_motion=False)),
    ):
        write_shards(source, tmp_path, split=split)
    train = tmp_path / "train"
    assert shared_frames(tmp_path / "apart", [train]) == SharedFrames(same=0, alike=None)
    assert shared_frames(tmp_path / "mixed", [train]) == SharedFrames(same=2, alike=None)
    assert shared_frames(tmp_path / "mixed", [train, tmp_path / "apart"]) == SharedFrames(same=3, alike=None)
    assert shared_frames(tmp_path / "mixed", [train, tmp_path / "large"]) == SharedFrames(same=None, alike=None)


def coded_anew(frame, quality=75):
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "jpeg", quality=quality)
    return np.asarray(Image.open(file))


def test_copies_that_were_coded_anew_or_scaled_look_alike(spec, clips, tmp_path):
    """What their SHA-256 does not tell, and what is black in both is no copy."""
    pytest.importorskip("imagehash", reason="the extra eval")
    black = np.zeros_like(clips[0].frames[0])
    train = [dataclasses.replace(clips[0], frames=np.stack([*clips[0].frames[:2], black]))]
    # One of training's, one of training's coded anew, and black; then another street.
    copies = [clips[0].frames[0], coded_anew(clips[0].frames[1]), coded_anew(black, 90)]
    held_out = [dataclasses.replace(clips[1], frames=np.stack(copies)), clips[2]]
    write_shards(ClipList(train, spec), tmp_path, split="train")
    write_shards(ClipList(held_out, spec), tmp_path, split="held_out")
    doubled = [each[:2].repeat(2, axis=1).repeat(2, axis=2) for each in (clips[0].frames, clips[0].label_maps)]
    large = dataclasses.replace(clips[0], frames=doubled[0], label_maps=doubled[1], instance_maps=None)
    write_shards(ClipList([large], spec), tmp_path, split="large")
    # Black coded anew is black: the same, and not alike.
    assert shared_frames(tmp_path / "held_out", [tmp_path / "train"]) == SharedFrames(same=2, alike=1)
    # Scaled frames are stored in another way.
    assert shared_frames(tmp_path / "large", [tmp_path / "train"]) == SharedFrames(same=None, alike=2)


def test_a_copy_may_differ_in_16_of_256_bits():
    bits = np.random.default_rng(0).integers(0, 2, (3, 256), np.uint8)
    nearer, farther = bits[1].copy(), bits[2].copy()
    nearer[:16] ^= 1
    farther[:17] ^= 1
    assert _alike(list(np.packbits([nearer, farther], axis=1)), list(np.packbits(bits, axis=1))) == 1
    assert _alike([], list(np.packbits(bits, axis=1))) == _alike(list(np.packbits(bits, axis=1)), []) == 0
