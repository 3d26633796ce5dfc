"""The Gaussian of styles by hand, and networks that stay the functions they are in other coordinates."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.style_encoder import StyleEncoder
from seg2vid_tf.models.start_frame.style_standardisation import MIN_VARIANCE, fit_styles, standardise_style
from tests.conftest import shake_palette


def test_the_fit_by_hand():
    means = np.array([[1.0, 0.0], [3.0, 1.0], [3.0, -1.0]])
    mean, factor = fit_styles(means, np.tile([0.0, 1.0], (3, 1)))
    # Of the means 8/6 and 1, uncorrelated; of the posteriors exp(0) and exp(1).
    covariance = np.diag([8 / 6 + 1.0, 1.0 + np.e]) + MIN_VARIANCE * np.eye(2)
    np.testing.assert_allclose(mean, [7 / 3, 0.0])
    np.testing.assert_allclose(factor @ factor.T, covariance, atol=1e-12)
    np.testing.assert_array_equal(factor, np.tril(factor))
    with pytest.raises(ValueError, match="at least 2 pictures, received 1"):
        fit_styles(means[:1], means[:1])


@pytest.mark.parametrize(("as_map", "palette"), [(False, False), (True, False), (False, True), (True, True)])
def test_networks_are_the_same_functions_in_the_new_coordinates(as_map, palette):
    rng = np.random.default_rng(0)
    numbers, colored = (13, 3) if palette else (4, 0)
    sizes = {"noise_stride": 2, "filters": (6, 6, 4), "spade_filters": 5}
    generator = StartFrameGenerator(3, numbers, 2, colored_classes=colored, **sizes)
    encoder = StyleEncoder(numbers, (6, 6), bands=2, num_classes=colored)
    frame = tf.constant(rng.uniform(-1, 1, (3, 16, 32, 3)).astype(np.float32))
    inputs = {
        "annotation": tf.one_hot(rng.integers(0, 3, (3, 16, 32)), 3),
        "noise": tf.constant(rng.normal(size=(3, 8, 16, 2)).astype(np.float32)),
    }
    mean = rng.normal(size=numbers)
    factor = np.tril(rng.normal(size=(numbers, numbers))) / numbers + 2.0 * np.eye(numbers)
    style = rng.normal(size=(3, 16, 32, numbers) if as_map else (3, numbers)).astype(np.float32)

    def painted(style):
        return generator({**inputs, "style": tf.constant(style, tf.float32)})["start_frame"].numpy()

    if palette:
        painted(style), encoder({"frame": frame})
        shake_palette(generator, encoder)
    before, encoded = painted(mean + style @ factor.T), encoder({"frame": frame})["mean"].numpy()
    standardise_style(generator, encoder, mean, factor)
    np.testing.assert_allclose(painted(style), before, atol=1e-4)
    np.testing.assert_allclose(mean + encoder({"frame": frame})["mean"].numpy() @ factor.T, encoded, atol=1e-4)
    assert np.abs(painted(mean + style @ factor.T) - before).max() > 1e-2
