"""Every score of a report has a meaning that the report tells."""

import numpy as np

from seg2vid_tf.evaluation.clip_scores import ClipScores, RealClip
from seg2vid_tf.evaluation.score_meanings import column_meanings, meanings
from seg2vid_tf.evaluation.video import Video


def test_the_longest_beginning_counts_and_endings_are_told_once():
    names = ["psnr", "psnr@4", "lpips_between_seeds", "epe_backward", "swap_background_moves_foreground", "unheard_of"]
    found = meanings(names)
    assert list(found) == ["psnr", "lpips_between_seeds", "epe", "swap_...", "...@4", "..._backward"]
    assert "between the videos of several seeds" in found["lpips_between_seeds"]
    assert meanings(["kid_clean_fid_net", "kid_clean_fid_net_stderr", "frechet_net"]).keys() == {"kid", "frechet"}
    assert list(meanings(["classifier_score_net", "classifier_score_net_10_splits_stddev"])) == ["classifier_score"]
    assert list(meanings(["ms_ssim", "warp_error_external"])) == ["ms_ssim", "warp_error_external"]


def test_columns_are_explained():
    names = ["reconstruction", "samples", "best_of_5", "without_annotation_samples", "copy_frame_0", "affine", "real"]
    found = column_meanings([*names, "without_annotation_best_of_5", "unheard_of"])
    assert list(found) == [name if "without" not in name else "without_annotation_..." for name in names]
    assert "mean over all samples" in found["samples"] and "highest PSNR" in found["best_of_5"]
    assert "Wanted: another clip's background part" in meanings(["swap_background_moves_foreground"])["swap_..."]


def test_no_score_of_a_clip_is_left_unexplained():
    frames = np.zeros((3, 16, 16, 3), np.uint8)
    flow, seen = np.zeros((2, 16, 16, 2), np.float32), np.ones((2, 16, 16, 1), np.float32)
    truth = {"flow": flow, "flow_backward": flow, "visibility": seen, "visibility_backward": seen}
    scorer = ClipScores(lpips=lambda a, b: np.zeros(len(a)), horizons=(1,))
    video = Video(frames, np.zeros((3, 16, 16), np.uint8), chunk=2, **truth)
    scores, _ = scorer.of_video(RealClip(frames, video.label_maps, truth), video)
    scores |= scorer.differences([video, video])
    assert len(scores) >= 10
    for name in scores:
        assert meanings([name]), name
