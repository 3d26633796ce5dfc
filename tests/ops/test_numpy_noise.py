import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops import noise
from seg2vid_tf.ops.numpy_noise import per_example_normal, words

SEEDS = [1, 2**62, -5, -(2**63), 2**63 - 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_words_are_tensorflows(seed):
    for stream in (0, 2, (1 << 16) + 3):
        expected = tf.random.stateless_uniform([1003], [seed, stream], None, None, tf.uint32, alg="philox")
        np.testing.assert_array_equal(words(seed, stream, 1003), expected)


def test_so_are_the_numbers_made_of_them():
    found = per_example_normal(SEEDS, (7, 5, 3), 2)
    assert found.dtype == np.float32
    # The last bit of a float64 may differ; that it reaches a float32 is one chance in millions.
    np.testing.assert_allclose(found, noise.per_example_normal(SEEDS, (7, 5, 3), 2), rtol=2e-7)
    assert per_example_normal(np.zeros(0, np.int64), [3], 0).shape == (0, 3)


@pytest.mark.parametrize("seeds", [[0.5], 3, [[1, 2]]])
def test_wrong_seeds_are_named(seeds):
    with pytest.raises(ValueError, match="seeds must be an int64 vector"):
        per_example_normal(seeds, (2,), 0)
