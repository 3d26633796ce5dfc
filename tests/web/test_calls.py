"""The calls that the page shows: they must be what it did."""

import ast
import re
import shlex

import numpy as np
import pytest

from seg2vid_tf import media
from seg2vid_tf.serving import client
from seg2vid_tf.web.calls import ModelCall, command_line, python_call
from seg2vid_tf.web.settings import Settings
from tests.programs import EXPERIMENTS

PRESET, FOLDER = ModelCall(preset="cityscapes"), ModelCall(folder="mine; rm -r x")
SERVER = ModelCall(server="localhost:8501", model="street")


def test_a_preset():
    assert python_call(PRESET, Settings(7, 1, 4), 4, False).splitlines()[-3:] == [
        "pipe = Seg2VidPipeline.from_preset('cityscapes')",
        'out = pipe("map.png", seed=7)',
        'out.save_gif("video.gif")',
    ]
    command = command_line(PRESET, Settings(7, 1, 4), 4, False)
    assert command == "python experiments/generate.py --preset=cityscapes --label_map=map.png --output=out --seed=7"


def test_everything_is_said():
    asked = Settings(7, 3, 9, 0.25)
    assert 'pipe("map.png", seed=7, num_videos=3, num_frames=9, temperature=0.25, reference=style)' in python_call(
        PRESET, asked, 4, True
    )
    given = {"num_videos=3", "num_frames=9", "temperature=0.25", "reference=style.png"}
    assert {f"--{flag}" for flag in given} <= set(command_line(PRESET, asked, 4, True).split())


def test_looks_are_said():
    asked = Settings(7, 2, 4, None, 5, ("car", "traffic light"), 8)
    python, command = python_call(PRESET, asked, 4, False), command_line(PRESET, asked, 4, False)
    assert "restyled_start_frame(\"map.png\", ['car', 'traffic light'], restyle_seed=8, seed=7, style_seed=5)" in python
    assert 'pipe("map.png", seed=7, num_videos=2, start_frame=start)' in python
    ast.parse(python)
    assert {"--style_seed=5", "--restyle=car,traffic light", "--restyle_seed=8"} <= set(shlex.split(command))
    asked = Settings(7, 1, 4, None, None, ("car",), 8)
    assert "seed=7, reference=style)" in python_call(PRESET, asked, 4, True)
    assert "restyle" not in command_line(PRESET, Settings(7, 1, 4), 4, False)


def test_a_folders_name_is_quoted():
    assert "--saved_model=mine; rm -r x" in shlex.split(command_line(FOLDER, Settings(0, 1, 4), 4, False))
    ast.parse(python_call(FOLDER, Settings(0, 1, 4), 4, False))


@pytest.mark.parametrize("asked", [Settings(7, 2, 4), Settings(7, 1, 2), Settings(7, 1, 9)])
def test_a_servers_python_runs(asked, monkeypatch):
    """It asks for each seed's video, of the length that was asked for."""
    saved, called = {}, []

    class Client:
        def __init__(self, *arguments):
            assert arguments == ("localhost:8501", "street", "rest")

        def video(self, label_map, seed, num_frames=4):
            called.append(seed)
            yield np.zeros((1, 2, 2, 3))
            yield np.zeros((num_frames, 2, 2, 3))

        __enter__, __exit__ = lambda self: self, lambda *_: None

    monkeypatch.setattr(client, "Seg2VidClient", Client)
    monkeypatch.setattr(media, "save_gif", lambda frames, path: saved.update({path: len(frames)}))
    exec(compile(python_call(SERVER, asked, 4, False), "call", "exec"), {})  # the text is ours
    assert saved == {f"video_{7 + i}.gif": asked.num_frames + 1 for i in range(asked.num_videos)}
    assert called == list(range(7, 7 + asked.num_videos))


@pytest.mark.parametrize("program, call", [("generate.py", PRESET), ("generate.py", FOLDER), ("request.py", SERVER)])
def test_every_flag_is_one_of_the_programs(program, call):
    defined = re.findall(r'DEFINE_\w+\(\s*"(\w+)"', (EXPERIMENTS / program).read_text(encoding="utf-8"))
    lines = command_line(call, Settings(1, 2, 9, 0.5, 3, ("car",)), 4, program == "generate.py").splitlines()
    assert len(lines) == (2 if program == "request.py" else 1), "request.py makes one video"
    for line in lines:
        words = shlex.split(line)
        assert words[:2] == ["python", f"experiments/{program}"]
        assert {word[2:].split("=")[0] for word in words[2:]} <= set(defined)
