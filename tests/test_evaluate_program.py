"""experiments/evaluate.py and experiments/draw_label_map.py as a user starts them."""

import dataclasses
import json
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import read_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec, load_spec
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet
from seg2vid_tf.export_folder import newest_version, preset_folder, read_description
from tests.programs import command_line, run_program, run_several
from tests.stacks import on_first_stack

pytestmark = on_first_stack

EXPERIMENTS = pathlib.Path(__file__).resolve().parents[1] / "experiments"


def test_evaluate_measures_a_run_beside_its_baselines_and_compares(run_dir, street_data, tmp_path):
    (tmp_path / "motion").symlink_to(run_dir / "motion")  # stage 1 has no part in these scores
    given = {"run_dir": tmp_path, "data": street_data / "validation", "samples": 3}
    both = f"{tmp_path / 'a'},{tmp_path / 'b'}"
    calls = (
        {**given, "train_data": street_data / "train", "output": tmp_path / "a"},
        {**given, "horizons": 1, "external_flow": False, "output": tmp_path / "b"},
        {"compare": both, "output": tmp_path / "c"},
        {"compare": f"{tmp_path / 'a'},{tmp_path / 'a'}/", "output": tmp_path / "c"},
        {"compare": both, "samples": 3, "fps": 2, "output": tmp_path / "c"},
    )
    (*measured, unlike, twice, with_flags), printed = run_several([command_line("evaluate.py", call) for call in calls])
    assert measured == [None, None], measured
    first, report, _ = printed.partition(f"{tmp_path}/a/report.html: 2 clips")
    assert "reconstruction" in first and report
    metrics = json.loads((tmp_path / "a" / "metrics.json").read_text())
    assert (metrics["clips"], metrics["recordings"]) == (2, 2)
    assert [line for line in metrics["warnings"] if "ImageHash" not in line] == []
    motion = {f"{score}{way}" for way in ("", "_backward") for score in ("epe", "fl_all", "occlusion_f1")}
    groups = ("background", "foreground")
    swaps = {f"swap_{part}_moves_{group}" for part in groups for group in groups}
    scores = {"psnr", "ssim", "motion", *(f"warp_error_{flow}" for flow in ("predicted", "external", "real"))}
    methods = metrics["methods"]
    assert set(methods["reconstruction"]) == scores | motion | swaps
    assert set(methods["samples"]) == scores | motion | {"flow_spread"}
    assert set(methods["best_of_3"]) == scores | motion
    assert (
        set(methods["copy_frame_0"])
        == set(methods["mean_flow"])
        == set(methods["affine"])
        == scores | {"epe", "fl_all"}
    )
    assert methods["best_of_3"]["psnr"]["mean"] >= methods["samples"]["psnr"]["mean"]
    assert methods["copy_frame_0"]["epe"]["mean"] > 0 and methods["copy_frame_0"]["warp_error_external"]["mean"] == 0
    page = (tmp_path / "a" / "report.html").read_text()
    assert page.count("<h3>clip") == 2 and "best psnr" in page and "image/gif" in page
    assert list((tmp_path / "a" / "logs").iterdir())

    other = json.loads((tmp_path / "b" / "metrics.json").read_text())
    assert set(other["methods"]) == {"reconstruction", "samples", "best_of_3", "copy_frame_0"}
    assert "psnr@1" in other["methods"]["samples"] and "train_data was not given" in other["warnings"][0]
    for ending, message in (
        (unlike, "cannot be compared"),
        (twice, "two or more different evaluations"),
        (with_flags, "leave --samples, --fps out"),
    ):
        assert ending.startswith("error: ") and message in ending
    assert not (tmp_path / "c").exists()
    shutil.copytree(tmp_path / "a", tmp_path / "twin")
    done = run_program("evaluate.py", compare=f"{tmp_path / 'a'},{tmp_path / 'twin'}", output=tmp_path / "c")
    assert done.returncode == 0, done.stderr
    same = json.loads((tmp_path / "c" / "comparison.json").read_text())[str(tmp_path / "twin")]
    assert same["samples"]["psnr"] == {"mean": 0.0, "low": 0.0, "high": 0.0, "clips": 2, "recordings": 2}
    assert "minus" in (tmp_path / "c" / "report.html").read_text()


def test_evaluate_refuses_two_models(run_dir, street_data, tmp_path):
    output = tmp_path / "out"
    done = run_program("evaluate.py", run_dir=run_dir, saved_model="x", data=street_data / "validation", output=output)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: give exactly one of --saved_model and --run_dir"
    assert not output.exists()


def test_evaluate_refuses_data_of_another_spec(run_dir, spec, tmp_path):
    """Ids of one spec often lie inside another: the scores would be wrong without a sign of it."""
    clips = SyntheticStreet([1], 3, 32, 64, with_motion=False)
    renamed = dataclasses.replace(spec.classes[0], name="street")
    other = dataclasses.replace(spec, name="mine", classes=(renamed, *spec.classes[1:]))
    write_shards(ClipList(clips, other), tmp_path, split="train")
    output = tmp_path / "out"
    done = run_program("evaluate.py", run_dir=run_dir, data=tmp_path / "train", output=output)
    assert done.returncode == 1
    assert "holds spec 'mine', whose classes are not those of 'synthetic_street'" in done.stderr.splitlines()[-1]
    assert not output.exists()


@pytest.mark.parametrize("name", ["synthetic_street", "cityscapes", "weizmann_pose"])
def test_draw_label_map(name, tmp_path):
    output, spec = tmp_path / "label.png", load_spec(name)
    done = run_program("draw_label_map.py", seed=3, spec=name, height=32, width=64, output=output)
    assert done.returncode == 0, done.stderr
    label_map = read_label_map(output, spec)
    assert label_map.shape == (32, 64) and len(np.unique(label_map)) > 3
    colors = np.asarray(Image.open(tmp_path / "label_colors.png"))
    first = spec.classes[0]
    assert (colors[label_map == first.id] == first.color).all() and (label_map == first.id).any()


def test_draw_label_map_for_a_model_that_comes_with_the_project(tmp_path):
    done = run_program("draw_label_map.py", preset="synthetic_street", output=tmp_path / "label.png")
    assert done.returncode == 0, done.stderr
    description = read_description(newest_version(preset_folder("synthetic_street")))
    drawn = read_label_map(tmp_path / "label.png", AnnotationSpec.from_json(description["spec"]))
    assert list(drawn.shape) == description["size"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            {"spec": "sketch"},
            "spec 'sketch' has no skeleton and no label set 'synthetic_street': nothing to draw in it",
        ),
        ({"preset": "synthetic_street", "height": 64}, "leave --spec, --height and --width out"),
    ],
)
def test_draw_label_map_says_what_it_cannot_draw(flags, message, tmp_path):
    done = run_program("draw_label_map.py", **flags, output=tmp_path / "label.png")
    assert done.returncode == 1 and message in done.stderr and not list(tmp_path.iterdir())


def test_protocols_name_flags_that_there_are(tmp_path):
    """The first thing that is missing after them is the data."""
    files = sorted((EXPERIMENTS / "protocols").glob("*.flags"))
    calls = [command_line("evaluate.py", {"flagfile": file, "output": tmp_path / "out"}) for file in files]
    endings = dict(zip(files, run_several(calls)[0], strict=True))
    assert endings == dict.fromkeys(files, "error: give --data, the prepared split to measure on") and files
