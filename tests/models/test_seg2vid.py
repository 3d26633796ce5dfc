"""Seg2Vid: its three doors agree with each other, seeds mean the same everywhere, and run folders bring it back."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.restore import seg2vid_from_run
from seg2vid_tf.run_folder import RunFolder

NAMES = {"start_frame", "flow", "flow_backward", "visibility", "visibility_backward", "warped", "frames"}


@pytest.fixture(scope="module")
def label_map(seg2vid, spec):
    rng = np.random.default_rng(0)
    return tf.constant(rng.integers(0, spec.num_classes, (2, *seg2vid.size)), tf.uint8)


def test_generate_is_a_start_frame_and_its_animation(seg2vid, label_map):
    style, z = seg2vid.draw(tf.constant([1, 2], tf.int64))
    generated = seg2vid.generate(label_map, style, z)
    animated = seg2vid.animate(generated["start_frame"], label_map, z)
    assert set(generated) == set(animated) == NAMES
    for name in NAMES:
        np.testing.assert_array_equal(generated[name], animated[name], err_msg=name)


def test_a_seed_means_the_same_whatever_else_is_in_the_batch(seg2vid, label_map):
    two = seg2vid({"label_map": label_map, "seed": tf.constant([5, 9], tf.int64)})
    one = seg2vid({"label_map": label_map[1:], "seed": tf.constant([9], tf.int64)})
    for name in NAMES:
        np.testing.assert_allclose(two[name][1:], one[name], rtol=1e-5, atol=1e-5, err_msg=name)
    styles, z = seg2vid.draw(tf.constant([5, 9, 5], tf.int64))
    for draw in (styles, z):
        np.testing.assert_array_equal(draw[0], draw[2])
        assert (draw[0].numpy() != draw[1].numpy()).all()
    assert (styles[0].numpy() != z[0, : styles.shape[1]].numpy()).all()


def test_reconstruct_goes_through_the_posterior_mean(seg2vid, spec, label_map):
    frames = tf.random.stateless_uniform([2, seg2vid.motion.num_frames + 1, *seg2vid.size, 3], [1, 1], -1.0, 1.0)
    annotation = tf.one_hot(label_map, spec.num_classes)
    z = seg2vid.motion.encode(frames, annotation).mean()
    reconstructed, animated = seg2vid.reconstruct(frames, label_map), seg2vid.animate(frames[:, 0], label_map, z)
    for name in NAMES:
        np.testing.assert_array_equal(reconstructed[name], animated[name], err_msg=name)


@pytest.fixture
def run_dir(seg2vid, spec, start_frame_config, motion_config, tmp_path):
    """A run folder with one checkpoint of each stage of the tiny model."""
    for stage, config, objects in (
        ("start_frame", start_frame_config, {"generator": seg2vid.generator}),
        ("motion", motion_config, {"motion": seg2vid.motion}),
    ):
        folder = RunFolder(tmp_path / stage)
        folder.start(stage, config, spec, "clips", resume=False)
        folder.save(objects, 3)
    return tmp_path


def test_both_stages_come_back_from_their_run_folders(seg2vid, label_map, run_dir):
    restored = seg2vid_from_run(run_dir)
    seed = tf.constant([1, 2], tf.int64)
    expected, outputs = (m({"label_map": label_map, "seed": seed}) for m in (seg2vid, restored))
    for name in NAMES:
        np.testing.assert_array_equal(outputs[name], expected[name], err_msg=name)


def test_stages_that_do_not_belong_together_are_refused(run_dir, spec, motion_config):
    other = RunFolder(run_dir / "other")
    smaller = dataclasses.replace(motion_config, model=dataclasses.replace(motion_config.model, height=16))
    other.start("motion", smaller, spec, "clips", resume=False)
    (run_dir / "motion").rename(run_dir / "moved")
    (run_dir / "other").rename(run_dir / "motion")
    with pytest.raises(ValueError, match=r"start_frame was trained at \(32, 64\), motion at \(16, 64\)"):
        seg2vid_from_run(run_dir)
    RunFolder(run_dir / "third").start(
        "motion", motion_config, dataclasses.replace(spec, name="x"), "clips", resume=False
    )
    (run_dir / "motion").rename(run_dir / "smaller")
    (run_dir / "third").rename(run_dir / "motion")
    with pytest.raises(ValueError, match="motion on another, 'x'"):
        seg2vid_from_run(run_dir)


def test_a_missing_stage_and_a_stage_without_checkpoint_are_refused(run_dir):
    for file in (run_dir / "motion" / "checkpoints").iterdir():
        file.unlink()
    with pytest.raises(ValueError, match="has no checkpoint yet"):
        seg2vid_from_run(run_dir)
    (run_dir / "motion" / "config.json").unlink()
    with pytest.raises(ValueError, match="holds no run"):
        seg2vid_from_run(run_dir)
