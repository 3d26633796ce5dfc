import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.flow import convex_upsample, resize_flow


def test_vectors_scale_with_their_own_axis():
    flow = tf.broadcast_to([2.0, 3.0], [1, 4, 6, 2])
    np.testing.assert_allclose(resize_flow(flow, (8, 9)), np.broadcast_to([4.0, 4.5], (1, 8, 9, 2)))
    np.testing.assert_allclose(resize_flow(flow, (2, 3)), np.broadcast_to([1.0, 1.5], (1, 2, 3, 2)))


def test_values_lie_between_half_pixel_centres():
    flow = np.zeros((1, 1, 2, 2), np.float32)
    flow[0, 0, 1, 1] = 4.0
    # Centres at 0.25, 0.75, 1.25, 1.75 of two pixels: 0, 1/4, 3/4 and 1 of the way; then twice the width.
    np.testing.assert_allclose(resize_flow(flow, (1, 4))[0, 0, :, 1], [0.0, 2.0, 6.0, 8.0])


def test_same_size_is_the_identity_and_leading_dimensions_stay():
    flow = tf.random.stateless_normal([2, 3, 4, 5, 2], [1, 2])
    np.testing.assert_allclose(resize_flow(flow, (4, 5)), flow, atol=1e-6)
    resized = resize_flow(flow, (8, 10))
    assert resized.shape == (2, 3, 8, 10, 2)
    np.testing.assert_allclose(resized[1, 2], resize_flow(flow[1, 2][None], (8, 10))[0])


def test_dynamic_size_keeps_the_static_shape_where_known():
    seen = {}

    @tf.function(input_signature=[tf.TensorSpec([None, 2, None, None, 2])])
    def double(flow):
        fixed = resize_flow(flow, (4, 6))
        seen["shape"] = fixed.shape.as_list()
        return resize_flow(flow, tf.shape(flow)[2:4] * 2), fixed

    doubled, fixed = double(tf.ones([1, 2, 2, 3, 2]))
    np.testing.assert_allclose(doubled, fixed)
    np.testing.assert_allclose(doubled, np.full((1, 2, 4, 6, 2), 2.0))
    assert seen["shape"] == [None, 2, 4, 6, 2]


def test_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"flow must be \[..., H, W, 2\]"):
        resize_flow(tf.zeros([4, 4, 2]), (8, 8))


def test_without_weights_of_its_own_convex_upsampling_is_bilinear():
    flow = np.random.default_rng(0).normal(0, 3, (2, 5, 6, 3)).astype(np.float32)
    expected = tf.image.resize(flow, (10, 12)).numpy()
    found = convex_upsample(tf.constant(flow), tf.zeros([2, 5, 6, 36])).numpy()
    np.testing.assert_allclose(found, expected, atol=0.1)  # a thousandth for each of five places
    assert np.abs(found - np.repeat(np.repeat(flow, 2, 1), 2, 2)).max() > 1.0


@pytest.mark.parametrize("place", range(9))
def test_each_pixel_takes_the_flow_of_the_place_that_it_chose_and_the_borders_beside_the_picture(place):
    flow = np.random.default_rng(0).normal(0, 3, (2, 5, 6, 4)).astype(np.float32)
    rows, columns = np.mgrid[:5, :6]
    dy, dx = divmod(place, 3)
    expected = flow[:, np.clip(rows + dy - 1, 0, 4), np.clip(columns + dx - 1, 0, 5)]
    for pixel in range(4):
        logits = np.zeros((2, 5, 6, 4, 9), np.float32)
        logits[..., pixel, place] = 60.0
        found = convex_upsample(tf.constant(flow), tf.constant(logits.reshape(2, 5, 6, 36))).numpy()
        y, x = divmod(pixel, 2)
        np.testing.assert_allclose(found[:, y::2, x::2], expected, atol=1e-5)
        other = convex_upsample(tf.constant(flow), tf.zeros([2, 5, 6, 36])).numpy()
        np.testing.assert_allclose(found[:, 1 - y :: 2], other[:, 1 - y :: 2], atol=1e-6)
