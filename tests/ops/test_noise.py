import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from seg2vid_tf.ops.noise import per_example_normal

# What seeds 1, 2**62 and -5 have meant, of stream 0, by version: exports live by it.
GOLDEN = {
    1: [[0.1266503, -0.49301657], [-0.96430737, -0.74674857], [0.06957308, -0.2816869]],
    2: [[-0.36890978, -0.2561751], [-0.053516272, 1.6480737], [1.4439275, 0.5869447]],
}


@pytest.mark.parametrize("version", GOLDEN)
def test_golden_values_on_both_stacks(version):
    found = per_example_normal([1, 2**62, -5], (2,), stream=0, noise_version=version)
    np.testing.assert_allclose(found, GOLDEN[version], atol=1e-6)


def test_two_words_are_two_normals():
    words = tf.random.stateless_uniform([4, 2], [9, 3], None, None, tf.uint32, alg="philox").numpy()
    radius = np.sqrt(-2 * np.log((words[:, 0] + 1.0) / 2**32))
    expected = (radius * np.exp(2j * np.pi * words[:, 1] / 2**32)).view(float)
    np.testing.assert_allclose(per_example_normal([9], (7,), 3)[0], expected[:7], atol=1e-6)
    np.testing.assert_allclose(per_example_normal([9], (2, 4), 3)[0], expected.reshape(2, 4), atol=1e-6)


def test_compiled_by_xla_a_seed_means_the_same():
    seeds = tf.constant([1, 2**62, -5, -(2**63)], tf.int64)

    def drawn(version):
        return per_example_normal(seeds, (1001, 3), 2, version)

    eager, compiled = drawn(2).numpy(), tf.function(drawn, jit_compile=True)(2).numpy()
    # The last bit of a float64 may differ; that it reaches a float32 is one chance in millions.
    np.testing.assert_allclose(compiled, eager, rtol=2e-7)
    old = [drawn(1).numpy(), tf.function(drawn, jit_compile=True)(1).numpy()]
    assert np.abs(old[0] - old[1]).max() > 1e-6, "version 1 is as good: drop the arithmetic"


def test_the_numbers_are_normal():
    drawn = np.sort(per_example_normal(tf.range(8, dtype=tf.int64), (25_001,), 1).numpy().ravel())
    expected = scipy.stats.norm.cdf(drawn)
    assert np.abs(expected - np.linspace(0, 1, drawn.size)).max() < 1.95 / np.sqrt(drawn.size)  # 1 of 1000 is above
    assert 4.0 < np.abs(drawn).max() < 6.7, "the words reach 2**-32"


def test_a_row_depends_on_its_own_seed_only():
    batch = per_example_normal([3, 1, 4, 1, 5], (6, 2), stream=2)
    assert batch.shape == (5, 6, 2)
    np.testing.assert_array_equal(batch[1], batch[3])
    np.testing.assert_array_equal(batch[4], per_example_normal([5], (6, 2), stream=2)[0])


def test_streams_and_seeds_are_independent():
    seeds = tf.range(40, dtype=tf.int64)
    first, second = per_example_normal(seeds, (100,), 0).numpy(), per_example_normal(seeds, (100,), 1).numpy()
    assert abs(np.mean(first)) < 0.05 and abs(np.std(first) - 1) < 0.05
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
    assert np.max(np.abs(np.corrcoef(first)[~np.eye(40, dtype=bool)])) < 0.5


def test_graph_with_unknown_batch_equals_eager():
    graph = tf.function(lambda s: per_example_normal(s, [3], 7), input_signature=[tf.TensorSpec([None], tf.int64)])
    seeds = tf.constant([9, -(2**63), 2**63 - 1], tf.int64)
    out = graph(seeds)
    np.testing.assert_array_equal(out, per_example_normal(seeds, [3], 7))
    assert graph(tf.zeros([0], tf.int64)).shape == (0, 3)


@pytest.mark.parametrize("seeds", [[0.5], 3, [[1, 2]]])
def test_wrong_seeds_are_named(seeds):
    with pytest.raises(ValueError, match="seeds must be an int64 vector"):
        per_example_normal(seeds, (2,), 0)


@pytest.mark.parametrize("version", [0, 3, None])
def test_a_version_that_nobody_knows_is_named(version):
    with pytest.raises(ValueError, match=rf"noise_version must be one of \[1, 2\], received {version}"):
        per_example_normal([1], (2,), 0, version)
