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


@pytest.mark.parametrize("brightness", [0.0, 1.0])
def test_patches_are_compared_as_their_pixels_in_one_vector(brightness):
    """Against NumPy's corrcoef, place by place; a bright and nearly even picture is no less exact."""
    rng = np.random.default_rng(1)
    first, second = (brightness + 0.01 * rng.normal(size=(2, 1, 5, 7, 3))).astype(np.float32)
    found = correlation(tf.constant(first), tf.constant(second), 2, patch=3).numpy()
    windows = [
        np.lib.stride_tricks.sliding_window_view(
            np.pad(x[0], ((1, 1), (1, 1), (0, 0)), "edge"), (3, 3), (0, 1)
        ).reshape(5, 7, 27)
        for x in (first, second)
    ]
    for y, x, dy, dx in np.ndindex(5, 7, 5, 5):
        there = y + dy - 2, x + dx - 2
        inside = 0 <= there[0] < 5 and 0 <= there[1] < 7
        expected = np.corrcoef(windows[0][y, x], windows[1][there])[0, 1] if inside else 0.0
        assert abs(found[0, y, x, 5 * dy + dx] - expected) < 2e-3, (y, x, dy, dx)


def test_where_both_are_even_nothing_correlates():
    even = tf.fill([1, 6, 6, 3], 0.93)
    np.testing.assert_array_less(np.abs(correlation(even, even, 1, patch=5)), 1e-6)
