"""How z's dimensions are numbered, and how widely seeds draw them."""

import numpy as np
import pytest

from seg2vid_tf.models.motion.latent_frequencies import map_channels, sampling_stddev


def test_details_are_drawn_narrower_than_the_motion_of_the_whole_frame():
    """600 dimensions are 3 waves along time, 6 channels: frequencies 0, 0.5, 1 (twice), 1.118, ... of 6 each."""
    stddev = sampling_stddev((600, 4, 0), 4, 0.5, 2.0)
    assert stddev.shape == (604,) and stddev.dtype == np.float32
    widths = [0.5, 0.5 / 1.5**2, 0.5 / 2**2, 0.5 / 2**2, 0.5 / (1 + np.hypot(1, 0.5)) ** 2]
    np.testing.assert_allclose(stddev[:30], np.repeat(widths, 6), rtol=1e-5)
    assert (np.diff(stddev[:600]) <= 0).all()
    # 100 frequencies fill a quarter of a circle of radius 8, whose columns lie half as far apart as its rows.
    np.testing.assert_allclose(stddev[599], 0.5 / (1 + 8) ** 2, rtol=0.2)
    np.testing.assert_allclose(stddev[600:], [0.5, 0.5, 0.5 / 1.5**2, 0.5 / 1.5**2], rtol=1e-5)
    np.testing.assert_array_equal(sampling_stddev((6, 4), 2, 0.0, 2.0), np.zeros(10))
    np.testing.assert_array_equal(sampling_stddev((6, 4), 2, 1.0, 0.0), np.ones(10))


def test_more_dimensions_are_more_waves_along_time_and_then_finer_ones():
    assert [map_channels(z, 4) for z in (1, 256, 257, 1024, 4096)] == [2, 2, 4, 8, 8]
    assert map_channels(1024, 1) == 2
    with pytest.raises(ValueError, match="a latent of 2 frames has at most 2048 dimensions, received 2049"):
        map_channels(2049, 2)
