import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.correlation import correlation


def test_by_hand():
    """A mark at (1, 1) that moves one place right: seen there at d = (0, 1), number 5 of 9."""
    first, second = np.zeros((1, 3, 4, 3), np.float32), np.zeros((1, 3, 4, 3), np.float32)
    # Less their means they are [0, 1, -1], half of that, [-2, 1, 1] and [0, -2, 2].
    first[0, 1, 1], second[0, 1, 2] = [3.0, 4.0, 2.0], [7.0, 7.5, 6.5]
    second[0, 0, 1] = [0.0, 3.0, 3.0]  # at right angles
    second[0, 2, 1] = [5.0, 3.0, 7.0]  # the opposite
    expected = np.zeros(9)
    expected[5], expected[7] = 1.0, -1.0
    out = correlation(tf.constant(first), tf.constant(second), 1)
    assert out.shape == (1, 3, 4, 9) and out.dtype == tf.float32
    np.testing.assert_allclose(out[0, 1, 1], expected, atol=1e-5)
    assert np.abs(out).sum() - np.abs(out[0, 1, 1]).sum() == 0.0, "where the first map holds nothing"


def test_outside_counts_nothing_and_gradients_are_finite():
    x = tf.tile(tf.constant([[[[1.0, -1.0]]]]), [1, 2, 3, 1])
    out = correlation(x, x, 1).numpy()
    np.testing.assert_allclose(out[0, 0, 0], [0, 0, 0, 0, 1, 1, 0, 1, 1], atol=1e-5)
    for value in (0.0, 1e3):
        x = tf.fill([1, 3, 3, 2], value)
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(correlation(x, x + value, 2))
        assert np.isfinite(tape.gradient(total, x)).all()


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-2, 2)])
def test_the_displacement_of_a_texture_is_the_largest(shift):
    texture = np.random.default_rng(0).normal(size=(1, 12, 12, 8)).astype(np.float32)
    moved = np.roll(texture, shift, axis=(1, 2))
    best = tf.argmax(correlation(tf.constant(texture), tf.constant(moved), 2), axis=-1)[0, 3:-3, 3:-3]
    assert np.unique(best).tolist() == [(shift[0] + 2) * 5 + shift[1] + 2]
