"""Writing shards: what is refused, what crashes and bad clips leave, and that bytes follow from the clips alone."""

import concurrent.futures
import dataclasses
import json
import multiprocessing
import os
import pickle
import resource

import numpy as np
import pytest

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data import shard_writer
from seg2vid_tf.data.clip_source import ClipList, Relabelled
from seg2vid_tf.data.frame_folder import FrameFolder
from seg2vid_tf.data.shard_writer import ShardWriter, write_shards
from seg2vid_tf.data.shards import check_shards, read_clips
from seg2vid_tf.data.synthetic_street import SyntheticStreet

SPEC = load_spec("synthetic_street")


class Reading(FrameFolder):
    """A folder that says what it read and stops at some clip, as a killed process would."""

    def __init__(self, root, stop_at=None):
        super().__init__(root, SPEC, (8, 12))
        self.read_ids, self._stop_at = [], stop_at

    def read(self, clip_id):
        if clip_id == self._stop_at:
            raise KeyboardInterrupt
        self.read_ids.append(clip_id)
        return super().read(clip_id)


@pytest.fixture
def folder(tmp_path, make_clip, write_sequence):
    """Five sequences, a to e."""
    for i, name in enumerate("abcde"):
        write_sequence(tmp_path / "in" / name, make_clip(seed=i, length=2))
    return tmp_path / "in"


def _bytes(split):
    return {path.name: path.read_bytes() for path in split.iterdir()}


def test_an_interrupted_run_goes_on_and_ends_as_one_that_was_not(tmp_path, folder):
    whole = write_shards(Reading(folder), tmp_path / "whole", split="train", clips_per_shard=2)
    with pytest.raises(KeyboardInterrupt):
        write_shards(Reading(folder, "d"), tmp_path / "out", split="train", clips_per_shard=2)
    assert [p.name for p in (tmp_path / "out").iterdir()] == [".train.unfinished"]
    # What kill -9 leaves besides: half a shard under its temporary name, and a whole one without its note.
    unfinished = tmp_path / "out/.train.unfinished"
    (unfinished / ".shard-00001.77.tmp").write_bytes(b"half")
    (unfinished / "shard-00002.tfrecord").write_bytes(b"half")
    again, calls = Reading(folder), []
    manifest = write_shards(
        again, tmp_path / "out", split="train", clips_per_shard=2, progress=lambda *n: calls.append(n)
    )
    assert again.read_ids == ["c", "d", "e"] and calls == [(i, 2 * i) for i in range(1, 6)]
    assert manifest == whole and _bytes(tmp_path / "out/train") == _bytes(tmp_path / "whole/train")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["train"]


def test_a_shard_whose_files_or_options_have_changed_is_written_anew(tmp_path, folder, make_clip, write_sequence):
    def interrupted(**options):
        source = Reading(folder, "e")
        with pytest.raises(KeyboardInterrupt):
            write_shards(source, tmp_path / "out", split="train", clips_per_shard=2, **options)
        return source.read_ids

    assert interrupted() == ["a", "b", "c", "d"]
    assert interrupted() == []
    label = next((folder / "c/label").iterdir())
    stat = label.stat()
    os.utime(label, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert interrupted() == ["c", "d"]
    shard = tmp_path / "out/.train.unfinished/shard-00000.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    assert interrupted() == ["a", "b"]
    assert interrupted(image_format="jpeg") == ["a", "b", "c", "d"]


def test_a_bad_clip_stops_the_run_or_is_left_out_and_named(tmp_path, folder):
    bad = folder / "c/label/0001.png"
    bad.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"^\S*c/label/0001.png"):
        write_shards(Reading(folder), tmp_path / "out", split="train", clips_per_shard=1)
    assert [p.name for p in (tmp_path / "out").iterdir()] == [".train.unfinished"]
    again = Reading(folder)
    manifest = write_shards(again, tmp_path / "out", split="train", clips_per_shard=1, max_bad_clips=1)
    assert again.read_ids == ["c", "d", "e"], "what was finished is kept"
    assert [(b["clip_id"], "0001.png" in b["error"]) for b in manifest["bad_clips"]] == [("c", True)]
    assert check_shards(tmp_path / "out/train")["num_clips"] == 4
    assert [clip.clip_id for clip in read_clips(tmp_path / "out/train")] == ["a", "b", "d", "e"]
    assert not (tmp_path / "out/train/shard-00002.tfrecord").exists()  # an empty file would be read without a word
    (folder / "e/image/0000.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"2 bad clips, 1 allowed; the last: \S*e/image/0000.png"):
        write_shards(Reading(folder), tmp_path / "out", split="more", clips_per_shard=1, max_bad_clips=1)
    with pytest.raises(ValueError, match="2 bad clips, 1 allowed; the last: .*0000.png"):
        write_shards(Reading(folder), tmp_path / "out", split="more", max_bad_clips=1)


def test_bad_input_at_the_start_leaves_nothing_and_harms_nothing(tmp_path, folder, make_clip):
    write_shards(ClipList([make_clip()], SPEC), tmp_path / "out", split="train")
    before = _bytes(tmp_path / "out/train")
    (folder / "a/label/0001.png").write_bytes(b"no picture")
    for out in ("out", "new/data"):
        with pytest.raises(ValueError, match="0001.png"):
            write_shards(Reading(folder), tmp_path / out, split="validation")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["train"] and _bytes(tmp_path / "out/train") == before


def test_a_failure_at_the_very_end_keeps_every_shard(tmp_path, folder, monkeypatch):
    def full(path, document, indent):
        if path.name == "manifest.json":
            raise OSError(28, "No space left on device")
        return write_document(path, document, indent)

    write_document = shard_writer.write_document
    monkeypatch.setattr(shard_writer, "write_document", full)
    with pytest.raises(ValueError, match="train: cannot be finished .*No space left.*its shards are kept"):
        write_shards(Reading(folder), tmp_path / "out", split="train", clips_per_shard=2)
    monkeypatch.undo()
    again = Reading(folder)
    write_shards(again, tmp_path / "out", split="train", clips_per_shard=2)
    assert again.read_ids == [] and check_shards(tmp_path / "out/train")["num_clips"] == 5
    names = sorted(path.name for path in (tmp_path / "out/train").iterdir())
    assert names == ["manifest.json", *(f"shard-0000{i}.tfrecord" for i in range(3))]


def test_a_file_that_may_not_be_read_is_a_bad_clip_and_no_full_disk(tmp_path, folder):
    class Locked(Reading):
        def read(self, clip_id):
            if clip_id == "b":
                raise PermissionError(13, "Permission denied", "b/label/0000.png")
            return super().read(clip_id)

    manifest = write_shards(Locked(folder), tmp_path / "out", split="train", max_bad_clips=1)
    assert "b/label/0000.png" in manifest["bad_clips"][0]["error"]


def test_a_full_disk_is_said_and_loses_nothing(tmp_path, folder):
    write_shards(Reading(folder), tmp_path / "whole", split="train", clips_per_shard=2)
    sizes = [path.stat().st_size for path in sorted((tmp_path / "whole/train").glob("*.tfrecord"))]
    assert sizes[2] < min(sizes[:2])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(sizes[:2]) - 100, hard))
    try:
        with pytest.raises(ValueError, match="shard-00000: cannot be written whole .*is the disk full"):
            write_shards(Reading(folder), tmp_path / "out", split="train", clips_per_shard=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "out").exists()


def test_two_processes_do_not_prepare_the_same_split(tmp_path, folder):
    first = ShardWriter(Reading(folder), tmp_path / "out", "train")
    with first.workplace():
        entry = first.write(0)
        with pytest.raises(ValueError, match=f"out/train is in use by process {os.getpid()} on "):
            write_shards(Reading(folder), tmp_path / "out", split="train")
        first.finish([entry])
    assert check_shards(tmp_path / "out/train")["num_clips"] == 5


def test_shards_are_written_anywhere_in_any_order_with_the_same_bytes(tmp_path):
    source = Relabelled(SyntheticStreet(range(3), 2, 32, 32), load_spec("cityscapes"), "synthetic_street")
    manifest = write_shards(source, tmp_path / "one", split="train", clips_per_shard=1, include_motion=True)
    writer = ShardWriter(source, tmp_path / "many", "train", clips_per_shard=1, include_motion=True)
    spawn = multiprocessing.get_context("spawn")
    with writer.workplace(), concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        entries = list(pool.map(writer.write, [2, 0, 1]))
        assert writer.finish(entries) == manifest
    assert _bytes(tmp_path / "many/train") == _bytes(tmp_path / "one/train")
    assert manifest["source"]["reader"] == "synthetic_street" and manifest["source"]["num_frames"] == 2
    assert pickle.loads(pickle.dumps(writer)).source.clip_ids == source.clip_ids


def test_an_existing_split_is_not_overwritten(tmp_path, make_clip):
    (tmp_path / "train").mkdir()  # an empty folder is no split
    source = ClipList([make_clip()], SPEC)
    write_shards(source, tmp_path, split="train")
    with pytest.raises(ValueError, match="train: already there; name another split"):
        write_shards(source, tmp_path, split="train")
    assert [p.name for p in tmp_path.iterdir()] == ["train"]


def test_clips_that_do_not_belong_together_are_refused(tmp_path, make_clip):
    a, unknown = make_clip("a"), make_clip("b")
    unknown.label_maps[2, 3, 4] = 77
    cases = {
        "no clips to write": [],
        "'a' comes twice": [a, a],
        r"clip 'b': \[6, 12\] .height, width., the first clip has \[8, 12\]": [a, make_clip("b", height=6)],
        "only one has instance maps": [a, make_clip("b", with_instances=False)],
        r"clip 'b', label_maps: ids \[77\]": [a, unknown],
    }
    for clips_per_shard in (1, 2):
        for message, clips in cases.items():
            with pytest.raises(ValueError, match=message):
                write_shards(
                    ClipList(clips, SPEC), tmp_path / str(clips_per_shard), split="t", clips_per_shard=clips_per_shard
                )
    with pytest.raises(ValueError, match="clip 'a' has no exact flow"):
        write_shards(ClipList([a], SPEC), tmp_path, split="train", include_motion=True)
    for options, message in (
        ({"split": "../x"}, "split must be a plain folder name.*'../x'"),
        ({"image_format": "webp"}, "received 'webp', 95, 32"),
        ({"clips_per_shard": 0}, "received 'png', 95, 0"),
        ({"max_bad_clips": -1}, "max_bad_clips must be at least 0, received -1"),
    ):
        with pytest.raises(ValueError, match=message):
            write_shards(ClipList([a], SPEC), tmp_path, **{"split": "train", **options})
    assert [p.name for p in tmp_path.glob("*/*")] == [".t.unfinished"]  # only shards that were whole are kept


def test_a_list_of_clips_is_known_by_their_content(make_clip):
    one, same, other = (ClipList([make_clip(seed=s)], SPEC).settings for s in (1, 1, 2))
    assert one == same != other
    assert json.loads(json.dumps(one)) == one
    np.testing.assert_array_equal(ClipList([make_clip(seed=1)], SPEC).read("clip").frames, make_clip(seed=1).frames)


def test_what_is_odd_of_a_clip_stands_in_the_manifest(tmp_path, make_clip):
    ignored, mask, plain, good = (make_clip(name, length=2) for name in ("ignored", "mask", "plain", "good"))
    ignored.label_maps[:] = 255
    ignored.label_maps[:, 0, :4] = 1, 2, 1, 2
    mask.label_maps[:] = np.where(mask.label_maps > 4, 255, 0)
    plain.label_maps[:] = 3
    good = dataclasses.replace(good, remarks=("seen with one eye",))
    manifest = write_shards(ClipList([ignored, mask, plain, good], SPEC), tmp_path, split="train")
    (first, second, third, fourth) = manifest["remarks"]
    assert first["clip_id"] == "ignored" and first["remark"].startswith("95.8% of it is ignored (id 255)")
    assert second["clip_id"] == "mask" and "masks of 0 and 255, one file a class" in second["remark"]
    assert third == {"clip_id": "plain", "remark": "it holds one class alone, 'pole'"}
    assert fourth == {"clip_id": "good", "remark": "seen with one eye"}
    assert check_shards(tmp_path / "train")["remarks"] == manifest["remarks"]
