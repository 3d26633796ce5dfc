"""Videos: exact frames of lossless files, windows, KTH's persons and UCF-101's lists in miniature, every bad file."""

import pathlib
import pickle
import struct
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data import kth, ucf101
from seg2vid_tf.data.annotated import Annotated
from seg2vid_tf.data.annotators.sketch import SketchAnnotator
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.video import VideoClips, find_videos, not_read
from seg2vid_tf.data.video_container import cut_off
from seg2vid_tf.data.video_times import even_frames, uneven_fault, uneven_steps, usual_step

av = pytest.importorskip("av", reason="videos need PyAV, the extra video")
SPEC = load_spec("sketch")
CASES = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "cases"


def write_video(path, frames, codec="rawvideo", pixels="bgr24"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (7, 8, 16, 3), np.uint8)


def test_a_lossless_video_comes_back_exactly_whole_and_in_parts(tmp_path, frames):
    videos = find_videos(write_video(tmp_path / "walk.avi", frames))
    whole = VideoClips(videos, SPEC)
    (clip,) = whole
    assert whole.clip_ids == ("walk",) and whole.files("walk") == [tmp_path / "walk.avi"]
    np.testing.assert_array_equal(clip.frames, frames)
    assert (clip.label_maps == 255).all() and clip.label_maps.shape == (7, 8, 16)
    parts = VideoClips(videos, SPEC, max_length=3)
    assert parts.clip_ids == ("walk_00000000", "walk_00000003", "walk_00000006")
    assert [clips.recording(clips.clip_ids[-1]) for clips in (whole, parts)] == ["walk", "walk"]
    assert whole.length("walk") == 7 and [parts.length(clip_id) for clip_id in parts.clip_ids] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate([part.frames for part in parts]), frames)
    for clip_id in (*reversed(parts.clip_ids), "walk_00000003", "walk_00000003"):  # in any order, and again
        start = int(clip_id[-8:])
        np.testing.assert_array_equal(parts.read(clip_id).frames, frames[start : start + 3])
    again = pickle.loads(pickle.dumps(parts))
    np.testing.assert_array_equal(again.read("walk_00000003").frames, frames[3:6])
    steps = VideoClips(videos, SPEC, max_length=2, frame_step=3)
    assert steps.clip_ids == ("walk_00000000", "walk_00000002")
    np.testing.assert_array_equal(np.concatenate([part.frames for part in steps]), frames[::3])


def test_frames_are_resized_and_cut_with_the_annotators(tmp_path, frames):
    videos = find_videos(write_video(tmp_path / "walk.avi", frames))
    (small,) = Annotated(VideoClips(videos, SPEC), SketchAnnotator(low=0.5, high=1.0), (4, 8))
    assert np.abs(small.frames - frames.reshape(7, 4, 2, 8, 2, 3).mean((2, 4))).max() <= 1
    (cut,) = Annotated(VideoClips(videos, SPEC), SketchAnnotator(low=0.5, high=1.0), (8, 8), crop_to_aspect=True)
    np.testing.assert_array_equal(cut.frames, frames[:, :, 4:12])


def test_a_video_of_a_telephone_is_turned_upright_and_one_of_two_sizes_refused(tmp_path):
    """The header's matrix (x, y) -> (-y, x) turns by a quarter clockwise: the bright left side comes to the top."""
    frames = np.full((3, 16, 32, 3), 30, np.uint8)
    frames[:, :, :16] = 220
    path = write_video(tmp_path / "held.mp4", frames, "libx264", "yuv420p")
    content = path.read_bytes()
    start = content.index(b"tkhd") + 4 + 40
    turned = np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(content[:start] + turned + content[start + 36 :])
    (clip,) = VideoClips(find_videos(path), SPEC)
    assert clip.frames.shape == (3, 32, 16, 3)
    assert clip.frames[:, :15].min() > 180 and clip.frames[:, 17:].max() < 70
    both = tmp_path / "both.mpg"
    parts = [write_video(tmp_path / f"{n}.mpg", frames[:, :, :n], "mpeg2video", "yuv420p") for n in (32, 16)]
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(ValueError, match="both.mpg: frame [23] is 16x16 pixels, .*the first one is 32x16"):
        VideoClips({"x": both}, SPEC).read("x")


def test_videos_without_annotation_are_not_stored_as_if_they_had_one(tmp_path, frames):
    videos = find_videos(write_video(tmp_path / "walk.avi", frames))
    with pytest.raises(ValueError, match="clip 'walk' has no annotation: every pixel is ignored"):
        write_shards(VideoClips(videos, SPEC), tmp_path / "out", split="train")


def test_compressed_videos_are_close(tmp_path):
    ramp = np.linspace(40, 200, 64, dtype=np.uint8)[None, None, :, None]
    smooth = np.tile(ramp, (5, 32, 1, 3))
    for name, codec, pixels in (("a.avi", "mpeg4", "yuv420p"), ("b.mp4", "libx264", "yuv420p")):
        (clip,) = VideoClips(find_videos(write_video(tmp_path / name, smooth, codec, pixels)), SPEC)
        assert clip.frames.shape == smooth.shape and np.abs(clip.frames.astype(int) - smooth).mean() < 6


def test_bad_videos_are_refused_by_name(tmp_path, frames):
    good = write_video(tmp_path / "good.avi", frames)
    (tmp_path / "text.avi").write_text("no video")
    (tmp_path / "cut.avi").write_bytes(good.read_bytes()[:300])
    for name, message in (
        ("absent.avi", "absent.avi: no such file"),
        ("text.avi", "text.avi: not a readable video"),
        ("cut.avi", "cut.avi: (not a readable video|no frame in it)"),
    ):
        with pytest.raises(ValueError, match=message):
            VideoClips({"x": tmp_path / name}, SPEC).read("x")
    clips = VideoClips({"x": good}, SPEC)
    write_video(good, frames[:4])
    with pytest.raises(ValueError, match="good.avi: 4 frames, there were 7 before"):
        clips.read("x")
    for options in ({"max_length": 0}, {"frame_step": 0}, {"fps": 0.0}):
        with pytest.raises(ValueError, match="max_length, frame_step and fps must be positive"):
            VideoClips({"x": good}, SPEC, **options)
    with pytest.raises(ValueError, match="frame_step and fps both say which frames"):
        VideoClips({"x": good}, SPEC, frame_step=2, fps=5.0)
    with pytest.raises(ValueError, match="nowhere: no such file or folder"):
        find_videos(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty: no videos \* here \(.avi"):
        find_videos(tmp_path / "empty")
    write_video(tmp_path / "more/good.avi", frames)
    with pytest.raises(ValueError, match="a second video called 'good'"):
        find_videos(tmp_path)


def test_what_is_lost_of_a_video_is_noticed_and_counts_as_a_bad_clip(tmp_path):
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 256, (12, 32, 64, 3), np.uint8)
    path = write_video(tmp_path / "in/a.avi", noisy, "mpeg4", "yuv420p")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    longer = np.concatenate([noisy] * 3)
    path = write_video(tmp_path / "cut.mkv", longer, "libx264", "yuv420p")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(ValueError, match="cut.mkv: .*(damaged|cut off)"):
        VideoClips({"x": path}, SPEC).read("x")
    # A transport stream with a hole anywhere: a part of a picture is gone, though a decoder may find sense in the rest,
    # or a whole one, which leaves its time empty.
    path = write_video(tmp_path / "hole.ts", longer, "libx264", "yuv420p")
    content = path.read_bytes()
    for start in np.linspace(len(content) // 4, len(content) * 3 // 4, 16).astype(int):
        path.write_bytes(content[:start] + bytes(400) + content[start + 400 :])
        with pytest.raises(ValueError, match="hole.ts: .*(missing|damaged|picture)"):
            VideoClips({"x": path}, SPEC).read("x")
    write_video(tmp_path / "in/b.avi", noisy)
    clips = Annotated(VideoClips(find_videos(tmp_path / "in"), SPEC), SketchAnnotator(), (32, 64))
    with pytest.raises(ValueError, match="a.avi: .* damaged"):
        clips.read("a")
    manifest = write_shards(clips, tmp_path / "out", split="train", max_bad_clips=1)
    assert [clip["clip_id"] for clip in manifest["bad_clips"]] == ["a"] and manifest["num_frames"] == 12


def _timed(path, frames, milliseconds):
    """A video whose frames are shown at these times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv444p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for frame, time in zip(frames, milliseconds, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def _numbered(count):
    """Frames whose grey level tells their number, whatever a codec does to them."""
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None] * 10 + 20, (count, 16, 32, 3))


def _numbers(clip):
    return np.rint((clip.frames.mean((1, 2, 3)) - 20) / 10).astype(int).tolist()


def test_uneven_steps_are_told_with_their_place_and_even_ones_taken_by_their_time(tmp_path):
    times = [0, 40, 80, 120, 160, 480, 520, 560, 600, 640, 680, 720]  # a pause of seven steps before frame 5
    videos = find_videos(_timed(tmp_path / "a.mkv", _numbered(12), times))
    clips = VideoClips(videos, SPEC, max_length=4)
    assert clips.clip_ids == ("a_00000000", "a_00000004", "a_00000008")
    (fault,) = clips.faults().values()
    assert list(clips.faults()) == ["a_00000004"]
    assert "1 uneven steps, the first 0.320 s, from 0.160 s to 0.480 s, where 0.040 s are usual" in fault
    with pytest.raises(ValueError, match="a.mkv: 1 uneven steps.*--fps.*--max_bad_clips"):
        clips.read("a_00000004")
    assert _numbers(clips.read("a_00000000")) == [0, 1, 2, 3] and _numbers(clips.read("a_00000008")) == [8, 9, 10, 11]
    even = VideoClips(videos, SPEC, max_length=4, fps=12.5)
    assert not even.faults() and "3 frames repeat the one before, the first at 0.160 s" in even.remarks[0]
    assert [_numbers(clip) for clip in even] == [[0, 2, 4, 4], [5, 5, 5, 7], [9, 11]]
    slow = VideoClips(videos, SPEC, fps=2.5)
    assert _numbers(slow.read("a")) == [0, 5] and not slow.remarks


@pytest.mark.parametrize(
    ("times", "fault"),
    [
        ([0, 33, 67, 100, 133, 167], ""),  # rounded
        ([2, 38, 83, 118, 161, 199], ""),  # a camera that jitters
        ([0, 40, 80, 160, 200, 240], "0.080 s, from 0.080 s to 0.160 s"),  # one was dropped
        ([0, 40, 80, 85, 120, 160], "0.005 s, from 0.080 s to 0.085 s"),  # one was doubled
    ],
)
def test_what_is_uneven_and_what_is_not(tmp_path, times, fault):
    found = VideoClips(find_videos(_timed(tmp_path / "a.mp4", _numbered(6), times)), SPEC).faults()
    assert fault in found["a"] if fault else not found


def test_even_frames_by_hand():
    times = [0.0, 0.1, 0.2, 0.9, 1.0]
    assert uneven_steps(times) == [3] and usual_step(times) == pytest.approx(0.1)
    assert even_frames(times, 2.0) == [0, 2, 4] and even_frames(times, 5.0) == [0, 2, 2, 3, 3, 4]
    told = "2 uneven steps, the first 0.300 s, from 0.200 s to 0.500 s, where 0.100 s are usual"
    assert told in uneven_fault([0.0, 0.1, 0.2, 0.5, 0.6, 0.7, 1.5], [3, 6])
    assert even_frames([], 5.0) == [] and even_frames([3.0], 5.0) == [0] and not uneven_steps([3.0])


def test_even_frames_of_doubled_and_falling_times():
    """Two frames of one time: the video goes on behind them."""
    assert even_frames([0.0, 0.1, 0.1, 0.2, 0.3], 10.0) == [0, 1, 3, 4]
    assert even_frames([0.0, 0.0, 0.1, 0.2], 10.0) == [0, 2, 3]
    with pytest.raises(ValueError, match="a frame at 0.100 s follows one at 0.200 s, so --fps cannot choose"):
        even_frames([0.0, 0.2, 0.1, 0.3], 10.0)


def test_a_trimmed_video_whose_header_counts_what_is_not_shown_is_whole():
    if not CASES.is_dir():
        pytest.skip("needs ../shared/cases")
    clips = VideoClips(find_videos(CASES / "01_trimmed_mp4/trim.mp4"), SPEC)
    assert len(clips.read("trim").frames) == 45 and not clips.faults()


def test_a_last_frame_that_is_shown_for_long_is_no_damage(tmp_path):
    path = _timed(tmp_path / "a.mkv", _numbered(6), [0, 40, 80, 120, 160, 200])
    content = bytearray(path.read_bytes())
    duration = content.index(b"\x44\x89\x88") + 3  # Matroska's duration of the segment, in its unit of 1 ms
    content[duration : duration + 8] = struct.pack(">d", 60000.0)
    path.write_bytes(content)
    assert len(VideoClips({"a": path}, SPEC).read("a").frames) == 6


def test_where_containers_end(tmp_path):
    noisy = np.random.default_rng(0).integers(0, 256, (12, 32, 64, 3), np.uint8)
    for name, codec in (("a.mp4", "libx264"), ("a.mov", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")):
        path = write_video(tmp_path / name, noisy, codec, "yuv420p")
        assert cut_off(path) == ""
        size = path.stat().st_size
        path.write_bytes(path.read_bytes() + b"\0\0\0\0" * 9)
        assert cut_off(path) == "", "more than there should be is no loss"
        path.write_bytes(path.read_bytes()[: size - 100])
        assert cut_off(path) == f"it should end at byte {size - 16 * (name == 'a.avi')} and ends at {size - 100}"
    for content in (b"", b"RIFF\0\0\0\0AVI ", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + b"\xff" * 7, b"G" * 188):
        path.write_bytes(content)
        assert cut_off(path) == "", "it does not say"


def test_other_endings_are_read_and_other_files_named(tmp_path, frames):
    for name in ("a.m4v", "b.TS", "c.m2v", "d/e.AVI"):
        codec = "libx264" if name == "a.m4v" else "mpeg2video"
        write_video(tmp_path / name, frames[..., :1].repeat(3, -1).repeat(2, 1), codec, "yuv420p")
    for name in (".DS_Store", "Thumbs.db", "._a.m4v", "__MACOSX/a.m4v", "d/notes.txt", "a.srt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    videos = find_videos(tmp_path)
    assert sorted(videos) == ["a", "b", "c", "e"]
    assert not_read(tmp_path, videos) == (
        f"{tmp_path}: not read, no videos by their names' endings: a.srt, d/notes.txt",
    )
    assert not_read(tmp_path / "a.m4v", videos) == ()
    assert VideoClips(videos, SPEC, remarks=("seen",)).remarks == ("seen",)


def test_kth_is_split_by_person(tmp_path, frames):
    grey = np.repeat(frames[..., :1], 3, axis=-1)
    for person, action in ((1, "boxing"), (16, "walking"), (17, "boxing"), (25, "walking")):
        write_video(tmp_path / f"{action}/person{person:02d}_{action}_d1_uncomp.avi", grey)
    assert [*kth.PERSONS["train"], *kth.PERSONS["validation"]] == [*range(1, 26)], "25 persons, 17 to 25 held out"
    names = {split: set(kth.kth_videos(tmp_path, _there(persons))) for split, persons in kth.PERSONS.items()}
    assert names["train"] == {"person01_boxing_d1_uncomp", "person16_walking_d1_uncomp"}
    assert names["validation"] == {"person17_boxing_d1_uncomp", "person25_walking_d1_uncomp"}
    assert not {name[:8] for name in names["train"]} & {name[:8] for name in names["validation"]}
    # One person in one setting is one recording, whatever they do there; another setting is another.
    for name, recording in (
        ("person01_boxing_d1_uncomp", "person01_d1"),
        ("person01_walking_d1_uncomp", "person01_d1"),
        ("person01_boxing_d2_uncomp", "person01_d2"),
        ("person16_boxing_d1_uncomp", "person16_d1"),
    ):
        assert kth.kth_recording(name) == recording
    (clip,) = VideoClips(kth.kth_videos(tmp_path, [17], ["boxing"]), SPEC, reader="kth")
    np.testing.assert_array_equal(clip.frames, grey)
    with pytest.raises(
        ValueError, match=r"no 2, running; it has persons \[1, 16, 17, 25\], actions \['boxing', 'walking'\]"
    ):
        kth.kth_videos(tmp_path, [2], ["running"])
    (tmp_path / "person1.avi").write_bytes(b"")
    with pytest.raises(ValueError, match="person1.avi: not called person01_boxing_d1_uncomp.avi"):
        kth.kth_videos(tmp_path, [1])


KTH_LIST = """
This database contains sequences of six classes of actions performed by
Training:   person11, 12, 13, 14, 15, 16, 17, 18

person01_boxing_d1\t\tframes\t1-3, 4-7, 2-5
person13_handclapping_d3\t*missing*
person17_boxing_d1    \tframes\t1-2, 6-9
"""


def test_kths_official_frame_ranges_are_clips(tmp_path, frames):
    name, other = "person01_boxing_d1_uncomp", "person17_boxing_d1_uncomp"
    videos = {each: write_video(tmp_path / f"{each}.avi", frames) for each in (name, other)}
    listed = tmp_path / "00sequences.txt"
    listed.write_text(KTH_LIST)
    ranges = kth.kth_frame_ranges(listed, videos)
    assert ranges == {name: [slice(0, 3), slice(3, 7), slice(1, 5)], other: [slice(0, 2), slice(5, 9)]}
    clips = VideoClips(videos, SPEC, ranges=ranges)
    assert clips.clip_ids == (f"{name}_1", f"{name}_2", f"{name}_3", f"{other}_1", f"{other}_2")
    for clip_id, start, stop in zip(clips.clip_ids, (0, 3, 1, 0, 5), (3, 7, 5, 2, 7), strict=True):  # of 7 frames
        np.testing.assert_array_equal(clips.read(clip_id).frames, frames[start:stop])
        assert clips.recording(clip_id) == clip_id[:-2]
    cut = VideoClips(videos, SPEC, ranges=ranges, max_length=2, frame_step=2)
    assert cut.clip_ids[:2] == (f"{name}_1", f"{name}_2") and cut.recording(f"{name}_2") == name
    np.testing.assert_array_equal(cut.read(f"{name}_2").frames, frames[[3, 5]])
    assert VideoClips(videos, SPEC).settings != clips.settings
    beyond = VideoClips({name: videos[name]}, SPEC, ranges={name: [slice(0, 3), slice(7, 9)]})
    with pytest.raises(ValueError, match="it has 7 frames, none of 8 to 9"):
        beyond.read(name)


def test_a_list_of_frame_ranges_that_is_none(tmp_path):
    listed = tmp_path / "00sequences.txt"
    listed.write_text(KTH_LIST)
    with pytest.raises(ValueError, match=r"does not name person02_running_d1_uncomp \(1 in all\)"):
        kth.kth_frame_ranges(listed, ["person02_running_d1_uncomp"])
    for wrong in ("1-3, 4", "5-4", "0-3", "1-3 4-7"):
        listed.write_text(f"person01_boxing_d1 frames {wrong}\n")
        with pytest.raises(ValueError, match="00sequences.txt, line 1: expected 'person01_boxing_d1 frames"):
            kth.kth_frame_ranges(listed, [])
    with pytest.raises(ValueError, match="nowhere: no such file; give the 00sequences.txt"):
        kth.kth_frame_ranges(tmp_path / "nowhere", [])


def _there(persons):
    return [person for person in persons if person in (1, 16, 17, 25)]


def test_ucf101_is_split_by_its_official_lists(tmp_path, frames):
    for name in ("Archery/v_Archery_g01_c01", "Archery/v_Archery_g08_c01", "Surfing/v_Surfing_g08_c02"):
        write_video(tmp_path / f"{name}.avi", frames)
    (tmp_path / "testlist01.txt").write_text("Archery/v_Archery_g01_c01.avi\n")
    (tmp_path / "trainlist01.txt").write_text("Archery/v_Archery_g08_c01.avi 1\nSurfing/v_Surfing_g08_c02.avi 2\n\n")
    train, test = (ucf101.ucf101_videos(tmp_path, tmp_path / f"{kind}list01.txt") for kind in ("train", "test"))
    assert set(train) == {"v_Archery_g08_c01", "v_Surfing_g08_c02"} and set(test) == {"v_Archery_g01_c01"}
    groups = [{name.rsplit("_", 1)[0] for name in videos} for videos in (train, test)]
    assert not groups[0] & groups[1]
    # A group's videos are one recording, cut into clips or not.
    write_video(tmp_path / "Surfing/v_Surfing_g08_c03.avi", frames)
    surfing = {path.stem: path for path in sorted((tmp_path / "Surfing").iterdir())}
    clips = VideoClips({**surfing, **train}, SPEC, max_length=4, recording_of=ucf101.ucf101_recording)
    of_clips = {clip_id: clips.recording(clip_id) for clip_id in clips.clip_ids}
    assert of_clips == {
        **{f"v_Surfing_g08_c0{c}_0000000{start}": "v_Surfing_g08" for c in (2, 3) for start in (0, 4)},
        **{f"v_Archery_g08_c01_0000000{start}": "v_Archery_g08" for start in (0, 4)},
    }
    (tmp_path / "Surfing/v_Surfing_g08_c03.avi").unlink()
    (clip,) = VideoClips(ucf101.ucf101_videos(tmp_path, tmp_path / "trainlist01.txt", ["Surfing"]), SPEC)
    np.testing.assert_array_equal(clip.frames, frames)
    with pytest.raises(ValueError, match=r"no classes \['Diving'\]; it has \['Archery', 'Surfing'\]"):
        ucf101.ucf101_videos(tmp_path, tmp_path / "trainlist01.txt", ["Diving"])
    with pytest.raises(ValueError, match="trainlist02.txt: no such file"):
        ucf101.ucf101_videos(tmp_path, tmp_path / "trainlist02.txt")
    (tmp_path / "Surfing/v_Surfing_g08_c02.avi").unlink()
    with pytest.raises(
        ValueError, match=r"v_Surfing_g08_c02.avi: no such file, though trainlist01.txt names it \(1 are"
    ):
        ucf101.ucf101_videos(tmp_path, tmp_path / "trainlist01.txt")


def test_a_picture_is_no_video(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="no videos"):
        find_videos(tmp_path)
