"""README.md's blocks, one after the other, as a reader types them, on tiny data and tiny models.

The text is what runs: only the shipped model's name is exchanged for a tiny one's, and flags that make things small are
put behind a command's own, of which the last one counts. Training goes up to its first step, which is the dear one and
what tests/training is about; from there a tiny run stands for the trained one.
"""

import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import write_label_map
from seg2vid_tf.export_folder import encoder_folder
from seg2vid_tf.media import save_png
from tests.conftest import NUM_FRAMES, SIZE
from tests.programs import EXPERIMENTS, HANG_SECONDS, ROOT, free_ports, run_python, run_several
from tests.stacks import on_first_stack

pytestmark = on_first_stack

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)
# README is written for this stack.
SMALL = [f"--height={SIZE[0]}", f"--width={SIZE[1]}"]


def _blocks(language):
    return [text for name, text in BLOCKS if name == language]


def _commands():
    """[program, flag, ...] of every line of the bash blocks that starts a program."""
    lines = re.sub(r"\\\n", " ", "".join(_blocks("bash"))).splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[1:] for line in words if line[:1] == ["python"]]


def _as_flags(config):
    """The flags that make a training program build this config's networks, and then end."""
    given = []
    for part in dataclasses.fields(config):
        for name, value in dataclasses.asdict(getattr(config, part.name)).items():
            given.append(f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}")
    return [*given, "--init_from=nowhere", "--run_dir=runs/new"]  # runs/mine holds what has been trained


@pytest.fixture(scope="module")
def checkout(saved_model, run_dir, tmp_path_factory):
    """A folder as README's reader has it: the programs, a shipped model, own frames, maps and spec, a trained run."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "experiments").symlink_to(EXPERIMENTS)
    model = folder / "saved_models/synthetic_street/1"
    shutil.copytree(saved_model, model)
    shutil.copytree(encoder_folder(saved_model), encoder_folder(model))
    rng = np.random.default_rng(0)
    for sequence in "abcd":
        for frame in range(NUM_FRAMES + 4):
            ids = np.zeros((48, 80), np.uint8)
            ids[20:34, 4 * frame : 4 * frame + 16] = 1
            image = (60 + 120 * ids)[..., None] + rng.integers(0, 40, (48, 80, 3))
            save_png(image.astype(np.uint8), folder / f"my_frames/{sequence}/image/{frame:04d}.png")
            write_label_map(folder / f"my_frames/{sequence}/label/{frame:04d}.png", ids)
    write_label_map(folder / "map.png", ids)
    (folder / "runs").mkdir()
    shutil.copytree(run_dir, folder / "runs/mine")
    (spec,) = _blocks("json")
    (folder / "my_spec.json").write_text(spec)
    return folder


def _tiny(line, start_frame_config, motion_config):
    """A command line of README.md, made small."""
    more = {
        "draw_label_map.py": ["--spec=synthetic_street", *SMALL],
        "prepare_data.py": SMALL,
        "train_start_frame.py": _as_flags(start_frame_config),
        "train_motion.py": _as_flags(motion_config),
        "evaluate.py": ["--max_clips=1", "--noexternal_flow", "--noswap"],
    }
    program, *flags = line
    if "street_validation" in " ".join(line):
        more["prepare_data.py"] = [*SMALL, "--spec="]  # the tiny model's classes are the renderer's own
    name = pathlib.Path(program).name
    if name == "draw_label_map.py":
        flags = [flag for flag in flags if flag != "--preset=synthetic_street"]
    flags = [flag.replace("--preset=synthetic_street", "--saved_model=saved_models/synthetic_street") for flag in flags]
    return [program, *flags, *more.get(name, [])]


def test_the_blocks_run_and_leave_what_the_text_says(checkout, start_frame_config, motion_config):
    lines = [_tiny(line, start_frame_config, motion_config) for line in _commands()]
    # Those that serve do not end; paint.py needs an extra, and has tests of its own.
    lines = [line for line in lines if not line[0].endswith(("serve.py", "request.py", "paint.py"))]
    assert len(lines) >= 12
    # A process of its own for the export: behind the others in one, TensorFlow tells it of an untracked resource.
    exported = next(i for i, line in enumerate(lines) if line[0].endswith("export.py"))
    endings = run_several(lines[:exported], checkout)[0] + run_several(lines[exported:], checkout)[0]
    for line, end in zip(lines, endings, strict=True):
        begun = f"error: nowhere/{line[0].split('train_')[-1][:-3]} holds no run: there is no config.json in it"
        assert (end or "").startswith(begun) if "train_" in line[0] else end is None, line
    for name in ("label.png", "label_colors.png", "data/mine/report.html", "out/street/report.html"):
        assert (checkout / name).is_file(), name
    for name in ("video.gif", "video.mp4", "frames/00/0000.png", "flow.png"):
        assert (checkout / "out" / name).is_file(), name
    assert (checkout / "runs/mine/saved_models/mine/1/saved_model.pb").is_file()
    assert json.loads((checkout / "out/street/metrics.json").read_text())["clips"] == 1


def test_the_python_block_runs(checkout):
    (code,) = _blocks("python")
    tiny = code.replace('from_preset("synthetic_street")', 'from_saved_model("saved_models/synthetic_street")')
    assert tiny != code
    label_map = np.zeros(SIZE, np.uint8)
    label_map[:14] = 6
    write_label_map(checkout / "label.png", label_map)
    shapes = "print(out.frames.shape, z.shape == (2, pipe.latent_dim), between.shape == (5, pipe.latent_dim))"
    done = run_python("-c", f"{tiny}\n{shapes}", folder=checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{(5, NUM_FRAMES + 1, *SIZE, 3)} True True"
    assert Image.open(checkout / "city.gif").n_frames == NUM_FRAMES + 1


def test_the_server_blocks_run_and_the_request_waits_for_the_server(checkout):
    pytest.importorskip("tensorflow_serving")
    serve, request = (next(c for c in _commands() if c[0].endswith(name)) for name in ("serve.py", "request.py"))
    write_label_map(checkout / "label.png", np.zeros(SIZE, np.uint8))
    ports = free_ports(2)
    command = [sys.executable, *serve, f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    server = subprocess.Popen(command, cwd=checkout, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:  # at once, while it loads
        wait = f"--wait={HANG_SECONDS / 3}"
        done = run_python(*request, f"--address=localhost:{ports[1]}", wait, folder=checkout)
    finally:
        server.terminate()
        server.wait(HANG_SECONDS)
    assert done.returncode == 0, done.stderr
    assert "does not answer yet" in done.stdout and "waiting" in done.stdout
    assert Image.open(checkout / "video.gif").n_frames == NUM_FRAMES + 1
