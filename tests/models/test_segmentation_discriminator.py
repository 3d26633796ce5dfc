"""SegmentationDiscriminator beyond the shared checklist: shapes, the skips' detail, what its calls move."""

import dataclasses

import keras
import numpy as np
import pytest

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.models.build import build_discriminator
from seg2vid_tf.models.start_frame.segmentation_discriminator import SegmentationDiscriminator
from seg2vid_tf.ops.feature_network import load_feature_network


@pytest.fixture
def discriminator(spec, start_frame_config):
    keras.utils.set_random_seed(0)
    return build_discriminator(start_frame_config.model, spec)


@pytest.mark.parametrize(("height", "width"), [(32, 64), (20, 12), (18, 27)])
def test_every_pixel_gets_the_specs_classes_and_fake(discriminator, spec, make_inputs, height, width):
    assert isinstance(discriminator, SegmentationDiscriminator) and discriminator.stride == 4
    inputs = make_inputs(discriminator, spec, 2, height, width)
    assert set(inputs) == {"frame"}, "it never sees the annotation"
    assert discriminator(inputs)["logits"].shape == (2, height, width, spec.num_classes + 1)


def test_both_stacks_store_its_variables_in_one_order():
    """Else an export's discriminator, or a run, of one stack could not be trained on by the other."""
    discriminator = SegmentationDiscriminator(2, (3, 4, 5), name="discriminator")
    discriminator({"frame": np.zeros([1, 8, 8, 3], np.float32)})
    shapes = [tuple(v.shape) for v in raw_variables(discriminator)]
    stem, down = [(3, 3, 3, 3), (3,), (1, 3)], [(4, 4, 3, 4), (4,), (4, 4, 4, 5), (5,), (1, 4), (1, 5)]
    up, to_logits = [(3, 3, 5, 4), (4,), (3, 3, 8, 3), (3,), (1, 4), (1, 3)], [(3, 3, 6, 3), (3,), (1, 3)]
    assert shapes == [*stem, *down, *up, *to_logits]


def test_a_pixel_is_judged_by_itself_first(discriminator, spec, make_inputs):
    inputs = make_inputs(discriminator, spec, 1, 32, 32)
    frame = inputs["frame"].numpy()
    frame[0, 13, 17] = -frame[0, 13, 17]
    difference = np.abs(discriminator({"frame": frame})["logits"] - discriminator(inputs)["logits"]).sum(-1)[0]
    row, column = np.unravel_index(difference.argmax(), difference.shape)
    assert abs(row - 13) <= 2 and abs(column - 17) <= 2


def test_what_is_far_away_reaches_a_pixel_through_the_coarse_grids(discriminator, spec, make_inputs):
    inputs = make_inputs(discriminator, spec, 1, 32, 32)
    frame = inputs["frame"].numpy()
    frame[0, 12:16, 12:16] *= -1.0
    difference = np.abs(discriminator({"frame": frame})["logits"] - discriminator(inputs)["logits"]).sum(-1)[0]
    # Stem and to_logits alone would carry it two pixels.
    assert difference[8, 8] > 0.0 and difference[20, 20] > 0.0


def test_only_training_calls_move_the_power_iterations_and_all_of_them(discriminator, spec, make_inputs):
    inputs = make_inputs(discriminator, spec, 1, 16, 16)
    estimates = [v.numpy() for v in discriminator.non_trainable_variables]
    assert len(estimates) == 1 + 2 + 2 + 1, "stem, two down, two up, the logits"
    discriminator(inputs)
    for before, after in zip(estimates, discriminator.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(after.numpy(), before)
    discriminator(inputs, training=True)
    for before, after in zip(estimates, discriminator.non_trainable_variables, strict=True):
        assert (after.numpy() != before).any()


def test_features_enter_at_their_own_size_whatever_their_scale(spec, start_frame_config, feature_file, make_inputs):
    """A map of stride 2 is brought beside the first halving's output; ten times as large it says the same."""
    keras.utils.set_random_seed(0)
    network = load_feature_network(feature_file)
    config = dataclasses.replace(start_frame_config.model, discriminator_features=True)
    discriminator = build_discriminator(config, spec, network)
    assert discriminator.feature_strides == (1, 1, 2)
    stem, first, second = 8, 12, 16
    assert discriminator.down[0].kernel.shape[2] == stem + 4 + 4
    assert discriminator.down[1].kernel.shape[2] == first + 6
    assert discriminator.up[0].kernel.shape[2] == second
    inputs = make_inputs(discriminator, spec, 1, 32, 32)
    logits = discriminator(inputs)["logits"].numpy()
    louder = [10.0 * feature for feature in inputs["features"]]
    np.testing.assert_allclose(discriminator({**inputs, "features": louder})["logits"], logits, atol=0.02)
    for i, feature in enumerate(inputs["features"]):
        other = [*inputs["features"]]
        other[i] = -feature
        assert np.abs(discriminator({**inputs, "features": other})["logits"] - logits).max() > 0.05, i


def test_features_of_enlarged_frames_enter_nearer_to_the_top(spec, start_frame_config, feature_file):
    """Enlarged four times, maps of strides 1, 1 and 2 have four and two times the frame's own size."""
    config = dataclasses.replace(start_frame_config.model, discriminator_features=True)
    config = dataclasses.replace(config, feature_projection=True)
    network = load_feature_network(feature_file, scales=(1, 4))
    discriminator = build_discriminator(config, spec, network)
    assert discriminator.feature_strides == (1, 1, 2, 0.25, 0.25, 0.5)
    stem, first = 8, 12
    kernels = [tuple(read.kernel.shape) for read in discriminator.read]
    assert kernels == [(1, 1, 4 + 4 + 4 + 4 + 6, stem), (1, 1, 6, first)]
    assert [down.kernel.shape[2] for down in discriminator.down] == [2 * stem, 2 * first]
    frame = np.zeros([1, 32, 32, 3], np.float32)
    logits = discriminator({"frame": frame, "features": network(frame)})["logits"]
    assert logits.shape == (1, 32, 32, spec.num_classes + 1)


def test_build_refuses_a_config_whose_size_does_not_fit(spec, start_frame_config):
    config = dataclasses.replace(start_frame_config.model, segmentation_filters=(4,) * 7)
    with pytest.raises(ValueError, match=r"divisible by 64 \(from segmentation_filters\), received 32 x 64"):
        build_discriminator(config, spec)
