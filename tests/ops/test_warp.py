import functools

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.warp import dense_image_warp, warp

RAMP = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1) ** 2


def constant_flow(dy, dx, height=3, width=4):
    return tf.constant(np.broadcast_to(np.float32([dy, dx]), (1, height, width, 2)))


def random_case(channels=3, spread=4.0, batch=2, height=7, width=9):
    rng = np.random.default_rng(5)
    image = rng.normal(size=(batch, height, width, channels))
    flow = rng.normal(size=(batch, height, width, 2)) * spread
    upstream = rng.normal(size=image.shape)
    return [tf.constant(value, tf.float32) for value in (image, flow, upstream)]


def values_and_gradients(function, image, flow, upstream):
    with tf.GradientTape() as tape:
        tape.watch([image, flow])
        out = function(image, flow)
    return out, *tape.gradient(out, [image, flow], upstream)


def assert_all_close(actual, expected, atol=2e-6):
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=atol)


@pytest.mark.parametrize("compiled", [False, True])
def test_hand_computed_cases(compiled):
    def out(dy, dx):
        return dense_image_warp(RAMP, constant_flow(dy, dx), compiled=compiled).numpy()

    np.testing.assert_array_equal(out(0, 0), RAMP)
    # The flow subtracts: dy = 1 fetches the row above, the first row is replicated.
    np.testing.assert_array_equal(out(1, 0), RAMP[:, [0, 0, 1]])
    np.testing.assert_array_equal(out(0, -2), RAMP[:, :, [2, 3, 3, 3]])
    np.testing.assert_allclose(out(0, 0.5)[0, 0, :, 0], [0.0, 0.5, 2.5, 6.5])
    np.testing.assert_allclose(out(-0.25, 0)[0, :, 1, 0], [0.75 * 1 + 0.25 * 25, 0.75 * 25 + 0.25 * 81, 81], rtol=1e-6)
    # Half a pixel both ways: the mean of four.
    np.testing.assert_allclose(out(0.5, 0.5)[0, 1, 1, 0], (0 + 1 + 16 + 25) / 4)
    np.testing.assert_array_equal(out(100, -1e9), np.broadcast_to(RAMP[:, :1, 3:], RAMP.shape))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("channels", [3, 12])
def test_equals_addons_in_values_and_gradients(channels, compiled):
    addons = pytest.importorskip("tensorflow_addons", reason="Addons imports on the Keras 2 stack only")
    case = random_case(channels)
    ours = values_and_gradients(lambda image, flow: dense_image_warp(image, flow, compiled=compiled), *case)
    assert_all_close(ours, values_and_gradients(addons.image.dense_image_warp, *case))
    assert_all_close([warp(*case[:2], method="addons")], ours[:1])


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_equal_finite_differences(compiled):
    image, flow, upstream = random_case(channels=2, spread=1.5, batch=1, height=4, width=5)
    _, image_gradient, flow_gradient = values_and_gradients(
        lambda i, f: dense_image_warp(i, f, compiled=compiled), image, flow, upstream
    )

    def loss(i, f):
        return float(tf.reduce_sum(tf.cast(dense_image_warp(i, f) * upstream, tf.float64)))

    step = 1e-2
    for index in np.ndindex(*flow.shape):
        delta = np.zeros(flow.shape, np.float32)
        delta[index] = step
        position = index[1 + index[3]] - flow.numpy()[index]
        if abs(position - round(position)) < 2 * step:
            continue  # A kink: the two-sided difference is not the derivative there.
        numeric = (loss(image, flow + delta) - loss(image, flow - delta)) / (2 * step)
        assert abs(numeric - flow_gradient.numpy()[index]) < 2e-3
    for index in np.ndindex(*image.shape):
        delta = np.zeros(image.shape, np.float32)
        delta[index] = 1.0
        numeric = (loss(image + delta, flow) - loss(image - delta, flow)) / 2
        assert abs(numeric - image_gradient.numpy()[index]) < 1e-5


def test_flow_gradient_at_integer_positions_is_one_sided():
    _, _, gradient = values_and_gradients(dense_image_warp, tf.constant(RAMP), constant_flow(0, 0), tf.ones_like(RAMP))
    # d out / d dx = -(right - here); at the last column -(here - left). The same down the rows.
    np.testing.assert_allclose(gradient[0, 0, :, 1], [-1, -3, -5, -5])
    np.testing.assert_allclose(gradient[0, :, 0, 0], [-16, -48, -48])


def test_no_flow_gradient_outside_the_image():
    _, _, gradient = values_and_gradients(
        dense_image_warp, tf.constant(RAMP), constant_flow(9, 0.5), tf.ones_like(RAMP)
    )
    np.testing.assert_array_equal(gradient[..., 0], 0)
    # Along x only the first column leaves the image.
    np.testing.assert_array_equal(gradient[0, :, 0, 1], 0)
    np.testing.assert_allclose(gradient[0, 2, 1:, 1], [-1, -3, -5])


def test_zero_initialised_flow_learns_a_shift():
    y, x = np.mgrid[0:16, 0:16].astype(np.float32)
    image = tf.constant((np.sin(y / 3) + np.cos(x / 4 + y / 5))[None, :, :, None])
    target = dense_image_warp(image, tf.broadcast_to([1.5, -1.5], [1, 16, 16, 2]))
    shift = tf.Variable(tf.zeros([2]))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            moved = dense_image_warp(image, tf.broadcast_to(shift, [1, 16, 16, 2]))
            loss = tf.reduce_mean(tf.square(moved - target))
        shift.assign_sub(8.0 * tape.gradient(loss, shift))
        return loss

    losses = [float(step()) for _ in range(60)]
    assert losses[-1] < 1e-4 * losses[0]
    np.testing.assert_allclose(shift, [1.5, -1.5], atol=0.02)


@pytest.mark.parametrize("compiled", [False, True])
def test_nan_and_infinite_flow_touch_their_own_pixel_only(compiled):
    image, flow, _ = random_case(channels=1, spread=1.0)
    clean = dense_image_warp(image, flow).numpy()
    broken = flow.numpy()
    broken[0, 2, 3, 0], broken[0, 4, 5, 1], broken[1, 6, 8] = np.nan, np.inf, -np.inf
    warped = functools.partial(dense_image_warp, compiled=compiled)
    out = warped(image, broken).numpy()
    changed = np.argwhere(~np.isclose(out, clean, atol=1e-6))[:, :3].tolist()
    assert np.argwhere(np.isnan(out))[:, :3].tolist() == [[0, 2, 3]]
    assert all(pixel in [[0, 2, 3], [0, 4, 5], [1, 6, 8]] for pixel in changed)
    assert out[1, 6, 8, 0] == image[1, -1, -1, 0]
    *_, gradient = values_and_gradients(warped, image, tf.constant(broken), out)
    assert not np.isnan(np.delete(gradient[0].numpy().reshape(-1, 2), 2 * flow.shape[2] + 3, axis=0)).any()


def test_image_gradient_can_be_switched_off():
    image, flow, upstream = random_case()
    _, _, expected = values_and_gradients(dense_image_warp, image, flow, upstream)
    _, image_gradient, flow_gradient = values_and_gradients(
        lambda i, f: dense_image_warp(i, f, image_gradient=False), image, flow, upstream
    )
    assert image_gradient is None
    np.testing.assert_array_equal(flow_gradient, expected)


def test_graph_without_an_image_gradient_has_no_scatter():
    image, flow, upstream = random_case()

    @tf.function
    def flow_gradient(image, flow):
        with tf.GradientTape() as tape:
            tape.watch(flow)
            out = dense_image_warp(image, flow)
        return tape.gradient(out, flow, upstream)

    names = {node.op for node in flow_gradient.get_concrete_function(image, flow).graph.as_graph_def().node}
    assert "GatherNd" in names
    pruned = tf.compat.v1.graph_util.extract_sub_graph(
        flow_gradient.get_concrete_function(image, flow).graph.as_graph_def(),
        [flow_gradient.get_concrete_function(image, flow).outputs[0].op.name],
    )
    assert "UnsortedSegmentSum" not in {node.op for node in pruned.node}


def test_xla_and_dynamic_shapes_agree_with_eager():
    case = random_case()
    expected = values_and_gradients(dense_image_warp, *case)
    jitted = tf.function(lambda *a: values_and_gradients(dense_image_warp, *a), jit_compile=True)
    assert_all_close(jitted(*case), expected)
    spec = [tf.TensorSpec([None, None, None, None]), tf.TensorSpec([None, None, None, 2]), tf.TensorSpec([None] * 4)]
    dynamic = tf.function(lambda *a: values_and_gradients(dense_image_warp, *a), input_signature=spec)
    assert_all_close(dynamic(*case), expected)
    assert dynamic.get_concrete_function().structured_outputs[0].shape.rank == 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 2 x 2"):
        dynamic(tf.zeros([1, 1, 4, 1]), tf.zeros([1, 1, 4, 2]), tf.zeros([1, 1, 4, 1]))


def test_bfloat16_comes_out_as_float32():
    image, flow, _ = random_case(height=3, width=5)
    half = tf.cast(image, tf.bfloat16)
    out = dense_image_warp(half, flow)
    assert out.dtype == tf.float32
    np.testing.assert_array_equal(out, dense_image_warp(tf.cast(half, tf.float32), flow))
    # Far to the right, where a bfloat16 position would be a pixel off.
    wide = tf.cast(tf.range(300)[None, None, :, None] * tf.ones([1, 2, 1, 1], tf.int32), tf.float32)
    moved = dense_image_warp(wide, tf.cast(tf.fill([1, 2, 300, 2], 0.5), tf.bfloat16))
    np.testing.assert_allclose(moved[0, 0, 1:, 0], np.arange(299) + 0.5)


@pytest.mark.parametrize(
    "image, flow, message",
    [
        ((1, 4, 4), (1, 4, 4, 2), r"image must be \[B, H, W, C\]"),
        ((1, 4, 4, 3), (1, 4, 4, 3), r"flow \[B, H, W, 2\]"),
        ((1, 4, 4, 3), (1, 4, 5, 2), "agree in B, H and W"),
        ((1, 1, 4, 3), (1, 1, 4, 2), "at least 2 x 2"),
    ],
)
def test_wrong_shapes_are_named(image, flow, message):
    with pytest.raises(ValueError, match=message):
        dense_image_warp(tf.zeros(image), tf.zeros(flow))


def test_method_names(monkeypatch):
    image, flow, _ = random_case(channels=1)
    np.testing.assert_array_equal(warp(image, flow), dense_image_warp(image, flow))
    np.testing.assert_allclose(warp(image, flow, method="compiled"), dense_image_warp(image, flow), atol=1e-6)
    with pytest.raises(ValueError, match="received 'nearest'"):
        warp(image, flow, method="nearest")
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_addons.image", None)
    with pytest.raises(ValueError, match="use 'native'"):
        warp(image, flow, method="addons")
