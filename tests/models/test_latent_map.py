"""z as a motion: its dimensions are a map's low frequencies, and come back out of it."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID, frame_frequencies, map_channels
from seg2vid_tf.models.motion.latent_map import (
    LatentScale,
    coefficients_to_map,
    map_to_coefficients,
    map_to_velocities,
    velocities_to_map,
)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 1000), st.integers(0, 2**31))
def test_coefficients_come_back_out_of_their_map(latent_dim, seed):
    z = np.random.default_rng(seed).standard_normal((2, latent_dim)).astype(np.float32)
    channels = map_channels(latent_dim, 3)
    grid = coefficients_to_map(tf.constant(z), channels)
    assert grid.shape == (2, *LATENT_GRID, channels)
    np.testing.assert_allclose(map_to_coefficients(grid, latent_dim), z, atol=1e-4)


@pytest.mark.parametrize("latent_dim", [1, 3, 256, 1000])
def test_a_map_is_the_sum_of_its_waves(latent_dim):
    """The definition, wave by wave, against the two small tables that both directions go through."""
    channels, (height, width) = map_channels(latent_dim, 3), LATENT_GRID
    down, across, _ = frame_frequencies(-(-latent_dim // channels))
    waves = []
    for y, x in zip(down, across, strict=True):
        wave = np.outer(
            np.cos(np.pi * (np.arange(height) + 0.5) * y / height), np.cos(np.pi * (np.arange(width) + 0.5) * x / width)
        )
        waves.append(wave / np.linalg.norm(wave))
    rng = np.random.default_rng(0)
    z = np.zeros([2, len(down) * channels])
    z[:, :latent_dim] = rng.standard_normal((2, latent_dim))
    expected = np.einsum("bfc,fhw->bhwc", z.reshape(2, -1, channels), waves)
    np.testing.assert_allclose(
        coefficients_to_map(tf.constant(z[:, :latent_dim], tf.float32), channels), expected, atol=1e-5
    )
    grid = rng.standard_normal((2, height, width, channels))
    expected = np.einsum("bhwc,fhw->bfc", grid, waves).reshape(2, -1)[:, :latent_dim]
    np.testing.assert_allclose(map_to_coefficients(tf.constant(grid, tf.float32), latent_dim), expected, atol=1e-5)


@pytest.mark.parametrize("latent_dim", [2, 64, 256, 600])
def test_the_first_dimensions_are_the_mean(latent_dim):
    """Orthonormal: a map that is 3 everywhere is sqrt(16 * 32) * 3 of each channel's constant wave and no other."""
    channels = map_channels(latent_dim, 4)
    found = map_to_coefficients(tf.fill([1, *LATENT_GRID, channels], 3.0), latent_dim)[0].numpy()
    np.testing.assert_allclose(found[: min(channels, latent_dim)], 3 * np.sqrt(512), rtol=1e-5)
    np.testing.assert_allclose(found[channels:], 0, atol=1e-4)


@pytest.mark.parametrize(("channels", "num_frames"), [(2, 4), (4, 4), (8, 4), (2, 1)])
def test_a_map_says_velocities_and_is_found_from_them(channels, num_frames):
    drawn = tf.random.stateless_normal([2, 3, 5, channels], [0, 1])
    found = velocities_to_map(map_to_velocities(drawn, num_frames), channels).numpy()
    np.testing.assert_allclose(found, drawn, atol=1e-5)


def test_velocities_by_hand():
    """Four frames; a steady (1, 2), and dy that turns: cos(pi (t + 1/2) / 4), whose mean square is a half."""
    steady = map_to_velocities(tf.constant([1.0, 2.0])[None, None, None], 4)[0, :, 0, 0]
    np.testing.assert_allclose(steady, np.tile([1.0, 2.0], (4, 1)), rtol=1e-6)
    turning = map_to_velocities(tf.constant([0.0, 0.0, 1.0, 0.0])[None, None, None], 4)[0, :, 0, 0]
    expected = np.sqrt(2) * np.cos(np.pi * np.array([1, 3, 5, 7]) / 8)
    np.testing.assert_allclose(turning, np.stack([expected, np.zeros(4)], -1), atol=1e-6)


def test_scales_undo_each_other_and_prefer_low_frequencies():
    there, back = LatentScale(512, 4, to_map=True), LatentScale(512, 4, to_map=False)
    ones = tf.ones([1, 512])
    np.testing.assert_allclose(back(there(ones)), ones, rtol=1e-6)
    factors = there(ones).numpy().reshape([128, 2, 2])  # of each wave over the frame: two waves along time, dy and dx
    np.testing.assert_allclose(factors[0], np.sqrt(512) / 4 / np.array([[1, 1], [9, 9]]), rtol=1e-6)
    np.testing.assert_allclose(factors[1], np.sqrt(512) / 4 / np.array([[2.25, 2.25], [12.25, 12.25]]), rtol=1e-6)
    assert (np.diff(factors, axis=0) <= 0).all() and factors[-1, 0, 0] < factors[0, 0, 0] / 10
