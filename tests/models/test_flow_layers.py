"""Two layers of flow, put together by hand-made masks."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.motion.flow_layers import composite_layers, layer_masks, occluded_by_foreground, upsample_flows

FRAMES = 2


@pytest.mark.parametrize("shift", [8.0, 8.3])
def test_frame_t_takes_the_foregrounds_flow_where_it_brings_the_foreground(shift):
    """Two layers by hand: the background moves 3 pixels down, the foreground to the right, its outline stays sharp."""
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:16, 4:12] = 1.0
    layers = np.zeros((2 * FRAMES, 32, 32, 4), np.float32)
    layers[:FRAMES] = [3, 0, 3, 0]
    layers[FRAMES:] = [0, shift, 0, shift]
    features = np.zeros((2 * FRAMES, 32, 32, 5), np.float32)
    features[FRAMES:] = 1.0
    mask_t, mask_0 = layer_masks(tf.constant(layers), tf.constant(mask), FRAMES)
    flows = composite_layers(tf.constant(layers), (mask_t, mask_0))
    x = composite_layers(tf.constant(features), (tf.maximum(mask_t, mask_0),))
    there = np.roll(mask[0], 8, axis=1)  # of a pixel that the outline cuts, the larger part counts
    np.testing.assert_array_equal(mask_0, np.repeat(mask, FRAMES, axis=0))
    for t in range(FRAMES):
        np.testing.assert_array_equal(mask_t[t], there)
        np.testing.assert_array_equal(flows[t, ..., :2], np.where(there == 1, layers[-1, ..., :2], [3, 0]))
        np.testing.assert_array_equal(flows[t, ..., 2:], np.where(mask[0] == 1, layers[-1, ..., 2:], [3, 0]))
        np.testing.assert_array_equal(x[t], np.repeat(np.maximum(there, mask[0]), 5, axis=-1))


@pytest.mark.parametrize("motion", [(3.0, 0.0), (0.0, 8.0), (0.25, 7.6)])
def test_what_one_layer_covers_is_known_by_construction(motion):
    """The background moves as given, the foreground 8 pixels to the right; where both move alike nothing is covered."""
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:16, 4:12] = 1.0
    layers = np.zeros((2 * FRAMES, 32, 32, 4), np.float32)
    layers[:FRAMES] = [*motion, *motion]
    layers[FRAMES:] = [0, 8, 0, 8]
    masks = layer_masks(tf.constant(layers), tf.constant(mask), FRAMES)
    covered = occluded_by_foreground(composite_layers(tf.constant(layers), masks), *masks).numpy()
    uncovered_now, covered_later = np.zeros((2, 32, 32), np.float32)
    if motion == (3.0, 0.0):
        uncovered_now[11:19, 4:12] = 1.0  # where the foreground was, moved along with the background
        covered_later[5:13, 12:20] = 1.0  # where it will be, three pixels up
    for t in range(FRAMES):
        if motion == (0.25, 7.6):  # nearly alike: less than half a pixel beside the outline
            assert covered[t].max() < 0.5
            continue
        np.testing.assert_array_equal(covered[t, ..., 0], uncovered_now)
        np.testing.assert_array_equal(covered[t, ..., 1], covered_later)


def test_masks_of_half_the_size_move_half_as_many_places():
    mask = np.zeros((1, 32, 32, 1), np.float32)
    mask[:, 8:16, 4:12] = 1.0
    layers = np.zeros((2 * FRAMES, 16, 16, 4), np.float32)
    layers[FRAMES:, ..., 1] = 8.0  # the foreground, 8 pixels to the right, 4 places of two pixels
    mask_t, mask_0 = layer_masks(tf.constant(layers), tf.constant(mask), FRAMES, stride=2)
    np.testing.assert_array_equal(mask_0[0], mask[0, ::2, ::2])
    np.testing.assert_array_equal(mask_t[0], np.roll(mask[0, ::2, ::2], 4, axis=1))


def test_both_layers_take_the_places_that_the_picture_chose_each_flow_its_own():
    layers = np.random.default_rng(0).normal(0, 3, (4, 6, 7, 4)).astype(np.float32)  # two pictures, two layers
    logits = np.zeros((2, 6, 7, 2, 4, 9), np.float32)
    logits[0, ..., 0, :, 1] = logits[0, ..., 1, :, 5] = 60.0  # picture 0: flow from above, flow_backward from the right
    found = upsample_flows(tf.constant(layers), tf.constant(logits.reshape(2, 6, 7, 72)), 2).numpy()
    bilinear = upsample_flows(tf.constant(layers), tf.zeros([2, 6, 7, 72]), 2).numpy()
    for layer in (0, 2):
        for y in (0, 1):
            for x in (0, 1):
                np.testing.assert_allclose(found[layer, y::2, x::2, :2][1:], layers[layer, :-1, :, :2], atol=1e-5)
                np.testing.assert_allclose(found[layer, y::2, x::2, 2:][:, :-1], layers[layer, :, 1:, 2:], atol=1e-5)
        np.testing.assert_array_equal(found[layer + 1], bilinear[layer + 1])
