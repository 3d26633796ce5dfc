"""Matching: displacement of frame 0's pixels, in pixels, for known motions of a texture."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.matching import STRIDE, estimate_flow
from seg2vid_tf.ops.warp import warp
from tests.tolerance import order_tolerance


def texture(height, width):
    """Noise of several scales, float32 [height,width,3]."""
    rng = np.random.default_rng(0)
    layers = [
        tf.image.resize(rng.uniform(-1, 1, (1, height // s, width // s, 3)).astype(np.float32), (height, width))
        for s in (32, 16, 8, 4, 2)
    ]
    return (sum(layers)[0] / 5).numpy()


@pytest.mark.parametrize("velocity", [(0, 0), (0, 4), (-3, 5), (2, -8)])
def test_a_texture_that_moves_as_a_whole(velocity):
    dy, dx = velocity
    big = texture(256, 320)
    frames = np.stack([big[64 - t * dy : 192 - t * dy, 64 - t * dx : 256 - t * dx] for t in range(4)])[None]
    displacement, fit = estimate_flow(tf.constant(frames))
    assert displacement.shape == (1, 3, 128 // STRIDE, 192 // STRIDE, 2)
    assert fit.shape == (1, 3, 128 // STRIDE, 192 // STRIDE, 1)
    for t in (1, 2, 3):
        inner = displacement[0, t - 1, 8:-8, 8:-8].numpy()
        error = np.linalg.norm(inner - np.float32([dy, dx]) * t, axis=-1)
        assert error.max() < 0.25, (t, inner.reshape(-1, 2).mean(0))
        np.testing.assert_allclose(inner.reshape(-1, 2).mean(0), np.float32([dy, dx]) * t, atol=0.03)
        assert fit[0, t - 1, 8:-8, 8:-8].numpy().min() > 0.7


def test_two_parts_that_move_apart():
    big = texture(128, 384)
    left = np.stack([big[:, 64 + 4 * t : 160 + 4 * t] for t in range(2)])
    right = np.stack([big[:, 200 - 4 * t : 296 - 4 * t] for t in range(2)])
    displacement, _ = estimate_flow(tf.constant(np.concatenate([left, right], axis=2)[None]))
    columns = displacement[0, 0, 6:-6].numpy()
    assert np.abs(columns[:, 4:18] - [0, -4]).max() < 0.25 and np.abs(columns[:, 30:44] - [0, 4]).max() < 0.25


@pytest.mark.parametrize("name", ["zoom", "turn"])
def test_each_place_has_its_own_motion(name):
    """All but the border, against the map that made the frames: 4 percent larger or 3 degrees further a frame."""
    cosine, sine = np.cos(0.05), np.sin(0.05)
    step = {"zoom": 1.04 * np.eye(2), "turn": np.array([[cosine, -sine], [sine, cosine]])}[name]
    height, width = 128, 192
    big = tf.constant(texture(2 * height, 2 * width)[None])
    pixels = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in (height, width)), indexing="ij"), axis=-1)
    frames = []
    for t in range(3):
        there = pixels @ np.linalg.matrix_power(np.linalg.inv(step), t).T
        # Frame t's pixel p shows what was at there(p), of a picture twice as large with the same middle.
        rows = pixels - (height / 2, width / 2) - there
        canvas = tf.pad(tf.constant(rows[None], tf.float32), [[0, 0], [0, height], [0, width], [0, 0]])
        frames.append(warp(big, canvas)[:, :height, :width])
    displacement, _ = estimate_flow(tf.stack(frames, axis=1))
    places = np.stack(
        np.meshgrid(*(STRIDE * (np.arange(n // STRIDE) + 0.5) - n / 2 for n in (height, width)), indexing="ij"), axis=-1
    )
    for t in (1, 2):
        true = places @ (np.linalg.matrix_power(step, t) - np.eye(2)).T
        error = np.linalg.norm(displacement[0, t - 1].numpy() - true, axis=-1)[4:-4, 4:-4]
        assert error.max() < 0.4 and np.abs(true).max() > 3.0, (t, error.max())


def test_the_fit_says_what_is_found_again():
    """Frame 1 is frame 0 on the left and something else on the right."""
    big = texture(128, 384)
    other = np.concatenate([big[:, :96], big[:, 200:296]], axis=1)
    _, fit = estimate_flow(tf.constant(np.stack([big[:, :192], other])[None]))
    np.testing.assert_allclose(fit[0, 0, 6:-6, :14], 1.0, atol=1e-3)
    assert np.mean(fit[0, 0, 6:-6, 30:-6]) < 0.8


@pytest.mark.parametrize("size", [(4, 4), (8, 24), (16, 16), (40, 16)])
def test_small_frames_and_flat_ones_stay_finite(size):
    frames = tf.zeros([2, 3, *size, 3])
    displacement, fit = estimate_flow(frames)
    assert displacement.shape == (2, 2, max(size[0] // 4, 2), max(size[1] // 4, 2), 2)
    np.testing.assert_allclose(displacement, 0, atol=1e-4)
    assert np.isfinite(fit).all()


def test_no_gradient_and_rows_of_their_own():
    rng = np.random.default_rng(1)
    frames = tf.constant(rng.uniform(-1, 1, (2, 3, 32, 48, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(frames)
        both, _ = estimate_flow(frames)
    assert tape.gradient(both, frames) is None
    # A correlation of 25 pixels of 3 channels, made 80 times as clear, weighs places up to 3 away, of 16 pixels each.
    tolerance = order_tolerance(75, 1.0) * 80 * 3 * 16
    assert np.abs(estimate_flow(frames[1:])[0][0] - both[1]).max() < tolerance
    assert np.abs(estimate_flow(frames[:1])[0][0] - both[1]).max() > 20 * tolerance
