"""What each part of z moves: another clip's background part of z is to move the background alone."""

import numpy as np

from seg2vid_tf.evaluation.flow_error import endpoint_error
from seg2vid_tf.evaluation.video import Video


def swap_scores(own: Video, background: Video, foreground: Video, is_foreground: np.ndarray) -> dict[str, float]:
    """By how many pixels each part of another clip's z changes each group's flow_backward of frame T.

    Args:
      own: the clip's video by its own z.
      background, foreground: the same with that part of z taken from another clip.
      is_foreground: bool [H,W], where the clip's label map has the foreground.

    Returns:
      {"swap_<part>_moves_<group>": pixels}; NaN where the group has no pixel.
    """
    before, scores = own.flow_backward[-1], {}
    for part, after in (("background", background), ("foreground", foreground)):
        for group, where in (("background", ~is_foreground), ("foreground", is_foreground)):
            moved = endpoint_error(before, after.flow_backward[-1], where[..., None])
            scores[f"swap_{part}_moves_{group}"] = moved
    return scores
