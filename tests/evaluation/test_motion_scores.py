import types

import numpy as np
import pytest

from seg2vid_tf.evaluation.motion_scores import MAX_PSNR, MotionScores


def output(frames, **motion):
    return types.SimpleNamespace(frames=frames[None], **{name: value[None] for name, value in motion.items()})


def test_perfect_reconstruction_and_its_baselines():
    frames = np.stack([np.full((4, 4, 3), value, np.uint8) for value in (0, 5, 5)])
    flow = np.zeros((2, 4, 4, 2), np.float32)
    flow[..., 1] = 2
    visibility = np.ones((2, 4, 4, 1), np.float32)
    visibility[:, :, 0] = 0
    truth = {"flow": flow, "flow_backward": flow, "visibility": visibility, "visibility_backward": visibility}
    scores = MotionScores()
    scores.add(frames, output(frames, **truth), truth)
    result = scores.result()
    assert result["clips"] == 1
    assert result["psnr"] == MAX_PSNR
    assert result["psnr_copy_frame_0"] == pytest.approx(34.1514, abs=1e-4)
    for direction in ("", "_backward"):
        assert result[f"epe{direction}"] == 0
        assert result[f"epe{direction}_zero_flow"] == 2
        assert result[f"occlusion_f1{direction}"] == 1


def test_means_over_clips_without_exact_motion():
    still = np.zeros((2, 4, 4, 3), np.uint8)
    off = still.copy()
    off[1] = 255
    scores = MotionScores()
    scores.add(still, output(still))
    scores.add(still, output(off))
    assert scores.result() == {"clips": 2, "psnr": MAX_PSNR / 2, "psnr_copy_frame_0": MAX_PSNR}


def test_a_clip_without_occlusion_has_no_occlusion_score():
    still = np.zeros((2, 4, 4, 3), np.uint8)
    flow, seen = np.zeros((1, 4, 4, 2), np.float32), np.ones((1, 4, 4, 1), np.float32)
    truth = {"flow": flow, "flow_backward": flow, "visibility": seen, "visibility_backward": seen}
    scores = MotionScores()
    scores.add(still, output(still, **truth), truth)
    assert "occlusion_f1" not in scores.result() and scores.result()["epe"] == 0


def test_samples_count_by_the_best_and_by_their_spread():
    """Two samples, one of them the clip itself; their flows lie 3 pixels from each other's mean."""
    clip = np.stack([np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 5, np.uint8)])
    other = clip.copy()
    other[1] = 255
    flow = np.zeros((2, 1, 4, 4, 2), np.float32)
    flow[1, ..., 0] = 6.0
    scores = MotionScores()
    scores.add(clip, output(other), samples=types.SimpleNamespace(frames=np.stack([other, clip]), flow=flow))
    result = scores.result()
    assert result["psnr_best_of_2"] == MAX_PSNR and result["samples_flow_spread"] == 3.0
    assert result["psnr"] < 1


def test_a_swap_is_measured_on_each_group():
    """The background's part moves the background by 3 pixels and the car by 1; the car's moves the car alone, by 5."""
    clip = np.zeros((2, 4, 4, 3), np.uint8)
    car = np.zeros((4, 4), bool)
    car[:2] = True
    flows = [np.zeros((1, 4, 4, 2), np.float32) for _ in range(3)]
    flows[1][:, ~car, 0], flows[1][:, car, 1] = 3.0, 1.0
    flows[2][:, car] = (3.0, 4.0)
    before, background, foreground = (output(clip, flow_backward=flow) for flow in flows)
    scores = MotionScores()
    scores.add(clip, before, swaps=(background, foreground, car))
    scores.add(clip, before, swaps=(background, foreground, np.zeros_like(car)))  # no car: no score of cars
    result = scores.result()
    assert result["swap_background_moves_background"] == pytest.approx((3.0 + 2.0) / 2)
    assert result["swap_background_moves_foreground"] == 1.0
    assert result["swap_foreground_moves_foreground"] == 5.0
    assert result["swap_foreground_moves_background"] == pytest.approx((0.0 + 2.5) / 2)


def test_nothing_to_score():
    with pytest.raises(ValueError, match="no clip was scored"):
        MotionScores().result()
