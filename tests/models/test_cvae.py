"""MotionCVAE beyond the shared checklist: identity at birth, flow in pixels, composition, two latent paths."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import build_motion, set_precision
from seg2vid_tf.ops.warp import warp
from tests.settings import needs_bfloat16


@pytest.fixture(scope="module")
def fresh(spec, motion_config):
    """A motion model as a training starts with it: flow and visibility heads of zeros."""
    keras.utils.set_random_seed(0)
    return build_motion(motion_config.model, spec)


@pytest.fixture
def altered(seg2vid, make_inputs, copy_model, spec):
    """altered(head, bias): a copy of the tiny model that hears no z and whose head answers with its bias alone."""

    def make(head, bias):
        motion = copy_model(seg2vid.motion, make_inputs(seg2vid.motion, spec, 1, 16, 16))
        layer = getattr(motion.decoder, head)
        for silent in (layer, *motion.decoder.coarse_flow_heads):
            silent.kernel.assign(tf.zeros(silent.kernel.shape))
        for injection in motion.decoder.injections:
            injection.scale.factors.assign(tf.zeros(injection.scale.factors.shape))
        layer.bias.assign(bias)
        return motion

    return make


def test_a_fresh_model_stands_still_where_z_says_nothing(fresh, spec, make_inputs):
    inputs = make_inputs(fresh, spec, 2, 16, 24)
    outputs = fresh.decode(inputs["frames"][:, 0], inputs["annotation"], tf.zeros([2, fresh.latent_dim]))
    np.testing.assert_array_equal(outputs["flow"], np.zeros([2, 2, 16, 24, 2]))
    np.testing.assert_array_equal(outputs["flow_backward"], np.zeros([2, 2, 16, 24, 2]))
    start = inputs["frames"][:, :1].numpy()
    np.testing.assert_allclose(outputs["warped"], np.repeat(start, 2, axis=1), atol=1e-6)
    np.testing.assert_allclose(outputs["visibility"], 1 / (1 + np.exp(-2.0)), rtol=1e-5)


def test_a_fresh_model_passes_on_what_was_measured(fresh, spec):
    """A picture that moves by (1, -2) pixels a frame, and a car in it by (-1, 1): each group's z, and both flows."""
    rng, size = np.random.default_rng(0), (64, 96)
    canvas = tf.image.resize(rng.uniform(-1, 1, (2, 28, 36, 3)), [112, 144], "bicubic").numpy()
    car = np.zeros([2, *size, 1], bool)
    frames = []
    for t in range(3):
        behind, front = (canvas[i, 24 - dy : 88 - dy, 24 - dx : 120 - dx] for i, dy, dx in ((0, t, -2 * t), (1, -t, t)))
        shape = np.zeros([*size, 1], bool)
        shape[20 - t : 52 - t, 30 + t : 70 + t] = True
        frames.append(np.where(shape, front, behind))
        car = shape if t == 0 else car
    foreground, background = spec.foreground_ids[0], spec.background_ids[0]
    annotation = tf.one_hot(np.where(car[..., 0], foreground, background), spec.num_classes)[None]
    frames = tf.constant(np.stack(frames)[None], tf.float32)
    outputs = fresh.decode(frames[:, 0], annotation, fresh.encode(frames, annotation).mean())
    for name in ("flow", "flow_backward"):
        for t in (0, 1):
            flow = outputs[name][0, t].numpy()
            np.testing.assert_allclose(flow[28:44, 40:60].mean((0, 1)), [-t - 1, t + 1], atol=0.6, err_msg=name)
            np.testing.assert_allclose(flow[4:12, 8:88].mean((0, 1)), [t + 1, -2 * t - 2], atol=0.6, err_msg=name)


def test_both_flows_start_as_one_motion(seg2vid):
    """A velocity that grows over the frame, on cells of 3 x 6 pixels: f(x) = g(x - f(x)), and g is what z says."""
    decoder = seg2vid.motion.decoder
    rows, columns = np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 32), indexing="ij")
    velocities = np.stack([0.4 * rows + 0.1 * columns, 0.8 * columns - 0.3 * rows], -1)[None, None]
    velocities = tf.constant(np.concatenate([0.5 * velocities, velocities], axis=1), tf.float32)
    start = decoder._initial_flows(velocities, tf.constant([48, 192]))
    f, g = start[..., :2], start[..., 2:]
    np.testing.assert_allclose(g[0], 4.0 * velocities[0, 0], rtol=1e-5)  # flow_scale 8, half of it at frame 1 of 2
    np.testing.assert_allclose(g[1], 8.0 * velocities[0, 1], rtol=1e-5)
    inside = slice(2, -2), slice(2, -2)
    np.testing.assert_allclose(warp(g, f / [3.0, 6.0])[1][inside], f[1][inside], atol=0.02)
    assert np.abs(f - g)[1][inside].max() > 0.5


def test_number_of_weights_does_not_depend_on_the_size(fresh, spec, make_inputs, motion_config):
    sizes = [tuple(w.shape) for w in fresh.weights]
    for height, width in ((8, 8), (40, 16)):
        outputs = fresh(make_inputs(fresh, spec, 1, height, width))
        assert outputs["frames"].shape == (1, 2, height, width, 3)
    assert [tuple(w.shape) for w in fresh.weights] == sizes
    larger = build_motion(dataclasses.replace(motion_config.model, height=96, width=128), spec)
    assert [tuple(w.shape) for w in larger.weights] == sizes


def test_flow_leaves_in_pixels_and_grows_with_the_frame(altered, spec, make_inputs):
    motion = altered("flow_head", [0.25, -0.5, 0.125, 1.0])
    outputs = motion(make_inputs(motion, spec, 1, 16, 16))
    # flow_scale 8 at frame T = 2, half of it at frame 1.
    for t, share in enumerate((0.5, 1.0)):
        field = np.broadcast_to(np.float32([2.0, -4.0]) * share, [16, 16, 2])
        np.testing.assert_allclose(outputs["flow"][0, t], field, rtol=1e-6)
        field = np.broadcast_to(np.float32([1.0, 8.0]) * share, [16, 16, 2])
        np.testing.assert_allclose(outputs["flow_backward"][0, t], field, rtol=1e-6)


def test_the_warp_moves_the_start_frame_by_the_flow(altered, spec, make_inputs):
    motion = altered("flow_head", [0.25, -0.5, 0.0, 0.0])
    inputs = make_inputs(motion, spec, 1, 16, 16)
    warped, start = motion(inputs)["warped"].numpy()[0], inputs["frames"].numpy()[0, 0]
    # Frame 1: (dy, dx) = (1, -2), so warped(y, x) = start(y - 1, x + 2); frame 2: (2, -4).
    np.testing.assert_allclose(warped[0, 1:, :14], start[:15, 2:], atol=1e-5)
    np.testing.assert_allclose(warped[1, 2:, :12], start[:14, 4:], atol=1e-5)


@pytest.mark.parametrize("precision", ["float32", pytest.param("mixed_bfloat16", marks=needs_bfloat16)])
def test_visible_pixels_are_left_alone(altered, spec, make_inputs, precision):
    set_precision(precision)
    try:
        motion = altered("visibility_head", [20.0] * 8)
    finally:
        set_precision("float32")
    outputs = motion(make_inputs(motion, spec, 1, 16, 16))
    np.testing.assert_allclose(outputs["frames"], outputs["warped"], atol=1e-6)


def test_occluded_pixels_are_painted(altered, spec, make_inputs):
    motion = altered("visibility_head", [-20.0] * 8)
    inputs = make_inputs(motion, spec, 1, 16, 16)
    outputs = motion(inputs)
    # What is painted where nothing is visible cannot depend on the picture: only the annotation is left to read.
    annotation = tf.repeat(inputs["annotation"], 2, axis=0)
    moved = motion.refiner(tf.zeros([2, 16, 16, 3]), tf.zeros([2, 16, 16, 1]), warp_along(annotation, outputs["flow"]))
    np.testing.assert_allclose(outputs["frames"][0], moved, atol=1e-6)
    assert np.abs(outputs["frames"] - outputs["warped"]).mean() > 0.1


def warp_along(annotation, flow):
    from seg2vid_tf.ops.warp import dense_image_warp

    return dense_image_warp(annotation, flow[0])


@pytest.mark.parametrize(
    ("group", "moved", "still"), [("foreground", slice(6, 10), slice(0, 6)), ("background", slice(0, 6), slice(6, 10))]
)
def test_each_path_reads_its_own_classes(seg2vid, spec, make_inputs, group, moved, still):
    inputs = make_inputs(seg2vid.motion, spec, 1, 16, 16)
    ids = list(spec.foreground_ids if group == "foreground" else spec.background_ids)
    changed = inputs["annotation"].numpy()
    changed[..., ids] = changed[:, ::-1][..., ids]
    before, after = (seg2vid.motion.encode(inputs["frames"], a) for a in (inputs["annotation"], tf.constant(changed)))
    np.testing.assert_array_equal(before.mean()[:, still], after.mean()[:, still])
    assert np.abs(before.mean()[:, moved] - after.mean()[:, moved]).max() > 1e-4


LATENTS = {"background_latent": 300, "foreground_latent": 21}


@pytest.fixture
def learned(spec, motion_config):
    """A model with a learned prior that is no longer N(0, I)."""
    keras.utils.set_random_seed(0)
    motion = build_motion(dataclasses.replace(motion_config.model, prior="learned", **LATENTS), spec)
    rng = np.random.default_rng(0)
    for prior in motion.priors:
        for layer in (prior.to_map, prior.coarse_mean, prior.log_stddev):
            layer.set_weights([rng.normal(0, 0.3, w.shape).astype(np.float32) for w in layer.get_weights()])
    return motion


@pytest.mark.parametrize(("part", "moves"), [(slice(0, 6), "background"), (slice(6, 10), "foreground")])
def test_each_part_of_z_moves_its_own_layer(seg2vid, copy_model, spec, make_inputs, part, moves):
    """A car on a road, the coarse heads speaking, the fine ones, which see both layers, silent."""
    motion = copy_model(seg2vid.motion, make_inputs(seg2vid.motion, spec, 1, 32, 32))
    rng = np.random.default_rng(2)
    for head in motion.decoder.coarse_flow_heads:
        head.kernel.assign(rng.normal(0, 0.1, head.kernel.shape).astype(np.float32))
    for head in (motion.decoder.flow_head, motion.decoder.upsampling_head):
        head.kernel.assign(tf.zeros(head.kernel.shape))
    inputs = make_inputs(motion, spec, 1, 32, 32)
    start, z = inputs["frames"][:, 0], inputs["noise"].numpy()
    ids = np.full((1, 32, 32), spec.background_ids[0])
    ids[:, 4:20, 4:20] = spec.foreground_ids[0]
    other = z.copy()
    other[:, part] *= -1.0
    flows = [motion.decode(start, tf.one_hot(ids, spec.num_classes), v)["flow_backward"].numpy() for v in (z, other)]
    change = np.abs(flows[0] - flows[1]).max(axis=(0, 1, 4))
    car = ids[0] == spec.foreground_ids[0]
    own, others = (change[car], change[~car]) if moves == "foreground" else (change[~car], change[car])
    assert own.max() > 1e-3 and others.max() == 0.0


@pytest.fixture
def without(spec, motion_config, make_inputs):
    """without(**fields) -> (a random model of that config, its inputs, its outputs)."""

    def make(**fields):
        keras.utils.set_random_seed(0)
        motion = build_motion(dataclasses.replace(motion_config.model, **fields), spec)
        rng = np.random.default_rng(0)
        for layer in (motion.decoder.flow_head, motion.decoder.visibility_head):
            if layer is not None:
                layer.set_weights([rng.normal(0, 0.3, w.shape).astype(np.float32) for w in layer.get_weights()])
        inputs = make_inputs(motion, spec, 1, 16, 16)
        return motion, inputs, motion(inputs)

    return make


def test_without_annotation_the_networks_do_not_see_it(without, spec):
    motion, inputs, outputs = without(annotated=False, foreground_latent=0)
    still = tf.one_hot(tf.fill([1, 16, 16], spec.background_ids[0]), spec.num_classes)
    others = motion({**inputs, "annotation": still})
    for name in ("flow", "visibility", "frames", "kl"):
        np.testing.assert_array_equal(outputs[name], others[name], err_msg=name)
    # It is warped along all the same: a longer video needs it.
    np.testing.assert_allclose(others["annotations"][..., spec.background_ids[0]], 1.0, atol=1e-5)
    seen = without(foreground_latent=0)[2]
    assert np.abs(seen["flow"] - outputs["flow"]).max() > 1e-3


def test_without_a_foreground_latent_one_path_reads_all_classes(without, spec):
    motion, inputs, outputs = without(foreground_latent=0, background_latent=10)
    assert motion.foreground_encoder is None and motion.latent_dim == 10
    assert outputs["kl"].shape == (1, 10)
    for ids in (spec.foreground_ids, spec.background_ids):
        changed = inputs["annotation"].numpy()
        changed[..., list(ids)] = changed[:, ::-1][..., list(ids)]
        moved = motion.encode(inputs["frames"], tf.constant(changed)).mean()
        assert np.abs(moved - motion.encode(inputs["frames"], inputs["annotation"]).mean()).max() > 1e-4


def test_without_visibility_or_refiner_the_frames_are_the_warped_ones(without):
    for fields in ({"visible": False}, {"refined": False}):
        motion, _, outputs = without(**fields)
        assert motion.refiner is None
        np.testing.assert_array_equal(outputs["frames"], outputs["warped"])
        hidden = np.abs(1.0 - outputs["visibility"].numpy()).max()
        assert hidden == 0.0 if "visible" in fields else hidden > 0.1
    assert np.abs(without()[2]["frames"] - without()[2]["warped"]).max() > 1e-3


def test_the_learned_prior_reaches_the_decoder_and_does_not_touch_a_posteriors_motion(
    learned, spec, motion_config, make_inputs, monkeypatch
):
    """A model without one, of the same weights, decodes the same motion from its own posterior's mean."""
    inputs = make_inputs(learned, spec, 1, 32, 32)
    frames, annotation = inputs["frames"], inputs["annotation"]
    seen = []
    call = type(learned.decoder).call

    def recording(self, levels, picture, foreground, z, instances):
        seen.append(z)
        return call(self, levels, picture, foreground, z, instances)

    monkeypatch.setattr(type(learned.decoder), "call", recording)
    z = learned.encode(frames, annotation).mean()
    learned.decode(frames[:, 0], annotation, z)
    standard = build_motion(dataclasses.replace(motion_config.model, prior="standard", **LATENTS), spec)
    standard.set_weights(learned.get_weights()[: len(standard.weights)])
    found = standard.encode(frames, annotation).mean()
    np.testing.assert_allclose(seen[0], found, rtol=1e-3, atol=1e-3)
    assert np.abs(z - found).max() > 0.1


def test_the_latent_moves_the_flow(seg2vid, spec, make_inputs):
    inputs = make_inputs(seg2vid.motion, spec, 1, 16, 16)
    start, annotation = inputs["frames"][:, 0], inputs["annotation"]
    flows = [seg2vid.motion.decode(start, annotation, z)["flow"].numpy() for z in (inputs["noise"], -inputs["noise"])]
    assert np.abs(flows[0] - flows[1]).max() > 1e-2


def test_a_size_that_the_stride_does_not_divide_is_refused_by_name(seg2vid, spec, make_inputs):
    with pytest.raises(tf.errors.InvalidArgumentError, match="start_frame: height and width must be divisible by 8"):
        seg2vid.motion(make_inputs(seg2vid.motion, spec, 1, 16, 20))


def test_build_refuses_what_cannot_work(spec, motion_config):
    with pytest.raises(ValueError, match=r"divisible by 8 \(from image_filters\), received 32 x 60"):
        build_motion(dataclasses.replace(motion_config.model, width=60), spec)
    still = dataclasses.replace(spec, classes=tuple(dataclasses.replace(c, foreground=False) for c in spec.classes))
    with pytest.raises(ValueError, match="at least one foreground and one background class"):
        build_motion(motion_config.model, still)
    with pytest.raises(ValueError, match="received 'float16'"):
        set_precision("float16")
