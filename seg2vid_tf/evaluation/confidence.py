"""Means over clips with how sure they are: a percentile bootstrap (Efron and Tibshirani, 1993).

Clips are drawn with replacement, so the interval says what other clips of the same kind would give; windows of one
recording are alike, and an interval over few recordings is narrower than it should be.
"""

import numpy as np

LEVEL = 0.95
_RESAMPLES, _AT_ONCE = 2000, 100


def mean_with_interval(values: np.ndarray, seed: int = 0) -> dict:
    """Mean of one value per clip and its 95 % interval.

    Args:
      values: float [N]; NaN where a clip has no such value, which is left out.
      seed: of the resampling.

    Returns:
      {"mean", "low", "high": None where fewer than two clips have it, "clips": how many}; the mean is None of none.
    """
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    result = {"mean": None, "low": None, "high": None, "clips": len(values)}
    if len(values):
        result["mean"] = float(values.mean())
    if len(values) > 1:
        rng, size = np.random.default_rng(seed), (_AT_ONCE, len(values))
        means = [values[rng.integers(len(values), size=size)].mean(axis=1) for _ in range(_RESAMPLES // _AT_ONCE)]
        outside = 100 * (1 - LEVEL) / 2
        low, high = np.percentile(np.concatenate(means), [outside, 100 - outside])
        result |= {"low": float(low), "high": float(high)}
    return result
