"""experiments/evaluate.py and experiments/draw_label_map.py as a user starts them."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.label_map import read_label_map
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet

EXPERIMENTS = pathlib.Path(__file__).resolve().parents[1] / "experiments"


def _run(program, **options):
    arguments = [sys.executable, EXPERIMENTS / program, *(f"--{name}={value}" for name, value in options.items())]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=300)


def test_evaluate_scores_a_run_beside_its_baselines(run_dir, street_data, tmp_path):
    output = tmp_path / "metrics.json"
    (tmp_path / "motion").symlink_to(run_dir / "motion")  # stage 1 has no part in these scores
    done = _run("evaluate.py", run_dir=tmp_path, data=street_data / "validation", output=output, samples=3)
    assert done.returncode == 0, done.stderr
    result = json.loads(output.read_text())
    assert result["clips"] == 2
    motion = {f"{score}{way}" for way in ("", "_backward") for score in ("epe", "occlusion_f1")}
    motion |= {f"epe{way}_zero_flow" for way in ("", "_backward")}
    drawn = {"psnr_best_of_3", "samples_flow_spread"}
    groups = ("background", "foreground")
    swaps = {f"swap_{part}_moves_{group}" for part in groups for group in groups}
    assert set(result) == {"data", "model", "clips", "psnr", "psnr_copy_frame_0"} | motion | drawn | swaps
    assert result["samples_flow_spread"] > 0
    assert result["epe_zero_flow"] > 0
    assert all(np.isfinite(result[name]) for name in motion | {"psnr", "psnr_copy_frame_0"})


def test_evaluate_refuses_two_models(run_dir, street_data, tmp_path):
    output = tmp_path / "metrics.json"
    done = _run("evaluate.py", run_dir=run_dir, saved_model="x", data=street_data / "validation", output=output)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: give exactly one of --saved_model and --run_dir"
    assert not output.exists()


def test_evaluate_refuses_data_of_another_spec(run_dir, spec, tmp_path):
    """Ids of one spec often lie inside another: the scores would be wrong without a sign of it."""
    clips = SyntheticStreet([1], 3, 32, 64, with_motion=False)
    write_shards(ClipList(clips, dataclasses.replace(spec, name="mine")), tmp_path, split="train")
    output = tmp_path / "metrics.json"
    done = _run("evaluate.py", run_dir=run_dir, data=tmp_path / "train", output=output)
    assert done.returncode == 1
    assert "holds spec 'mine', the model was trained on 'synthetic_street'" in done.stderr.splitlines()[-1]
    assert not output.exists()


def test_draw_label_map(spec, tmp_path):
    output = tmp_path / "label.png"
    done = _run("draw_label_map.py", seed=3, height=32, width=64, output=output)
    assert done.returncode == 0, done.stderr
    label_map = read_label_map(output, spec)
    assert label_map.shape == (32, 64) and len(np.unique(label_map)) > 3
    colors = np.asarray(Image.open(tmp_path / "label_colors.png"))
    road = spec.classes[0]
    assert (colors[label_map == road.id] == road.color).all()
