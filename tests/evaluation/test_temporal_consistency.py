import numpy as np
import pytest

from seg2vid_tf.evaluation.temporal_consistency import warp_error


def test_a_shift_along_its_flow_has_no_error_and_without_it_has():
    source = np.zeros((1, 4, 6, 3), np.uint8)
    source[0, :, 2] = 255
    target = np.roll(source, 1, axis=2)
    flow = np.zeros((1, 4, 6, 2), np.float32)
    ones = np.ones((1, 4, 6, 1), np.float32)
    flow[..., 1] = 1.0
    assert warp_error(source, target, flow, ones) == 0.0
    assert warp_error(source, target, 0 * flow, ones) == pytest.approx(2 / 6)  # two of six columns are off by 1


def test_hidden_pixels_and_hidden_frames_do_not_count():
    source, target = np.zeros((2, 4, 6, 3), np.uint8), np.full((2, 4, 6, 3), 51, np.uint8)
    target[0, 0] = 255
    flow, visibility = np.zeros((2, 4, 6, 2), np.float32), np.ones((2, 4, 6, 1), np.float32)
    visibility[0, 0] = 0.4
    assert warp_error(source, target, flow, visibility) == pytest.approx(0.04)
    visibility[1] = 0.0
    assert warp_error(source, target, flow, visibility) == pytest.approx(0.04)
    assert np.isnan(warp_error(source, target, flow, 0 * visibility))
