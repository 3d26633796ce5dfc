"""StyleEncoder beyond the shared checklist: appearance matters more than place, and the posterior starts narrow."""

import numpy as np
import pytest
import tensorflow as tf


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
