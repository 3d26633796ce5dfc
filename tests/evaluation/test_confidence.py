import numpy as np
import pytest
import scipy.stats

from seg2vid_tf.evaluation.confidence import mean_with_interval


def test_of_a_clip_each_the_interval_is_that_of_an_independent_bootstrap():
    values, recordings = np.random.default_rng(0).gamma(2.0, size=80), [f"r{i}" for i in range(80)]
    found = mean_with_interval(values, recordings)
    other = scipy.stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=1)
    assert found["mean"] == pytest.approx(values.mean()) and (found["clips"], found["recordings"]) == (80, 80)
    assert found["low"] == pytest.approx(other.confidence_interval.low, abs=0.03)
    assert found["high"] == pytest.approx(other.confidence_interval.high, abs=0.03)
    assert mean_with_interval(values, recordings) == found, "the same every time"


def test_whole_recordings_are_drawn():
    """Of a, three clips of 0, and b, one of 4: a twice, mean 0, and b twice, mean 4, are a quarter of the draws."""
    found = mean_with_interval([0.0, 0.0, 4.0, 0.0], ["a", "a", "b", "a"])
    assert found == {"mean": 1.0, "low": 0.0, "high": 4.0, "clips": 4, "recordings": 2}


def test_windows_of_one_recording_count_no_more_than_the_recording():
    """Each clip ten times over says no more: the interval stays as wide, where one over clips would shrink."""
    rng = np.random.default_rng(1)
    values, names = rng.normal(size=12), [f"r{i}" for i in range(12)]
    once, often = mean_with_interval(values, names), mean_with_interval(np.repeat(values, 10), np.repeat(names, 10))
    assert (often["clips"], often["recordings"]) == (120, 12)
    assert (often["low"], often["high"]) == pytest.approx((once["low"], once["high"]))


def test_few_clips_and_none():
    none = {"low": None, "high": None}
    assert mean_with_interval([2.0, np.nan], ["a", "b"]) == {"mean": 2.0, **none, "clips": 1, "recordings": 1}
    assert mean_with_interval([2.0, 4.0], ["a", "a"]) == {"mean": 3.0, **none, "clips": 2, "recordings": 1}
    assert mean_with_interval([np.nan], ["a"]) == {"mean": None, **none, "clips": 0, "recordings": 0}
    same = {"mean": 3.0, "low": 3.0, "high": 3.0, "clips": 2, "recordings": 2}
    assert mean_with_interval([3.0, 3.0], ["a", "b"]) == same
