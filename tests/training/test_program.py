"""The training programs' refusals: one line, and no run folder claimed."""

import pathlib
import subprocess
import sys

import pytest

from seg2vid_tf.training.program import fingerprint

EXPERIMENTS = pathlib.Path(__file__).resolve().parents[2] / "experiments"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num_frames=2", "--crop=2"], "crop must"),
        (["--num_frames=9"], "every clip is shorter than a window of 10 frames"),
    ],
)
def test_what_cannot_be_trained_claims_no_run_folder(street_data, tmp_path, flags, message):
    run_dir = tmp_path / "run"
    arguments = [f"--data_dir={street_data}", f"--run_dir={run_dir}", "--height=32", "--width=64", *flags]
    done = subprocess.run(
        [sys.executable, EXPERIMENTS / "train_motion.py", *arguments], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: ") and message in done.stderr.splitlines()[-1]
    assert not run_dir.exists()


def test_a_fingerprint_follows_the_shards_in_order():
    shards = [{"sha256": "aa"}, {"sha256": "bb"}]
    assert fingerprint({"shards": shards}) == fingerprint({"shards": list(shards)})
    assert fingerprint({"shards": shards}) != fingerprint({"shards": shards[::-1]})
