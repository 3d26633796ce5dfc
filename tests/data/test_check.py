"""Checks of prepared data: what a good split holds, and every kind of damage by shard and offset."""

import dataclasses
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.check import between_splits, check_split, duplicates, identical_neighbours, records
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.frame_folder import FrameFolder
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.files import read_document, write_document
from tests.programs import run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

SPEC = load_spec("synthetic_street")
PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "experiments" / "check_data.py"


def _write(tmp_path, clips, split="train"):
    write_shards(ClipList(clips, SPEC), tmp_path, split=split, clips_per_shard=2)
    return tmp_path / split


@pytest.fixture
def clips(make_clip):
    return [make_clip(name, seed=i, length=3 + i) for i, name in enumerate("abc")]


def test_records_are_those_that_tensorflow_reads_and_its_checksums(tmp_path):
    path, written = tmp_path / "x.tfrecord", [b"", b"one", bytes(range(256)) * 40]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in written:
            writer.write(record)
    offsets = [0, 16, 35]
    for trusted in (True, False):
        assert list(records(path, trusted)) == [(o, r, "") for o, r in zip(offsets, written, strict=True)]
    content = path.read_bytes()
    for position, expected in (
        (16 + 12, [(0, True), (16, False), (35, True)]),  # in a record: those behind it are found
        (16 + 16, [(0, True), (16, False), (35, True)]),  # in its checksum
        (16 + 2, [(0, True), (16, False)]),  # in its length
        (16 + 9, [(0, True), (16, False)]),  # in the length's checksum
    ):
        damaged = bytearray(content)
        damaged[position] ^= 4
        path.write_bytes(damaged)
        assert [(offset, record is not None) for offset, record, _ in records(path)] == expected
    path.write_bytes(content[:-1])
    assert [(offset, record is not None) for offset, record, _ in records(path)] == [(0, True), (16, True), (35, False)]


def test_a_good_split_is_counted(tmp_path, clips):
    split, seen, looked = _write(tmp_path, clips), [], []
    report = check_split(split, lambda: seen.append(1), lambda clip: looked.append(clip.clip_id))
    assert report["errors"] == report["still"] == [] and len(seen) == 3 and looked == ["a", "b", "c"]
    assert (report["clips"], report["frames"], report["lengths"]) == (3, 12, {3: 1, 4: 1, 5: 1})
    pixels = np.concatenate([clip.label_maps.ravel() for clip in clips])
    for label_class in SPEC.classes:
        assert report["classes"][label_class.name] == pytest.approx((pixels == label_class.id).mean())
    assert sum(report["classes"].values()) == pytest.approx(1.0)


def test_a_split_of_stills_is_none_in_which_nothing_moves(tmp_path, make_clip):
    report = check_split(_write(tmp_path, [make_clip(name, seed=i, length=1) for i, name in enumerate("ab")]))
    assert report["errors"] == report["still"] == [] and report["lengths"] == {1: 2}


def test_still_clips_and_the_same_clip_in_two_splits_are_found(tmp_path, clips):
    still = dataclasses.replace(clips[0], clip_id="still", frames=np.repeat(clips[0].frames[:1], 3, axis=0))
    again = dataclasses.replace(clips[1], clip_id="other name")
    reports = {
        "train": check_split(_write(tmp_path, [*clips, still])),
        "validation": check_split(_write(tmp_path, [again], "validation")),
    }
    assert reports["train"]["still"] == ["still"]
    assert duplicates(reports) == [("train/b", "validation/other name")]


def test_splits_of_the_same_files_and_of_other_classes_are_told(tmp_path, clips, make_clip, write_sequence):
    """Stored in another form, or cut elsewhere, a leak is no equal frame any more."""
    write_sequence(tmp_path / "in/a", make_clip("a", length=6))
    reports = {}
    for split, options in (("train", {}), ("validation", {"max_length": 3})):
        write_shards(FrameFolder(tmp_path / "in", SPEC, (4, 6), **options), tmp_path / "data", split=split)
        reports[split] = check_split(tmp_path / "data" / split)
    assert duplicates(reports) == []
    (line,) = between_splits(reports)
    assert line.startswith("train and validation were made of the same files, 18, the first ") and "0000.png" in line
    reports["validation"]["spec"] = dataclasses.replace(SPEC, ignore_id=99)
    assert "holds spec 'synthetic_street', validation 'synthetic_street', of that name, of other classes" in str(
        between_splits(reports)
    )


def test_clips_of_one_class_and_those_left_out_are_told(tmp_path, clips):
    road = np.where(clips[0].label_maps == SPEC.ignore_id, SPEC.ignore_id, 0).astype(np.uint8)
    plain = dataclasses.replace(clips[0], clip_id="plain", label_maps=road)
    report = check_split(_write(tmp_path, [*clips, plain]))
    assert report["plain"] == ["plain"] and report["left_out"] == []


def test_damage_is_told_by_shard_and_offset_and_hides_nothing_else(tmp_path, clips):
    split = _write(tmp_path, clips)
    first, second = split / "shard-00000.tfrecord", split / "shard-00001.tfrecord"
    content = first.read_bytes()
    damaged = bytearray(content)
    damaged[40] ^= 1
    first.write_bytes(damaged)
    report = check_split(split)
    changed, record, lost = report["errors"]
    assert changed.startswith(f"{first}: its content has changed") and record == f"{first}, offset 0: damaged record"
    assert lost == f"{first}: lacks the clips ['a']" and set(report["digests"]) == {"b", "c"}
    first.write_bytes(content[:-9])
    assert any("cut off here" in error for error in check_split(split)["errors"])
    first.write_bytes(b"")
    assert check_split(split)["errors"][1] == f"{first}: lacks the clips ['a', 'b']"
    second.unlink()
    assert check_split(split)["errors"][-1] == f"{second}: is missing"


def test_records_that_do_not_hold_what_they_should_are_told(tmp_path, clips):
    split = _write(tmp_path, clips)
    path = split / "manifest.json"
    manifest = read_document(path)
    manifest["size"] = [4, 4]
    manifest["spec"]["classes"] = manifest["spec"]["classes"][:3]
    write_document(path, manifest)
    errors = check_split(split)["errors"]
    assert len(errors) == 3 and "shard-00000.tfrecord, offset 0: clip 'a': size (8, 12), not [4, 4]" in errors[0]
    manifest["size"] = [8, 12]
    write_document(path, manifest)
    assert "offset 0: clip 'a', label_maps: ids [" in check_split(split)["errors"][0]


def test_records_that_are_no_clips_are_told(tmp_path, clips):
    split = _write(tmp_path, clips)
    path = split / "shard-00001.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"\xff\xffno example")
        writer.write(tf.train.Example().SerializeToString())
    errors = check_split(split)["errors"]
    assert "offset 0: the record is no tf.train.Example" in errors[1] and "the record lacks ['clip_id'" in errors[2]


def test_the_program_reports_and_fails_where_something_is_wrong(tmp_path, clips):
    def run(*arguments):
        return run_python(PROGRAM, *arguments)

    split = _write(tmp_path / "data", clips)
    done = run(f"--data_dir={tmp_path}/data", f"--output={tmp_path}/report.html", "--pictures=2")
    assert done.returncode == 0, done.stderr
    assert "3 clips, 12 frames of 8 x 12 pixels (height x width), spec synthetic_street" in done.stdout
    assert "nothing moves" not in done.stdout
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert report.count("<img src='data:image/png;base64,") == 2 and "<figcaption>a<" in report and "road" in report
    (split / "shard-00001.tfrecord").write_bytes(b"")
    failed = run(f"--data_dir={split}")
    assert failed.returncode == 1 and "lacks the clips ['c']" in failed.stdout
    assert f"{split}: things that are wrong, listed above: 2" in failed.stderr and "Traceback" not in failed.stderr
    shutil.copytree(split, tmp_path / "data/torn")
    (tmp_path / "data/torn/manifest.json").write_text("{")
    shutil.copytree(split, tmp_path / "data/nameless")
    (tmp_path / "data/nameless/manifest.json").unlink()
    failed = run(f"--data_dir={tmp_path}/data", f"--output={tmp_path}/report.html")
    assert failed.returncode == 1 and "data/nameless: shards without a manifest.json" in failed.stdout
    assert "data/torn/manifest.json" in failed.stdout and "2 clips, 7 frames" in failed.stdout
    assert "data/torn/manifest.json" in (tmp_path / "report.html").read_text(encoding="utf-8")
    failed = run(f"--data_dir={tmp_path}")
    assert failed.returncode == 1 and "no prepared split here" in failed.stderr


def test_frames_that_repeat_the_one_before_are_found():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (6, 8, 12, 3), np.uint8)
    assert identical_neighbours(frames) == []
    frames[3] = frames[2]
    frames[5] = np.clip(frames[4].astype(int) + 1, 0, 255)  # encoded twice
    assert identical_neighbours(frames) == [3, 5]
    assert identical_neighbours(frames[:1]) == []
