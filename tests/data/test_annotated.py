"""Annotations that are made: what each annotator sees, the cache, and the real networks beside given labels."""

import dataclasses
import pathlib
import pickle

import numpy as np
import pytest

from seg2vid_tf.annotations.sketch import draw_edges
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data import annotated
from seg2vid_tf.data.annotated import Annotated, Annotator
from seg2vid_tf.data.annotators import pose, semantic
from seg2vid_tf.data.annotators.pose import PoseAnnotator
from seg2vid_tf.data.annotators.semantic import SemanticAnnotator
from seg2vid_tf.data.annotators.sketch import SketchAnnotator
from seg2vid_tf.data.cityscapes_seq import cityscapes_seq
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.pictures import resize_frame
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.weizmann_pose import WeizmannPose

SHARED = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
STREET = load_spec("synthetic_street")


class Brightness(Annotator):
    """Class 1 where the frame is bright; counts the frames that it was given."""

    def __init__(self, level=128):
        self.spec, self.settings, self.level, self.seen = STREET, {"annotator": "brightness", "level": level}, level, 0

    def annotate(self, frames, size):
        self.seen += len(frames)
        return np.stack([resize_frame(f, size)[..., 0] > self.level for f in frames]).astype(np.uint8)


def test_clips_get_the_annotators_maps_at_their_own_size(make_clip):
    clips = [make_clip(name, seed=i) for i, name in enumerate("ab")]
    source = Annotated(ClipList(clips, STREET), Brightness(), (4, 6))
    assert source.clip_ids == ("a", "b") and source.spec == STREET
    for clip, read in zip(clips, source, strict=True):
        small = np.stack([resize_frame(frame, (4, 6)) for frame in clip.frames])
        np.testing.assert_array_equal(read.frames, small)
        np.testing.assert_array_equal(read.label_maps, small[..., 0] > 128)
        assert read.instance_maps is None
    (cut, _) = Annotated(ClipList(clips, STREET), Brightness(), (8, 8), crop_to_aspect=True)
    np.testing.assert_array_equal(cut.frames, clips[0].frames[:, :, 2:10])
    assert Annotated(ClipList(clips, STREET), Brightness(9), (4, 6)).settings != source.settings
    assert pickle.loads(pickle.dumps(source)).read("b").clip_id == "b"


def test_maps_are_made_once_for_the_same_frames_annotator_and_size(tmp_path, make_clip):
    annotator = Brightness()

    def read(clip, annotator, size=(4, 6)):
        return Annotated(ClipList([clip], STREET), annotator, size, cache=tmp_path / "cache").read("clip").label_maps

    first = read(make_clip(), annotator)
    np.testing.assert_array_equal(read(make_clip(), annotator), first)
    assert annotator.seen == 4
    read(make_clip(seed=1), annotator)
    read(make_clip(), annotator, (8, 12))
    assert annotator.seen == 12
    assert (read(make_clip(), Brightness(10)) != first).any()
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_a_long_clip_goes_on_where_it_was_stopped(tmp_path, make_clip, monkeypatch):
    monkeypatch.setattr(annotated, "_PIECE", 2)
    clip, told = make_clip(length=5), []

    class Stopped(Brightness):
        def annotate(self, frames, size):
            if self.seen == 4:
                raise KeyboardInterrupt
            return super().annotate(frames, size)

    def read(annotator):
        source = Annotated(ClipList([clip], STREET), annotator, (4, 6), cache=tmp_path, each=told.append)
        return source.read("clip").label_maps

    with pytest.raises(KeyboardInterrupt):
        read(Stopped())
    again = Brightness()
    maps = read(again)
    assert again.seen == 1, "the two pieces before are kept"
    assert told == [2, 4, 2, 4, 5]
    np.testing.assert_array_equal(maps, Brightness().annotate(clip.frames, (4, 6)))


def test_another_spec_or_a_damaged_cache_makes_the_maps_anew(tmp_path, make_clip):
    def read(annotator):
        return Annotated(ClipList([make_clip()], STREET), annotator, (4, 6), cache=tmp_path).read("clip").label_maps

    first, annotator = read(Brightness()), Brightness()
    annotator.spec = dataclasses.replace(STREET, name="mine")
    read(annotator)
    assert annotator.seen == 4
    whole = next(tmp_path.iterdir()).read_bytes()
    flipped = [bytes([*whole[:i], whole[i] ^ 4, *whole[i + 1 :]]) for i in range(0, len(whole), 9)]
    for content in (b"", b"PK no archive", whole[:-30], *flipped):
        for path in tmp_path.iterdir():
            path.write_bytes(content)
        np.testing.assert_array_equal(read(Brightness()), first)


def test_clips_of_the_same_bytes_and_other_shapes_do_not_share_their_maps(tmp_path):
    black = [Clip("a", np.zeros((2, 4, 4, 3), np.uint8), np.zeros((2, 4, 4), np.uint8))]
    black.append(Clip("b", np.zeros((4, 4, 2, 3), np.uint8), np.zeros((4, 4, 2), np.uint8)))
    lengths = [
        len(clip.label_maps) for clip in Annotated(ClipList(black, STREET), Brightness(), (4, 4), cache=tmp_path)
    ]
    assert lengths == [2, 4]


def test_a_full_disk_is_no_bad_clip_and_what_an_annotator_refuses_names_the_clip(tmp_path, make_clip, monkeypatch):
    source = Annotated(ClipList([make_clip()], STREET), Brightness(), (4, 6), cache=tmp_path / "cache")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        with pytest.raises(ValueError, match="cache/.*npz: cannot be written .*No space left.*is the disk full"):
            write_shards(source, tmp_path / "out", split="train", max_bad_clips=1)
    assert write_shards(source, tmp_path / "out", split="train", max_bad_clips=1)["bad_clips"] == []
    annotator = Brightness()
    annotator.annotate = lambda frames, size: full_of_words(frames)
    with pytest.raises(ValueError, match="clip 'clip': no brightness"):
        Annotated(ClipList([make_clip()], STREET), annotator, (4, 6)).read("clip")


def full_of_words(frames):
    raise ValueError("no brightness")


def test_a_sketch_without_a_line_is_told():
    soft = np.full((2, 16, 16, 3), 100, np.uint8)
    soft[:, :, 8:] = 115
    with pytest.raises(ValueError, match="no edge in any frame: .*--edge_strength"):
        SketchAnnotator().annotate(soft, (16, 16))
    assert SketchAnnotator(low=2.0, high=4.0).annotate(soft, (16, 16))[:, :, 7:9].any()


def test_a_person_that_nobody_finds_is_told(tmp_path, monkeypatch):
    spec = load_spec("coco_pose")

    class Nobody:
        num_joints = 17

        def __call__(self, frames):
            return np.full((len(frames), 17, 3), 0.1, np.float32)

    monkeypatch.setattr(pose, "PoseNetwork", lambda path: Nobody())
    (tmp_path / "any").write_bytes(b"")
    with pytest.raises(ValueError, match="nobody is found in any frame by min_score 0.2, the best joint's is 0.10"):
        PoseAnnotator(tmp_path / "any", spec).annotate(np.zeros((2, 8, 8, 3), np.uint8), (8, 8))
    for make in (PoseAnnotator, SemanticAnnotator):
        with pytest.raises(ValueError, match=r"min_score must lie in 0..1, a share, received 20"):
            make(tmp_path / "any", spec, min_score=20.0)


def test_what_the_segmenter_is_not_sure_of_is_ignored_in_every_label_set(tmp_path, monkeypatch):
    class Unsure:
        def __init__(self, path, min_score, unsure):
            self.unsure = unsure

        def __call__(self, frames):
            return np.full(frames.shape[:3], self.unsure, np.uint8)

    monkeypatch.setattr(semantic, "Segmenter", Unsure)
    (tmp_path / "any").write_bytes(b"")
    frames = np.zeros((1, 4, 4, 3), np.uint8)
    for name, label_ids in (("camvid", None), ("camvid", "cityscapes"), ("cityscapes", "labelIds")):
        spec = load_spec(name)
        annotator = SemanticAnnotator(tmp_path / "any", spec, label_ids=label_ids, min_score=0.5)
        assert (annotator.annotate(frames, (4, 4)) == spec.ignore_id).all()


def test_a_sketch_is_drawn_at_the_clips_size(make_clip):
    (clip,) = source = Annotated(ClipList([make_clip()], STREET), SketchAnnotator(low=1.0, high=2.0), (4, 6))
    expected = [draw_edges(frame, low=1.0, high=2.0) for frame in clip.frames]
    np.testing.assert_array_equal(clip.label_maps, expected)
    options = {"annotator": "sketch", "low": 1.0, "high": 2.0}
    assert source.spec == load_spec("sketch") and source.settings["annotator"] == options


def test_the_segmenter_agrees_with_the_given_labels():
    path = SHARED / "weights/deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite"
    if not path.is_file() or not (SHARED / "cityscapes_seq").is_dir():
        pytest.skip("../shared/data holds no Cityscapes segmenter or no cityscapes_seq")
    native = cityscapes_seq(SHARED / "cityscapes_seq", (256, 512), sequences=["seq0003"], max_length=1)
    annotator = SemanticAnnotator(path, load_spec("cityscapes"))
    made = Annotated(native, annotator, (128, 256))
    given = cityscapes_seq(SHARED / "cityscapes_seq", (128, 256), sequences=["seq0003"], max_length=1)
    first = given.clip_ids[0]
    labels, found = given.read(first).label_maps, made.read(first).label_maps
    assert (labels == found)[labels != 255].mean() > 0.9
    with pytest.raises(ValueError, match="ids .* are not in spec 'synthetic_street'"):
        SemanticAnnotator(path, STREET).annotate(native.read(first).frames, (128, 256))


def test_the_pose_network_finds_the_given_joints():
    path = SHARED / "weights/movenet_single_pose_lightning_ptq.tflite"
    if not path.is_file() or not (SHARED / "weizmann_pose").is_dir():
        pytest.skip("../shared/data holds no MoveNet or no weizmann_pose")
    spec = load_spec("coco_pose")
    annotator = PoseAnnotator(path, spec)
    given = WeizmannPose(SHARED / "weizmann_pose", (64, 64), persons=["p5"], actions=["wave1"], max_length=4)
    clip = given.read(given.clip_ids[0])
    drawn = annotator.annotate(clip.frames, (64, 64))
    both = (drawn > 0) & (clip.label_maps > 0)
    assert both.sum() > 0.6 * ((drawn > 0) | (clip.label_maps > 0)).sum()
    # Beside the picture the same person is found at the same place of it: bars are taken off again.
    wide = np.pad(clip.frames, [(0, 0), (0, 0), (32, 32), (0, 0)], mode="edge")
    moved = annotator.annotate(wide, (64, 128))[:, :, 32:96]
    assert ((moved > 0) & (drawn > 0)).sum() > 0.5 * ((moved > 0) | (drawn > 0)).sum()
    with pytest.raises(ValueError, match="spec 'sketch' has 0 joints, the pose network 17"):
        PoseAnnotator(path, load_spec("sketch"))
    with pytest.raises(ValueError, match="pose network: no file 'absent.tflite'"):
        PoseAnnotator("absent.tflite", spec)


def test_a_joints_share_is_that_of_the_picture(monkeypatch):
    """A network that finds one joint in the middle of its input's upper quarter, of a wide and of a high frame."""
    from seg2vid_tf.ops import pose_network

    class Found:
        size, output_shape, dtype = (8, 8), (1, 1, 1, 3), np.uint8

        def outputs(self, frames):
            assert frames.shape[1] == frames.shape[2]
            yield np.float32([[[[0.375, 0.5, 0.9]]]])

    monkeypatch.setattr(pose_network, "PictureNetwork", lambda *_: Found())
    network = pose_network.PoseNetwork("any")
    # 100 x 200 stands between bars of 50 rows: row 75 of 200 is row 25 of 100.
    np.testing.assert_allclose(network(np.zeros((1, 100, 200, 3), np.uint8)), [[[0.25, 0.5, 0.9]]], rtol=1e-6)
    np.testing.assert_allclose(network(np.zeros((1, 200, 100, 3), np.uint8)), [[[0.375, 0.5, 0.9]]], rtol=1e-6)
