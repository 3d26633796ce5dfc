"""StartFrameGenerator beyond the shared checklist: style, sizes, ignored pixels."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import build_generator


def test_same_style_same_picture_and_another_style_another_picture(seg2vid, spec, make_inputs):
    generator = seg2vid.generator
    inputs = make_inputs(generator, spec, 1, 16, 16)
    picture = generator(inputs)["start_frame"].numpy()
    np.testing.assert_array_equal(picture, generator(inputs)["start_frame"])
    other = generator({**inputs, "style": -inputs["style"]})["start_frame"].numpy()
    assert np.abs(picture - other).mean() > 1e-3
    assert np.abs(picture).max() <= 1.0


def test_the_annotation_matters_where_it_changes(seg2vid, spec):
    ids = np.zeros([1, 64, 64], np.int32)
    changed = ids.copy()
    changed[:, :8, :8] = 3
    style = tf.zeros([1, seg2vid.generator.style_dim])
    a, b = (
        seg2vid.generator({"annotation": tf.one_hot(m, spec.num_classes), "style": style})["start_frame"].numpy()
        for m in (ids, changed)
    )
    difference = np.abs(a - b).mean(axis=(0, 3))
    assert difference[:8, :8].mean() > 3 * difference[32:, 32:].mean()


def test_a_map_of_ignored_pixels_gives_a_finite_picture(seg2vid, spec):
    inputs = {
        "annotation": tf.zeros([1, 16, 16, spec.num_classes]),
        "style": tf.zeros([1, seg2vid.generator.style_dim]),
    }
    assert np.isfinite(seg2vid.generator(inputs)["start_frame"]).all()


@pytest.mark.parametrize(("height", "width"), [(4, 4), (20, 8), (8, 36)])
def test_any_size_that_the_stride_divides(seg2vid, spec, make_inputs, height, width):
    outputs = seg2vid.generator(make_inputs(seg2vid.generator, spec, 1, height, width))
    assert outputs["start_frame"].shape == (1, height, width, 3)


def test_a_size_that_the_stride_does_not_divide_is_refused_by_name(seg2vid, spec, make_inputs):
    with pytest.raises(tf.errors.InvalidArgumentError, match="height and width must be divisible by 4"):
        seg2vid.generator(make_inputs(seg2vid.generator, spec, 1, 16, 18))


def test_build_refuses_a_config_whose_size_does_not_fit(spec, start_frame_config):
    import dataclasses

    config = dataclasses.replace(start_frame_config.model, height=30)
    with pytest.raises(ValueError, match=r"divisible by 4 \(from generator_filters\), received 30 x 64"):
        build_generator(config, spec)
