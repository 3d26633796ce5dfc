"""AggregatedPosterior: fitted to moments known by hand, sampled against them, its density against a formula."""

import keras
import numpy as np
import pytest

from seg2vid_tf.models.motion.aggregated_posterior import AggregatedPosterior

# Two dimensions go together, +2 or -2 about (1, 0); the third is 5 always; what each posterior leaves open.
MEANS = np.array([[3, 2, 5], [-1, -2, 5], [3, 2, 5], [-1, -2, 5]], np.float64)
VARIANCES = np.tile([[0.5, 0.5, 0.09]], [4, 1])
# Along (1, 1, 0) / sqrt 2 the means are 2 sqrt 2 from the middle, so vary by 4 x 8 / 3.
WIDTH = np.sqrt(32 / 3 + 0.5)


@pytest.fixture(scope="module")
def fitted():
    layer = AggregatedPosterior(1, 3)
    layer.fit(MEANS, VARIANCES)
    return layer


def test_moments_by_hand(fitted):
    np.testing.assert_allclose(fitted.mean, [1, 0, 5], atol=1e-6)
    np.testing.assert_allclose(np.abs(fitted.directions), [[np.sqrt(0.5)], [np.sqrt(0.5)], [0]], atol=1e-6)
    np.testing.assert_allclose(fitted.widths, [WIDTH], rtol=1e-6)
    np.testing.assert_allclose(fitted.noise, np.sqrt([0.5, 0.5, 0.09]), rtol=1e-5)


def test_a_draw_by_hand(fitted):
    """Along the direction it is as wide as the clips, across it as the posteriors; none is the mean."""
    drawn = np.float32([[0, 0, 0], [1, 1, 0], [1, -1, 0], [0, 0, 2]])
    expected = [[1, 0, 5], [1 + WIDTH, WIDTH, 5], [1 + np.sqrt(0.5), -np.sqrt(0.5), 5], [1, 0, 5.6]]
    np.testing.assert_allclose(fitted(drawn), expected, rtol=1e-5)


def test_samples_have_the_moments(fitted):
    z = fitted(np.random.default_rng(0).standard_normal((200_000, 3)).astype(np.float32)).numpy()
    half = (WIDTH**2 - 0.5) / 2
    expected = [[0.5 + half, half, 0], [half, 0.5 + half, 0], [0, 0, 0.09]]
    np.testing.assert_allclose(z.mean(axis=0), [1, 0, 5], atol=0.03)
    np.testing.assert_allclose(np.cov(z.T), expected, atol=0.06)
    # Of samples of one's own the log density is, on average, minus the entropy.
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * np.array(expected))[1]
    np.testing.assert_allclose(np.mean(fitted.distribution().log_prob(z)), -entropy, atol=0.02)


def test_the_distributions_density_by_hand(fitted):
    distribution = fitted.distribution()
    z = np.float32([[1 + 1, 1, 5.3]])
    # sqrt 2 along the direction, nothing across it, one standard deviation in the third.
    log_prob = -0.5 * (2 / WIDTH**2 + 1) - np.log(WIDTH * np.sqrt(0.5) * 0.3) - 1.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(distribution.log_prob(z), [log_prob], rtol=1e-5)
    np.testing.assert_allclose(distribution.mean(), [1, 0, 5], atol=1e-6)


def test_what_few_clips_do_not_show_is_drawn_as_their_posteriors_are():
    """Two clips have one direction; a rank of two leaves the second empty."""
    layer = AggregatedPosterior(2, 3)
    layer.fit(MEANS[:2], VARIANCES[:2])
    np.testing.assert_allclose(np.abs(layer.directions[:, 0]), [np.sqrt(0.5), np.sqrt(0.5), 0], atol=1e-6)
    z = layer(np.float32([[0, 0, 1], [1, -1, 0]])) - layer.mean
    np.testing.assert_allclose(z, [[0, 0, 0.3], [np.sqrt(0.5), -np.sqrt(0.5), 0]], atol=1e-5)


def test_what_no_direction_keeps_is_drawn_on_its_own():
    means = np.diag([3.0, 2.0, 1.0])
    means = np.concatenate([means, -means])
    layer = AggregatedPosterior(1, 3)
    layer.fit(means, np.zeros_like(means))
    np.testing.assert_allclose(layer.widths, [np.sqrt(18 / 5)], rtol=1e-6)
    np.testing.assert_allclose(layer.noise, [0, np.sqrt(8 / 5), np.sqrt(2 / 5)], atol=1e-6)


def test_before_it_is_fitted_and_once_forgotten_draws_are_motions(fitted):
    layer, drawn = AggregatedPosterior(1, 3), np.float32([[1, 2, 3]])
    np.testing.assert_array_equal(layer(drawn), drawn)
    layer.fit(MEANS, VARIANCES)
    assert np.abs(layer(drawn) - drawn).max() > 0.1
    layer.forget()
    np.testing.assert_array_equal(layer(drawn), drawn)
    np.testing.assert_allclose(layer.distribution().covariance(), np.eye(3), atol=1e-6)


def test_it_comes_back_from_its_config_and_learns_nothing(fitted):
    again = AggregatedPosterior.from_config(fitted.get_config())
    assert (again.rank, again.latent_dim) == (1, 3)
    assert not again.trainable_weights and isinstance(again, keras.layers.Layer)
    with pytest.raises(ValueError, match=r"rank must lie in 1..3, the latent's dimensions, received 4"):
        AggregatedPosterior(4, 3)
