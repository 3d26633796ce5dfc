"""The kernel distance by hand, against loops and the published formula, and its bias."""

import itertools
import tracemalloc

import numpy as np
import pytest

from seg2vid_tf.evaluation.kernel_distance import kernel_distance


def units(features, first=0):
    """One unit a row."""
    return {first + i: row[None] for i, row in enumerate(features)}


def by_loops(real, made):
    """The definition, a pair after the other."""

    def mean(one, other):
        pairs = [
            (np.dot(a, b) / len(a) + 1) ** 3
            for (u, xs), (v, ys) in itertools.product(one.items(), other.items())
            if u != v
            for a, b in itertools.product(xs, ys)
        ]
        return np.mean(pairs)

    return mean(real, real) + mean(made, made) - 2 * mean(real, made)


def test_by_hand():
    """d = 1: the real features 0 and 1 and 0, the made ones 1, all of other units: pairs of the real ones have kernels
    1, 1, 1 (0.0, 0.1, 1.0), those of the made ones 8, and between them 1, 8, 1.
    """
    real, made = units(np.array([[0.0], [1.0], [0.0]])), units(np.ones((3, 1)), first=10)
    distance, stderr = kernel_distance(real, made)
    assert distance == pytest.approx(1 + 8 - 2 * (1 + 8 + 1) / 3)
    # Without a zero: (0, 1) against ones: 1 + 8 - 2 * 9 / 2 = 0; without the one: 1 + 8 - 2 = 7; a made one is spare.
    left_out = np.array([0, 7, 0, *[distance] * 3])
    assert stderr == pytest.approx(np.sqrt(5 / 6 * np.sum((left_out - left_out.mean()) ** 2)))


def test_pairs_of_one_unit_do_not_count():
    """The same features, but each made one belongs to the real one of its place."""
    features = np.array([[0.0], [1.0], [2.0]])
    # Of real and of made, and between them: (0 1), (0 2), (1 2) have kernels 1, 1, 27: all three means are equal.
    assert kernel_distance(units(features), units(features))[0] == pytest.approx(0.0)
    # As strangers, each meets its twin: 2 * 29/3 - 2 * (2 * 29 + 1 + 8 + 125) / 9.
    assert kernel_distance(units(features), units(features, first=3))[0] == pytest.approx(2 * 29 / 3 - 2 * 192 / 9)


def test_units_of_several_features_against_loops():
    rng = np.random.default_rng(0)
    real = {f"clip {i}": rng.normal(size=(1 + i % 3, 5)).astype(np.float32) for i in range(8)}
    made = {f"clip {i}": rng.normal(0.3, 1.2, size=(1 + i % 2, 5)).astype(np.float32) for i in range(2, 11)}
    distance, stderr = kernel_distance(real, made)
    assert distance == pytest.approx(by_loops(real, made))
    keys = set(real) | set(made)
    without = np.array(
        [by_loops(*({k: v for k, v in side.items() if k != key} for side in (real, made))) for key in keys]
    )
    assert stderr == pytest.approx(np.sqrt(np.sum((without - without.mean()) ** 2) * (len(keys) - 1) / len(keys)))


def test_strangers_give_the_published_kid():
    """More rows than are computed at once; the estimator as Binkowski et al. write it."""
    rng = np.random.default_rng(2)
    real, made = rng.gamma(2.0, size=(300, 16)), rng.gamma(2.5, size=(280, 16))
    xx, yy, xy = ((a @ b.T / 16 + 1) ** 3 for a, b in ((real, real), (made, made), (real, made)))
    expected = (xx.sum() - np.trace(xx)) / (300 * 299) + (yy.sum() - np.trace(yy)) / (280 * 279) - 2 * xy.mean()
    assert kernel_distance(units(real), units(made, first=300))[0] == pytest.approx(expected)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_it_is_unbiased_and_knows_its_error(shift):
    """500 pairs of sets: their mean is the distance of the distributions, their spread what the jackknife says.

    Features are N(m, 1), d = 1, so the distance is known: E k = 1 + 3 E(xy) + 3 E(xy)^2 + E(xy)^3.
    """

    def expected(m, n):
        third = (m**3 + 3 * m) * (n**3 + 3 * n)
        return 1 + 3 * m * n + 3 * (m * m + 1) * (n * n + 1) + third

    truth = expected(0, 0) + expected(shift, shift) - 2 * expected(0, shift)
    rng, found = np.random.default_rng(3), []
    for _ in range(500):
        real, made = rng.normal(size=(24, 1)), rng.normal(shift, 1, size=(24, 1))
        found.append(kernel_distance(units(real), units(made)))
    distances, errors = np.array(found).T
    spread = distances.std()
    assert abs(distances.mean() - truth) < 4 * spread / np.sqrt(500)
    assert (distances < 0).any() or shift
    said = np.sqrt(np.mean(errors**2)) / spread
    assert 0.8 < said < 1.7


def test_pairs_that_belong_together_do_not_bias_it():
    """The made picture is the real one with a little noise, and a clip has four frames that are nearly one."""
    rng, found = np.random.default_rng(4), []
    for _ in range(300):
        means = rng.normal(size=(20, 1, 3))
        real, made = (dict(enumerate(means + rng.normal(0, 0.1, (20, 4, 3)))) for _ in range(2))
        together = kernel_distance(real, made)[0]
        apart = kernel_distance(
            *(
                {(s, u, i): f[i : i + 1] for u, f in side.items() for i in range(4)}
                for s, side in enumerate((real, made))
            )
        )[0]
        found.append((together, apart))
    (together, apart), (spread, _) = np.mean(found, axis=0), np.std(found, axis=0)
    assert abs(together) < 4 * spread / np.sqrt(300)
    assert apart < -20 * abs(together), "taken for strangers, twins pull it down"


def test_no_matrix_of_all_units_is_held():
    """4000 units: their matrix alone would be 128 MB."""
    rng = np.random.default_rng(5)
    real, made = units(rng.normal(size=(2000, 2))), units(rng.normal(size=(2000, 2)), first=2000)
    tracemalloc.start()
    kernel_distance(real, made)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4000**2 * 8 / 4


def test_what_cannot_be_measured_is_told():
    three, four = units(np.eye(3)), units(np.eye(4))
    with pytest.raises(ValueError, match="the made set has 2 pictures or clips, the kernel distance needs 3"):
        kernel_distance(three, units(np.eye(3)[:2]))
    with pytest.raises(ValueError, match="the real set has 0 pictures or clips"):
        kernel_distance({}, three)
    with pytest.raises(ValueError, match="features of one length are compared, received 3 and 4"):
        kernel_distance(three, four)
    with pytest.raises(ValueError, match="the made set's features hold NaN"):
        kernel_distance(three, units(np.full((3, 3), np.nan)))
    with pytest.raises(ValueError, match=r"the real set's features must be \[n,d\] of one d"):
        kernel_distance({**three, 9: np.eye(4)}, three)
