import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.motion.motion_memory import NEAREST, SHARE, MotionMemory


def halves(*shares):
    """Annotations of two classes, float32 [B,16,32,2]: class 1 fills so many of the 32 columns."""
    maps = np.stack([np.broadcast_to(np.arange(32) < share, (16, 32)) for share in shares])
    return tf.one_hot(maps.astype(np.int32), 2)


@pytest.fixture(scope="module")
def memory():
    """It remembers motions (k, 0, ..) of clips whose class 1 fills 4 k columns, k = 0 to 3."""
    memory = MotionMemory(4, 6, 2)
    motions = np.zeros((4, 6), np.float32)
    motions[:, 0] = range(4)
    memory.remember(memory.describe(halves(0, 4, 8, 12)), motions)
    return memory


def draw(turn, length=1.0):
    """A draw float32 [6] whose direction is so much of a whole turn."""
    return np.float32([length * np.cos(2 * np.pi * turn), length * np.sin(2 * np.pi * turn), 0.5, 0, 0, 0])


def test_a_draws_direction_chooses_among_the_nearest_and_the_draw_is_added(memory):
    """Nearest to 9 columns are those of 8, 12, 4 and 0 columns, in this order: motions 2, 3, 1, 0."""
    turns = np.array([0.01, 0.3, 0.6, 0.99])
    drawn = np.stack([draw(turn) for turn in turns])
    recalled = memory(halves(9, 9, 9, 9), drawn).numpy()
    np.testing.assert_allclose(recalled[:, 0] - SHARE * drawn[:, 0], [2, 3, 1, 0], atol=1e-5)
    np.testing.assert_allclose(recalled[:, 1:], SHARE * drawn[:, 1:], atol=1e-6)
    longer = np.stack([draw(turn, length=3.0) for turn in turns])
    again = memory(halves(9, 9, 9, 9), longer).numpy()
    np.testing.assert_allclose(again[:, 0] - SHARE * longer[:, 0], [2, 3, 1, 0], atol=1e-5)


def test_no_draw_recalls_the_likest_clip(memory):
    recalled = memory(halves(1, 5, 13), np.zeros((3, 6), np.float32)).numpy()
    np.testing.assert_array_equal(recalled[:, 0], [0, 1, 3])


def test_a_row_does_not_depend_on_the_others_even_where_clips_are_alike():
    rng = np.random.default_rng(0)
    twins = MotionMemory(30, 6, 2)
    keys = np.repeat(twins.describe(halves(*range(1, 11))).numpy(), 3, axis=0)
    twins.remember(keys, rng.normal(size=(30, 6)).astype(np.float32))
    annotations, drawn = halves(*range(1, 9)), rng.normal(size=(8, 6)).astype(np.float32)
    together = twins(annotations, drawn).numpy()
    for row in range(8):
        np.testing.assert_array_equal(twins(annotations[row : row + 1], drawn[row : row + 1]).numpy()[0], together[row])


def test_all_of_the_nearest_are_recalled_about_as_often():
    size = 2 * NEAREST
    memory = MotionMemory(size, 2, 2)
    motions = np.stack([np.arange(size), np.zeros(size)], axis=1).astype(np.float32)
    memory.remember(np.tile(memory.describe(halves(3)), (size, 1)), 100 * motions)
    drawn = np.random.default_rng(0).normal(size=(4000, 2)).astype(np.float32)
    found = np.rint(memory(halves(*[3] * 4000), drawn).numpy()[:, 0] / 100).astype(int)
    counts = np.bincount(found, minlength=size)
    assert (counts[:NEAREST] > 120).all() and not counts[NEAREST:].any(), "200 each; of equal ones the first"


def test_before_it_remembers_draws_are_motions(memory):
    drawn = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    np.testing.assert_array_equal(MotionMemory(4, 6, 2)(halves(1, 2), drawn), drawn)


def test_it_comes_back_from_its_config_and_learns_nothing(memory):
    again = MotionMemory.from_config(memory.get_config())
    assert [tuple(w.shape) for w in again.weights] == [(4, 6), (4, 128), ()]
    assert not memory.trainable_weights and isinstance(again, keras.layers.Layer)
    with pytest.raises(ValueError, match="latent_dim at least 2, received 4 and 1"):
        MotionMemory(4, 1, 2)
