"""Means over clips with how sure they are: a percentile bootstrap (Efron and Tibshirani, 1993) over recordings.

Windows and clips of one recording are alike: what varies from one to the next says nothing of other recordings. So
whole recordings are drawn with replacement, each with all of its clips (the cluster bootstrap: Davison and Hinkley,
1997, section 3.8), and the interval says what other recordings of the same kind would give. Over few recordings it is
still narrower than it should be; one recording gives none.
"""

from collections.abc import Sequence

import numpy as np

LEVEL = 0.95
_RESAMPLES, _AT_ONCE = 2000, 100


def mean_with_interval(values: Sequence[float], recordings: Sequence[str], seed: int = 0) -> dict:
    """Mean of one value per clip and its 95 % interval.

    Args:
      values: float [N]; NaN where a clip has no such value, which is left out.
      recordings: [N], the recording that each clip was cut from.
      seed: of the resampling.

    Returns:
      {"mean", "low", "high": None where fewer than two recordings have it, "clips", "recordings": how many}; the mean
      is None of none.
    """
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    names, of = np.unique(np.asarray(recordings, str)[known], return_inverse=True)
    values = values[known]
    result = {"mean": None, "low": None, "high": None, "clips": len(values), "recordings": len(names)}
    if len(values):
        result["mean"] = float(values.mean())
    if len(names) > 1:
        sums, counts = np.bincount(of, values), np.bincount(of)
        rng, size = np.random.default_rng(seed), (_AT_ONCE, len(names))
        draws = (rng.integers(len(names), size=size) for _ in range(_RESAMPLES // _AT_ONCE))
        means = [sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1) for drawn in draws]
        outside = 100 * (1 - LEVEL) / 2
        low, high = np.percentile(np.concatenate(means), [outside, 100 - outside])
        result |= {"low": float(low), "high": float(high)}
    return result
