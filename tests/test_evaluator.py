"""Evaluator from Python: what a stopped evaluation keeps, overlap with training, another baseline, networks by path."""

import copy
import dataclasses
import shutil
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import seg2vid_tf.evaluator as evaluator_module
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipList
from seg2vid_tf.data.overlap import SharedFrames
from seg2vid_tf.data.shard_writer import write_shards
from seg2vid_tf.data.synthetic_street import SyntheticStreet
from seg2vid_tf.evaluation.methods import Protocol
from seg2vid_tf.evaluator import Evaluator, Networks
from seg2vid_tf.files import read_document
from seg2vid_tf.pipeline import Seg2VidPipeline
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.motion_trainer import MotionTrainer
from tests.stacks import on_second_stack

pytestmark = on_second_stack

QUICK = Protocol(samples=2, swap=False, external_flow=False)
UNKNOWN = "is unknown without ImageHash: pip install 'seg2vid_tf[eval]'"


@pytest.fixture
def no_imagehash(monkeypatch):
    """As where the extra eval is not installed."""
    monkeypatch.setitem(sys.modules, "imagehash", None)


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
    assert evaluator.run(tmp_path / "out") == metrics == read_document(folder / "metrics.json")
    assert (tmp_path / "out" / "clips" / "000000.json").stat().st_mtime_ns == kept, "it was not measured again"


def test_a_folder_of_another_evaluation_is_left_alone(finished, pipe, saved_model, street_data):
    _, folder, _ = finished
    other = Evaluator(pipe, saved_model, street_data / "validation", dataclasses.replace(QUICK, samples=3))
    with pytest.raises(ValueError, match="protocol.samples: 2 -> 3"):
        other.run(folder)


def test_seeds_of_another_kind_are_another_evaluation(finished, pipe, saved_model, street_data, monkeypatch):
    _, folder, metrics = finished
    assert metrics["noise_version"] == 2
    monkeypatch.setattr(pipe, "noise_version", 1)
    with pytest.raises(ValueError, match="noise_version: 2 -> 1"):
        Evaluator(pipe, saved_model, street_data / "validation", QUICK).run(folder)


def test_clips_that_were_trained_on_are_told(pipe, saved_model, street_data, tmp_path, no_imagehash):
    evaluator = Evaluator(
        pipe,
        saved_model,
        street_data / "train",
        dataclasses.replace(QUICK, max_clips=1, external_flow=True),
        train_data=[street_data / "validation", street_data / "train"],
    )
    warnings = evaluator.run(tmp_path / "out")["warnings"]
    assert warnings[:-1] == [
        f"TRAINED ON THIS: 16 frames of {street_data / 'train'} are frames of the training data",
        f"whether the model learned from frames coded anew {UNKNOWN}",
    ]
    assert warnings[-1].startswith("no intervals: all clips (1) are of one recording, 'street_000000'")
    report = (tmp_path / "out" / "report.html").read_text()
    assert "TRAINED ON THIS" in report and "<dt>warp_error_external</dt><dd>the same along the flow" in report


def test_clips_that_were_trained_on_are_told_without_opencv_too(pipe, saved_model, street_data, no_imagehash):
    evaluator = Evaluator(pipe, saved_model, street_data / "train", QUICK, train_data=[street_data / "train"])
    mean_flow, warnings = evaluator._learned_from()
    assert mean_flow is None and warnings == [
        f"TRAINED ON THIS: 16 frames of {street_data / 'train'} are frames of the training data",
        f"whether the model learned from frames coded anew {UNKNOWN}",
        "no mean_flow: it is measured by OpenCV (external_flow)",
    ]


def test_copies_that_were_coded_anew_are_told(pipe, saved_model, street_data, monkeypatch):
    monkeypatch.setattr(evaluator_module, "shared_frames", lambda split, others: SharedFrames(None, 3))
    evaluator = Evaluator(pipe, saved_model, street_data / "train", QUICK, train_data=[street_data / "validation"])
    warnings = evaluator._learned_from()[1]
    assert warnings[0].startswith(f"TRAINED ON THIS, it seems: 3 frames of {street_data / 'train'} look like frames of")


def test_training_data_that_is_too_small_is_told(pipe, saved_model, street_data, spec, tmp_path, no_imagehash):
    (clip,) = SyntheticStreet([1], 3, 32, 64, with_motion=False)
    clip = Clip(clip.clip_id, clip.frames[:, :16], clip.label_maps[:, :16])
    write_shards(ClipList([clip], spec), tmp_path, split="train")
    protocol = dataclasses.replace(QUICK, external_flow=True)
    evaluator = Evaluator(pipe, saved_model, street_data / "validation", protocol, train_data=[tmp_path / "train"])
    mean_flow, (unknown, no_flow) = evaluator._learned_from()
    assert mean_flow is None and no_flow.startswith("no mean_flow: ")
    assert unknown == f"whether the model learned from the very same frames, stored in another way, {UNKNOWN}"


def test_exact_motion_that_cannot_be_compared_with_is_told(pipe, saved_model, street_data, tmp_path):
    def warnings(data, **changes):
        evaluator = Evaluator(pipe, saved_model, data, dataclasses.replace(QUICK, **changes))
        return evaluator._warnings, next(evaluator._clips(evaluator._windows())).truth is not None

    assert warnings(street_data / "validation") == ([], True)
    ((line,), compared) = warnings(street_data / "validation", window_stride=1)
    assert "window_stride asks for others" in line and not compared
    assert warnings(street_data / "validation", num_frames=1) == ([], True)
    ((line,), compared) = warnings(street_data / "validation", num_frames=3)
    assert "the model's motion is that from frame 0 in the first 2 frames alone" in line and not compared
    write_shards(SyntheticStreet([1], 4, 64, 128), tmp_path, split="large", include_motion=True)
    ((line,), compared) = warnings(tmp_path / "large")
    assert "it is of frames (64, 128), the model's are (32, 64)" in line and not compared


def test_a_part_of_the_windows_is_spread_over_the_recordings(pipe, saved_model, street_data):
    """Intervals resample recordings: the first windows are often of one."""
    protocol = dataclasses.replace(QUICK, num_frames=1, window_stride=1, max_clips=2)
    evaluator = Evaluator(pipe, saved_model, street_data / "validation", protocol)
    names = [f"street_{seed:06d}" for seed in (100, 101)]
    assert [clip.clip_id for clip in evaluator._clips(evaluator._windows())] == names
    assert [clip.clip_id for clip in evaluator._clips(evaluator._windows(first=1))] == names[1:]
    assert evaluator._identity["data"]["windows"] == "evenly spread", "older evaluations took the first ones"
    assert "matching" not in evaluator._identity["model"], "an export keeps the matching that it was made with"


def test_from_a_map_alone_with_networks_and_horizons(pipe, saved_model, street_data, tmp_path):
    """Stage 1 paints frame 0, the video is longer than the model's, and an extractor and a classifier look on."""
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "means.keras")
    protocol = dataclasses.replace(QUICK, start_frame="generated", num_frames=3, horizons=(1, 3))
    means = str(tmp_path / "means.keras")
    networks = Networks(features=(means, f"pytorch_fid={means}"), classifier=means)
    evaluator = Evaluator(pipe, saved_model, street_data / "validation", protocol, networks=networks)
    metrics = evaluator.run(tmp_path / "out")
    assert set(metrics["methods"]) == {"samples", "best_of_2", "copy_frame_0"}
    assert {"psnr@1", "psnr@3"} <= set(metrics["methods"]["samples"]) and len(
        metrics["by_frame"]["samples"]["psnr"]
    ) == 3
    assert metrics["sets"]["samples"]["frechet_means"] > 0, "8 frames of 3 features"
    assert metrics["sets"]["samples"]["kid_means"] is None, "of two clips"
    assert metrics["sets"]["samples"]["frechet_pytorch_fid_means"] > 0
    fed = {"classifier": "as they are, [-1,1]", "features_means": "as they are, [-1,1]"}
    fed["features_pytorch_fid_means"] = "pytorch_fid's preparation"
    assert {role: network["fed"] for role, network in metrics["networks"].items()} == fed
    splits = {f"classifier_score_means_10_splits{end}" for end in ("", "_stddev")}
    assert set(metrics["sets"]["real"]) == {"classifier_score_means", *splits}


def _blind_run(root, motion_config, spec, **changes):
    """A run of stage 2 without annotation, after no step."""
    model = dataclasses.replace(motion_config.model, annotated=False, foreground_latent=0, **changes)
    config = dataclasses.replace(motion_config, model=model)
    trainer, folder = MotionTrainer(config, spec), RunFolder(root / "motion")
    folder.start("motion", config, spec, "data", False)
    folder.save(trainer.checkpointed, 1)
    return root


@pytest.fixture(scope="module")
def blind_run(motion_config, spec, tmp_path_factory):
    return _blind_run(tmp_path_factory.mktemp("blind"), motion_config, spec)


def test_a_model_without_annotation_is_one_more_baseline(pipe, saved_model, street_data, blind_run, tmp_path):
    evaluator = Evaluator(
        pipe,
        saved_model,
        street_data / "validation",
        dataclasses.replace(QUICK, max_clips=1),
        without_annotation=blind_run,
    )
    methods = evaluator.run(tmp_path / "out")["methods"]
    names = {"reconstruction", "samples", "best_of_2"}
    assert set(methods) == names | {f"without_annotation_{name}" for name in names} | {"copy_frame_0"}
    own, other = (methods[f"{prefix}samples"]["psnr"]["mean"] for prefix in ("", "without_annotation_"))
    assert own != other


def test_a_model_that_sees_annotations_or_other_clips_is_no_such_baseline(
    pipe, saved_model, street_data, run_dir, motion_config, spec, tmp_path
):
    def refused(run, message):
        with pytest.raises(ValueError, match=message):
            Evaluator(pipe, saved_model, street_data / "validation", QUICK, without_annotation=run)

    refused(run_dir, "was trained with annotation")
    refused(
        _blind_run(tmp_path, motion_config, spec, num_frames=3), "is of another num_frames than the model: 3, not 2"
    )


def test_from_a_map_alone_the_other_model_animates_what_stage_1_painted(
    pipe, saved_model, street_data, blind_run, tmp_path
):
    protocol = dataclasses.replace(QUICK, start_frame="generated", max_clips=1)
    evaluator = Evaluator(pipe, saved_model, street_data / "validation", protocol, without_annotation=blind_run)
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


@pytest.mark.parametrize("name", ["flow", "visibility", "frames"])
def test_a_broken_model_gives_no_numbers(name, pipe, saved_model, street_data, tmp_path):
    broken = copy.copy(pipe)

    def nan(**inputs):
        outputs = dict(pipe._functions["animate_tensor"](**inputs))
        first, rest = outputs[name][:, :1], tf.cast(outputs[name][:, 1:], tf.float32)
        return outputs | {name: tf.concat([first, tf.saturate_cast(rest * np.nan, first.dtype)], axis=1).numpy()}

    broken._functions = {**pipe._functions, "animate_tensor": nan}
    evaluator = Evaluator(broken, saved_model, street_data / "validation", QUICK)
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
        ({"temperature": -1.0}, "temperature must be finite and at least 0, received -1.0"),
        ({"horizons": (0,)}, "horizons must be positive"),
        ({"num_frames": 0}, "num_frames must be at least 1, received 0"),
    ],
)
def test_protocols_that_mean_nothing(changes, message):
    with pytest.raises(ValueError, match=message):
        Protocol(**changes)


@pytest.fixture(scope="module")
def motion_alone(run_dir):
    return Seg2VidPipeline.from_run(run_dir, start_frame=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizons": (1, 3)}, r"horizons asks for scores over the first \[3\] frames, and only 2 are made"),
        ({"samples": 0, "num_frames": 3}, "samples must be at least 2 with num_frames 3"),
        ({"start_frame": "generated"}, "has no stage 1 to paint start frames with"),
    ],
)
def test_protocols_that_a_model_cannot_follow(changes, message, motion_alone, run_dir, street_data):
    with pytest.raises(ValueError, match=message):
        Evaluator(motion_alone, run_dir, street_data / "validation", dataclasses.replace(QUICK, **changes))


def test_a_network_is_known_by_what_it_is_for(pipe, saved_model, street_data, tmp_path):
    """An evaluation that gains a classifier half-way would measure half of its clips with it."""
    inputs = keras.Input((None, None, 3))
    keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs)).save(tmp_path / "net.keras")
    path = str(tmp_path / "net.keras")
    protocol = dataclasses.replace(QUICK, max_clips=1)
    given = pipe, saved_model, street_data / "validation", protocol
    Evaluator(*given, networks=Networks(features=(path,))).run(tmp_path / "out")
    with pytest.raises(ValueError, match="it differs in networks.classifier"):
        Evaluator(*given, networks=Networks(features=(path,), classifier=path)).run(tmp_path / "out")


def test_a_run_is_known_by_its_networks(run_dir, tmp_path):
    shutil.copytree(run_dir / "motion", tmp_path / "motion")
    assert RunFolder(tmp_path / "motion").digest() == RunFolder(run_dir / "motion").digest()
    data = next((tmp_path / "motion" / "checkpoints").glob("*.data*"))
    data.write_bytes(data.read_bytes()[:-1] + b"\0")
    assert RunFolder(tmp_path / "motion").digest() != RunFolder(run_dir / "motion").digest()
