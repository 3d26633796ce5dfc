import dataclasses

import numpy as np
import pytest

from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.overlap import shared_frames
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet


def test_frames_that_are_there_too_are_counted_wherever_they_are(spec, tmp_path):
    clips = list(SyntheticStreet([1, 2, 3], 3, 32, 64, with_motion=False))
    mixed = np.concatenate([clips[2].frames[:1], clips[0].frames[1:]])
    for split, source in (
        ("train", ClipList(clips[:2], spec)),
        ("apart", ClipList(clips[2:], spec)),
        ("mixed", ClipList([dataclasses.replace(clips[2], frames=mixed)], spec)),
        ("large", SyntheticStreet([1], 3, 64, 128, with_motion=False)),
    ):
        write_shards(source, tmp_path, split=split)
    train = tmp_path / "train"
    assert shared_frames(tmp_path / "apart", [train]) == 0
    assert shared_frames(tmp_path / "mixed", [train]) == 2
    assert shared_frames(tmp_path / "mixed", [train, tmp_path / "apart"]) == 3
    with pytest.raises(ValueError, match=r"large is stored as .*128.*, .*mixed as "):
        shared_frames(tmp_path / "mixed", [train, tmp_path / "large"])
