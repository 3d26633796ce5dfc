import math

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.losses.flow import (
    NEIGHBOURS,
    cycle_consistency,
    flow_error,
    occlusion_mismatch,
    occlusion_penalty,
    smoothness,
    visibility_cross_entropy,
)

ONE_COLOUR = tf.zeros([1, 6, 7, 3])


def field(dy, dx, height=6, width=7, frames=1):
    """A flow from two arrays that broadcast to [H, W]."""
    planes = [np.broadcast_to(np.float32(value), (height, width)) for value in (dy, dx)]
    return tf.constant(np.repeat(np.stack(planes, -1)[None, None], frames, 1))


def test_neighbourhood_is_half_of_five_by_five_with_the_direct_neighbours():
    assert len(NEIGHBOURS) == 12 and {(0, 1), (1, 0), (1, -1), (2, 2)} <= set(NEIGHBOURS)
    both = {(dy, dx) for dy, dx in NEIGHBOURS} | {(-dy, -dx) for dy, dx in NEIGHBOURS}
    assert len(both) == 24 and (0, 0) not in both


def test_smoothness_of_a_constant_flow_is_zero_and_of_a_ramp_known():
    assert smoothness(field(3.0, -2.0), ONE_COLOUR) == 0.0
    # dx grows by 1 a column: a pair (dy, dx) differs by |dx| in one of two components.
    weights = {offset: math.exp(-(offset[0] ** 2) - offset[1] ** 2) for offset in NEIGHBOURS}
    expected = sum(w * abs(dx) / 2 for (_, dx), w in weights.items()) / sum(weights.values())
    ramp = np.arange(7)[None]
    np.testing.assert_allclose(smoothness(field(0, ramp), ONE_COLOUR), expected, rtol=1e-5)
    np.testing.assert_allclose(smoothness(field(0, ramp, frames=3), ONE_COLOUR), expected, rtol=1e-5)


def test_every_frame_counts():
    bumpy = field(0, np.arange(7)[None])
    calm = tf.zeros_like(bumpy)
    late = smoothness(tf.concat([calm, calm, bumpy], 1), ONE_COLOUR)
    np.testing.assert_allclose(late, smoothness(bumpy, ONE_COLOUR) / 3, rtol=1e-5)


def test_a_colour_edge_frees_the_flow():
    step = (np.arange(7) >= 3)[None]
    flow = field(0, step)
    edge = tf.constant(np.broadcast_to(np.where(step, 1.0, -1.0)[None, :, :, None], (1, 6, 7, 3)), tf.float32)
    plain, at_edge = smoothness(flow, ONE_COLOUR), smoothness(flow, edge)
    # Every pair that the flow tells apart lies across the edge, |colour difference|^2 = 12.
    np.testing.assert_allclose(at_edge, plain * math.exp(-12), rtol=1e-4)
    np.testing.assert_allclose(smoothness(flow, edge, edge_weight=0.0), plain, rtol=1e-6)
    np.testing.assert_allclose(smoothness(flow, edge[:, None]), at_edge)


def test_smoothness_gradient_and_bad_shapes():
    flow = tf.Variable(field(1.0, 1.0))
    with tf.GradientTape() as tape:
        loss = smoothness(flow, ONE_COLOUR)
    assert np.all(np.isfinite(tape.gradient(loss, flow)))
    with pytest.raises(ValueError, match=r"flow must be \[B, T, H, W, 2\]"):
        smoothness(tf.zeros([1, 6, 7, 2]), ONE_COLOUR)
    with pytest.raises(ValueError, match="at least 3 x 3"):
        smoothness(tf.zeros([1, 1, 2, 7, 2]), tf.zeros([1, 2, 7, 3]))


def test_cycle_of_one_motion_is_zero_and_of_two_their_difference():
    seen = tf.ones([1, 1, 6, 7, 1])
    assert cycle_consistency(field(1.0, -2.0), field(1.0, -2.0), seen, seen) == 0.0
    # f = 0, g = (2, 0): both ways differ by 2 pixels in one of two components.
    np.testing.assert_allclose(cycle_consistency(field(0, 0), field(2.0, 0), seen, seen), 2.0)


def test_cycle_takes_its_values_where_the_flow_points():
    # A square of one column moves two to the right: f lies on its new place, g on its old one.
    f, g = field(0, np.eye(7)[3] * 2), field(0, np.eye(7)[1] * 2)
    visibility = 1.0 - np.eye(7)[1] * np.ones((6, 1))
    backward = 1.0 - np.eye(7)[3] * np.ones((6, 1))
    masks = [tf.constant(m[None, None, :, :, None], tf.float32) for m in (visibility, backward)]
    assert cycle_consistency(f, g, *masks) == 0.0
    # Without the masks column 1 of f and column 3 of g disagree by 2: 1 of 7 columns, 1 of 2 components, both ways.
    seen = tf.ones_like(masks[0])
    np.testing.assert_allclose(cycle_consistency(f, g, seen, seen), 2 * 2 / 7 / 2, rtol=1e-6)
    np.testing.assert_allclose(cycle_consistency(f, g, seen, seen, "compiled"), 2 * 2 / 7 / 2, rtol=1e-6)


@pytest.mark.parametrize("seen", [0.0, 1.0])
@pytest.mark.parametrize("size", [0.0, 2.5, 1e4])
def test_cycle_gradients_are_finite_and_reach_both_flows(seen, size):
    f, g = field(size, size), field(-size, size)
    mask = tf.fill([1, 1, 6, 7, 1], seen)
    with tf.GradientTape() as tape:
        tape.watch([f, g, mask])
        loss = cycle_consistency(f, g, mask, mask)
    gradients = tape.gradient(loss, [f, g, mask])
    assert np.isfinite(loss) and all(np.all(np.isfinite(gradient)) for gradient in gradients)
    if seen and size:
        assert all(np.any(gradient) for gradient in gradients[:2])


def test_weights_depend_on_neither_batch_nor_frames():
    f, g = (tf.random.stateless_normal([1, 1, 6, 7, 2], [i, 0]) for i in (1, 2))
    seen = tf.ones([1, 1, 6, 7, 1])
    expected = cycle_consistency(f, g, seen, seen)
    for axis in (0, 1):
        args = [tf.concat([value, value], axis) for value in (f, g, seen, seen)]
        np.testing.assert_allclose(cycle_consistency(*args), expected, rtol=1e-5)


def test_visibility_cross_entropy_is_the_cross_entropy():
    seen, predicted = tf.constant([1.0, 0.0, 1.0]), tf.constant([0.5, 0.25, 1.0])
    np.testing.assert_allclose(visibility_cross_entropy(seen, predicted), -(np.log(0.5) + np.log(0.75)) / 3, rtol=1e-5)
    assert visibility_cross_entropy(seen, seen) < 1e-5
    with tf.GradientTape() as tape:
        tape.watch(predicted)
        loss = visibility_cross_entropy(1.0 - seen, predicted)
    assert np.isfinite(loss) and np.isfinite(tape.gradient(loss, predicted)).all()


def test_occlusion_mismatch_counts_what_f1_counts():
    target, prediction = np.ones((2, 1, 2, 3, 1), np.float32), np.ones((2, 1, 2, 3, 1), np.float32)
    target[0, 0, 0, :2] = 0.0  # two pixels are occluded, two are predicted, one of them right; in clip 1 there is none
    prediction[0, 0, 0, 1:] = 0.0
    np.testing.assert_allclose(occlusion_mismatch(target, prediction), (1 - 3 / 5) / 2, rtol=1e-6)
    assert occlusion_mismatch(target, target) == 0.0
    prediction = tf.fill([2, 1, 2, 3, 1], 0.5)
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        loss = occlusion_mismatch(target, prediction)
    gradient = tape.gradient(loss, prediction).numpy()
    assert (gradient[0, 0, 0, :2] > 0).all() and (gradient[1] < 0).all()


def test_flow_error_is_the_mean_distance_of_the_pixels_that_count():
    target, prediction = field(3.0, 0.0, frames=2), field(0.0, 4.0, frames=2)
    visibility = np.zeros((1, 2, 6, 7, 1), np.float32)
    visibility[:, 0, :2] = 1.0
    np.testing.assert_allclose(flow_error(target, prediction, visibility), 5.0, atol=2e-3)
    half = tf.concat([target[..., :4, :], prediction[..., 4:, :]], axis=-2)
    np.testing.assert_allclose(flow_error(target, half, visibility), 5.0 * 3 / 7, atol=2e-3)
    for seen in (visibility, 0 * visibility):
        flow = tf.identity(target)
        with tf.GradientTape() as tape:
            tape.watch(flow)
            loss = flow_error(target, flow, seen)
        assert loss == 0.0 and np.isfinite(tape.gradient(loss, flow)).all()


def test_visibility_prior():
    assert occlusion_penalty(tf.ones([2, 3, 4, 5, 1])) == 0.0
    np.testing.assert_allclose(occlusion_penalty([[0.0, 1.0, 0.5, 0.5]]), 0.5)
