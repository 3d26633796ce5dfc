"""z as a picture: its dimensions are a map's low frequencies, and come back out of it."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seg2vid_tf.models.motion.latent_map import LATENT_GRID, LatentScale, coefficients_of, map_channels, map_of


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 600), st.integers(0, 2**31))
def test_coefficients_come_back_out_of_their_map(latent_dim, seed):
    z = np.random.default_rng(seed).standard_normal((2, latent_dim)).astype(np.float32)
    grid = map_of(tf.constant(z))
    assert grid.shape == (2, *LATENT_GRID, map_channels(latent_dim))
    np.testing.assert_allclose(coefficients_of(grid, latent_dim), z, atol=1e-4)


@pytest.mark.parametrize("latent_dim", [2, 64, 128, 384])
def test_the_first_dimensions_are_the_mean(latent_dim):
    """Orthonormal: a map that is 3 everywhere is sqrt(16 * 32) * 3 of each channel's constant wave and no other."""
    channels = map_channels(latent_dim)
    found = coefficients_of(tf.fill([1, *LATENT_GRID, channels], 3.0), latent_dim)[0].numpy()
    np.testing.assert_allclose(found[: min(channels, latent_dim)], 3 * np.sqrt(512), rtol=1e-5)
    np.testing.assert_allclose(found[channels:], 0, atol=1e-4)


def test_scales_undo_each_other_and_prefer_low_frequencies():
    there, back = LatentScale(10, to_map=True), LatentScale(10, to_map=False)
    ones = tf.ones([1, 10])
    np.testing.assert_allclose(back(there(ones)), ones, rtol=1e-6)
    factors = there(ones).numpy()[0]
    np.testing.assert_allclose(factors[:2], np.sqrt(512), rtol=1e-6)
    assert (np.diff(factors[::2]) <= 0).all() and factors[-1] < factors[0]
