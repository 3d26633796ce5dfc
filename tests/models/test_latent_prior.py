"""The learned prior: standard before training, invertible, and what it expects of details."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID, initial_coefficient_scale, map_channels
from seg2vid_tf.models.motion.latent_map import coefficients_to_map, map_to_coefficients
from seg2vid_tf.models.motion.latent_prior import LatentPrior

FRAMES = 3


def randomised(latent_dim, scale=0.3):
    """(prior, the scene it reads), no longer N(0, I)."""
    prior, picture = LatentPrior(latent_dim, FRAMES), scene()
    prior(*picture)
    rng = np.random.default_rng(0)
    for layer in (prior.to_map, prior.coarse_mean, prior.log_stddev):
        layer.set_weights([rng.normal(0, scale, w.shape).astype(np.float32) for w in layer.get_weights()])
    return prior, prior(*picture)


def scene(batch=2):
    rng = np.random.default_rng(1)
    return tuple(tf.constant(rng.uniform(-1, 1, (batch, 32, 64, c)), tf.float32) for c in (3, 5))


def normal(latent_dim, seed=0, batch=2):
    return tf.random.stateless_normal([batch, latent_dim], [seed, 1])


@pytest.mark.parametrize("latent_dim", [1, 5, 8, 9, 300])
def test_it_starts_standard_and_is_undone_exactly(latent_dim):
    prior, z = LatentPrior(latent_dim, FRAMES), normal(latent_dim)
    np.testing.assert_array_equal(prior.denormalise(prior(*scene()), z), z)
    prior, scene_motion = randomised(latent_dim)
    decoded = prior.denormalise(scene_motion, z)
    assert np.abs(decoded - z).max() > 0.1
    np.testing.assert_allclose(prior.normalise(scene_motion, decoded, tf.zeros_like(z))[0], z, rtol=1e-3, atol=1e-3)


def test_the_kl_from_it_is_that_from_the_standard_normal():
    """Against TFP's own, of the two distributions as the decoder reads them: both are linear maps of diagonal ones."""
    tfd = tfp.distributions
    prior, scene_motion = randomised(20)
    assert prior.frequencies > prior.coarse
    mean, log_variance = prior.normalise(scene_motion, normal(20), normal(20, 1) - 3.0)
    normalised = tfd.MultivariateNormalDiag(mean, tf.exp(0.5 * log_variance))
    by_hand = tfd.kl_divergence(normalised, tfd.MultivariateNormalDiag(tf.zeros([2, 20]), tf.ones([2, 20])))
    at = [tf.repeat(tf.reshape(x, [2, 1, -1]), 20, axis=1) for x in (mean, tf.zeros([2, 20]))]
    columns = []
    for center in at:  # column i of the linear map, from each example's own scene
        first = prior.denormalise(scene_motion, center[:, 0])
        columns.append(
            tf.stack(
                [prior.denormalise(scene_motion, center[:, i] + tf.eye(20)[i]) - first for i in range(20)], axis=-1
            )
        )
    np.testing.assert_allclose(columns[0], columns[1], rtol=1e-3, atol=1e-3)
    widths = (tf.exp(0.5 * log_variance), tf.ones([2, 20]))
    covariances = [tf.einsum("bij,bj,bkj->bik", columns[0], w**2, columns[0]) for w in widths]
    decoders = [
        tfd.MultivariateNormalFullCovariance(prior.denormalise(scene_motion, center[:, 0]), covariance)
        for center, covariance in zip(at, covariances, strict=True)
    ]
    np.testing.assert_allclose(tfd.kl_divergence(*decoders), by_hand, rtol=2e-2)


def test_draws_have_the_moments_that_the_scene_says():
    """Mean and covariance of one linear map, written out entry by entry, against those of many draws."""
    latent_dim, draws = 20, 20_000
    prior, both = randomised(latent_dim)
    scene_motion = type(both)(*(field[:1] for field in both))
    sizes = initial_coefficient_scale(latent_dim, FRAMES)
    matrix, factors = np.eye(latent_dim), np.asarray(scene_motion.factors)[0]
    for to in range(prior.coarse * prior.channels, latent_dim):
        frequency, wave, axis = to // prior.channels - prior.coarse, to % prior.channels // 2, to % 2
        for coarse in range(prior.coarse):
            for read in (0, 1):
                source = coarse * prior.channels + 2 * wave + read
                matrix[to, source] = factors[frequency, axis, coarse, read] * sizes[source] / sizes[to]
    assert np.abs(matrix - np.eye(latent_dim)).max() > 0.05
    many = type(both)(*(tf.repeat(field, draws, axis=0) for field in scene_motion))
    drawn = prior.denormalise(many, normal(latent_dim, batch=draws)).numpy()
    covariance = matrix @ np.diag(np.asarray(scene_motion.stddev)[0] ** 2) @ matrix.T
    centred = drawn - matrix @ np.asarray(scene_motion.mean)[0]
    whitened = np.linalg.solve(np.linalg.cholesky(covariance), centred.T)
    np.testing.assert_allclose(whitened.mean(axis=1), 0.0, atol=0.04)
    np.testing.assert_allclose(np.cov(whitened), np.eye(latent_dim), atol=0.06)


def test_a_place_moves_as_a_factor_of_the_whole():
    """The left half moves as the mean, the right half twice as far: what is finer than coarse is that map's details."""
    latent_dim = 512 * 2
    prior, picture = LatentPrior(latent_dim, 1), scene(batch=1)
    prior(*picture)
    factor = np.ones(LATENT_GRID, np.float32)
    factor[:, 16:] = 2.0
    # Nothing is read off the picture: the factors are what to_map's inputs are set to.
    scene_motion = np.zeros((1, *LATENT_GRID, 2 + 4 * prior.coarse), np.float32)
    for axis in range(2):
        scene_motion[..., 2 + axis * 2 * prior.coarse + axis] = factor
    prior.to_map.call = lambda _: tf.constant(scene_motion)
    motion = prior(*picture)
    z = np.zeros((1, latent_dim), np.float32)
    z[0, :2] = [0.5, -2.0]
    sizes = initial_coefficient_scale(latent_dim, 1)
    moved = coefficients_to_map(prior.denormalise(motion, tf.constant(z)) * sizes, map_channels(latent_dim, 1))
    wanted = map_to_coefficients(factor[None, ..., None] * 0.25 * z[:, None, None, :2], latent_dim).numpy()
    coarse = prior.coarse * 2
    wanted[:, :coarse] = z[:, :coarse] * sizes[:coarse]
    np.testing.assert_allclose(map_to_coefficients(moved, latent_dim), wanted, atol=1e-4)
    assert np.abs(wanted[:, coarse:]).max() > 0.1


@pytest.mark.parametrize("latent_dim", [6, 300])
def test_only_what_it_says_is_learned_from_its_kl(latent_dim):
    prior, picture = LatentPrior(latent_dim, FRAMES), scene()
    with tf.GradientTape() as tape:
        mean, log_variance = prior.normalise(prior(*picture), normal(latent_dim), normal(latent_dim, 1))
        loss = tf.reduce_sum(mean**2 - log_variance)
    gradients = tape.gradient(loss, [prior.coarse_mean.kernel, prior.log_stddev.kernel, prior.to_map.kernel])
    for name, gradient in zip(("coarse_mean", "log_stddev", "to_map"), gradients, strict=True):
        if name == "to_map" and prior.frequencies == prior.coarse:
            continue
        assert np.abs(gradient).max() > 1e-3, name
