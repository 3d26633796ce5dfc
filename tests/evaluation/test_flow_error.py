import math

import numpy as np

from seg2vid_tf.evaluation.flow_error import endpoint_error, fl_all, occlusion_f1


def test_endpoint_error_counts_visible_pixels_only():
    target = np.zeros((1, 1, 3, 2), np.float32)
    prediction = np.array([[[[3, 4], [0, 1], [100, 100]]]], np.float32)
    visibility = np.array([1, 1, 0], np.float32).reshape(1, 1, 3, 1)
    assert endpoint_error(target, prediction, visibility) == (5 + 1) / 2
    assert math.isnan(endpoint_error(target, prediction, np.zeros_like(visibility)))


def test_fl_all_counts_errors_of_more_than_3_pixels_and_5_percent():
    target = np.array([[0, 10], [0, 100], [0, 100], [0, 0], [0, 0]], np.float32)
    prediction = np.array([[0, 14], [0, 104], [0, 94], [0, 3], [9, 0]], np.float32)
    visibility = np.array([1, 1, 1, 1, 0], np.float32)[:, None]
    assert fl_all(target, prediction, visibility) == 2 / 4
    assert math.isnan(fl_all(target, prediction, np.zeros_like(visibility)))


def test_occlusion_f1_by_hand():
    """Three occluded, two found, one of them rightly: precision 1/2, recall 1/3, F1 = 2/5."""
    target = np.array([0, 0, 0, 1, 1], np.float32)[:, None]
    prediction = np.array([0.1, 0.9, 0.6, 0.2, 1.0], np.float32)[:, None]
    assert occlusion_f1(target, prediction) == 2 / 5
    assert math.isnan(occlusion_f1(np.ones((4, 1)), np.ones((4, 1))))
