"""Seg2Vid: its three doors agree with each other, and seeds mean the same everywhere."""

import numpy as np
import pytest
import tensorflow as tf

NAMES = {"start_frame", "flow", "flow_backward", "visibility", "visibility_backward", "warped", "frames"}


@pytest.fixture(scope="module")
def label_map(seg2vid, spec):
    rng = np.random.default_rng(0)
    return tf.constant(rng.integers(0, spec.num_classes, (2, *seg2vid.size)), tf.uint8)


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
