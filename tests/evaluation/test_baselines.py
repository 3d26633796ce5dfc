import numpy as np
import pytest

from seg2vid_tf.evaluation.baselines import MeanFlow, affine_flow, warped_video, zero_flow
from tests.evaluation.test_external_flow import shifted, texture


def test_a_copied_frame_stays_and_a_flow_moves_frame_and_label_map():
    frame = np.zeros((4, 6, 3), np.uint8)
    frame[:, 2] = 200
    label_map = (frame[..., 0] > 0).astype(np.uint8)
    clip = np.stack([frame] * 3)
    still = warped_video(frame, label_map, zero_flow(clip))
    np.testing.assert_array_equal(still.frames, clip)
    np.testing.assert_array_equal(still.sources, [0, 0])
    flow = zero_flow(clip)
    flow[1, ..., 1] = 2.0  # frame 2: two pixels to the right
    moved = warped_video(frame, label_map, flow)
    np.testing.assert_array_equal(moved.frames[2], np.roll(frame, 2, axis=1))
    np.testing.assert_array_equal(moved.label_maps[2], np.roll(label_map, 2, axis=1))
    np.testing.assert_array_equal(moved.label_maps[1], label_map)


def test_affine_finds_shifts():
    image = texture()
    clip = np.stack([image, shifted(image, 1, 0), shifted(image, 2, -3)])
    flow = affine_flow(clip)
    assert flow.shape == (2, 64, 96, 2)
    np.testing.assert_allclose(flow[0, 32, 48], [1, 0], atol=0.15)
    np.testing.assert_allclose(flow[1, 32, 48], [2, -3], atol=0.15)


def test_affine_finds_a_zoom():
    """Frame 1 shows the middle 1.1 times as large: p came from c + (p - c) / 1.1, so the flow is (p - c) / 11."""
    image = texture()
    y, x = np.mgrid[:64, :96].astype(np.float32)
    flow = np.stack([(y - 31.5) / 11, (x - 47.5) / 11], axis=-1)[None]
    zoomed = warped_video(image, np.zeros((64, 96), np.uint8), flow).frames
    found = affine_flow(zoomed)
    np.testing.assert_allclose(found[0, 8:-8, 8:-8], flow[0, 8:-8, 8:-8], atol=0.2)


def test_where_nothing_can_be_aligned_the_motion_before_is_kept():
    image = texture()
    clip = np.stack([image, shifted(image, 2, 0), np.full_like(image, 7)])
    flow = affine_flow(clip)
    np.testing.assert_array_equal(flow[1], flow[0])


def test_the_mean_flow_of_two_clips():
    image = texture()
    mean = MeanFlow()
    for right in (4, 0):
        mean.add(np.stack([image, shifted(image, 0, right)]))
    assert mean.count == 2
    np.testing.assert_allclose(mean.result()[0, 20:-20, 20:-20].mean(axis=(0, 1)), [0, 2], atol=0.05)
    with pytest.raises(ValueError, match="no clip was added"):
        MeanFlow().result()
