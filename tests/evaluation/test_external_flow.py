import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.evaluation.external_flow import measured_flow
from seg2vid_tf.ops.warp import dense_image_warp


def texture(height=64, width=96, seed=0):
    """uint8 [H,W,3], smooth noise: what a flow can be measured on."""
    noise = np.random.default_rng(seed).uniform(0, 255, (1, height // 8, width // 8, 3)).astype(np.float32)
    return np.rint(np.clip(tf.image.resize(noise, (height, width), "bicubic")[0], 0, 255)).astype(np.uint8)


def shifted(image, dy, dx):
    """What was at (y, x) is at (y + dy, x + dx)."""
    flow = np.broadcast_to(np.float32([dy, dx]), (1, *image.shape[:2], 2))
    return np.rint(dense_image_warp(tf.constant(image[None], tf.float32), flow)[0]).astype(np.uint8)


def test_a_shift_is_measured_in_this_projects_convention():
    image = texture()
    source, target = np.stack([image, image]), np.stack([shifted(image, 2, -3), shifted(image, 0, 4)])
    flow, flow_backward, visibility = measured_flow(source, target)
    assert flow.shape == flow_backward.shape == (2, 64, 96, 2) and visibility.shape == (2, 64, 96, 1)
    middle = (slice(None), slice(12, -12), slice(12, -12))
    expected = np.array([[2, -3], [0, 4]], np.float32)[:, None, None]
    for measured in (flow, flow_backward):
        assert np.abs(measured[middle] - expected).mean() < 0.1
    assert visibility[middle].mean() > 0.99
    assert visibility[0, :, -2:].mean() < 0.5, "what came in at the right was not there before"


def test_other_frames():
    with pytest.raises(ValueError, match="source must be uint8 .* at least 16x16, received uint8"):
        measured_flow(np.zeros((1, 8, 32, 3), np.uint8), np.zeros((1, 8, 32, 3), np.uint8))
    with pytest.raises(ValueError, match="target must be uint8"):
        measured_flow(np.zeros((1, 32, 32, 3), np.uint8), np.zeros((1, 32, 32, 3), np.float32))
