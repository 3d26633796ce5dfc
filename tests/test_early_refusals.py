"""What a program can refuse without TensorFlow it refuses where TensorFlow cannot even be imported: within a second."""

import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.config import MOTION_PRESETS
from seg2vid_tf.export_folder import DESCRIPTION
from seg2vid_tf.run_folder import RunFolder
from tests.programs import EXPERIMENTS, command_line, run_python, run_several
from tests.stacks import on_second_stack

pytestmark = on_second_stack

WITHOUT_TENSORFLOW = pathlib.Path(__file__).with_name("without_tensorflow.py")


def refusal(program, **options):
    """What a program says before it ends with status 1."""
    given = [f"--{name}={value}" for name, value in options.items()]
    done = run_python(WITHOUT_TENSORFLOW, EXPERIMENTS / program, *given)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def models(spec, tmp_path_factory):
    """An export of which nothing is there but its document, and a run with nothing but its config."""
    root = tmp_path_factory.mktemp("models")
    document = root / "export" / "1" / DESCRIPTION
    document.parent.mkdir(parents=True)
    (root / "export/1/saved_model.pb").touch()
    description = {"spec": spec.to_json(), "size": [64, 128], "stages": ["start_frame", "motion"], "num_frames": 4}
    description |= {"style_dim": 4, "latent_dim": 10, "background_latent": 6, "instance_boundary": False}
    document.write_text(json.dumps({**description, "temperature": 0.5, "smoothness": 2.0}))
    RunFolder(root / "run/motion").start("motion", MOTION_PRESETS["tiny"], spec, "clips", resume=False)
    return {"saved_model": root / "export", "run_dir": root / "run"}


@pytest.mark.parametrize("where", ["saved_model", "run_dir"])
def test_label_maps(models, where, tmp_path):
    ids = np.zeros((64, 128), np.uint8)
    pictures = {
        "8-bit RGB PNG": np.zeros((64, 128, 3), np.uint8),
        "ids [77] are not in spec 'synthetic_street'": np.where(np.arange(128) == 5, 77, ids).astype(np.uint8),
        "is 32 x 128 (height x width), the model takes 64 x 128: give --resize": ids[:32],
    }
    for i, (message, picture) in enumerate(pictures.items()):
        path = tmp_path / f"{i}.png"
        Image.fromarray(picture).save(path)
        said = refusal("generate.py", label_map=path, output=tmp_path / "out", **{where: models[where]})
        assert said.startswith("error: ") and message in said
    Image.fromarray(ids).save(tmp_path / "good.png")
    said = refusal("generate.py", label_map=tmp_path / "good.png", output=tmp_path / "out", **{where: models[where]})
    assert "import of tensorflow halted" in said, "what is right goes on, to where it needs TensorFlow"


def test_what_else_generate_is_given(models, tmp_path):
    Image.fromarray(np.zeros((64, 128), np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    given = {"label_map": tmp_path / "good.png", "output": tmp_path / "out", "saved_model": models["saved_model"]}
    for options, message in (
        ({"interpolate_to": 3}, "error: --interpolate_to is the last of several videos' seeds: give --num_videos of"),
        ({"motion_of": tmp_path / "absent"}, "error: --motion_of: no folder"),
        ({"fps": 0}, "error: fps must lie in 0.01..100, received 0.0"),
        ({"start_frame": tmp_path / "broken.png"}, "broken.png: not a readable JPEG or PNG frame"),
        ({"instance_map": tmp_path / "broken.png"}, "broken.png: not a PNG"),
        ({"num_frames": 0}, "flag --num_frames=0: "),
        ({"z_walk": 2}, "flag --z_walk=2: "),
        ({"temperature": -1}, "flag --temperature=-1: "),
        (
            {"restyle": "car"},
            "error: --restyle: export/1 cannot paint some classes in another look: that takes stage 1's",
        ),
        ({"restyle": "car"}, "export its run again, or take a preset that can: cityscapes\n"),
    ):
        said = refusal("generate.py", **given, **options)
        assert message in said and "import of tensorflow halted" not in said, said


def test_what_a_picture_to_animate_contradicts_is_told_with_what_leads_on(models, tmp_path):
    label_map = tmp_path / "good.png"
    Image.fromarray(np.zeros((64, 128), np.uint8)).save(label_map)
    given = {"label_map": label_map, "output": tmp_path / "out", "start_frame": label_map}
    run, export = ({**given, name: models[name]} for name in ("run_dir", "saved_model"))
    document = json.loads((models["saved_model"] / "1" / DESCRIPTION).read_text())
    copy = tmp_path / "motion_encoder_alone" / "1" / DESCRIPTION
    copy.parent.mkdir(parents=True)
    copy.write_text(json.dumps({**document, "encoder": ["encode_motion"]}))
    (tmp_path / "motion_encoder_alone/1/saved_model.pb").touch()
    without_encoder = {**given, "saved_model": tmp_path / "motion_encoder_alone"}
    either = "keeps its look, which {0} would change: leave out --start_frame or {0}"
    paint = f"; to have it painted in the photo's style: --reference={label_map} instead of --start_frame"
    calls = {
        either.format("--style_seed") + paint + ", and no --style_seed": {**run, "style_seed": 5},
        either.format("--restyle") + paint + ", and --restyle=car as it is": {**run, "restyle": "car"},
        paint + ", and no --style_seed, and --restyle=car as it is": {**run, "style_seed": 5, "restyle": "car"},
        either.format("--reference"): {**run, "reference": label_map},
        "take a preset that can: cityscapes": {**export, "restyle": "car"},
        either.format("--style_seed"): {**without_encoder, "style_seed": 5},
    }
    endings, _ = run_several([command_line("generate.py", options) for options in calls.values()])
    for message, ending in zip(calls, endings, strict=True):
        assert ending.startswith("error: ") and ending.endswith(message), ending


def test_a_runs_flags(models, tmp_path):
    given = {"data_dir": tmp_path, "run_dir": models["run_dir"], "model_size": "tiny"}
    assert "already holds a run: go on with --resume" in refusal("train_motion.py", **given)
    said = refusal("train_motion.py", **given, resume="true", kl_weight=0.5)
    assert "it differs in config.losses.kl_weight: " in said
    assert "config.model.num_frames: " in refusal("train_motion.py", **given, resume="true", num_frames=3)
    assert "import of keras halted" in refusal("train_motion.py", **given, resume="true")
