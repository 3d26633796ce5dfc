import numpy as np
import pytest
import scipy.stats

from seg2vid_tf.evaluation.confidence import mean_with_interval


def test_the_interval_is_that_of_an_independent_bootstrap():
    values = np.random.default_rng(0).gamma(2.0, size=80)
    found = mean_with_interval(values)
    other = scipy.stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", random_state=1)
    assert found["mean"] == pytest.approx(values.mean()) and found["clips"] == 80
    assert found["low"] == pytest.approx(other.confidence_interval.low, abs=0.03)
    assert found["high"] == pytest.approx(other.confidence_interval.high, abs=0.03)
    assert mean_with_interval(values) == found, "the same every time"


def test_few_clips_and_none():
    assert mean_with_interval([2.0, np.nan]) == {"mean": 2.0, "low": None, "high": None, "clips": 1}
    assert mean_with_interval([np.nan]) == {"mean": None, "low": None, "high": None, "clips": 0}
    assert mean_with_interval([3.0, 3.0]) == {"mean": 3.0, "low": 3.0, "high": 3.0, "clips": 2}
