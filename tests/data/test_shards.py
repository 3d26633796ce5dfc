"""Shards and manifest: lossless round trip, bounded JPEG error, damage found by file name, nothing half-written."""

import dataclasses
import json
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.shards import check_shards, load_manifest, manifest_spec, read_clips, recordings, unseen_classes
from seg2vid_tf.files import read_document

SPEC = load_spec("synthetic_street")
FIELDS = ("frames", "label_maps", "instance_maps", "flow", "flow_backward", "visibility", "visibility_backward")


def _assert_equal(a, b, fields=FIELDS):
    assert a.clip_id == b.clip_id
    for name in fields:
        if getattr(a, name) is None:
            assert getattr(b, name) is None
        else:
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def _write(out_dir, make_clip, count=3, **options):
    clips = [make_clip(f"clip{i}", seed=i, with_motion=options.get("include_motion", False)) for i in range(count)]
    return clips, write_shards(ClipList(clips, SPEC), out_dir, split="train", clips_per_shard=2, **options)


def test_classes_that_no_map_shows_are_known_from_the_manifests(tmp_path):
    """Split a shows classes 0 and 3, split b 1 and 3, and ignored pixels are no class."""
    frames = np.zeros([1, 8, 12, 3], np.uint8)
    manifests = []
    for split, (above, below) in {"a": (0, 3), "b": (1, 3)}.items():
        label_maps = np.full([1, 8, 12], SPEC.ignore_id, np.uint8)
        label_maps[0, 0], label_maps[0, 5:7] = above, below
        source = ClipList([Clip(f"{split}{i}", frames, label_maps) for i in range(3)], SPEC)
        manifests.append(write_shards(source, tmp_path, split=split, clips_per_shard=2))
    assert [shard["class_pixels"][3] for shard in manifests[0]["shards"]] == [2 * 24, 24]
    assert sum(manifests[0]["shards"][0]["class_pixels"]) == 2 * 36
    others = set(range(SPEC.num_classes))
    assert unseen_classes(manifests[:1]) == sorted(others - {0, 3})
    assert unseen_classes(manifests) == sorted(others - {0, 1, 3})
    del manifests[1]["shards"][0]["class_pixels"]
    assert unseen_classes(manifests) is None


def test_png_round_trip_is_lossless_with_motion(tmp_path, make_clip):
    calls = []
    clips, manifest = _write(tmp_path, make_clip, include_motion=True, progress=lambda *n: calls.append(n))
    for clip, read in zip(clips, read_clips(tmp_path / "train"), strict=True):
        _assert_equal(clip, read)
    assert calls == [(1, 4), (2, 8), (3, 12)]
    assert manifest == check_shards(tmp_path / "train") == read_document(tmp_path / "train/manifest.json")
    assert (manifest["size"], manifest["num_clips"], manifest["num_frames"]) == ([8, 12], 3, 12)
    assert manifest["has_motion"] and manifest["has_instances"] and manifest_spec(manifest) == SPEC
    assert [s["num_clips"] for s in manifest["shards"]] == [2, 1]
    assert manifest["shards"][1]["clips"] == [{"clip_id": "clip2", "length": 4, "recording": "clip2", "files": []}]
    assert sorted(p.name for p in tmp_path.glob("**/*") if p.is_file()) == [
        "manifest.json",
        "shard-00000.tfrecord",
        "shard-00001.tfrecord",
    ]


def test_motion_is_left_out_unless_asked_for_and_a_single_frame_has_none(tmp_path, make_clip):
    clip = make_clip("one", length=1, with_motion=True)
    write_shards(ClipList([clip], SPEC), tmp_path, split="with", include_motion=True)
    write_shards(ClipList([clip], SPEC), tmp_path, split="without")
    (without,) = read_clips(tmp_path / "without")
    assert not without.has_motion
    _assert_equal(clip, without, FIELDS[:3])


def test_jpeg_error_is_bounded_and_maps_stay_exact(tmp_path, make_clip):
    smooth = np.linspace(40, 200, 12, dtype=np.uint8)[None, None, :, None]
    clip = dataclasses.replace(make_clip("a", with_instances=False), frames=np.tile(smooth, (4, 8, 1, 3)))
    manifest = write_shards(ClipList([clip], SPEC), tmp_path, split="train", image_format="jpeg", quality=95)
    (read,) = read_clips(tmp_path / "train")
    assert manifest["quality"] == 95
    assert np.abs(read.frames.astype(int) - clip.frames).max() <= 4
    np.testing.assert_array_equal(read.label_maps, clip.label_maps)


def test_folder_and_shards_hold_the_same_clip(tmp_path, make_clip, write_sequence):
    from seg2vid_tf.data.frame_folder import FrameFolder

    write_sequence(tmp_path / "in/a", make_clip())
    folder = FrameFolder(tmp_path / "in", SPEC, (4, 6))
    write_shards(folder, tmp_path / "out", split="train")
    for clip, read in zip(folder, read_clips(tmp_path / "out/train"), strict=True):
        _assert_equal(clip, read)


def test_damaged_shards_are_named(tmp_path, make_clip):
    _write(tmp_path, make_clip)
    shard = tmp_path / "train/shard-00001.tfrecord"
    data = shard.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    shard.write_bytes(flipped)
    with pytest.raises(
        ValueError, match="shard-00001.tfrecord: corrupt shard: SHA-256 .*expected .*prepare the data again"
    ):
        check_shards(tmp_path / "train")
    with pytest.raises(ValueError, match="shard-00001.tfrecord: corrupt shard"):
        list(read_clips(tmp_path / "train"))
    shard.write_bytes(data[:-5])
    with pytest.raises(
        ValueError, match=f"shard-00001.tfrecord: corrupt shard: has {len(data) - 5} bytes, expected {len(data)}"
    ):
        load_manifest(tmp_path / "train")
    shard.unlink()
    with pytest.raises(ValueError, match="shard-00001.tfrecord: corrupt shard: is missing"):
        load_manifest(tmp_path / "train")


def test_manifests_that_cannot_be_used_are_refused(tmp_path, make_clip):
    with pytest.raises(ValueError, match="manifest.json: no such file.*prepare_data.py"):
        load_manifest(tmp_path)
    _, manifest = _write(tmp_path, make_clip)
    with pytest.raises(ValueError, match=r"it holds the splits \['train'\]"):
        load_manifest(tmp_path)
    path = tmp_path / "train/manifest.json"
    for text, message in {
        "{": "not a JSON document",
        "[]": "not a JSON object but list",
        "{}": "schema version None",
        json.dumps({**manifest, "schema_version": 7}): "schema version 7, expected 1",
        json.dumps({k: v for k, v in manifest.items() if k != "spec"}): r"lacks \['spec'\]",
        json.dumps({**manifest, "shards": []}): "lacks any shard",
    }.items():
        path.write_text(text)
        with pytest.raises(ValueError, match=f"manifest.json: {message}"):
            load_manifest(tmp_path / "train")


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=5),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 3),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_whatever_clips_go_in_come_out(lengths, height, width, clips_per_shard, with_instances, seed):
    rng = np.random.default_rng(seed)
    ids = np.array([*range(SPEC.num_classes), SPEC.ignore_id], np.uint8)
    clips = []
    for number, length in enumerate(lengths):
        shape = (length, height, width)
        label_maps = rng.choice(ids, shape)
        label_maps[0, 0, 0] = 0  # a clip of which every pixel is ignored is refused
        clips.append(
            Clip(
                f"clip {number} é",
                rng.integers(0, 256, (*shape, 3), np.uint8),
                label_maps,
                rng.integers(0, 2**16, shape, np.uint16) if with_instances else None,
            )
        )
    with tempfile.TemporaryDirectory() as folder:
        write_shards(ClipList(clips, SPEC), folder, split="train", clips_per_shard=clips_per_shard)
        assert check_shards(f"{folder}/train")["num_frames"] == sum(lengths)
        for clip, read in zip(clips, read_clips(f"{folder}/train"), strict=True):
            _assert_equal(clip, read)


def test_clips_that_were_cut_from_one_recording_say_so():
    clips = [{"clip_id": "a_00000000", "recording": "a"}, {"clip_id": "a_00000030", "recording": "a"}]
    old = [{"clip_id": "b_00000030", "files": ["b/30.png"]}, {"clip_id": "street_00000007", "files": []}]
    manifest = {"shards": [{"clips": clips}, {"clips": old}]}
    assert recordings(manifest) == {
        "a_00000000": "a",
        "a_00000030": "a",
        "b_00000030": "b",
        "street_00000007": "street_00000007",
    }
