"""Which picture of a split lends each of its label maps a style: another one, of another place where the names tell."""

import re
from collections.abc import Sequence

import numpy as np


def foreign_references(clip_ids: Sequence[str], seed: int = 0) -> np.ndarray:
    """For each frame of a split the number of another frame, drawn from those that show something else.

    Places are told by the clips' names without the numbers at their ends (munich_000001_000019 was taken in munich);
    where all are one place, another clip will do, and where all are one clip, another frame.

    Args:
      clip_ids: of each frame, the clip that it belongs to; at least two.
      seed: of the draw.

    Returns:
      int64 [N].

    Raises:
      ValueError: fewer than two frames.
    """
    if len(clip_ids) < 2:
        raise ValueError(f"a reference is another frame of the split, which has {len(clip_ids)}: prepare more")
    # A digit at a time: "\d+" inside the repetition can cut a number in 2^digits ways, and tries all of them.
    places = [re.sub(r"(?:[\W_]*\d)+$", "", clip_id) for clip_id in clip_ids]
    named_by = (places, clip_ids, range(len(clip_ids)))
    groups = np.unique(next(names for names in named_by if len(set(names)) > 1), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    return np.array([rng.choice(np.flatnonzero(groups != group)) for group in groups])
