"""Networks from run folders: what comes back is the average, whole, and of one piece."""

import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import build_generator
from seg2vid_tf.models.restore import load_start_frame_model, seg2vid_from_run
from seg2vid_tf.run_folder import RunFolder


def assert_same_weights(network, expected):
    for a, b in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def run_dir(seg2vid, spec, start_frame_config, motion_config, tmp_path):
    """A run folder with one checkpoint of each stage of the tiny model; stage 1's weights are not their average."""
    averages = {"generator_average": seg2vid.generator, "style_encoder_average": seg2vid.style_encoder}
    newest = {"generator": build_generator(start_frame_config.model, spec)}
    for stage, config, objects in (
        ("start_frame", start_frame_config, {**newest, **averages}),
        ("motion", motion_config, {"motion": seg2vid.motion}),
    ):
        folder = RunFolder(tmp_path / stage)
        folder.start(stage, config, spec, "clips", resume=False)
        folder.save(objects, 3)
    return tmp_path


def test_both_stages_come_back_from_their_run_folders(seg2vid, spec, run_dir):
    restored = seg2vid_from_run(run_dir)
    ids = np.random.default_rng(0).integers(0, spec.num_classes, (2, *seg2vid.size)).astype(np.uint8)
    inputs = {"label_map": tf.constant(ids), "seed": tf.constant([1, 2], tf.int64)}
    expected, outputs = seg2vid(inputs), restored(inputs)
    for name, value in expected.items():
        np.testing.assert_array_equal(outputs[name], value, err_msg=name)
    assert_same_weights(restored.style_encoder, seg2vid.style_encoder)


def test_stage_2_of_another_run(seg2vid, run_dir):
    (run_dir / "elsewhere").mkdir()
    (run_dir / "motion").rename(run_dir / "elsewhere/motion")
    restored = seg2vid_from_run(run_dir, motion_dir=run_dir / "elsewhere")
    assert_same_weights(restored.motion, seg2vid.motion)
    assert_same_weights(restored.generator, seg2vid.generator)
    with pytest.raises(ValueError, match="here holds no stage 2"):
        seg2vid_from_run(run_dir, motion_dir=run_dir / "here")


def test_stage_1_comes_back_alone_as_the_average_of_its_weights(seg2vid, spec, start_frame_config, run_dir):
    shutil.rmtree(run_dir / "motion")
    start_frame_model, config = load_start_frame_model(run_dir)
    assert config == start_frame_config and start_frame_model.spec == spec and not start_frame_model.uses_instances
    assert_same_weights(start_frame_model.generator, seg2vid.generator)
    assert_same_weights(start_frame_model.style_encoder, seg2vid.style_encoder)


def test_stage_1_without_style_encoder_and_with_instances(seg2vid_with_instances, spec, start_frame_config, tmp_path):
    model = dataclasses.replace(
        start_frame_config.model, generator_filters=(8, 8, 8), instance_boundary=True, style_encoder=False
    )
    folder = RunFolder(tmp_path / "start_frame")
    folder.start("start_frame", dataclasses.replace(start_frame_config, model=model), spec, "clips", resume=False)
    folder.save({"generator_average": seg2vid_with_instances.generator}, 3)
    start_frame_model, _ = load_start_frame_model(tmp_path)
    assert start_frame_model.style_encoder is None and start_frame_model.uses_instances
    assert_same_weights(start_frame_model.generator, seg2vid_with_instances.generator)


def test_stages_that_do_not_belong_together_are_refused(run_dir, spec, motion_config):
    other = RunFolder(run_dir / "other")
    smaller = dataclasses.replace(motion_config, model=dataclasses.replace(motion_config.model, height=16))
    other.start("motion", smaller, spec, "clips", resume=False)
    (run_dir / "motion").rename(run_dir / "moved")
    (run_dir / "other").rename(run_dir / "motion")
    with pytest.raises(ValueError, match=r"start_frame was trained at 32x64, motion of .* at 16x64"):
        seg2vid_from_run(run_dir)
    RunFolder(run_dir / "third").start(
        "motion", motion_config, dataclasses.replace(spec, name="x"), "clips", resume=False
    )
    (run_dir / "motion").rename(run_dir / "smaller")
    (run_dir / "third").rename(run_dir / "motion")
    with pytest.raises(ValueError, match="motion of .* on another, 'x'"):
        seg2vid_from_run(run_dir)


def test_a_missing_stage_and_a_stage_without_checkpoint_are_refused(run_dir):
    for file in (run_dir / "motion" / "checkpoints").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="has no checkpoint yet"):
        seg2vid_from_run(run_dir)
    (run_dir / "motion" / "config.json").unlink()
    with pytest.raises(ValueError, match="holds no run"):
        seg2vid_from_run(run_dir)
    shutil.rmtree(run_dir / "motion")
    with pytest.raises(ValueError, match="holds no stage 2, which a video needs"):
        seg2vid_from_run(run_dir)
