"""experiments/prepare_data.py end to end, as a user starts it: one clear line and status 1 when something is wrong."""

import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.shards import check_shards, read_clips
from tests.programs import run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "experiments" / "prepare_data.py"


def _run(*arguments):
    return run_python(PROGRAM, *arguments)


def test_a_folder_becomes_shards_and_mistakes_get_one_line(tmp_path, make_clip, write_sequence):
    clip = make_clip("a", length=5)
    write_sequence(tmp_path / "in/a", clip)
    arguments = [
        "--dataset=frame_folder",
        f"--input={tmp_path}/in",
        f"--output={tmp_path}/out",
        "--height=8",
        "--width=12",
    ]
    flag_file = tmp_path / "run.flags"
    flag_file.write_text("\n".join([*arguments, "--spec=synthetic_street", "--num_frames=3"]))
    done = _run(f"--flagfile={flag_file}")
    assert done.returncode == 0, done.stderr
    assert "2 clips, 5 frames of 8 x 12 pixels" in done.stdout and "2/2 clips, 5 frames" in done.stderr
    assert check_shards(tmp_path / "out/train")["num_clips"] == 2
    frames = np.concatenate([c.frames for c in read_clips(tmp_path / "out/train")])
    np.testing.assert_array_equal(frames, clip.frames)

    pytest.importorskip("apache_beam", reason="the rest needs the extra beam")
    done = _run(f"--flagfile={flag_file}", "--split=beam", "--runner=DirectRunner")
    assert done.returncode == 0, done.stderr
    assert check_shards(tmp_path / "out/beam")["shards"] == check_shards(tmp_path / "out/train")["shards"]
    shutil.rmtree(tmp_path / "out/beam")

    (tmp_path / "in/a/label/0002.png").unlink()
    failed = _run(*arguments, "--spec=synthetic_street", "--split=validation")
    assert failed.returncode == 1 and "Traceback" not in failed.stderr
    assert "error: " in failed.stderr and "0002.png: frame without a map" in failed.stderr
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["train"]


def test_rendered_streets_are_stored_with_their_exact_motion_and_in_another_spec(tmp_path):
    from seg2vid_tf.data.synthetic_street import render_clip

    done = _run(
        "--dataset=synthetic_street", f"--output={tmp_path}", "--num_clips=2", "--first_seed=7", "--num_frames=3",
        "--height=32", "--width=64", "--include_motion", "--spec=cityscapes",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    clips = list(read_clips(tmp_path / "train"))
    assert len(clips) == 2
    rendered = render_clip(8, 3, 32, 64)
    assert clips[1].clip_id == rendered.clip_id
    ours, theirs = load_spec("synthetic_street"), load_spec("cityscapes")
    ids = {c.name: c.id for c in theirs.classes}
    expected = np.array([ids[c.name] for c in ours.classes], np.uint8)[rendered.label_maps]
    np.testing.assert_array_equal(clips[1].label_maps, expected)
    for name in ("frames", "instance_maps", "flow", "flow_backward", "visibility", "visibility_backward"):
        np.testing.assert_array_equal(getattr(clips[1], name), getattr(rendered, name))


def test_flags_that_do_not_fit_are_refused(tmp_path):
    failed = _run("--dataset=cityscapes_seq", "--output=x", "--num_clips=3", f"--input={tmp_path}")
    assert failed.returncode == 1 and "--num_clips means nothing with --dataset=cityscapes_seq" in failed.stderr
    failed = _run("--dataset=synthetic_street", f"--output={tmp_path}/out", "--quality=80")
    assert failed.returncode == 1 and "--quality means nothing with --image_format=png" in failed.stderr
    failed = _run("--dataset=weizmann_pose", "--output=x", "--stills", f"--input={tmp_path}")
    assert failed.returncode == 1 and "--stills means nothing with --dataset=weizmann_pose" in failed.stderr
    failed = _run("--dataset=synthetic_street", f"--output={tmp_path}/out", "--spec=camvid")
    assert failed.returncode == 1 and "--spec=camvid: it has no label set 'synthetic_street'" in failed.stderr
    assert not list(tmp_path.iterdir())


def test_stills_and_poses_through_their_flag_files(tmp_path, make_clip, write_sequence, write_strip):
    flags = PROGRAM.parent / "flags"
    clip = make_clip(length=3, with_instances=False)
    clip.label_maps[clip.label_maps > 8] = 11
    write_sequence(tmp_path / "cam", clip, ["0001TP_0", "0016E5_7", "0006R0_f8"])
    write_strip(tmp_path / "poses", "jack_p0")
    write_strip(tmp_path / "poses", "jack_p6")
    for name, dataset, ids in (
        ("camvid_validation", "cam", ["cam_0006R0_f8"]),
        ("camvid_train", "cam", ["cam_0001TP_0", "cam_0016E5_7"]),
        ("weizmann_pose_validation", "poses", ["jack_p6"]),
    ):
        folder = f"{tmp_path}/out/{name}"
        extra = ["--persons=p6"] if dataset == "poses" else []
        done = _run(
            f"--flagfile={flags}/{name}.flags", f"--input={tmp_path}/{dataset}", f"--output={folder}",
            "--height=4", "--width=8", *extra,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (split,) = pathlib.Path(folder).iterdir()
        assert sorted(c["clip_id"] for s in check_shards(split)["shards"] for c in s["clips"]) == ids


def test_frames_without_maps_get_them_from_an_annotator(tmp_path, make_clip, write_sequence):
    clip = make_clip("a", with_instances=False)
    write_sequence(tmp_path / "in/a", clip)
    shutil.rmtree(tmp_path / "in/a/label")
    common = [f"--output={tmp_path}/out", "--height=8", "--width=8", "--annotator=sketch"]
    done = _run("--dataset=frame_folder", f"--input={tmp_path}/in", "--crop_to_aspect", *common)
    assert done.returncode == 0, done.stderr
    (stored,) = read_clips(tmp_path / "out/train")
    np.testing.assert_array_equal(stored.frames, clip.frames[:, :, 2:10])
    assert set(np.unique(stored.label_maps)) == {0, 1}
    street = ["--num_clips=1", "--include_motion", "--split=street"]
    done = _run("--dataset=synthetic_street", *street, *common, "--height=32", "--width=64")
    assert done.returncode == 0, done.stderr
    (drawn,) = read_clips(tmp_path / "out/street")
    assert drawn.flow.shape == (4, 32, 64, 2) and check_shards(tmp_path / "out/street")["spec"]["name"] == "sketch"
    for arguments, message in (
        (["--dataset=frame_folder", "--colors=classes"], "--colors means nothing with --dataset=frame_folder --anno"),
        (["--dataset=kitti", "--layout=raw", "--labels=x"], "--labels means nothing with --dataset=kitti --annotator"),
        (["--dataset=cityscapes_seq", "--spec=camvid"], "--spec means nothing with --dataset=cityscapes_seq --anno"),
    ):
        failed = _run(*arguments, f"--input={tmp_path}/in", *common)
        assert failed.returncode == 1 and message in failed.stderr, failed.stderr


def test_help_is_quick_and_says_how():
    done = _run("--help")
    assert "--dataset" in done.stdout and "--include_motion" in done.stdout and "tensorflow" not in done.stderr.lower()


def test_bad_clips_are_left_out_when_so_many_are_allowed(tmp_path, make_clip, write_sequence):
    for i, name in enumerate("abc"):
        write_sequence(tmp_path / "in" / name, make_clip(seed=i))
    (tmp_path / "in/b/image/0000.png").write_bytes(b"no picture")
    arguments = [
        "--dataset=frame_folder", f"--input={tmp_path}/in", f"--output={tmp_path}/out", "--spec=synthetic_street",
        "--height=8", "--width=12",
    ]  # fmt: skip
    failed = _run(*arguments)
    assert failed.returncode == 1 and "0000.png: not a readable JPEG or PNG frame" in failed.stderr
    assert not (tmp_path / "out/train").exists()
    done = _run(*arguments, "--max_bad_clips=1")
    assert done.returncode == 0 and "2 clips" in done.stdout and "left out b: " in done.stderr
    assert [c["clip_id"] for c in check_shards(tmp_path / "out/train")["bad_clips"]] == ["b"]


def test_official_trees_through_the_program(tmp_path):
    frame, roads = np.zeros((4, 12, 3), np.uint8), np.full((4, 12), 7, np.uint8)
    files = {"kitti/sequences/04/image_2/000000.png": frame, "maps/sequences/04/image_2/000000.png": roads}
    stem = "ulm_000001_000019"
    files[f"city/leftImg8bit/val/ulm/{stem}_leftImg8bit.png"] = frame
    files[f"city/gtFine/val/ulm/{stem}_gtFine_labelIds.png"] = roads
    for name, array in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(tmp_path / name)
    common = [f"--output={tmp_path}/out", "--height=4", "--width=8", "--crop_to_aspect"]
    kitti = [
        "--dataset=kitti",
        "--layout=odometry",
        f"--labels={tmp_path}/maps",
        "--label_ids=labelIds",
        "--sequences=04",
        "--split=kitti",
    ]
    city = ["--dataset=cityscapes", "--official_split=val", "--stills", "--split=city"]
    for arguments, folder, clip_id in ((kitti, "kitti", "04"), (city, "city", stem)):
        done = _run(*arguments, *common, f"--input={tmp_path}/{folder}")
        assert done.returncode == 0, done.stderr
        (clip,) = read_clips(tmp_path / "out" / folder)
        assert clip.clip_id == clip_id and (clip.label_maps == 0).all() and clip.frames.shape == (1, 4, 8, 3)
    for arguments, message in (
        (["--dataset=cityscapes", "--stills"], "--dataset=cityscapes needs --official_split"),
        (["--dataset=kitti"], "--dataset=kitti needs --layout"),
        (["--dataset=kitti", "--layout=raw", "--labels=x"], "--labels needs --label_ids"),
        (["--dataset=kitti", "--layout=semantic", "--painted", "--label_ids=labelIds"], "nothing with --painted"),
        (
            ["--dataset=kitti", "--layout=semantic", "--num_frames=2"],
            "--num_frames means nothing with --layout=semantic",
        ),
        (["--dataset=cityscapes", "--official_split=val", "--stills", "--num_frames=3"], "--num_frames means nothing"),
    ):
        failed = _run(*arguments, *common, f"--input={tmp_path}/city", "--split=x")
        assert failed.returncode == 1 and message in failed.stderr, failed.stderr


def test_videos_get_their_annotation_from_an_annotator(tmp_path):
    av = pytest.importorskip("av", reason="videos need PyAV, the extra video")
    frames = np.zeros((4, 16, 16, 3), np.uint8)
    frames[:, :, 8:] = 200
    for name in ("person03_boxing_d1_uncomp", "person17_boxing_d1_uncomp"):
        with av.open(str(tmp_path / f"{name}.avi"), "w") as container:
            stream = container.add_stream("rawvideo", rate=25)
            stream.height, stream.width, stream.pix_fmt = 16, 16, "bgr24"
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    common = [f"--input={tmp_path}", f"--output={tmp_path}/out", "--height=16", "--width=16", "--split=validation"]
    done = _run("--dataset=kth", "--persons=17", "--annotator=sketch", *common)
    assert done.returncode == 0, done.stderr
    assert "pauses without a person too; --split_list=00sequences.txt" in done.stderr
    (clip,) = read_clips(tmp_path / "out/validation")
    assert clip.clip_id == "person17_boxing_d1_uncomp"
    np.testing.assert_array_equal(clip.frames, frames)
    assert (clip.label_maps[:, :, 7:9].max(-1) == 1).all() and not clip.label_maps[:, :, :6].any()
    assert check_shards(tmp_path / "out/validation")["spec"]["name"] == "sketch"
    assert len(list((tmp_path / "out/.annotations").iterdir())) == 1
    for arguments, message in (
        (["--dataset=video"], "--dataset=video needs --annotator"),
        (["--dataset=video", "--annotator=sketch"], "needs --num_frames: a clip is held in memory"),
        (["--dataset=kth", "--annotator=sketch", "--persons=p1"], "--persons of kth are numbers"),
        (["--dataset=ucf101", "--annotator=sketch"], "--dataset=ucf101 --annotator=sketch needs --split_list"),
        (["--dataset=kth", "--annotator=pose"], "--annotator=pose needs --network"),
        (["--dataset=kth", "--annotator=sketch", "--network=x"], "--network means nothing with --dataset=kth"),
        (["--dataset=kth", "--annotator=sketch", "--split=mine"], "give --persons, or one of the splits"),
    ):
        failed = _run(*common, f"--output={tmp_path}/other", *arguments)
        assert failed.returncode == 1 and message in failed.stderr, failed.stderr
