import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.noise import per_example_normal


def test_golden_values_on_both_stacks():
    np.testing.assert_allclose(
        per_example_normal([1, 2**62, -5], (2,), stream=0),
        [[0.1266503, -0.49301657], [-0.96430737, -0.74674857], [0.06957308, -0.2816869]],
        atol=1e-6,
    )


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
