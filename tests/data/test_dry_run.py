"""A dry run: what is there, by name and share, without a file written."""

import pathlib

import numpy as np

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.dry_run import dry_run
from seg2vid_tf.data.frame_folder import FrameFolder
from tests.annotations.test_usual_places import CAMVID_STREET
from tests.programs import run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / "experiments" / "prepare_data.py"
SPEC = load_spec("synthetic_street")


def test_sequences_classes_and_problems_are_told(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=6)
    clip.label_maps[:] = 1
    clip.label_maps[:, :2] = 6
    for name in ("a", "b"):
        write_sequence(tmp_path / "in" / name, clip)
    source = FrameFolder(tmp_path / "in", SPEC, (8, 12), max_length=4)
    lines, problems = dry_run(source)
    assert problems == 0 and lines[0] == "4 clips, 12 frames, spec synthetic_street, 9 classes"
    assert [line.split()[:4] for line in lines[2:4]] == [["a", "2", "6", "0"], ["b", "2", "6", "0"]]
    shown = "\n".join(lines)
    assert "75.00%  sidewalk" in shown and "25.00%  sky" in shown and "absent: vegetation" in shown
    (tmp_path / "in/a/label/0001.png").unlink()
    (tmp_path / "in/b/label/0003.png").write_bytes(b"x")
    lines, problems = dry_run(FrameFolder(tmp_path / "in", SPEC, (8, 12)))
    assert problems == 2 and lines[-3] == "problems, 2 in 2 clips, the first:"
    assert "0001.png: frame without a map" in lines[-2] and "b, 0003.png: " in lines[-1] and "not a PNG" in lines[-1]


def test_bad_frames_of_one_clip_are_one_bad_clip(tmp_path, make_clip, write_sequence):
    """--max_bad_clips counts clips, and of this one only one would be left out."""
    for name in ("a", "b"):
        write_sequence(tmp_path / name, make_clip(length=6))
    for number in (1, 3, 4):
        (tmp_path / f"a/label/000{number}.png").write_bytes(b"x")
    lines, bad_clips = dry_run(FrameFolder(tmp_path, SPEC, (8, 12)))
    assert bad_clips == 1 and "problems, 3 in 1 clips, the first:" in lines


def test_masks_that_are_no_label_maps_are_told(tmp_path, make_clip, write_sequence):
    city, clip = load_spec("cityscapes"), make_clip(length=3)
    clip.label_maps[:] = 0
    clip.label_maps[:, :2] = 255
    write_sequence(tmp_path / "a", clip)
    lines, _ = dry_run(FrameFolder(tmp_path, city, (8, 12)))
    assert any(line.startswith("note: it holds 0 and 255 alone, 'road'") and "(3 of 3)" in line for line in lines)


def test_ids_of_another_spec_are_a_warning_before_the_shares_that_are_wrong_by_them(
    tmp_path, make_clip, write_sequence
):
    clip = make_clip(length=2, height=64, width=128, with_instances=False)
    clip.label_maps[:] = CAMVID_STREET
    write_sequence(tmp_path / "in/a", clip)
    lines, _ = dry_run(FrameFolder(tmp_path / "in", load_spec("cityscapes"), None))
    assert lines[0].startswith("warning: its ids fit 'camvid' better") and "(2 of 2)" in lines[0]
    assert not any("its ids" in line for line in lines[1:])
    given = ["--dataset=frame_folder", f"--input={tmp_path}/in", "--spec=cityscapes", f"--output={tmp_path}/out"]
    done = run_python(PROGRAM, *given)
    assert done.returncode == 0 and "warning: clip a: its ids fit 'camvid' better" in done.stderr, done.stderr
    assert "note:" not in done.stderr
    checked = run_python(PROGRAM.with_name("check_data.py"), f"--data_dir={tmp_path}/out")
    assert checked.stdout.startswith("warning: ") and checked.stdout.count("its ids fit 'camvid'") == 1


def test_photographs_are_counted_by_what_they_are_split_by(tmp_path, make_clip, write_sequence):
    stems = ["0001TP_0001", "0001TP_0007", "0016E5_00001", "0016E5_00021", "0016E5_00026"]
    write_sequence(tmp_path / "cam", make_clip(length=5), stems)
    lines, _ = dry_run(FrameFolder(tmp_path / "cam", SPEC, (8, 12), stills=True))
    assert lines[0].startswith("5 photographs, spec ")
    assert lines[1] == "of recordings (--prefixes) 0001TP 2, 0016E5 3" and lines[2].startswith("classes, by 5 maps")
    for name, length in (("x", 2), ("y", 3)):
        write_sequence(tmp_path / "two" / name, make_clip(length=length))
    lines, _ = dry_run(FrameFolder(tmp_path / "two", SPEC, (8, 12), stills=True))
    assert lines[1] == "of sequences (--sequences) x 2, y 3"


def test_a_sample_is_spread_and_read_alone(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=9)
    write_sequence(tmp_path / "a", clip)
    sample = FrameFolder(tmp_path, SPEC, (8, 12)).sampled(3)
    assert sample.clip_ids == ("a, 0000.png", "a, 0004.png", "a, 0008.png")
    np.testing.assert_array_equal(np.concatenate([c.frames for c in sample]), clip.frames[::4])


def test_the_program_writes_nothing(tmp_path, make_clip, write_sequence):
    write_sequence(tmp_path / "in/a", make_clip(length=5))
    common = ["--dataset=frame_folder", f"--input={tmp_path}/in", "--dry_run", f"--output={tmp_path}/out"]

    def run(*more):
        return run_python(PROGRAM, *common, *more)

    done = run("--spec=synthetic_street")
    assert done.returncode == 0, done.stderr
    assert "1 clips, 5 frames" in done.stdout and "nothing was written" in done.stdout
    (tmp_path / "in/a/label/0001.png").unlink()
    failed = run("--spec=synthetic_street")
    assert failed.returncode == 1 and "0001.png: frame without a map" in failed.stdout
    assert "bad clips, listed above: 1; --max_bad_clips=0 is allowed" in failed.stderr
    assert not (tmp_path / "out").exists()
