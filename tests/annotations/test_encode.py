"""One-hot annotations: hand-computed values, the in-graph id check, instance borders."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.encode import decide_label_map, encode_annotation, encode_label_map, instance_boundary
from seg2vid_tf.annotations.spec import load_spec

SPEC = load_spec("synthetic_street")  # ids 0..8


def test_channels_are_one_hot_and_ignored_pixels_empty():
    annotation = encode_label_map(np.array([[[0, 8, 255]]], np.uint8), SPEC).numpy()
    assert annotation.shape == (1, 1, 3, 9) and annotation.dtype == np.float32
    np.testing.assert_array_equal(annotation[0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(annotation[0, 0, 1], [0, 0, 0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(annotation[0, 0, 2], np.zeros(9))


def test_unknown_ids_are_refused_eagerly_and_in_a_graph():
    bad = np.array([[0, 9, 200]], np.uint8)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"label_map: id outside spec synthetic_street(.|\n)*200"):
        encode_label_map(bad, SPEC)
    graph = tf.function(lambda x: encode_label_map(x, SPEC))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"label_map: id outside spec synthetic_street(.|\n)*200"):
        graph(tf.constant(bad))


def test_floats_are_refused():
    with pytest.raises(ValueError, match="label_map: dtype float32, expected uint8"):
        encode_label_map(np.zeros((2, 2), np.float32), SPEC)


# Instances 1 and 2 side by side on nothing (0); the border runs on both of its sides.
INSTANCES = np.array([[0, 0, 0, 0], [0, 1, 2, 0], [0, 1, 2, 2], [0, 0, 0, 0]])
BORDER = [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 1]]


def test_instance_boundary_by_hand():
    np.testing.assert_array_equal(instance_boundary(tf.constant(INSTANCES))[..., 0], BORDER)
    # A solid block of 3 x 3 has an inside.
    solid = np.zeros((5, 5), np.int32)
    solid[1:4, 1:4] = 26_003
    edge = instance_boundary(tf.constant(solid)).numpy()[..., 0]
    assert edge.dtype == np.float32 and edge[2, 2] == 0.0 and edge[0, 0] == 0.0
    assert edge[1:4, 1:4].sum() == 8 and edge.sum() == 8 + 12


def test_arrays_are_as_good_as_tensors():
    annotation = encode_annotation(np.zeros_like(INSTANCES, np.uint8), SPEC, INSTANCES)
    np.testing.assert_array_equal(annotation[..., -1], BORDER)


def test_instance_boundary_takes_batch_dimensions_and_any_numbers():
    batch = tf.constant(np.stack([INSTANCES, np.zeros_like(INSTANCES), -7 * INSTANCES, INSTANCES.T]), tf.int32)
    edges = instance_boundary(tf.reshape(batch, [2, 2, 4, 4])).numpy()
    assert edges.shape == (2, 2, 4, 4, 1)
    np.testing.assert_array_equal(edges[0, 0, ..., 0], BORDER)
    np.testing.assert_array_equal(edges[0, 1], np.zeros((4, 4, 1)))
    np.testing.assert_array_equal(edges[1, 0, ..., 0], BORDER)
    np.testing.assert_array_equal(edges[1, 1, ..., 0], np.transpose(BORDER))


def test_the_boundary_is_the_last_channel():
    label_map = np.full((1, 4, 4), 8, np.uint8)
    annotation = encode_annotation(label_map, SPEC, tf.constant(INSTANCES[None])).numpy()
    assert annotation.shape == (1, 4, 4, 10)
    np.testing.assert_array_equal(annotation[..., :9], encode_label_map(label_map, SPEC))
    np.testing.assert_array_equal(annotation[0, ..., 9], BORDER)
    np.testing.assert_array_equal(encode_annotation(label_map, SPEC), encode_label_map(label_map, SPEC))


def test_blurred_classes_are_decided_by_the_largest_share_and_what_is_missing_is_ignored():
    spec = load_spec("synthetic_street")
    annotation = np.zeros((4, spec.num_classes), np.float32)
    annotation[0, 3], annotation[0, 5] = 0.6, 0.4
    annotation[1, 8] = 0.45  # 0.55 unlabelled
    annotation[2, 1], annotation[2, 8] = 0.4, 0.3
    assert decide_label_map(tf.constant(annotation), spec).numpy().tolist() == [3, 255, 1, 255]
    ids = np.array([[0, 8, 255, 4]], np.uint8)
    again = decide_label_map(encode_label_map(tf.constant(ids), spec), spec)
    assert again.dtype == tf.uint8
    np.testing.assert_array_equal(again, ids)
