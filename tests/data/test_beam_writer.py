"""The Beam pipeline writes what one process writes, byte for byte, and fails as it does."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.frame_folder import FrameFolder
from seg2vid_tf.data.shard_writer import ShardWriter, write_shards
from seg2vid_tf.data.shards import read_clips
from tests.stacks import on_second_stack

pytestmark = on_second_stack

pytest.importorskip("apache_beam", reason="needs the extra beam")
SPEC = load_spec("synthetic_street")


def test_folder_shards_and_beam_hold_the_same_clips(tmp_path, make_clip, write_sequence):
    from seg2vid_tf.data.beam_writer import write_shards_with_beam

    clips = [make_clip(name, seed=i) for i, name in enumerate("abcde")]
    for clip in clips:
        write_sequence(tmp_path / "in" / clip.clip_id, clip)
    source = FrameFolder(tmp_path / "in", SPEC, (8, 12))
    expected = write_shards(source, tmp_path / "one", split="train", clips_per_shard=2)
    manifest = write_shards_with_beam(ShardWriter(source, tmp_path / "beam", "train", clips_per_shard=2))
    assert manifest == expected
    assert [p.name for p in (tmp_path / "beam").iterdir()] == ["train"]
    for path in (tmp_path / "one/train").iterdir():
        assert (tmp_path / "beam/train" / path.name).read_bytes() == path.read_bytes()
    for clip, folder, stored in zip(clips, source, read_clips(tmp_path / "beam/train"), strict=True):
        for read in (folder, stored):
            assert read.clip_id == clip.clip_id
            for name in ("frames", "label_maps", "instance_maps"):
                assert (getattr(read, name) == getattr(clip, name)).all()


def test_what_a_worker_refuses_reaches_the_caller_and_leaves_no_split(tmp_path, make_clip):
    from seg2vid_tf.data.beam_writer import write_shards_with_beam

    unknown = make_clip("b")
    unknown.label_maps[:] = 77
    writer = ShardWriter(ClipList([make_clip("a"), unknown], SPEC), tmp_path, "train", clips_per_shard=1)
    with pytest.raises(ValueError, match=r"clip 'b', label_maps: ids \[77\]"):
        write_shards_with_beam(writer)
    assert [p.name for p in tmp_path.iterdir()] in ([], [".train.unfinished"])
    with pytest.raises(ValueError, match="no clips to write"):
        write_shards_with_beam(ShardWriter(ClipList([], SPEC), tmp_path, "train"))


def test_processes_of_this_machine_write_the_same_shards_and_one_that_is_killed_is_told(tmp_path, make_clip):
    from seg2vid_tf.data.beam_runner import run_on_beam
    from seg2vid_tf.data.beam_writer import write_shards_with_beam

    source = ClipList([make_clip(name, seed=i) for i, name in enumerate("abcde")], SPEC)
    expected = write_shards(source, tmp_path / "one", split="train", clips_per_shard=1)
    writer = ShardWriter(source, tmp_path / "two", "train", clips_per_shard=1)
    assert write_shards_with_beam(writer, workers=2) == expected
    with pytest.raises(ValueError, match="a worker process was killed, for want of memory perhaps"):
        run_on_beam(_KillOf(1), range(3), workers=2)
    for options, message in (
        ({"workers": 0}, "workers must be at least 1"),
        ({"workers": 2, "runner": "FlinkRunner"}, "how many workers other runners have is told by flags of their own"),
        ({"arguments": ["--direct_running_mode=multi_processing"]}, "processes on this machine are started by workers"),
        ({"runner": "NoRunner"}, "runner=NoRunner: "),
    ):
        with pytest.raises(ValueError, match=message):
            run_on_beam(print, range(3), **options)


def test_ctrl_c_says_that_what_is_in_work_is_finished(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        """
import pathlib, signal, time
from seg2vid_tf.data.beam_runner import run_on_beam

signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may have inherited deafness

def slow(piece):
    pathlib.Path(f"begun{piece}").touch()
    time.sleep(2)
    pathlib.Path(f"ended{piece}").touch()

if __name__ == "__main__":
    run_on_beam(slow, range(40), workers=2)
"""
    )
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(
        [sys.executable, program], cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment
    )
    while not list(tmp_path.glob("begun*")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=900)
    assert "stopping: the pieces in work are finished first, and kept" in said
    assert process.returncode != 0
    begun, ended = ({path.name[5:] for path in tmp_path.glob(f"{what}*")} for what in ("begun", "ended"))
    assert begun == ended and len(ended) < 40


@dataclasses.dataclass(frozen=True)
class _KillOf:
    """Ends the process that does a piece, as a kernel without memory does."""

    piece: int

    def __call__(self, piece):
        if piece == self.piece:
            os.kill(os.getpid(), signal.SIGKILL)
