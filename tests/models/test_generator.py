"""StartFrameGenerator beyond the shared checklist: sizes, style and noise, and what reaches which place."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.config import START_FRAME_PRESETS
from seg2vid_tf.models.build import build_generator
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.spade import SharedFeatures
from tests.tolerance import assert_far_apart, assert_rounded_alike, fan_ins, order_tolerance


def random_inputs(rng, batch, height, width, noise_channels, noise_stride):
    """Inputs of a generator of three classes and style dimension 2."""
    cells = (batch, height // noise_stride, width // noise_stride)
    return {
        "annotation": tf.one_hot(rng.integers(0, 3, (batch, height, width)), 3),
        "style": tf.constant(rng.normal(size=(batch, 2)), tf.float32),
        "noise": tf.constant(rng.normal(size=(*cells, noise_channels)), tf.float32),
    }


def one_class(inputs, channels):
    """The same inputs with class 0 everywhere."""
    shape = inputs["annotation"].shape
    return {**inputs, "annotation": tf.one_hot(tf.zeros(shape[:3], tf.int32), channels)}


def test_same_inputs_same_picture_and_other_style_or_noise_another(seg2vid, spec, make_inputs):
    generator = seg2vid.generator
    inputs = make_inputs(generator, spec, 1, 16, 16)
    picture = generator(inputs)["start_frame"].numpy()
    np.testing.assert_array_equal(picture, generator(inputs)["start_frame"])
    assert np.abs(picture).max() <= 1.0
    for name in ("style", "noise"):
        other = generator({**inputs, name: -inputs[name]})["start_frame"].numpy()
        assert np.abs(picture - other).mean() > 1e-3, name


def test_the_annotation_matters_where_it_changes(seg2vid, spec, make_inputs):
    inputs = one_class(make_inputs(seg2vid.generator, spec, 1, 64, 64), spec.num_classes)
    changed = inputs["annotation"].numpy()
    changed[:, :8, :8] = np.eye(spec.num_classes)[3]
    a, b = (
        seg2vid.generator({**inputs, "annotation": m})["start_frame"].numpy() for m in (inputs["annotation"], changed)
    )
    difference = np.abs(a - b).mean(axis=(0, 3))
    assert difference[:8, :8].mean() > 3 * difference[32:, 32:].mean()


def test_a_style_map_of_one_style_is_that_style(seg2vid, spec, make_inputs):
    inputs = make_inputs(seg2vid.generator, spec, 2, 16, 32)
    everywhere = tf.broadcast_to(inputs["style"][:, None, None], [2, 16, 32, seg2vid.generator.style_dim])
    terms = fan_ins(seg2vid.generator)
    expected, found, twin = (
        seg2vid.generator({**inputs, "style": style}) for style in (inputs["style"], everywhere, everywhere[::-1])
    )
    assert_rounded_alike(found, expected, terms)
    assert_far_apart(twin, expected, terms)


def test_a_style_map_changes_the_picture_where_it_changes(seg2vid, spec, make_inputs):
    inputs = make_inputs(seg2vid.generator, spec, 1, 96, 96)
    style = np.tile(inputs["style"].numpy()[:, None, None], [1, 96, 96, 1])
    # One corner has another style than the rest: the first or the last one, so that both maps have the same mean.
    first, last = style.copy(), style.copy()
    first[:, :8, :8] *= -1.0
    last[:, -8:, -8:] *= -1.0
    a, b = (seg2vid.generator({**inputs, "style": tf.constant(s)})["start_frame"].numpy() for s in (first, last))
    assert np.abs(a - b)[:, :8, :8].mean() > 1e-2 and np.abs(a - b)[:, -8:, -8:].mean() > 1e-2
    # Two 3x3 convolutions a block at 1/4, 1/2 and 1/1 of the size and the last one carry it 2 * (4 + 2 + 1) + 1 = 15
    # pixels, each enlargement one pixel of the smaller size: 4 + 2 more.
    reach = 8 + 15 + 6
    tolerance = order_tolerance(fan_ins(seg2vid.generator), 1.0)
    np.testing.assert_allclose(a[:, reach:-reach], b[:, reach:-reach], atol=tolerance)
    np.testing.assert_allclose(a[:, :, reach:-reach], b[:, :, reach:-reach], atol=tolerance)


def test_every_block_reads_annotation_and_the_coarse_ones_noise_of_their_size(monkeypatch):
    """Annotations are averaged down, and so is noise, whose variance stays 1."""
    generator = StartFrameGenerator(3, 2, 16, noise_stride=4, filters=(4,) * 5, spade_filters=2)
    inputs = random_inputs(np.random.default_rng(0), 4, 64, 128, noise_channels=16, noise_stride=4)
    generator(inputs)
    seen = []
    call = SharedFeatures.call

    def recording(self, annotation, style, noise, colors):
        seen.append((annotation.numpy(), noise))
        return call(self, annotation, style, noise)

    monkeypatch.setattr(SharedFeatures, "call", recording)
    generator(inputs)
    assert [annotation.shape[1:3] for annotation, _ in seen] == [(4, 8), (8, 16), (16, 32), (32, 64), (64, 128)]
    np.testing.assert_array_equal(seen[4][0], inputs["annotation"])
    by_hand = inputs["annotation"][1, 32:48, 80:96].numpy().mean((0, 1))
    np.testing.assert_allclose(seen[0][0][1, 2, 5], by_hand, rtol=1e-6)
    np.testing.assert_array_equal(seen[2][1], inputs["noise"])
    assert seen[3][1] is None and seen[4][1] is None
    for annotation, noise in ((annotation, noise.numpy()) for annotation, noise in seen[:3]):
        assert noise.shape == (*annotation.shape[:3], 16)
        # 2048 numbers at the coarsest size: the sample variance's standard deviation is 0.03.
        assert abs(noise.mean()) < 0.1 and abs(noise.var() - 1.0) < 0.12


def test_muted_classes_look_as_unlabelled_pixels_do():
    generator = StartFrameGenerator(3, 2, 1, noise_stride=4, filters=(4,) * 3, spade_filters=6)
    inputs = random_inputs(np.random.default_rng(0), 2, 16, 32, noise_channels=1, noise_stride=4)
    before = generator(inputs)["start_frame"].numpy()
    without = inputs["annotation"].numpy()
    without[..., 1] = 0.0
    generator.zero_unseen_classes([1])
    muted = generator(inputs)["start_frame"].numpy()
    unlabelled = generator({**inputs, "annotation": tf.constant(without)})["start_frame"].numpy()
    np.testing.assert_array_equal(muted, unlabelled)
    assert np.abs(muted - before).max() > 1e-3
    other = inputs["annotation"].numpy()
    other[..., 2] = 0.0
    assert np.abs(generator({**inputs, "annotation": tf.constant(other)})["start_frame"].numpy() - muted).max() > 1e-3


def test_a_smooth_class_takes_no_noise_and_the_others_their_own():
    options = {"noise_stride": 4, "filters": (4,) * 3, "spade_filters": 6}
    inputs = random_inputs(np.random.default_rng(0), 1, 16, 32, noise_channels=1, noise_stride=4)
    noisier = {**inputs, "noise": 3.0 * inputs["noise"]}
    everywhere = {key: np.array(value) for key, value in inputs.items()}
    everywhere["annotation"][...] = [0.0, 1.0, 0.0]
    usual, smooth = StartFrameGenerator(3, 2, 1, **options), StartFrameGenerator(3, 2, 1, smooth_ids=(1,), **options)
    frames = {}
    for generator in (usual, smooth):
        generator(inputs)
        generator.set_weights(usual.get_weights())
        one, other = (generator({**everywhere, "noise": x["noise"]})["start_frame"].numpy() for x in (inputs, noisier))
        assert (np.abs(one - other).max() < 1e-6) == (generator is smooth)
        frames[generator] = [generator(x)["start_frame"].numpy() for x in (inputs, noisier)]
        assert np.abs(frames[generator][0] - frames[generator][1]).max() > 1e-3
    assert np.abs(frames[smooth][0] - frames[usual][0]).max() > 1e-4
    assert smooth.get_config()["smooth_ids"] == (1,)


def test_the_two_finest_blocks_may_read_in_fewer_channels():
    generator = StartFrameGenerator(3, 2, 1, noise_stride=4, filters=(4,) * 4, spade_filters=6, fine_spade_filters=2)
    inputs = random_inputs(np.random.default_rng(0), 1, 16, 32, noise_channels=1, noise_stride=4)
    generator(inputs)
    assert [block.spade_filters for block in generator.blocks] == [6, 6, 2, 2]
    assert generator.get_config()["fine_spade_filters"] == 2


@pytest.mark.parametrize(("height", "width"), [(4, 4), (20, 8), (8, 36)])
def test_any_size_that_the_stride_divides(seg2vid, spec, make_inputs, height, width):
    outputs = seg2vid.generator(make_inputs(seg2vid.generator, spec, 1, height, width))
    assert outputs["start_frame"].shape == (1, height, width, 3)


@pytest.mark.parametrize(
    ("name", "size"), [("tiny", (64, 128)), ("small", (128, 256)), ("base", (256, 512)), ("small", (96, 64))]
)
def test_presets_as_deep_as_they_are_and_narrower_paint_their_sizes(name, size):
    preset = START_FRAME_PRESETS[name].model
    if name != "small" or size != (96, 64):
        assert (preset.height, preset.width) == size
    depth = len(preset.generator_filters)
    generator = StartFrameGenerator(3, 2, 1, preset.noise_stride, filters=(4,) * depth, spade_filters=2)
    assert generator.stride == {"tiny": 16, "small": 32, "base": 64}[name]
    inputs = random_inputs(np.random.default_rng(0), 1, *size, noise_channels=1, noise_stride=preset.noise_stride)
    picture = generator(inputs)["start_frame"].numpy()
    assert picture.shape == (1, *size, 3) and np.isfinite(picture).all() and np.abs(picture).max() <= 1.0
    assert picture.std() > 0.0


def test_a_size_that_the_stride_does_not_divide_is_refused_by_name(seg2vid, spec, make_inputs):
    with pytest.raises(tf.errors.InvalidArgumentError, match="height and width must be divisible by 4"):
        seg2vid.generator(make_inputs(seg2vid.generator, spec, 1, 16, 18))


def test_build_refuses_a_config_whose_size_does_not_fit(spec, start_frame_config):
    config = dataclasses.replace(start_frame_config.model, height=30)
    with pytest.raises(ValueError, match=r"divisible by 4 \(from generator_filters\), received 30 x 64"):
        build_generator(config, spec)


def test_build_refuses_noise_at_a_size_that_no_block_has(spec, start_frame_config):
    for noise_stride in (3, 8):
        config = dataclasses.replace(start_frame_config.model, noise_stride=noise_stride)
        with pytest.raises(ValueError, match=rf"one of the blocks' strides \[4, 2, 1\], received {noise_stride}"):
            build_generator(config, spec)


def test_the_instance_boundary_is_one_channel_more(spec, start_frame_config):
    keras.utils.set_random_seed(0)
    plain = build_generator(start_frame_config.model, spec)
    bounded = build_generator(dataclasses.replace(start_frame_config.model, instance_boundary=True), spec)
    assert (plain.num_channels, bounded.num_channels) == (spec.num_classes, spec.num_classes + 1)
    assert bounded.stem.kernel.shape[2] == plain.stem.kernel.shape[2] + 1
