"""A person who stands and holds the arms somewhere, from a seed: a pose map to try a model with, without any data.

Joints in COCO's order, as MoveNet gives them: (y, x) as shares of the picture and a score. The person fills the picture
from a third of its height down, as those of "weizmann_pose" do, whose left is on the picture's right.
"""

import math

import numpy as np

# COCO's 17 joints of a person whose arms hang: (y, x).
_STANDING = (
    *((0.37, 0.49), (0.36, 0.505), (0.36, 0.475), (0.37, 0.525), (0.37, 0.455)),  # nose, eyes, ears
    *((0.45, 0.555), (0.45, 0.42)),  # shoulders
    *((0.0, 0.0),) * 4,  # elbows and wrists, drawn by the seed
    *((0.72, 0.525), (0.72, 0.43), (0.93, 0.52), (0.93, 0.43), (0.99, 0.515), (0.99, 0.43)),  # hips, knees, ankles
)
_UPPER_ARM, _FOREARM = 0.13, 0.12


def standing_pose(seed: int) -> np.ndarray:
    """float64 [17,3]: (y, x, score), for draw_pose and a spec with COCO's joints; a seed moves the arms."""
    rng = np.random.default_rng(seed)
    joints = np.array([(y, x, 1.0) for y, x in _STANDING])
    for shoulder, elbow, wrist, outwards in ((5, 7, 9, 1.0), (6, 8, 10, -1.0)):
        # From hanging (0) past the side (a quarter turn) to above the head.
        raised = rng.uniform(0.05, 0.9) * math.pi
        bent = raised + rng.uniform(0.0, 0.35) * math.pi
        for end, start, length, angle in ((elbow, shoulder, _UPPER_ARM, raised), (wrist, elbow, _FOREARM, bent)):
            direction = np.array([math.cos(angle), outwards * math.sin(angle)])
            joints[end, :2] = joints[start, :2] + length * direction
    return joints
