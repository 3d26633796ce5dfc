import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.training.late_decay import LateDecay


@pytest.mark.parametrize(
    ("decay", "factors"),
    [(0.0, [1, 1, 1, 1, 1]), (0.5, [1, 1, 1, 1, 0.5]), (1.0, [1, 0.75, 0.75, 0.5, 0.25])],
)
def test_rates_by_hand(decay, factors):
    """Of a run of four steps, the rates of steps 0, 1, 1, 2 and 3."""
    schedule = LateDecay(0.2, 4, decay)
    rates = [float(schedule(step)) for step in (0, 1, tf.constant(1, tf.int64), 2, 3)]
    np.testing.assert_allclose(rates, 0.2 * np.array(factors), rtol=1e-6)


def test_the_warm_up_by_hand():
    """A run of ten steps: three to warm up, the last five to fall."""
    schedule = LateDecay(0.3, 10, 0.5, warmup_steps=3)
    rates = [float(schedule(step)) for step in (0, 1, 2, 3, 5, 6, 9)]
    np.testing.assert_allclose(rates, [0.1, 0.2, 0.3, 0.3, 0.3, 0.24, 0.06], rtol=1e-6)
    assert LateDecay.from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_a_late_start_by_hand():
    """A run of ten steps: two without a rate, two to warm up, the last five to fall."""
    schedule = LateDecay(0.3, 10, 0.5, warmup_steps=2, start=2)
    rates = [float(schedule(step)) for step in (0, 1, 2, 3, 5, 6, 9)]
    np.testing.assert_allclose(rates, [0, 0, 0.15, 0.3, 0.3, 0.24, 0.06], rtol=1e-6)
    assert LateDecay.from_config(schedule.get_config()).get_config() == schedule.get_config()


def test_an_optimizer_follows_it():
    optimizer = keras.optimizers.SGD(LateDecay(1.0, 4, 1.0))
    weight = tf.Variable(0.0) if keras.__version__.startswith("2") else keras.Variable(0.0)
    seen = []
    for _ in range(5):
        before = float(weight.numpy())
        optimizer.apply_gradients([(tf.constant(-1.0), weight)])
        seen.append(float(weight.numpy()) - before)
    np.testing.assert_allclose(seen, [1.0, 0.75, 0.5, 0.25, 0.0], atol=1e-6)
