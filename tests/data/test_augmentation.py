"""Augmentation by hand: mirror images, parts of a picture with their motion, colours."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.augmentation import mirror, randomly_cropped, recolor

SPEC = load_spec("synthetic_street")


def test_mirror_by_hand():
    example = {
        "frames": tf.reshape(tf.range(6.0), [1, 1, 2, 3]),
        "label_maps": tf.constant([[[1, 2]]], tf.uint8),
        "flow": tf.constant([[[[1.0, 2.0], [3.0, 4.0]]]]),
        "visibility": tf.constant([[[[0.0], [1.0]]]]),
    }
    out = mirror(example, SPEC)
    np.testing.assert_array_equal(out["frames"], [[[[3, 4, 5], [0, 1, 2]]]])
    np.testing.assert_array_equal(out["label_maps"], [[[2, 1]]])
    np.testing.assert_array_equal(out["flow"], [[[[3, -4], [1, -2]]]])
    np.testing.assert_array_equal(out["visibility"], [[[[1], [0]]]])
    again = mirror(out, SPEC)
    assert all(np.array_equal(again[k], example[k]) for k in example)


def test_mirror_swaps_the_ids_that_the_spec_pairs():
    pose = load_spec("weizmann_pose")
    ids = [0, 1, 3, 4, 255]  # background, hips, left side, right side, ignored
    example = {
        "frames": tf.zeros([1, 1, 5, 3]),
        "label_maps": tf.constant([[ids]], tf.uint8),
        "instance_maps": tf.constant([[[0, 1, 3, 4, 700]]]),
    }
    out = mirror(example, pose)
    assert out["label_maps"].dtype == tf.uint8
    np.testing.assert_array_equal(out["label_maps"], [[[255, 3, 4, 1, 0]]])
    np.testing.assert_array_equal(out["instance_maps"], [[[700, 4, 3, 1, 0]]])
    np.testing.assert_array_equal(mirror(example, SPEC)["label_maps"], [[ids[::-1]]])


def test_motion_is_cropped_with_the_frames_and_what_leaves_the_part_is_hidden():
    """Everything moves 4 pixels to the right: in any part of the picture its left 4 columns come from outside."""
    size, shape = (20, 40), (1, 20, 40)
    flow = np.broadcast_to(np.float32([0, 4]), (*shape, 2))
    ones = np.ones((*shape, 1), np.float32)
    numbers = np.arange(800, dtype=np.float32).reshape(1, 20, 40, 1)
    example = {
        "frames": np.concatenate([numbers, numbers + 1]),
        "label_maps": np.zeros((2, 20, 40), np.uint8),
        "flow": flow,
        "flow_backward": flow,
        "visibility": ones,
        "visibility_backward": ones,
    }
    example = {name: tf.constant(value) for name, value in example.items()}
    corners = set()
    for position in range(12):
        part = randomly_cropped(example, size, 0.5, 7, tf.constant(position, tf.int64))
        height, width = part["label_maps"].shape[1:]
        assert 10 <= height <= 20 and abs(width - 2 * height) <= 1
        assert {value.shape[1:3] for value in part.values()} == {(height, width)}
        corners.add(float(part["frames"][0, 0, 0, 0]))
        np.testing.assert_array_equal(part["flow"], np.broadcast_to(np.float32([0, 4]), (1, height, width, 2)))
        seen = np.arange(width) >= 4
        np.testing.assert_array_equal(part["visibility"][0, :, :, 0], np.tile(seen, (height, 1)))
        np.testing.assert_array_equal(part["visibility_backward"][0, :, :, 0], np.tile(seen[::-1], (height, 1)))
    assert len(corners) > 6


def test_recoloured_by_hand():
    frames = tf.constant([[[[0.5, 0.0, -0.5], [0.1, 0.1, 0.1]], [[-0.1, -0.1, -0.1], [0.0, 0.0, 0.0]]]])
    np.testing.assert_allclose(recolor(frames, 0.0, 0.0, 0.0), frames, atol=1e-7)
    np.testing.assert_allclose(recolor(frames, 0.2, 0.0, 0.0), frames + 0.2, atol=1e-7)
    np.testing.assert_allclose(recolor(frames, 0.0, 0.5, 0.0), 1.5 * frames, atol=1e-7)  # their mean is 0
    # Saturation moves colours from their grey, 0 for the first pixel; greys stay.
    np.testing.assert_allclose(recolor(frames, 0.0, 0.0, 1.0)[0, 0], [[1.0, 0.0, -1.0], [0.1, 0.1, 0.1]], atol=1e-7)
    np.testing.assert_allclose(recolor(frames, 0.0, 0.0, -1.0)[0, 0, 0], [0.0, 0.0, 0.0], atol=1e-7)
    assert float(tf.reduce_max(recolor(frames, 0.9, 0.0, 0.0))) == 1.0
