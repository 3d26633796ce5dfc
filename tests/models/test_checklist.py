"""The checklist that every network passes: one test per promise, run on each of them.

Two of its promises need more than one network: that two replicas equal one is shown in tests/training/test_replicas.py,
and the export under the session loader at the end of this file, for both stages at once.
"""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.export_folder import encoder_folder
from seg2vid_tf.models.build import build_discriminator, build_generator, build_style_encoder, set_precision
from seg2vid_tf.ops.feature_network import load_feature_network
from seg2vid_tf.ops.image import to_float
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.serving.session_loader import SessionLoader
from tests.conftest import shake_palette
from tests.settings import needs_bfloat16
from tests.tolerance import assert_far_apart, assert_rounded_alike, fan_ins

SIZES = [(32, 64), (48, 32)]

# What bfloat16 (8 bits of fraction) may move: on average 2 % of the output's mean size, and no value by more than 0.15
# of its unit ([-1, 1] for pictures, pixels for flow, shares for visibility, nats for the KL of a dimension).
MIXED_MEAN = 0.02
MIXED_MAX = 0.15


@pytest.fixture(
    scope="module",
    params=[
        "generator",
        "style_encoder",
        "colored generator",
        "colored style_encoder",
        "segmentation",
        "features",
        "multiscale",
        "motion",
        "limbs",
    ],
)
def model(request, seg2vid, spec, start_frame_config, feature_file, limb_motion):
    if request.param == "limbs":
        return limb_motion
    if request.param == "features":
        keras.utils.set_random_seed(0)
        config = dataclasses.replace(start_frame_config.model, discriminator_features=True)
        return build_discriminator(config, spec, load_feature_network(feature_file))
    if request.param.startswith("colored"):
        keras.utils.set_random_seed(0)
        config = dataclasses.replace(start_frame_config.model, class_colors=True)
        networks = {"generator": build_generator(config, spec), "style_encoder": build_style_encoder(config, spec)}
        shake_palette(**networks)
        return networks[request.param.split()[-1]]
    if request.param in ("segmentation", "multiscale"):
        keras.utils.set_random_seed(0)
        return build_discriminator(dataclasses.replace(start_frame_config.model, discriminator=request.param), spec)
    return getattr(seg2vid, request.param)


def flat(outputs):
    """[(name, tensor)] of an output dict whose values are tensors or nested lists of them."""
    return [(name, tensor) for name, value in outputs.items() for tensor in tf.nest.flatten(value)]


def assert_equal_outputs(a, b):
    for (name, x), (_, y) in zip(flat(a), flat(b), strict=True):
        np.testing.assert_array_equal(x, y, err_msg=name)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_row_of_a_batch_equals_batch_of_one(model, make_inputs, spec, height, width):
    inputs = make_inputs(model, spec, 3, height, width)
    whole, alone = model(inputs), model(tf.nest.map_structure(lambda value: value[1:2], inputs))

    def rows(outputs, which):
        return {f"{name} {i}": value[which] for i, (name, value) in enumerate(flat(outputs))}

    assert all(value.shape[0] == 3 for _, value in flat(whole)) and all(len(v) == 1 for _, v in flat(alone))
    own, others = rows(whole, slice(1, 2)), rows(whole, slice(0, 1))
    assert_rounded_alike(rows(alone, slice(None)), own, fan_ins(model))
    assert_far_apart(others, own, fan_ins(model))


def test_outputs_have_the_size_of_the_inputs(model, make_inputs, spec):
    for height, width in SIZES:
        outputs = model(make_inputs(model, spec, 1, height, width))
        for name, value in outputs.items():
            # Not those of scales, not those of the whole frame, and not what the style encoder finds on its own grid.
            if tf.is_tensor(value) and value.shape.rank > 2 and name != "class_logits":
                assert value.shape[-3:-1] == (height, width), name


def test_every_trainable_variable_has_a_finite_gradient_that_is_not_zero(model, make_inputs, spec):
    inputs = make_inputs(model, spec, 2, 32, 32)
    rng = np.random.default_rng(1)
    with tf.GradientTape() as tape:
        # A fixed random weight per value: no output and no symmetry drops out of the sum.
        outputs = [tensor for _, tensor in flat(model(inputs))]
        loss = tf.add_n([tf.reduce_sum(x * rng.normal(size=x.shape).astype(np.float32)) for x in outputs])
    gradients = tape.gradient(loss, model.trainable_variables)
    largest = max(np.abs(g).max() for g in gradients)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        path = getattr(variable, "path", variable.name)
        assert gradient is not None, path
        assert np.isfinite(gradient).all(), path
        # Not just unequal to 0: a parameter that a later normalisation cancels has rounding noise for a gradient.
        assert np.abs(gradient).max() > 1e-6 * largest, path


@needs_bfloat16
def test_mixed_bfloat16_is_close_to_float32(model, make_inputs, copy_model, spec):
    inputs = make_inputs(model, spec, 2, 32, 64)
    set_precision("mixed_bfloat16")
    try:
        mixed = copy_model(model, inputs)
    finally:
        set_precision("float32")
    assert {v.dtype for v in mixed.variables} <= {tf.float32, "float32"}
    largest = 0.0
    for (name, exact), (_, rounded) in zip(flat(model(inputs)), flat(mixed(inputs)), strict=True):
        if name != "features":  # they stay inside training
            assert rounded.dtype == tf.float32, name
        difference = np.abs(exact.numpy() - tf.cast(rounded, tf.float32).numpy())
        assert difference.mean() < MIXED_MEAN * np.abs(exact).mean(), name
        # Beside an outline a hundredth of a pixel decides whether the other layer covers it (flow_layers.py).
        assert difference.max() < (0.6 if "visibility" in name else MIXED_MAX), name
        largest = max(largest, difference.max())
    assert largest > 0.0, "nothing was computed in bfloat16"


def test_config_and_weights_rebuild_the_network(model, make_inputs, copy_model, spec):
    inputs = make_inputs(model, spec, 2, 32, 32)
    twin = copy_model(model, inputs)
    assert twin.get_config() == model.get_config()
    assert_equal_outputs(twin(inputs), model(inputs))


def test_checkpoint_brings_the_network_back(model, make_inputs, spec, tmp_path):
    inputs = make_inputs(model, spec, 2, 32, 32)
    folder = RunFolder(tmp_path)
    folder.save({"network": model}, 7)
    other = type(model).from_config(model.get_config())
    other(inputs)
    # Weights that no initializer draws: what is not restored shows.
    other.set_weights([np.full(w.shape, 0.5, np.float32) for w in model.get_weights()])
    (_, before), (_, expected) = flat(other(inputs))[0], flat(model(inputs))[0]
    assert (before.numpy() != expected.numpy()).any()
    assert folder.restore({"network": other}) == 7
    assert_equal_outputs(other(inputs), model(inputs))


def test_export_equals_the_networks_under_the_session_loader(seg2vid, saved_model, session_loader, spec):
    rng = np.random.default_rng(2)
    label_map = rng.integers(0, spec.num_classes, (1, *seg2vid.size)).astype(np.uint8)
    seed = np.array([11], np.int64)
    style, z = (value.numpy() for value in seg2vid.draw(tf.constant(seed)))
    inputs = {"label_map": label_map, "style": style, "z": z, "seed": seed}
    answer = session_loader.run("from_tensor", inputs)
    expected = seg2vid.generate(**inputs)
    np.testing.assert_allclose(answer["flow"], expected["flow"], atol=1e-3)
    np.testing.assert_allclose(answer["visibility"], expected["visibility"], atol=1e-4)
    start, frames = answer["frames"][:, 0] / 127.5 - 1.0, answer["frames"][:, 1:] / 127.5 - 1.0
    # Half a grey level of rounding, and one where another order of summation rounds the other way.
    np.testing.assert_allclose(start, expected["start_frame"], atol=1.5 / 127.5)
    np.testing.assert_allclose(frames, expected["frames"], atol=1.5 / 127.5)
    reference = rng.integers(0, 256, (1, *seg2vid.size, 3), np.uint8)
    with SessionLoader(encoder_folder(saved_model)) as encoder:
        answer = encoder.run("encode_style", {"reference": reference})
    expected = seg2vid.style_encoder({"frame": to_float(reference)})["mean"]
    np.testing.assert_allclose(answer["style"], expected, atol=1e-4)
