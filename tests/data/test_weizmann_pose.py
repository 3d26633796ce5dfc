"""Strips of frames and joints: exact frames and drawn maps, the choice of persons and actions, every broken pair."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.weizmann_pose import WeizmannPose

SPEC = load_spec("weizmann_pose")
DATA = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "weizmann_pose"


def test_strips_come_apart_and_poses_are_drawn(tmp_path, write_strip):
    frames, joints = write_strip(tmp_path, "jack_p0", length=3)
    folder = WeizmannPose(tmp_path, (8, 8), line_width=2)
    (clip,) = folder
    assert folder.clip_ids == ("jack_p0",) and len(folder) == 1 and clip.instance_maps is None
    np.testing.assert_array_equal(clip.frames, frames)
    np.testing.assert_array_equal(clip.label_maps, draw_pose(joints, SPEC, (8, 8), line_width=2))
    # At another size frames shrink by area and poses are drawn anew.
    (small,) = WeizmannPose(tmp_path, (4, 4), line_width=1)
    assert np.abs(small.frames - frames.reshape(3, 4, 2, 4, 2, 3).mean((2, 4))).max() <= 1
    np.testing.assert_array_equal(small.label_maps, draw_pose(joints, SPEC, (4, 4), line_width=1))


def test_persons_and_actions_are_chosen_and_long_strips_cut(tmp_path, write_strip):
    for name in ("jack_p0", "jack_p1", "wave1_p0", "wave1_p10"):
        frames, _ = write_strip(tmp_path, name, length=3)

    def ids(**options):
        return WeizmannPose(tmp_path, (8, 8), **options).clip_ids

    assert ids() == ("jack_p0", "jack_p1", "wave1_p0", "wave1_p10")
    assert ids(persons=["p0"]) == ("jack_p0", "wave1_p0")
    assert ids(actions=["wave1"], persons=["p1", "p10"]) == ("wave1_p10",)
    cut = WeizmannPose(tmp_path, (8, 8), persons=["p10"], max_length=2)
    assert cut.clip_ids == ("wave1_p10_00000000", "wave1_p10_00000002")
    assert {cut.recording(clip_id) for clip_id in cut.clip_ids} == {"wave1_p10"}
    assert [cut.length(clip_id) for clip_id in cut.clip_ids] == [2, 1]
    np.testing.assert_array_equal(np.concatenate([c.frames for c in cut]), frames)
    for options, message in (
        ({"persons": ["p0", "p9"]}, r"no persons \['p9'\]; it has \['p0', 'p1', 'p10'\]"),
        ({"actions": ["run"]}, r"no actions \['run'\]; it has \['jack', 'wave1'\]"),
        ({"persons": []}, r"no persons \[\]"),
        ({"persons": ["p1"], "actions": ["wave1"]}, "no strip shows actions"),
        ({"max_length": 0}, "must be positive"),
        ({"line_width": 0}, "must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            ids(**options)


BROKEN = {
    "width": (
        lambda r: Image.new("RGB", (20, 8)).save(r / "jack_p0.png"),
        "jack_p0.png: 20x8 pixels; a strip is square",
    ),
    "length": (
        lambda r: np.save(r / "jack_p0_kp.npy", np.zeros((3, 17, 3))),
        r"jack_p0_kp.npy: .*\[3, 17, 3\], but .*2",
    ),
    "joints": (lambda r: np.save(r / "jack_p0_kp.npy", np.zeros((2, 13, 3))), r"expected float \[2, 17, 3\]"),
    "no joints": (lambda r: (r / "jack_p0_kp.npy").unlink(), "jack_p0.png: strip without joints, jack_p0_kp.npy is"),
    "no strip": (lambda r: (r / "jack_p0.png").unlink(), "jack_p0_kp.npy: joints without a strip, jack_p0.png is"),
    "not npy": (lambda r: (r / "jack_p0_kp.npy").write_bytes(b"x"), "jack_p0_kp.npy: not a readable .npy file"),
    "not png": (lambda r: (r / "jack_p0.png").write_bytes(b"x"), "jack_p0.png: not a readable PNG"),
    "empty": (lambda r: [p.unlink() for p in r.iterdir()], "no strips here; expected <action>_p<n>.png"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_pairs_are_named_at_once(tmp_path, write_strip, case):
    break_it, message = BROKEN[case]
    write_strip(tmp_path, "jack_p0")
    break_it(tmp_path)
    with pytest.raises(ValueError, match=message):
        WeizmannPose(tmp_path, (8, 8))


def test_frames_alone_need_no_joints(tmp_path, write_strip):
    frames, _ = write_strip(tmp_path, "jack_p0", length=3)
    (tmp_path / "jack_p0_kp.npy").unlink()
    source = WeizmannPose(tmp_path, None, labelled=False, max_length=2)
    np.testing.assert_array_equal(np.concatenate([clip.frames for clip in source]), frames)
    assert source.files(source.clip_ids[0]) == [tmp_path / "jack_p0.png"]
    assert all((clip.label_maps == 255).all() for clip in source)


def test_what_only_reading_shows_is_named_too(tmp_path, write_strip):
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        WeizmannPose(tmp_path / "nowhere", (8, 8))
    joints = np.zeros((2, 17, 3))
    joints[1, 3, 2] = np.nan
    write_strip(tmp_path, "jack_p0", joints=joints)
    with pytest.raises(ValueError, match="jack_p0_kp.npy: joints: frame 1, left_ear is"):
        list(WeizmannPose(tmp_path, (8, 8)))
    write_strip(tmp_path, "jack_p0", side=64)
    data = (tmp_path / "jack_p0.png").read_bytes()
    (tmp_path / "jack_p0.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="jack_p0.png: not a readable"):
        list(WeizmannPose(tmp_path, (8, 8)))


def test_real_strips():
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data/weizmann_pose")
    assert len(WeizmannPose(DATA, (64, 64))) == 28
    clip = next(iter(WeizmannPose(DATA, (64, 64), persons=["p5", "p6"], actions=["jack"])))
    assert clip.clip_id == "jack_p5" and clip.frames.shape == (54, 64, 64, 3)
    # Every frame shows a body, a person is some per cent of the picture, and people's legs are below their heads.
    shares = (clip.label_maps > 0).mean((1, 2))
    assert shares.min() > 0.02 and shares.max() < 0.25
    rows = np.arange(64)[None, :, None]
    head, legs = (np.isin(clip.label_maps, ids) for ids in ([9, 10], [5, 6, 7, 8]))
    assert (rows * head).sum() / head.sum() + 10 < (rows * legs).sum() / legs.sum()
