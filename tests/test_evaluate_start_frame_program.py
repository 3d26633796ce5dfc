"""experiments/evaluate_start_frame.py as a user starts it, with tiny networks to judge by."""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "experiments" / "evaluate_start_frame.py"
RUN_SEVERAL = pathlib.Path(__file__).parent / "run_several.py"


@pytest.fixture(scope="module")
def judged_data(street_data, tmp_path_factory):
    """The validation split, its spec with the label set that a Cityscapes segmenter needs; the run never knew it."""
    root = tmp_path_factory.mktemp("data") / "judged"
    shutil.copytree(street_data / "validation", root)
    manifest = root / "manifest.json"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["spec"]["label_sets"] = {"cityscapes": {"0": 0, "1": 6}}
    manifest.write_text(json.dumps(document), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A segmenter that calls bright pixels 1 and the others 0, and LPIPS with random weights."""
    folder = tmp_path_factory.mktemp("networks")
    module = tf.Module()
    module.run = tf.function(
        lambda x: tf.cast(tf.reduce_mean(x, -1) > 0, tf.int32),
        input_signature=[tf.TensorSpec((1, 32, 64, 3), tf.float32)],
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.run.get_concrete_function()], module)
    (folder / "segmenter.tflite").write_bytes(converter.convert())
    rng, arrays = np.random.default_rng(0), {}
    for i, (size, channels) in enumerate(((11, 3), (5, 2), (3, 2), (3, 2), (3, 2)), 1):
        arrays[f"conv{i}_w"] = rng.normal(size=(size, size, channels, 2)).astype(np.float32)
        arrays[f"conv{i}_b"], arrays[f"lin{i - 1}"] = np.ones(2, np.float32), np.ones(2)
    np.savez(folder / "lpips.npz", **arrays)
    return {"segmenter_path": folder / "segmenter.tflite", "lpips_path": folder / "lpips.npz"}


def test_it_measures_writes_a_sheet_and_refuses_what_it_cannot(
    run_dir, judged_data, networks, street_data, spec, tmp_path
):
    write_shards(
        ClipList(SyntheticStreet([1], 1, 32, 64, with_motion=False), dataclasses.replace(spec, name="mine")),
        tmp_path,
        split="other",
    )
    common = {"run_dir": run_dir, "data": judged_data}
    calls = {
        "both": {**common, **networks, "sheet_rows": 3},
        "lpips": {**common, "lpips_path": networks["lpips_path"], "max_frames": 2, "num_seeds": 1},
        "nothing to measure with: give --segmenter_path, --lpips_path or both": common,
        "other holds spec 'mine', the run was trained on 'synthetic_street'": {
            **common,
            **networks,
            "data": tmp_path / "other",
        },
        "label set": {**common, **networks, "data": street_data / "validation"},
        "absent.tflite": {**common, "segmenter_path": tmp_path / "absent.tflite"},
    }
    lines = [
        [str(PROGRAM), *(f"--{k}={v}" for k, v in {**options, "output": tmp_path / f"{i}.json"}.items())]
        for i, options in enumerate(calls.values())
    ]
    done = subprocess.run(
        [sys.executable, RUN_SEVERAL], input=json.dumps(lines), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    both, lpips, *refused = json.loads(done.stdout.splitlines()[-1])
    assert both is None and lpips is None
    for ending, message in zip(refused, list(calls)[2:], strict=True):
        assert ending.startswith("error: ") and message in ending, ending
    assert sorted(p.name for p in tmp_path.glob("*.*")) == ["0.json", "0.png", "1.json", "1.png"]

    result = json.loads((tmp_path / "0.json").read_text())
    assert set(result) == {
        *("data", "run", "seeds", "frames", "segmenter_accuracy", "segmenter_mean_iou", "segmenter_accuracy_real"),
        *("segmenter_mean_iou_real", "segmenter_accuracy_ratio", "lpips", "lpips_between_seeds"),
    }
    assert (result["data"], result["run"]) == (str(common["data"]), str(run_dir))
    assert (result["seeds"], result["frames"]) == (3, 8)  # two clips of four frames
    assert all(np.isfinite(v) for v in result.values() if not isinstance(v, str))
    assert result["segmenter_accuracy_real"] > 0 and result["lpips_between_seeds"] > 0
    only_lpips = json.loads((tmp_path / "1.json").read_text())
    assert set(only_lpips) == {"data", "run", "seeds", "frames", "lpips"} and only_lpips["frames"] == 2
    # annotation | seeds | real, with gaps of two.
    for name, rows, columns in (("0.png", 3, 5), ("1.png", 2, 3)):
        with Image.open(tmp_path / name) as sheet:
            assert sheet.size == (columns * 64 + (columns - 1) * 2, rows * 32 + (rows - 1) * 2)
