"""Evaluator from Python: what a stopped evaluation keeps, overlap with training, another baseline, networks by path."""

import dataclasses
import json
import shutil

import keras
import numpy as np
import pytest

from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet
from seg2vid_tf.evaluation.methods import Protocol
from seg2vid_tf.evaluator import Evaluator, Networks
from seg2vid_tf.pipeline import Seg2VidPipeline
from seg2vid_tf.run_folder import RunFolder

QUICK = Protocol(samples=2, swap=False, external_flow=False)


@pytest.fixture(scope="module")
def finished(pipe, saved_model, street_data, tmp_path_factory):
    """(Evaluator, folder of its finished evaluation, metrics)."""
    evaluator = Evaluator(pipe, saved_model, street_data / "validation", QUICK)
    folder = tmp_path_factory.mktemp("evaluation") / "out"
    return evaluator, folder, evaluator.run(folder)


def test_a_stopped_evaluation_goes_on_to_the_same_numbers(finished, tmp_path):
    evaluator, folder, metrics = finished
    shutil.copytree(folder, tmp_path / "out")
    for lost in ("metrics.json", "report.html", "clips/000001.json"):
        (tmp_path / "out" / lost).unlink()
    kept = (tmp_path / "out" / "clips" / "000000.json").stat().st_mtime_ns
    assert evaluator.run(tmp_path / "out") == metrics == json.loads((folder / "metrics.json").read_text())
    assert (tmp_path / "out" / "clips" / "000000.json").stat().st_mtime_ns == kept, "it was not measured again"


def test_a_folder_of_another_evaluation_is_left_alone(finished, pipe, saved_model, street_data):
    _, folder, _ = finished
    other = Evaluator(pipe, saved_model, street_data / "validation", dataclasses.replace(QUICK, samples=3))
    with pytest.raises(ValueError, match="protocol.samples: 2 -> 3"):
        other.run(folder)


def test_clips_that_were_trained_on_are_told(pipe, saved_model, street_data, tmp_path):
    evaluator = Evaluator(
        pipe,
        saved_model,
        street_data / "train",
        dataclasses.replace(QUICK, max_clips=1, external_flow=True),
        train_data=[street_data / "validation", street_data / "train"],
    )
    warnings = evaluator.run(tmp_path / "out")["warnings"]
    assert warnings == ["TRAINED ON THIS: 1 clips begin with a frame that begins a clip of the training data"]
    assert "TRAINED ON THIS" in (tmp_path / "out" / "report.html").read_text()


def test_from_a_map_alone_with_networks_and_horizons(pipe, saved_model, street_data, tmp_path):
    """Stage 1 paints frame 0, the video is longer than the model's, and an extractor and a classifier look on."""
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "means.keras")
    protocol = dataclasses.replace(QUICK, start_frame="generated", num_frames=3, horizons=(1, 3))
    networks = Networks(features=(str(tmp_path / "means.keras"),), classifier=str(tmp_path / "means.keras"))
    evaluator = Evaluator(pipe, saved_model, street_data / "validation", protocol, networks=networks)
    metrics = evaluator.run(tmp_path / "out")
    assert set(metrics["methods"]) == {"samples", "best_of_2", "copy_frame_0"}
    assert {"psnr@1", "psnr@3"} <= set(metrics["methods"]["samples"]) and len(
        metrics["by_frame"]["samples"]["psnr"]
    ) == 3
    assert metrics["sets"]["samples"]["frechet_means"] > 0, "8 frames of 3 features"
    assert set(metrics["sets"]["real"]) == {"classifier_score_means"}


def test_a_model_without_annotation_is_one_more_baseline(pipe, saved_model, street_data, run_dir, tmp_path):
    evaluator = Evaluator(
        pipe,
        saved_model,
        street_data / "validation",
        dataclasses.replace(QUICK, max_clips=1),
        without_annotation=run_dir,
    )
    methods = evaluator.run(tmp_path / "out")["methods"]
    names = {"reconstruction", "samples", "best_of_2"}
    assert set(methods) == names | {f"without_annotation_{name}" for name in names} | {"copy_frame_0"}
    own, other = methods["reconstruction"]["psnr"]["mean"], methods["without_annotation_reconstruction"]["psnr"]["mean"]
    assert own == pytest.approx(other, abs=0.2), "this run holds the same networks"


def test_from_a_map_alone_the_other_model_animates_what_stage_1_painted(
    pipe, saved_model, street_data, run_dir, tmp_path
):
    protocol = dataclasses.replace(QUICK, start_frame="generated", max_clips=1)
    evaluator = Evaluator(pipe, saved_model, street_data / "validation", protocol, without_annotation=run_dir)
    assert set(evaluator.run(tmp_path / "out")["methods"]) == {
        *("samples", "best_of_2", "without_annotation_samples", "without_annotation_best_of_2", "copy_frame_0")
    }
    (real,) = evaluator._clips(evaluator._windows())
    videos = evaluator._videos(real, 0)
    for name in ("samples", "without_annotation_samples"):
        np.testing.assert_array_equal(videos[name][0].frames[0], videos["samples"][0].frames[0])


def test_a_model_with_instances_is_given_those_of_the_data(saved_model_with_instances, spec, tmp_path):
    clips = list(SyntheticStreet([1], 2, 32, 64, with_motion=False))
    ids = (clips[0].label_maps == 8).astype(np.uint16)
    clips = ClipList([dataclasses.replace(clips[0], instance_maps=ids)], spec)
    write_shards(clips, tmp_path, split="validation")
    pipe = Seg2VidPipeline.from_saved_model(saved_model_with_instances)
    protocol = dataclasses.replace(QUICK, start_frame="generated")
    metrics = Evaluator(pipe, saved_model_with_instances, tmp_path / "validation", protocol).run(tmp_path / "out")
    assert metrics["clips"] == 1 and metrics["methods"]["samples"]["psnr"]["mean"] > 0


def test_a_broken_model_gives_no_numbers(seg2vid, street_data, run_dir, tmp_path):
    broken = Seg2VidPipeline.from_run(run_dir)

    def nan(**inputs):
        outputs = dict(Seg2VidPipeline.from_run(run_dir)._functions["animate_tensor"](**inputs))
        return outputs | {"flow": outputs["flow"] * np.nan}

    broken._functions["animate_tensor"] = nan
    evaluator = Evaluator(broken, run_dir, street_data / "validation", QUICK)
    with pytest.raises(ValueError, match="reconstruction of clip 0: the model gives NaN or infinity"):
        evaluator.run(tmp_path / "out")
    assert not (tmp_path / "out" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 1}, "samples must be 0 or at least 2, received 1"),
        ({"start_frame": "painted"}, "start_frame must be real or generated, received 'painted'"),
        ({"start_frame": "generated", "samples": 0}, "nothing else is made from it"),
        ({"samples": 0, "temperature": 1.0}, "temperature means nothing without samples"),
        ({"horizons": (0,)}, "horizons must be positive"),
        ({"num_frames": 0}, "num_frames must be at least 1, received 0"),
    ],
)
def test_protocols_that_mean_nothing(changes, message):
    with pytest.raises(ValueError, match=message):
        Protocol(**changes)


def test_a_run_is_known_by_its_networks(run_dir, tmp_path):
    shutil.copytree(run_dir / "motion", tmp_path / "motion")
    assert RunFolder(tmp_path / "motion").digest() == RunFolder(run_dir / "motion").digest()
    data = next((tmp_path / "motion" / "checkpoints").glob("*.data*"))
    data.write_bytes(data.read_bytes()[:-1] + b"\0")
    assert RunFolder(tmp_path / "motion").digest() != RunFolder(run_dir / "motion").digest()
