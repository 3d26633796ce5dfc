"""The Frechet distance against SciPy's matrix root, and by hand."""

import numpy as np
import pytest
import scipy.linalg

from seg2vid_tf.evaluation.frechet import FeatureStatistics, frechet_distance


def _statistics(features, parts=1):
    statistics = FeatureStatistics(features.shape[1])
    for part in np.array_split(features, parts):
        statistics.add(part)
    return statistics


def test_mean_and_covariance_do_not_depend_on_the_batches():
    features = np.random.default_rng(0).normal(3.0, 2.0, (50, 6)).astype(np.float32)
    for parts in (1, 7, 50):
        statistics = _statistics(features, parts)
        np.testing.assert_allclose(statistics.mean, features.astype(float).mean(axis=0))
        np.testing.assert_allclose(statistics.covariance, np.cov(features.astype(float), rowvar=False), atol=1e-10)


def test_the_distance_is_the_formula_with_scipys_root():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(200, 8)) @ rng.normal(size=(8, 8))
    b = rng.normal(size=(90, 8)) @ rng.normal(size=(8, 8)) + 0.7
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(ca + cb - 2 * scipy.linalg.sqrtm(ca @ cb).real)
    np.testing.assert_allclose(frechet_distance(_statistics(a), _statistics(b)), expected, rtol=1e-8)


def test_by_hand():
    a = np.random.default_rng(2).normal(size=(100, 3))
    assert frechet_distance(_statistics(a), _statistics(a)) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(_statistics(a), _statistics(a + [1, 2, 0])) == pytest.approx(5)
    # Twice as wide about the same mean: the trace of C + 4C - 2 * 2C.
    wide = a.mean(axis=0) + 2 * (a - a.mean(axis=0))
    assert frechet_distance(_statistics(a), _statistics(wide)) == pytest.approx(np.trace(np.cov(a, rowvar=False)))


def test_too_few_features_and_those_that_are_not_finite_are_refused():
    few, enough = _statistics(np.eye(4)), _statistics(np.random.default_rng(3).normal(size=(9, 4)))
    with pytest.raises(ValueError, match="the made set has 4 features, the Frechet distance needs 5"):
        frechet_distance(enough, few)
    with pytest.raises(ValueError, match="the real set has 0 features, .* needs 5"):
        frechet_distance(FeatureStatistics(4), enough)
    with pytest.raises(ValueError, match="NaN or infinity"):
        few.add(np.full((1, 4), np.nan))
    with pytest.raises(ValueError, match=r"must be \[N, 4\], received \[1, 5\]"):
        few.add(np.zeros((1, 5)))
