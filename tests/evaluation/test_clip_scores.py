import numpy as np
import pytest

from seg2vid_tf.evaluation.baselines import warped_video, zero_flow
from seg2vid_tf.evaluation.clip_scores import MAX_PSNR, ClipScores, RealClip
from seg2vid_tf.evaluation.video import Video
from tests.evaluation.test_external_flow import shifted, texture

MAPS = np.zeros((3, 64, 96), np.uint8)


def moving():
    """A clip that moves by 2 pixels a frame to the right, and its exact motion."""
    image = texture()
    frames = np.stack([image, shifted(image, 0, 2), shifted(image, 0, 4)])
    flow = np.zeros((2, 64, 96, 2), np.float32)
    flow[0, ..., 1], flow[1, ..., 1] = 2.0, 4.0
    visibility = np.ones((2, 64, 96, 1), np.float32)
    visibility[0, :, :2], visibility[1, :, :4] = 0.0, 0.0
    truth = {
        "flow": flow,
        "flow_backward": flow,
        "visibility": visibility,
        "visibility_backward": visibility[:, :, ::-1],
    }
    return RealClip(frames, MAPS, truth)


def test_the_clip_itself_is_perfect():
    real = moving()
    scores, by_frame = ClipScores(horizons=(1, 2, 9)).of_video(real, Video(real.frames, MAPS, chunk=2, **real.truth))
    assert scores["psnr"] == scores["psnr@1"] == scores["psnr@2"] == MAX_PSNR and "psnr@9" not in scores
    assert scores["ssim"] == pytest.approx(1.0) and by_frame["ssim"].shape == (2,)
    assert scores["warp_error_predicted"] < 1e-6
    assert scores["warp_error_external"] == scores["warp_error_real"] < 5e-4
    assert scores["motion"] == pytest.approx(2.0, abs=0.3)
    for way in ("", "_backward"):
        assert scores[f"epe{way}"] == scores[f"fl_all{way}"] == 0.0 and scores[f"occlusion_f1{way}"] == 1.0


def test_a_copied_frame_is_consistent_with_itself_and_not_with_the_real_motion():
    real = moving()
    scores, _ = ClipScores().of_video(real, warped_video(real.frames[0], real.label_map, zero_flow(real.frames)))
    assert scores["warp_error_predicted"] == scores["warp_error_external"] == scores["motion"] == 0.0
    perfect, _ = ClipScores().of_video(real, Video(real.frames, MAPS, chunk=2, **real.truth))
    assert scores["warp_error_real"] > 5 * perfect["warp_error_real"]
    assert scores["epe"] == pytest.approx(3.0, abs=0.02) and scores["psnr"] < 30
    assert "epe_backward" not in scores and "occlusion_f1" not in scores, "it says nothing of either"


def test_a_longer_video_keeps_to_the_flow_from_each_chunks_first_frame():
    """Four frames, two of each chunk, each chunk moving by 2 pixels a frame from where it begins."""
    image = texture()
    frames = np.stack([shifted(image, 0, 2 * t) for t in range(5)])
    flow = np.zeros((4, 64, 96, 2), np.float32)
    flow[..., 1] = np.array([2, 4, 2, 4])[:, None, None]
    visibility = np.ones((4, 64, 96, 1), np.float32)
    visibility[:, :, :8] = 0.0
    real = RealClip(frames, np.zeros((5, 64, 96), np.uint8))
    video = Video(frames, real.label_maps, flow, chunk=2, visibility=visibility)
    np.testing.assert_array_equal(video.sources, [0, 0, 2, 2])
    scores, _ = ClipScores(external_flow=False).of_video(real, video)
    assert scores["warp_error_predicted"] < 1e-6 and "motion" not in scores


def test_seeds_differ_by_flow_and_by_lpips():
    real = moving()
    still = warped_video(real.frames[0], real.label_map, zero_flow(real.frames))
    other = warped_video(real.frames[0], real.label_map, zero_flow(real.frames) + np.float32([0, 6]))
    distance = lambda a, b: np.abs(np.asarray(a) - np.asarray(b)).mean(axis=(1, 2, 3))  # noqa: E731
    scores = ClipScores(lpips=distance)
    found = scores.differences([still, other])
    assert found["flow_spread"] == pytest.approx(3.0) and found["lpips_between_seeds"] > 0
    assert scores.differences([still, still]) == {"flow_spread": 0.0, "lpips_between_seeds": 0.0}
    assert scores.differences([still]) == {}
    assert scores.of_video(real, still)[0]["lpips"] > 0


def test_seeds_differ_by_the_flow_of_their_last_frame_alone():
    frames, maps = np.zeros((4, 4, 6, 3), np.uint8), np.zeros((4, 4, 6), np.uint8)
    flows = np.zeros((2, 3, 4, 6, 2), np.float32)
    flows[0, :2], flows[0, 2], flows[1, 2] = 50.0, [3.0, 4.0], [-3.0, -4.0]
    found = ClipScores().differences([Video(frames, maps, flow, chunk=3) for flow in flows])
    assert found == {"flow_spread": pytest.approx(5.0)}
