"""Batches: what they hold, exact resume, determinism, mirroring, windows, motion, and refusals."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.augmentation import mirror
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.pipeline import make_dataset
from seg2vid_tf.data.shard_writer import write_shards

SPEC = load_spec("synthetic_street")


@pytest.fixture(scope="module")
def clips(make_clip):
    return [make_clip(f"clip{i}", length=4, seed=i, with_motion=True) for i in range(5)]


@pytest.fixture(scope="module")
def split(tmp_path_factory, clips):
    out = tmp_path_factory.mktemp("data")
    write_shards(ClipList(clips, SPEC), out, split="train", clips_per_shard=2, include_motion=True)
    return out / "train"


def _take(dataset, count):
    return [{k: v.numpy() for k, v in batch.items()} for batch in itertools.islice(dataset, count)]


def _assert_same(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert x.keys() == y.keys()
        for key in x:
            np.testing.assert_array_equal(x[key], y[key])


def test_evaluation_gives_every_window_once_in_order(split, clips):
    batches = _take(make_dataset(split, num_frames=1, batch_size=4, training=False), None)
    assert [len(b["frames"]) for b in batches] == [4, 4, 2]
    frames = np.concatenate([b["frames"] for b in batches])
    label_maps = np.concatenate([b["label_maps"] for b in batches])
    assert frames.dtype == np.float32 and label_maps.dtype == np.uint8
    expected = np.concatenate([c.frames.reshape(2, 2, 8, 12, 3) for c in clips])
    np.testing.assert_allclose(frames, expected / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(label_maps, np.concatenate([c.label_maps.reshape(2, 2, 8, 12) for c in clips]))
    assert frames.min() == -1 and frames.max() == 1


def test_some_windows_are_spread_evenly_over_all(split):
    arguments = {"num_frames": 1, "batch_size": 1, "training": False}
    every = _take(make_dataset(split, **arguments), None)
    some = _take(make_dataset(split, max_windows=4, **arguments), None)
    _assert_same(some, [every[i] for i in (0, 2, 5, 7)])
    _assert_same(some[2:], _take(make_dataset(split, max_windows=4, start_step=2, **arguments), None))
    _assert_same(every, _take(make_dataset(split, max_windows=99, **arguments), None))


def test_an_epoch_shows_every_window_once_and_epochs_differ(split, clips):
    batches = _take(make_dataset(split, num_frames=1, batch_size=5, flip=False), 6)
    shown = [w.tobytes() for b in batches for w in b["label_maps"]]
    windows = {c.label_maps[s : s + 2].tobytes() for c in clips for s in range(3)}
    assert set(shown[:15]) == set(shown[15:]) == windows
    assert shown[:15] != shown[15:]


def test_resume_is_exact_and_does_not_hang_on_the_global_seed(split):
    arguments = {"num_frames": 1, "batch_size": 4, "seed": 7}
    tf.random.set_seed(1)
    stream = _take(make_dataset(split, **arguments), 9)  # 36 windows: over two epochs
    for k in (3, 4):
        tf.random.set_seed(k)
        _assert_same(stream[k:], _take(make_dataset(split, start_step=k, **arguments), 9 - k))
    other = _take(make_dataset(split, num_frames=1, batch_size=4, seed=8), 1)
    assert not np.array_equal(other[0]["label_maps"], stream[0]["label_maps"])


def test_the_order_is_a_fixed_function_of_the_seed(split, clips):
    """The same numbers on both TensorFlow stacks: recorded once."""
    (batch,) = _take(make_dataset(split, num_frames=0, batch_size=8, seed=3, flip=False), 1)
    where = {c.label_maps[t].tobytes(): (i, t) for i, c in enumerate(clips) for t in range(4)}
    assert [where[w.tobytes()] for w in batch["label_maps"]] == RECORDED_ORDER


# (clip, frame) of the first eight windows.
RECORDED_ORDER = [(0, 3), (3, 0), (1, 0), (4, 2), (0, 1), (1, 3), (3, 3), (0, 2)]


def test_training_mirrors_about_half_and_everything_together(split):
    arguments = {"num_frames": 3, "batch_size": 20, "seed": 5, "with_motion": True}
    (plain,) = _take(make_dataset(split, flip=False, **arguments), 1)
    (flipped,) = _take(make_dataset(split, flip=True, **arguments), 1)
    mirrored = {k: v.numpy() for k, v in mirror({k: tf.constant(v) for k, v in plain.items()}, SPEC).items()}
    is_mirrored = [not np.array_equal(a, b) for a, b in zip(plain["frames"], flipped["frames"], strict=True)]
    assert 4 <= sum(is_mirrored) <= 16
    for i, changed in enumerate(is_mirrored):
        for key, value in flipped.items():
            np.testing.assert_array_equal(value[i], (mirrored if changed else plain)[key][i])


def test_motion_starts_at_frame_zero_and_follows_the_frame_stride(split, clips):
    (batch,) = _take(
        make_dataset(split, num_frames=1, frame_stride=2, batch_size=5, training=False, with_motion=True), None
    )
    np.testing.assert_array_equal(batch["label_maps"], [c.label_maps[[0, 2]] for c in clips])
    for key in ("flow", "flow_backward", "visibility", "visibility_backward"):
        np.testing.assert_array_equal(batch[key], [getattr(c, key)[1:2] for c in clips])


@pytest.mark.parametrize("size", [None, (2, 4)])
def test_windows_say_which_clip_they_are_of(size, split, clips):
    options = {"num_frames": 1, "batch_size": 4, "training": False, "size": size}
    windows = _take(make_dataset(split, with_clip_ids=True, **options), None)
    ids = [clip_id.decode() for batch in windows for clip_id in batch["clip_id"]]
    assert ids == [clip.clip_id for clip in clips for _ in range(2)]  # two windows of two frames each
    assert "clip_id" not in _take(make_dataset(split, **options), 1)[0]


def test_window_counts(split):
    def count(num_frames, training=True, **options):
        arguments = {"num_frames": num_frames, "batch_size": 4, "training": training, "flip": False, **options}
        # Ten batches hold two epochs of the largest case, and an epoch shows every window once.
        batches = _take(make_dataset(split, **arguments), 10)
        return len({w.tobytes() for b in batches for w in b["label_maps"]})

    assert count(0) == 20
    assert count(1, frame_stride=2) == 10
    assert count(1, training=False) == 10
    assert count(1, training=False, window_stride=1) == 15
    assert count(1, with_motion=True) == 5


def test_scaling_down(split, clips):
    (batch,) = _take(make_dataset(split, num_frames=3, batch_size=5, training=False, size=(4, 6)), None)
    means = np.stack([c.frames.reshape(4, 4, 2, 6, 2, 3).mean((2, 4)) for c in clips])
    np.testing.assert_allclose(batch["frames"], means / 127.5 - 1, atol=1e-5)
    np.testing.assert_array_equal(batch["label_maps"], [c.label_maps[:, 1::2, 1::2] for c in clips])
    with pytest.raises(ValueError, match=r"stored at \(8, 12\) .height, width., asked for \(16, 24\)"):
        make_dataset(split, num_frames=1, batch_size=1, size=(16, 24))


def test_crops_move_frames_and_label_maps_together(tmp_path):
    """A bright lower right quarter of class 5 stays where its class is, and every crop is another one."""
    frames = np.zeros((2, 32, 64, 3), np.uint8)
    frames[:, 16:, 32:] = 255
    label_maps = np.where(frames[..., 0] > 0, 5, 0).astype(np.uint8)
    write_shards(ClipList([Clip("quarter", frames, label_maps)], SPEC), tmp_path, split="train")
    arguments = {"num_frames": 1, "batch_size": 8, "flip": False, "crop": 0.5}
    (batch,) = _take(make_dataset(tmp_path / "train", **arguments), 1)
    bright = batch["frames"][..., 0] > 0
    assert np.mean(bright == (batch["label_maps"] == 5)) > 0.95
    np.testing.assert_array_equal(batch["label_maps"][:, 0], batch["label_maps"][:, 1])
    shares = bright.mean((1, 2, 3))
    assert len(np.unique(shares)) == 8
    (again,) = _take(make_dataset(tmp_path / "train", **arguments), 1)
    np.testing.assert_array_equal(batch["frames"], again["frames"])
    for crop in (1.5, 0.09, 0.0, float("nan")):
        with pytest.raises(ValueError, match=f"crop must lie in 0.1..1, received {crop}"):
            make_dataset(tmp_path / "train", num_frames=1, batch_size=1, crop=crop)
    make_dataset(tmp_path / "train", num_frames=1, batch_size=1, crop=0.1)


def test_crops_are_as_sharp_as_whole_frames(tmp_path):
    """White noise keeps its contrast, and what sampling swings over stays in range."""
    frames = np.random.default_rng(0).choice(np.uint8([0, 255]), (2, 64, 128, 3))
    write_shards(ClipList([Clip("noise", frames, np.zeros((2, 64, 128), np.uint8))], SPEC), tmp_path, split="train")
    arguments = {"num_frames": 0, "batch_size": 2, "size": (32, 64)}
    (whole,) = _take(make_dataset(tmp_path / "train", training=False, **arguments), 1)
    cropped = np.concatenate(
        [b["frames"] for b in _take(make_dataset(tmp_path / "train", crop=0.7, flip=False, **arguments), 4)]
    )
    assert 0.95 < cropped.std() / whole["frames"].std() < 1.3
    assert np.abs(cropped).max() <= 1.0


def test_several_splits_make_one_stream(split, clips, tmp_path, make_clip):
    """The union shows every window of both; its order is the one of a single split with the same clips."""
    more = [make_clip(f"more{i}", length=4, seed=10 + i) for i in range(2)]
    write_shards(ClipList(more, SPEC), tmp_path, split="more")
    write_shards(ClipList([*clips, *more], SPEC), tmp_path, split="all", clips_per_shard=1)
    both = [split, tmp_path / "more"]
    arguments = {"num_frames": 3, "batch_size": 3, "seed": 2}
    stream = _take(make_dataset(both, **arguments), 5)
    _assert_same(stream, _take(make_dataset(tmp_path / "all", **arguments), 5))
    _assert_same(stream[2:], _take(make_dataset(tuple(map(str, both)), start_step=2, **arguments), 3))
    in_order = _take(make_dataset(both, num_frames=3, batch_size=7, training=False), None)
    np.testing.assert_array_equal(in_order[0]["label_maps"], [c.label_maps for c in [*clips, *more]])
    _assert_same(_take(make_dataset([split], **arguments), 2), _take(make_dataset(split, **arguments), 2))


def test_splits_that_do_not_fit_together_are_named(split, tmp_path, make_clip):
    city = load_spec("cityscapes")
    write_shards(ClipList([make_clip()], city), tmp_path, split="spec")
    write_shards(ClipList([make_clip()], dataclasses.replace(SPEC, label_sets={"mine": {3: 1}})), tmp_path, split="set")
    write_shards(ClipList([make_clip(height=6)], SPEC), tmp_path, split="size")
    write_shards(ClipList([make_clip()], SPEC), tmp_path, split="jpeg", image_format="jpeg")
    write_shards(ClipList([make_clip(with_instances=False)], SPEC), tmp_path, split="plain")

    def make(*names, **options):
        folders = [split, *(tmp_path / name for name in names)]
        return make_dataset(folders, num_frames=1, batch_size=1, **options)

    make("set", "plain")
    for name, message in {
        "spec": "spec: spec 'cityscapes', but .*train has another, 'synthetic_street'",
        "size": r"size: size \[6, 12\], but .*train has \[8, 12\]",
        "jpeg": "jpeg: image_format jpeg, but .*train has png",
        "nowhere": "nowhere/manifest.json: no such file",
    }.items():
        with pytest.raises(ValueError, match=message):
            make("set", name)
    with pytest.raises(ValueError, match="set: stored without motion"):
        make("set", with_motion=True)
    with pytest.raises(ValueError, match="plain: stored without instance maps"):
        make("set", "plain", with_instances=True)
    for none_or_twice in ([], [split, split]):
        with pytest.raises(ValueError, match="one split or several different ones"):
            make_dataset(none_or_twice, num_frames=1, batch_size=1)


def test_instance_maps_keep_step_with_label_maps(tmp_path):
    """The class of a pixel is its instance number modulo 9, and stays so through crop, resize and mirror."""
    numbers = np.random.default_rng(0).integers(0, 65536, (3, 16, 24), np.uint16)
    frames = np.zeros((3, 16, 24, 3), np.uint8)
    write_shards(ClipList([Clip("a", frames, (numbers % 9).astype(np.uint8), numbers)], SPEC), tmp_path, split="train")
    arguments = {"num_frames": 1, "batch_size": 8, "with_instances": True}
    (plain,) = _take(make_dataset(tmp_path / "train", **{**arguments, "batch_size": 1}, training=False), None)
    np.testing.assert_array_equal(plain["instance_maps"][0], numbers[:2])
    for options in ({}, {"crop": 0.5, "size": (12, 16)}, {"size": (8, 12)}):
        dataset = make_dataset(tmp_path / "train", **arguments, **options)
        (batch,) = _take(dataset, 1)
        assert batch["instance_maps"].dtype == np.int32
        assert dataset.element_spec["instance_maps"].shape == (8, 2, *options.get("size", (16, 24)))
        np.testing.assert_array_equal(batch["instance_maps"] % 9, batch["label_maps"])
        assert len({m.tobytes() for m in batch["instance_maps"]}) > 2


def test_jpeg_windows_equal_pillows(tmp_path, make_clip):
    from seg2vid_tf.data.shards import read_clips

    write_shards(ClipList([make_clip()], SPEC), tmp_path, split="train", image_format="jpeg")
    (batch,) = _take(make_dataset(tmp_path / "train", num_frames=3, batch_size=1, training=False), None)
    (clip,) = read_clips(tmp_path / "train")
    np.testing.assert_allclose(batch["frames"][0], clip.frames / 127.5 - 1, atol=1e-6)


@pytest.mark.parametrize("devices", [1, 2])  # of each worker
def test_workers_share_every_batch(split, devices):
    def batches(count, **options):
        return _take(make_dataset(split, num_frames=1, batch_size=6, seed=3, recolor=0.2, **options), count)

    contexts = [tf.distribute.InputContext(3, worker, 3 * devices) for worker in range(3)]
    shares = [batches(7 * devices, input_context=context) for context in contexts]
    size = 6 // (3 * devices)
    for k, whole in enumerate(batches(7)):
        parts = [share[k * devices + device] for share in shares for device in range(devices)]
        for key, value in whole.items():
            for place, part in enumerate(parts):
                np.testing.assert_array_equal(part[key], value[place * size : (place + 1) * size])
    resumed = batches(1, start_step=4, input_context=contexts[1])
    np.testing.assert_array_equal(resumed[0]["frames"], shares[1][4 * devices]["frames"])
    with pytest.raises(ValueError, match="batch_size 6 does not divide by 4 devices"):
        batches(1, input_context=tf.distribute.InputContext(4, 0, 4))
    with pytest.raises(ValueError, match="input_context is for training"):
        batches(1, training=False, input_context=contexts[0])


def test_about_half_of_the_windows_run_backwards(split):
    arguments = {"num_frames": 2, "batch_size": 20, "flip": False, "seed": 1}
    (plain,), (mixed,) = (_take(make_dataset(split, reverse=r, **arguments), 1) for r in (False, True))
    turned = [not np.array_equal(a, b) for a, b in zip(plain["label_maps"], mixed["label_maps"], strict=True)]
    assert 4 <= sum(turned) <= 16
    for key in ("frames", "label_maps"):
        for was, now, changed in zip(plain[key], mixed[key], turned, strict=True):
            np.testing.assert_array_equal(now, was[::-1] if changed else was)
    with pytest.raises(ValueError, match="reverse must be False where exact motion is asked for"):
        make_dataset(split, num_frames=2, batch_size=1, reverse=True, with_motion=True)


def test_colours_change_and_nothing_else(split):
    arguments = {"num_frames": 2, "batch_size": 20, "flip": False, "seed": 1}
    (plain,), (changed,) = (_take(make_dataset(split, recolor=r, **arguments), 1) for r in (0.0, 0.3))
    np.testing.assert_array_equal(plain["label_maps"], changed["label_maps"])
    difference = np.abs(plain["frames"] - changed["frames"]).mean((1, 2, 3, 4))
    assert (difference > 1e-3).all() and difference.max() < 0.6 and len(set(difference.tolist())) == 20
    for recolor in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=f"recolor must lie in 0..1, received {recolor}"):
            make_dataset(split, num_frames=2, batch_size=1, recolor=recolor)


def test_static_shapes_and_distribution(split):
    dataset = make_dataset(split, num_frames=2, batch_size=4)
    assert dataset.element_spec["frames"].shape == (4, 3, 8, 12, 3)
    policy = tf.data.experimental.AutoShardPolicy.OFF
    assert dataset.options().experimental_distribute.auto_shard_policy == policy
    distributed = iter(tf.distribute.get_strategy().experimental_distribute_dataset(dataset))
    assert next(distributed)["label_maps"].shape == (4, 3, 8, 12)


def test_refusals(split, tmp_path, make_clip):
    with pytest.raises(ValueError, match="every clip is shorter than a window of 5 frames.*the longest has 4"):
        make_dataset(split, num_frames=4, batch_size=1)
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        make_dataset(split, num_frames=1, batch_size=0)
    with pytest.raises(ValueError, match="frame_stride"):
        make_dataset(split, num_frames=1, batch_size=1, frame_stride=0)
    write_shards(ClipList([make_clip()], SPEC), tmp_path, split="train")
    with pytest.raises(ValueError, match="stored without motion"):
        make_dataset(tmp_path / "train", num_frames=1, batch_size=1, with_motion=True)
    with pytest.raises(ValueError, match="no such file"):
        make_dataset(tmp_path / "validation", num_frames=1, batch_size=1)
    shard = tmp_path / "train/shard-00000.tfrecord"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(tf.errors.DataLossError):
        next(iter(make_dataset(tmp_path / "train", num_frames=1, batch_size=1)))
    shard.write_bytes(data[:-1])
    with pytest.raises(ValueError, match="shard-00000.tfrecord: corrupt shard: has"):
        make_dataset(tmp_path / "train", num_frames=1, batch_size=1)
