"""experiments/generate_dataset.py as a user starts it: its bytes, a kill in the middle, what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from seg2vid_tf.annotations.label_map import write_label_map
from seg2vid_tf.files import sha256_of
from tests.conftest import SIZE
from tests.programs import HANG_SECONDS, ROOT, command_line, run_program, run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

pytest.importorskip("apache_beam", reason="needs the extra beam")
PROGRAM = "generate_dataset.py"


@pytest.fixture
def maps(tmp_path):
    for i in range(6):
        ids = np.zeros(SIZE, np.uint8)
        ids[: 10 + i], ids[20:28, 20:34] = 6, 8
        write_label_map(tmp_path / f"maps/{i}.png", ids)
    (tmp_path / "maps/broken.png").write_bytes(b"no picture")
    return tmp_path / "maps"


def _bytes(folder):
    return {path.relative_to(folder): sha256_of(path) for path in folder.rglob("*.mp4")}


def test_a_killed_job_goes_on_to_the_bytes_of_one_that_was_not(saved_model, maps, tmp_path):
    pytest.importorskip("av")
    given = {"saved_model": saved_model.parent, "input": maps, "seeds": "0..3", "clips_per_shard": 2, "batch_size": 2}
    out, unfinished = tmp_path / "two", tmp_path / ".two.unfinished"
    command = [sys.executable, *command_line(PROGRAM, {**given, "output": out, "workers": 2})]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    deadline = time.monotonic() + HANG_SECONDS
    while len(list(unfinished.glob("shard-*.json"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline, "it ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(HANG_SECONDS)
    assert not out.exists()
    made = {path.name: path.stat().st_mtime_ns for path in unfinished.glob("shard-*.json")}

    done = run_program(PROGRAM, **given, output=out, workers=2)
    assert done.returncode == 0, done.stderr
    assert "going on: " in done.stderr and "refused broken: " in done.stderr
    assert done.stdout.splitlines()[-1] == f"{out}: 24 clips, 72 frames by tiny/1, 1 of 7 inputs refused"
    assert made and not unfinished.exists()
    done = run_program(PROGRAM, **given, output=tmp_path / "one")
    assert done.returncode == 0, done.stderr
    assert _bytes(out) == _bytes(tmp_path / "one") and len(_bytes(out)) == 24
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (out, tmp_path / "one")]
    assert manifests[0] == manifests[1]
    # Once more: all is there. Another job: refused.
    assert run_program(PROGRAM, **given, output=out).returncode == 0
    done = run_program(PROGRAM, **{**given, "seeds": "0..4"}, output=out)
    assert done.returncode == 1 and "error: " in done.stderr and "two holds another job" in done.stderr


def test_a_splits_maps_make_a_split(saved_model, street_data, tmp_path):
    given = {"saved_model": saved_model.parent, "input": street_data / "validation", "format": "tfrecord"}
    done = run_program(PROGRAM, **given, output=tmp_path / "made", workers=2, resize="true")
    assert done.returncode == 0, done.stderr
    made, source = (
        json.loads((folder / "manifest.json").read_text()) for folder in (tmp_path / "made", given["input"])
    )
    assert made["num_clips"] == source["num_clips"] and made["schema_version"] == source["schema_version"]


def test_mistakes_are_told_before_tensorflow_is_loaded(saved_model, maps, tmp_path):
    base = {"saved_model": saved_model.parent, "input": maps, "output": tmp_path / "out"}
    without = {key: value for key, value in base.items() if key != "input"}
    for options, message in (
        (without, "give one of --input and --scenes, received none"),
        ({**base, "scenes": "0..3"}, "received --input and --scenes"),
        ({**base, "input": tmp_path / "absent"}, "--input: no folder"),
        ({**base, "preset": "cityscapes"}, "received --saved_model and --preset"),
        ({**base, "seeds": "0..x"}, "--seeds takes numbers, as 0..3 or 0,5,7, received '0..x'"),
        ({**base, "seeds": "3..0"}, "ends before it begins"),
        ({**base, "seeds": "0..3,2"}, "names a number twice"),
        ({**base, "fit": "crop"}, "--fit=crop says how a map of another shape is resized: give --resize"),
        ({**base, "fps": 4, "format": "png"}, "--fps means nothing without --format=mp4"),
        ({**base, "quality": 90, "format": "tfrecord"}, "--quality means nothing without --image_format=jpeg"),
        ({**base, "format": "tfrecord", "resize": "true", "fit": "letterbox"}, "a split has one size"),
        ({**base, "runner": "FlinkRunner", "workers": 2}, "--workers are of this machine: FlinkRunner has flags"),
        ({**base, "instance_maps": maps}, "this model reads no instance maps: leave --instance_maps out"),
        ({**base, "pattern": "*.bmp"}, "holds no file '*.bmp'"),
        ({**without, "scenes": "0..3", "label_ids": "labelIds"}, "--label_ids says something of files"),
        ({**without, "scenes": "-1..3"}, "--scenes are 0 or more"),
    ):
        done = run_python(ROOT / "tests/without_tensorflow.py", *command_line(PROGRAM, options))
        said = done.stdout + done.stderr
        assert message in said and "import of tensorflow halted" not in said, said
    done = run_python(ROOT / "tests/without_tensorflow.py", *command_line(PROGRAM, base))
    assert "7 label maps x 1 seeds" in done.stderr and "import of tensorflow halted" in done.stderr, done.stderr
