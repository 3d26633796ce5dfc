"""StartFrameModel: seeds, strange label maps, instance maps and reference styles."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.seeds import draw
from seg2vid_tf.models.start_frame.start_frame_model import StartFrameModel
from seg2vid_tf.ops.image import to_uint8
from seg2vid_tf.ops.noise import per_example_normal
from tests.settings import needs_bfloat16
from tests.tolerance import assert_far_apart, assert_rounded_alike, fan_ins

SIZE = (16, 32)


@pytest.fixture(scope="module")
def model(seg2vid):
    return seg2vid.start_frame_model


@pytest.fixture(scope="module")
def model_with_instances(seg2vid_with_instances):
    return seg2vid_with_instances.start_frame_model


@pytest.fixture(scope="module")
def label_maps(spec):
    return np.random.default_rng(0).integers(0, spec.num_classes, (3, *SIZE)).astype(np.uint8)


def paint(model, label_maps, seeds, **others):
    seeds = tf.constant(seeds, tf.int64)
    return model.paint(tf.constant(label_maps), model.draw_style(seeds), seeds, **others).numpy()


def test_same_seed_same_picture_whatever_else_is_in_the_batch(model, label_maps):
    together = paint(model, label_maps, [5, -9, 2**62])
    assert together.shape == (3, *SIZE, 3) and together.dtype == np.float32
    np.testing.assert_array_equal(paint(model, label_maps, [5, -9, 2**62]), together)
    order = [2, 0, 1]
    permuted = paint(model, label_maps[order], [2**62, 5, -9])
    alone, other = (paint(model, label_maps[1:2], [seed]) for seed in (-9, 5))
    terms = fan_ins(model.generator)
    for found, expected, twin in ((permuted, together[order], together), (alone, together[1:2], other)):
        assert_rounded_alike({"picture": found}, {"picture": expected}, terms)
        assert_far_apart({"picture": twin}, {"picture": expected}, terms)
        grey, same, apart = (to_uint8(each).numpy().astype(int) for each in (expected, found, twin))
        assert np.abs(same - grey).max() <= 1 and np.abs(apart - grey).max() > 20


def test_two_seeds_differ_in_style_and_in_noise(model, label_maps):
    label_map, seeds = tf.constant(label_maps[:1]), [tf.constant([s], tf.int64) for s in (1, 2)]
    styles = [model.draw_style(s) for s in seeds]
    pictures = {(i, j): model.paint(label_map, styles[i], seeds[j]).numpy() for i in (0, 1) for j in (0, 1)}
    assert np.abs(pictures[0, 0] - pictures[1, 0]).mean() > 1e-3, "another style"
    assert np.abs(pictures[0, 0] - pictures[0, 1]).mean() > 1e-3, "another noise"


def test_what_seeds_stand_for_is_drawn_apart(model):
    seeds = tf.constant([3, 4], tf.int64)
    style, z = draw(seeds, model.generator.style_dim, np.ones(4, np.float32), per_example_normal)
    np.testing.assert_array_equal(model.draw_style(seeds), style)
    noise = model.draw_noise(seeds, (8, 4))
    assert model.generator.noise_stride == 2
    assert noise.shape == (2, 4, 2, model.generator.noise_channels)
    drawn = [style[0].numpy(), z[0].numpy(), noise.numpy()[0].ravel()[:4]]
    assert len({tuple(row) for row in drawn}) == 3
    # Streams 0, 1 and 2 are what a seed means; a renumbering would change every picture of every model.
    for stream, row in enumerate(drawn[:2]):
        np.testing.assert_array_equal(per_example_normal(seeds[:1], [4], stream)[0], row)
    np.testing.assert_array_equal(per_example_normal(seeds, [4, 2, model.generator.noise_channels], 2), noise)


def test_strange_label_maps_give_a_finite_picture(model, spec):
    rng = np.random.default_rng(1)
    known = [*range(spec.num_classes), spec.ignore_id]
    maps = {f"all {i}": np.full(SIZE, i) for i in known}
    maps["noise"] = rng.choice(known, SIZE)
    pictures = paint(model, np.stack(list(maps.values())).astype(np.uint8), np.arange(len(maps)))
    for name, picture in zip(maps, pictures, strict=True):
        assert np.isfinite(picture).all() and np.abs(picture).max() <= 1.0, name


def test_instances_change_the_picture_at_their_borders(model_with_instances):
    label_map = np.zeros([1, 16, 96], np.uint8)
    one = np.zeros(label_map.shape, np.int32)
    two = one.copy()
    two[:, :, 48:] = 33_001
    picture, renamed, other = (
        paint(model_with_instances, label_map, [1], instance_map=tf.constant(m)) for m in (one, one + 9, two)
    )
    np.testing.assert_array_equal(renamed, picture)
    difference = np.abs(other - picture).mean(axis=(0, 1, 3))
    assert difference[46:50].min() > 1e-4 and difference[:20].max() < 1e-6 and difference[-20:].max() < 1e-6


def test_instance_maps_are_asked_for_and_refused(model, model_with_instances, label_maps):
    assert model_with_instances.uses_instances and not model.uses_instances
    with pytest.raises(ValueError, match="instance_map: this model needs an instance map, received NoneType"):
        paint(model_with_instances, label_maps, [1, 2, 3])
    with pytest.raises(ValueError, match="instance_map: this model was trained without instance maps, received "):
        paint(model, label_maps, [1, 2, 3], instance_map=tf.zeros([3, *SIZE], tf.int32))


def test_one_seed_for_several_pictures_is_refused(model, label_maps):
    seeds = tf.constant([1], tf.int64)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected shape \[3,"):
        model.paint(tf.constant(label_maps), model.draw_style(seeds), seeds)


def test_a_reference_gives_its_posteriors_mean_and_so_the_picture(model, label_maps):
    frame = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, *SIZE, 3)), tf.float32)
    style = model.encode_style(frame)
    np.testing.assert_array_equal(style, model.style_encoder({"frame": frame})["mean"])
    seed = tf.constant([4], tf.int64)
    first, other = (
        model.paint(tf.constant(label_maps[:1]), model.encode_style(f), seed).numpy() for f in (frame, -frame)
    )
    assert np.abs(first - other).max() > 1e-4


def test_a_model_without_style_encoder_says_so(model, model_with_instances):
    without = StartFrameModel(model.generator, None, model.spec)
    for each in (without, model_with_instances):
        with pytest.raises(ValueError, match="has no style encoder .it was trained with --nostyle_encoder.: draw"):
            each.encode_style(tf.zeros([1, *SIZE, 3]))


@needs_bfloat16
def test_it_paints_in_bfloat16_too(model, label_maps, copy_model, make_inputs, spec):
    from seg2vid_tf.models.build import set_precision

    set_precision("mixed_bfloat16")
    try:
        mixed = copy_model(model.generator, make_inputs(model.generator, spec, 1, 8, 8))
    finally:
        set_precision("float32")
    assert keras.mixed_precision.global_policy().name == "float32"
    rounded = paint(StartFrameModel(mixed, None, spec), label_maps, [1, 2, 3])
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, paint(model, label_maps, [1, 2, 3]), atol=0.15)
