"""The moving average of weights equals its closed form; under two replicas see test_replicas.py."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.training.moving_average import copy_weights, update_average


class Network(tf.Module):
    """Two weights stand in for a network's."""

    def __init__(self, matrix, scalar):
        super().__init__()
        self.matrix, self.scalar = tf.Variable(matrix), tf.Variable(scalar)


def closed_form(weights, decay):
    """average_n = sum over t of (1 - d_t) d_(t+1) ... d_n weights_t, with weights_0 in full: d_0 = 0."""
    decays = [0.0] + [min(decay, t / (t + 9)) for t in range(1, len(weights))]
    return sum((1 - decays[t]) * np.prod(decays[t + 1 :]) * w for t, w in enumerate(weights))


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.999])
def test_the_average_equals_its_closed_form(decay):
    matrices = np.random.default_rng(0).normal(size=(16, 2, 3)).astype(np.float32)
    scalars = np.linspace(-4, 5, 16, dtype=np.float32) ** 3
    network, average = Network(matrices[0], scalars[0]), Network(tf.zeros([2, 3]), 0.0)
    copy_weights(network, average)
    update = tf.function(lambda step: update_average(average, network, decay, step))
    for t in range(1, 16):
        network.matrix.assign(matrices[t])
        network.scalar.assign(scalars[t])
        update(tf.constant(t - 1, tf.int64))
        np.testing.assert_allclose(average.matrix, closed_form(matrices[: t + 1], decay), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(average.scalar, closed_form(scalars[: t + 1], decay), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(network.matrix, matrices[-1])  # the network in training stays as it is


def test_by_hand():
    """decay 0.15: d_1 = 1/10, then 0.15, since 2/11 is more. 1 -> 0.1 * 1 + 0.9 * 2 = 1.9 -> 0.15 * 1.9 - 0.85 * 4."""
    network, average = Network([0.0], 1.0), Network([0.0], 1.0)
    for step, (weight, expected) in enumerate([(2.0, 1.9), (-4.0, -3.115)]):
        network.scalar.assign(weight)
        update_average(average, network, 0.15, tf.constant(step, tf.int64))
        np.testing.assert_allclose(average.scalar, expected, rtol=1e-6)


def test_networks_that_differ_are_refused():
    with pytest.raises(ValueError, match="zip"):
        copy_weights(Network([0.0], 1.0), tf.Module())
