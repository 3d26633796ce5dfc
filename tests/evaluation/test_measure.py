"""What is kept of one clip: means over several samples, the best of them, and one video of each method for its set."""

import numpy as np
import pytest

from seg2vid_tf.evaluation.clip_scores import RealClip
from seg2vid_tf.evaluation.measure import measured_clip, nearest_video
from seg2vid_tf.evaluation.video import Video

MAPS, FLOW = np.zeros((3, 4, 4), np.uint8), np.zeros((2, 4, 4, 2), np.float32)
REAL = RealClip(np.full((3, 4, 4, 3), 100, np.uint8), MAPS)


def shade(value):
    """A video of the real clip's frame 0, then of one grey level."""
    frames = np.concatenate([REAL.frames[:1], np.full((2, 4, 4, 3), value, np.uint8)])
    return Video(frames, MAPS, FLOW, chunk=2)


class Scores:
    """The grey level of frame 1 as a score, and as a curve over both frames; of the last one no "rare" is known."""

    def of_video(self, real, video):
        grey = float(video.frames[1, 0, 0, 0])
        scores = {"grey": grey, "rare": float("nan") if grey == 130.0 else grey, "never": float("nan")}
        return scores, {"grey": np.array([grey, grey + 1])}

    def differences(self, videos):
        return {"number": len(videos)}


class Sets:
    def part(self, frames, label_maps, first):
        return int(frames[1, 0, 0, 0]), len(label_maps), first


def test_samples_are_averaged_the_best_is_kept_and_the_first_one_is_in_the_set():
    videos = {"samples": [shade(120), shade(96), shade(130)], "copy_frame_0": [shade(100)]}
    record, parts = measured_clip(REAL, videos, Scores(), Sets(), first_generated=1)
    mean = pytest.approx(346 / 3)
    assert record["scores"]["samples"] == {"grey": mean, "rare": 108.0, "never": pytest.approx(np.nan, nan_ok=True)} | {
        "number": 3
    }
    assert record["by_frame"]["samples"] == {"grey": [mean, pytest.approx(349 / 3)]}
    assert record["scores"]["best_of_3"]["grey"] == 96.0 and record["by_frame"]["best_of_3"] == {"grey": [96.0, 97.0]}
    assert record["scores"]["copy_frame_0"]["grey"] == 100.0
    assert set(record["scores"]) == set(record["by_frame"]) == {"samples", "best_of_3", "copy_frame_0"}
    assert parts == {"real": (100, 3, 1), "samples": (120, 3, 1), "copy_frame_0": (100, 3, 1)}


def test_the_nearest_video_is_so_by_the_mean_over_its_frames():
    near_once = shade(90)
    near_once.frames[2] = 200
    assert nearest_video(REAL, [shade(120), near_once, shade(109), shade(50)]) == 2
