"""StyleEncoder beyond the shared checklist: appearance matters more than place, and the posterior starts narrow."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.start_frame.style_encoder import StyleEncoder, _shares


def test_the_posterior_starts_narrow(seg2vid, spec, make_inputs):
    encoded = seg2vid.style_encoder(make_inputs(seg2vid.style_encoder, spec, 2, 32, 64))
    assert set(encoded) == {"mean", "log_variance"}
    assert encoded["mean"].shape == encoded["log_variance"].shape == (2, seg2vid.generator.style_dim)
    # exp(-4 / 2) = 0.135, a little more or less by the random weights.
    deviation = np.exp(0.5 * encoded["log_variance"].numpy())
    assert 0.05 < deviation.min() and deviation.max() < 0.4


def test_colours_matter_and_where_they_are_does_not(seg2vid):
    frame = np.full([1, 32, 64, 3], -0.5, np.float32)
    frame[:, :, :32, 0] = 0.8
    swapped, recoloured = np.roll(frame, 32, axis=2), frame[..., ::-1]
    style, moved, other = (
        seg2vid.style_encoder({"frame": tf.constant(f)})["mean"] for f in (frame, swapped, recoloured)
    )
    moved, other = np.abs(moved - style).mean(), np.abs(other - style).mean()
    assert moved < 0.25 * other and other > 1e-2


@pytest.mark.parametrize("size", [(8, 8), (33, 17), (64, 128)])
def test_any_size_fits(seg2vid, size):
    style = seg2vid.style_encoder({"frame": tf.ones([3, *size, 3])})["mean"]
    assert style.shape == (3, seg2vid.generator.style_dim) and np.isfinite(style).all()


def test_bands_share_the_rows_by_area():
    np.testing.assert_allclose(_shares(1, 4), [[0.25] * 4])
    np.testing.assert_allclose(_shares(2, 4), [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    np.testing.assert_allclose(_shares(2, 3), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]], atol=1e-6)
    np.testing.assert_allclose(_shares(3, 2), [[1, 0], [0.5, 0.5], [0, 1]], atol=1e-6)


def test_bands_tell_above_from_below_and_not_left_from_right():
    encoder = StyleEncoder(8, (8, 8), bands=2)
    frame = np.full([1, 32, 64, 3], -0.5, np.float32)
    frame[:, :16, :32, 0] = 0.8
    style, moved, turned = (
        encoder({"frame": tf.constant(f)})["mean"].numpy()
        for f in (frame, np.roll(frame, 32, axis=2), np.roll(frame, 16, axis=1))
    )
    moved, turned = np.abs(moved - style).mean(), np.abs(turned - style).mean()
    assert moved < 0.25 * turned and turned > 1e-2
    assert StyleEncoder.from_config(encoder.get_config()).bands == 2
    assert encoder({"frame": tf.ones([2, 33, 17, 3])})["mean"].shape == (2, 8)
