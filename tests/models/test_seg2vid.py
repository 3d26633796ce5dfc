"""Seg2Vid: its three doors agree with each other, and seeds mean the same everywhere."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models import seeds as seeds_module
from seg2vid_tf.models.seeds import walked
from seg2vid_tf.ops.image import to_uint8
from seg2vid_tf.ops.noise import per_example_normal
from seg2vid_tf.ops.warp import warp
from seg2vid_tf.serving.verify import CHANGED_PIXELS
from tests.tolerance import assert_far_apart, assert_rounded_alike, fan_ins

walk = functools.partial(seeds_module.walk, normal=per_example_normal)
NAMES = {"start_frame", "flow", "flow_backward", "visibility", "visibility_backward", "warped", "frames", "label_maps"}


@pytest.fixture(scope="module")
def label_map(seg2vid, spec):
    rng = np.random.default_rng(0)
    return tf.constant(rng.integers(0, spec.num_classes, (2, *seg2vid.size)), tf.uint8)


def test_each_video_walks_to_its_own_chunk_as_chunk_after_chunk_would():
    seed, stddev = tf.constant([5, 6, 7], tf.int64), np.float32([0.5, 1.0, 2.0, 0.1])
    z = tf.random.stateless_normal([3, 4], [0, 1])
    steps = [0.5, 1.0, 0.0]
    found = tf.function(walked)(z, seed, tf.constant([1, 3, 9], tf.int64), tf.constant(steps), stddev)
    for row, (chunk, step) in enumerate(zip((1, 3, 9), steps, strict=True)):
        expected = z[row : row + 1]
        for number in range(1, chunk + 1):
            expected = walk(expected, seed[row : row + 1], number, step, stddev)
        np.testing.assert_allclose(found[row], expected[0], atol=1e-5)
    assert np.abs(found - z)[:2].max() > 0.1
    np.testing.assert_array_equal(found[2], z[2])


def test_generate_is_a_start_frame_and_its_animation(seg2vid, label_map):
    seed = tf.constant([1, 2], tf.int64)
    style, z = seg2vid.draw(seed)
    generated = seg2vid.generate(label_map, style, z, seed)
    animated = seg2vid.animate(generated["start_frame"], label_map, z)
    assert set(generated) == set(animated) == NAMES
    for name in NAMES:
        np.testing.assert_array_equal(generated[name], animated[name], err_msg=name)


def test_a_seed_means_the_same_whatever_else_is_in_the_batch(seg2vid, label_map):
    two = seg2vid({"label_map": label_map, "seed": tf.constant([5, 9], tf.int64)})
    one = seg2vid({"label_map": label_map[1:], "seed": tf.constant([9], tf.int64)})
    other = seg2vid({"label_map": label_map[1:], "seed": tf.constant([5], tf.int64)})
    terms = fan_ins(seg2vid.generator, seg2vid.motion)
    row, alone, twin = ({name: out[name][-1:] for name in NAMES - {"label_maps"}} for out in (two, one, other))
    assert_rounded_alike(alone, row, terms)
    assert_far_apart(twin, row, terms)
    # What users are promised: one grey level.
    row, alone, twin = (to_uint8(out["frames"]).numpy().astype(int) for out in (row, alone, twin))
    assert np.abs(alone - row).max() <= 1 and np.abs(twin - row).max() > 20
    assert (one["label_maps"].numpy() != two["label_maps"][1:].numpy()).mean() <= CHANGED_PIXELS
    styles, z = seg2vid.draw(tf.constant([5, 9, 5], tf.int64))
    for draw in (styles, z):
        np.testing.assert_array_equal(draw[0], draw[2])
        assert (draw[0].numpy() != draw[1].numpy()).all()
    assert (styles[0].numpy() != z[0, : styles.shape[1]].numpy()).all()


def test_a_clips_own_motion_is_its_posterior(seg2vid, spec, label_map):
    frames = tf.random.stateless_uniform([2, seg2vid.motion.num_frames + 1, *seg2vid.size, 3], [1, 1], -1.0, 1.0)
    expected = seg2vid.motion.encode(frames, tf.one_hot(label_map, spec.num_classes))
    posterior = seg2vid.encode_motion(frames, label_map)
    np.testing.assert_array_equal(posterior.mean(), expected.mean())
    np.testing.assert_array_equal(posterior.stddev(), expected.stddev())


def test_label_maps_move_with_the_flow_and_stay_label_maps(seg2vid, spec):
    """Where all flow is zero they are the one given, ignored pixels too; where it is not they hold its classes only."""
    ids = np.full((1, *seg2vid.size), 2, np.uint8)
    ids[:, 8:20, 10:40], ids[:, :4] = 8, spec.ignore_id
    label_map = tf.constant(ids)
    start_frame = tf.zeros([1, *seg2vid.size, 3])
    moved = seg2vid.animate(start_frame, label_map, tf.ones([1, seg2vid.motion.latent_dim]))
    label_maps = moved["label_maps"].numpy()
    assert label_maps.dtype == np.uint8 and label_maps.shape == (1, seg2vid.motion.num_frames, *seg2vid.size)
    assert set(np.unique(label_maps)) <= {2, 8, spec.ignore_id}
    assert (label_maps[:, -1] != ids).any(), "it moves"
    from_hand = tf.argmax(
        warp(tf.one_hot(label_map, 256), moved["flow"][:, -1]), axis=-1
    )  # a channel for every id, the ignored one included
    assert (from_hand.numpy() == label_maps[:, -1]).mean() > 0.999


def test_a_walk_stays_as_likely_and_its_step_says_how_far():
    stddev = np.repeat(np.float32([1.0, 0.25]), 30)
    z, seeds = stddev * tf.random.stateless_normal([100, 60], [1, 2]), tf.range(100, dtype=tf.int64)
    np.testing.assert_array_equal(walk(z, seeds, 1, 0.0, stddev), z)
    for step, correlation in ((0.6, 0.8), (1.0, 0.0)):
        walked = walk(z, seeds, 1, step, stddev)
        for part in (slice(0, 30), slice(30, 60)):
            assert abs(np.std(walked[:, part]) / stddev[part][0] - 1.0) < 0.05
            assert abs(np.corrcoef(np.ravel(z[:, part]), np.ravel(walked[:, part]))[0, 1] - correlation) < 0.05
    np.testing.assert_array_equal(walk(z[5:6], seeds[5:6], 1, 0.6, stddev), walk(z, seeds, 1, 0.6, stddev)[5:6])
    assert (walk(z, seeds, 1, 0.6, stddev).numpy() != walk(z, seeds, 2, 0.6, stddev).numpy()).any()


def test_the_start_frames_noise_has_a_seed_of_its_own(seg2vid, label_map):
    style, z = seg2vid.draw(tf.constant([1, 2], tf.int64))
    first, other = (seg2vid.generate(label_map, style, z, tf.constant(s, tf.int64)) for s in ([1, 2], [1, 3]))
    np.testing.assert_allclose(first["start_frame"][0], other["start_frame"][0], atol=1e-5)
    assert np.abs(first["start_frame"][1] - other["start_frame"][1]).max() > 1e-3


def test_instances_reach_the_start_frame_where_the_model_was_trained_with_them(seg2vid_with_instances):
    model = seg2vid_with_instances
    inputs = {"label_map": np.zeros([1, *model.size], np.uint8), "seed": tf.constant([1], tf.int64)}
    one = np.zeros([1, *model.size], np.int32)
    two = one.copy()
    two[:, :, 16:] = 7
    first, other = (model({**inputs, "instance_map": tf.constant(m)})["start_frame"].numpy() for m in (one, two))
    assert np.abs(first - other)[:, :, 12:20].max() > 1e-3
    with pytest.raises(ValueError, match="instance_map: this model needs an instance map, received NoneType"):
        model(inputs)
