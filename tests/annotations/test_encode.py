"""One-hot annotations: hand-computed values and the in-graph id check."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.encode import encode_label_map
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
