"""experiments/evaluate_start_frame.py as a user starts it, with tiny networks to judge by."""

import dataclasses
import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet
from tests.programs import run_several
from tests.stacks import on_first_stack

pytestmark = on_first_stack

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "experiments" / "evaluate_start_frame.py"


@pytest.fixture(scope="module")
def judged_data(street_data, tmp_path_factory):
    """The validation split, its spec with the label set that a Cityscapes segmenter needs; the run never knew it."""
    root = tmp_path_factory.mktemp("data") / "judged"
    shutil.copytree(street_data / "validation", root)
    manifest = root / "manifest.json"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    document["spec"]["label_sets"] = {"cityscapes": {"0": 0, "1": 6}}
    del document["sha256"]  # changed by hand, as a document from before there were sums may be
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
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(folder / "means.keras")
    return {
        "segmenter_path": folder / "segmenter.tflite",
        "lpips_path": folder / "lpips.npz",
        "features": folder / "means.keras",
    }


def test_it_measures_writes_a_sheet_and_refuses_what_it_cannot(
    run_dir, saved_model, saved_model_with_instances, judged_data, networks, street_data, spec, tmp_path
):
    write_shards(
        ClipList(SyntheticStreet([1], 1, 32, 64, with_motion=False), dataclasses.replace(spec, name="mine")),
        tmp_path,
        split="other",
    )
    write_shards(SyntheticStreet(range(200, 205), 1, 64, 64), tmp_path, split="square")
    common = {"run_dir": run_dir, "data": judged_data}
    export = {"saved_model": saved_model, "data": judged_data}
    calls = {
        "all": {**common, **networks, "style_pairs": 5, "sheet_rows": 3},
        "all of the export": {**export, **networks, "style_pairs": 5, "sheet_rows": 3},
        "lpips": {**common, "lpips_path": networks["lpips_path"], "max_frames": 2, "num_seeds": 1},
        "stored larger": {**common, "data": tmp_path / "square", "features": networks["features"], "style_pairs": 2},
        "without a style encoder": {
            "saved_model": saved_model_with_instances,
            "data": street_data / "validation",
            "features": networks["features"],
        },
        "nothing to measure with: give --segmenter_path, --lpips_path, --features or --style_pairs": common,
        "give exactly one of --saved_model and --run_dir": {**common, **export, **networks},
        "--style_pairs=9: 8 frames are measured, as many pairs at most, and 2 at least": {**common, "style_pairs": 9},
        "--style_pairs=1: 1 frames are measured": {**common, "style_pairs": 1, "max_frames": 1},
        "this model has no style encoder, leave it out": {
            "saved_model": saved_model_with_instances,
            "data": street_data / "validation",
            "style_pairs": 1,
        },
        "other holds spec 'mine', the model was trained on 'synthetic_street'": {
            **common,
            **networks,
            "data": tmp_path / "other",
        },
        "label set": {**common, **networks, "data": street_data / "validation"},
        "--segmenter_path: no file or folder": {**common, "segmenter_path": tmp_path / "absent.tflite"},
        "unknown preprocessing 'kid': there are fid": {**common, "features": "kid=net.keras"},
    }
    lines = [
        [str(PROGRAM), *(f"--{k}={v}" for k, v in {**options, "output": tmp_path / f"{i}.json"}.items())]
        for i, options in enumerate(calls.values())
    ]
    endings, _ = run_several(lines)
    measured = [ending for ending, message in zip(endings, calls, strict=True) if ending is None]
    assert len(measured) == 5 and endings[:5] == measured, endings
    for ending, message in list(zip(endings, calls, strict=True))[5:]:
        assert ending.startswith("error: ") and message in ending, ending
    written = [f"{i}.{kind}" for i in range(5) for kind in ("json", "png")]
    assert sorted(p.name for p in tmp_path.glob("*.*")) == written
    whole, of_export, only_lpips, square, without_style = (
        json.loads((tmp_path / f"{i}.json").read_text()) for i in range(5)
    )

    segmenter = ("segmenter_accuracy", "segmenter_mean_iou")
    assert set(whole) == {
        *("data", "model", "seeds", "frames", "fed", "lpips", "lpips_between_seeds", "style", "warnings"),
        *(f"{score}{kind}" for score in segmenter for kind in ("", "_real", "_ratio")),
        *("frechet_means", "kid_means", "kid_means_stderr"),
    }
    assert (whole["data"], whole["model"]) == (str(common["data"]), str(run_dir))
    assert (whole["seeds"], whole["frames"], whole["warnings"]) == (3, 8, [])  # two clips of four frames
    assert whole["segmenter_accuracy_real"] > 0 and whole["lpips_between_seeds"] > 0 and whole["kid_means"] > 0
    assert whole["segmenter_accuracy_ratio"] == whole["segmenter_accuracy"] / whole["segmenter_accuracy_real"]
    style = whole["style"]
    assert style["pairs"] == 5 and style["classes"]["road"]["pairs"] == 5
    assert set(style["segmenter_accuracy"]) == {"reference_style", "random_style", "real"}

    # An export paints as its run does, to a grey level.
    assert of_export["model"] == str(saved_model) and set(of_export) == set(whole)
    for name in ("lpips", "lpips_between_seeds", "kid_means", "segmenter_accuracy"):
        assert of_export[name] == pytest.approx(whole[name], rel=0.02), name
    for name, score in style["classes"].items():
        assert of_export["style"]["classes"][name]["random_style"] == pytest.approx(score["random_style"], abs=0.3)

    assert set(only_lpips) == {"data", "model", "seeds", "frames", "chosen", "lpips", "warnings"}
    assert only_lpips["frames"] == 2 and only_lpips["chosen"] == "evenly spread"
    assert square["frames"] == 5 and square["style"]["pairs"] == 2 and "segmenter_accuracy" not in square["style"]
    assert without_style["frames"] == 8 and "style" not in without_style
    # annotation | seeds | in another picture's style | that picture | real, with gaps of two.
    for name, rows, columns, width, height in (
        ("0.png", 3, 7, 64, 32),
        ("1.png", 3, 7, 64, 32),
        ("2.png", 2, 5, 64, 32),
        ("3.png", 5, 7, 64, 32),
        ("4.png", 8, 5, 32, 16),
    ):
        with Image.open(tmp_path / name) as sheet:
            assert sheet.size == (columns * width + (columns - 1) * 2, rows * height + (rows - 1) * 2), name
