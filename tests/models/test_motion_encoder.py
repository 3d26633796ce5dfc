"""A group's measured motion where the group is, and what it becomes where the group is not."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID
from seg2vid_tf.models.motion.motion_encoder import normalised_convolution


def _measured(group):
    """What becomes of 2 on the group's pixels and -3 elsewhere, dx its negative; frame 2 moves twice as far."""
    inside = tf.cast(group, tf.float32)[None, None, :, :, None]
    velocities = tf.where(inside > 0, tf.constant([2.0, -2.0]), tf.constant([-3.0, 3.0]))
    velocities = tf.concat([velocities, 2.0 * velocities], axis=1)
    annotation = tf.repeat(tf.repeat(inside[:, 0], 4, axis=1), 4, axis=2)
    found = normalised_convolution(velocities, annotation).numpy()
    assert found.shape == (1, 2, *LATENT_GRID, 2)
    np.testing.assert_allclose(found[:, 1], 2 * found[:, 0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[..., 1], -found[..., 0], rtol=1e-4, atol=1e-4)
    return found[0, 0, ..., 0]


def test_a_group_moves_on_as_it_does_where_it_is():
    group = np.zeros([32, 64], bool)
    group[8:24, 16:48] = True
    found = _measured(group)
    np.testing.assert_allclose(found[6:10, 10:22], 2.0, atol=0.01)
    np.testing.assert_allclose(found[[0, 0, -1, -1], [0, -1, 0, -1]], 2.0, atol=0.05)


def test_a_thing_that_is_all_edge_still_says_something():
    group = np.zeros([32, 64], bool)
    group[:, 30:32] = True
    found = _measured(group)
    np.testing.assert_allclose(found[:, 15], 2.0, atol=0.01)
    np.testing.assert_allclose(found[:, [0, -1]], 2.0, atol=0.3)


def test_a_group_that_is_nowhere_takes_what_there_is():
    np.testing.assert_allclose(_measured(np.zeros([32, 64], bool)), -3.0, rtol=1e-4)
    np.testing.assert_allclose(_measured(np.ones([32, 64], bool)), 2.0, rtol=1e-4)
