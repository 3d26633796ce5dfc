"""Everything that is measured of one clip: the videos of all methods, scored, and what they add to their sets.

Of several samples each score is the mean over them; ``best_of_<N>`` is the one nearest to the real clip by PSNR, of
which every score is given. What belongs to a set (set_scores.py) takes one video of each method, the first.
"""

import numpy as np

from seg2vid_tf.evaluation.clip_scores import ClipScores, RealClip, frame_psnr
from seg2vid_tf.evaluation.set_scores import SetMeasures
from seg2vid_tf.evaluation.summary import REAL
from seg2vid_tf.evaluation.video import Video


def measured_clip(
    real: RealClip, videos: dict[str, list[Video]], scores: ClipScores, sets: SetMeasures, first_generated: int
) -> tuple[dict, dict]:
    """Scores the videos of one clip.

    Args:
      real: the clip.
      videos: {method: one or several videos}; the name of several ends in "samples".
      scores, sets: what measures them.
      first_generated: the first frame of the videos that is not a real one.

    Returns:
      (record, parts), as EvaluationFolder.save takes them.
    """
    by_clip: dict[str, dict[str, float]] = {}
    by_frame: dict[str, dict[str, list[float]]] = {}
    parts = {REAL: sets.part(real.frames, real.label_maps, first_generated)}
    for method, several in videos.items():
        scored, curves = zip(*(scores.of_video(real, video) for video in several), strict=True)
        by_clip[method] = _mean(scored) | scores.differences(several)
        by_frame[method] = {name: np.mean([c[name] for c in curves], axis=0).tolist() for name in curves[0]}
        parts[method] = sets.part(several[0].frames, several[0].label_maps, first_generated)
        if len(several) > 1:
            best = f"{method.removesuffix('samples')}best_of_{len(several)}"
            nearest = nearest_video(real, several)
            by_clip[best] = scored[nearest]
            by_frame[best] = {name: values.tolist() for name, values in curves[nearest].items()}
    return {"scores": by_clip, "by_frame": by_frame}, parts


def nearest_video(real: RealClip, videos: list[Video]) -> int:
    """Which of some videos is nearest to the real clip, by the mean of its frames' PSNR."""
    return int(np.argmax([frame_psnr(real, video).mean() for video in videos]))


def _mean(scored):
    """The mean of each score over those videos that have it."""
    means = {}
    for name in scored[0]:
        values = np.array([one[name] for one in scored])
        values = values[np.isfinite(values)]
        means[name] = float(values.mean()) if len(values) else float("nan")
    return means
