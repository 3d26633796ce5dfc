"""Things that move as one: what shifts and grows stays, what bends or shears does not, no thing hears of another."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import build_motion
from seg2vid_tf.models.motion.instance_motion import MAX_INSTANCES, find_instances, fit_instance_motion
from seg2vid_tf.models.motion.latent_frequencies import LATENT_GRID
from tests.tolerance import assert_far_apart, assert_rounded_alike, fan_ins

SIZE = (64, 128)  # a cell of LATENT_GRID is 4 x 4 pixels
# Cells of two things, and of the whole of them.
LEFT, RIGHT = np.s_[4:12, 2:12], np.s_[5:10, 18:29]


def annotation(*things, classes=2, size=SIZE):
    """One-hot [1,H,W,classes]; things: (class, cells of LATENT_GRID)."""
    cells = np.zeros([*LATENT_GRID, classes], np.float32)
    for which, where in things:
        cells[(*where, which)] = 1.0
    return tf.image.resize(cells[None], size, method="nearest")


def field(dy, dx):
    """A map [1,*LATENT_GRID,2] of what functions of (y, x), in cells, say."""
    y, x = np.meshgrid(*(np.arange(side, dtype=np.float32) for side in LATENT_GRID), indexing="ij")
    return tf.constant(np.stack([dy(y, x) + 0 * y, dx(y, x) + 0 * x], axis=-1)[None], tf.float32)


def test_things_are_the_pieces_of_the_foreground():
    instances = find_instances(annotation((0, LEFT), (1, RIGHT)))
    shares = instances.shares[0].numpy()
    assert shares.shape == (MAX_INSTANCES, *LATENT_GRID) and not shares[2:].any()
    expected = np.zeros([2, *LATENT_GRID])
    expected[0][LEFT] = expected[1][RIGHT] = 1
    np.testing.assert_array_equal(shares[:2], expected)  # the larger one first: 80 cells, 55
    assert not instances.rest.numpy().any() and instances.cell_width == 1.0


def test_things_beyond_the_largest_and_what_fills_no_cell_by_half_are_the_rest():
    dots = [(0, np.s_[y : y + 1, x : x + 1]) for y in (1, 4, 7) for x in range(1, 30, 4)]  # 24 pieces of a cell
    thin = np.zeros([1, *SIZE, 1], np.float32)
    thin[:, 60:, 121] = 1.0  # one of the four columns of a cell
    instances = find_instances(annotation(*dots, classes=1) + thin)
    assert tf.reduce_sum(instances.shares) == MAX_INSTANCES
    assert tf.reduce_sum(instances.rest) == len(dots) - MAX_INSTANCES + 0.25


def test_a_shift_stays_and_a_growth_almost():
    """What the ridge takes, of a neighbourhood whose variance is tens of cells, is little."""
    instances = find_instances(annotation((0, LEFT)))
    motion = field(lambda y, x: 2.0 + 0.1 * y, lambda y, x: -1.0 + 0.1 * x)
    found = fit_instance_motion(motion, instances)[0][LEFT]
    np.testing.assert_allclose(found, motion[0][LEFT], atol=0.02)
    shift = field(lambda y, x: 2.0, lambda y, x: -1.0)
    np.testing.assert_allclose(fit_instance_motion(shift, instances)[0][LEFT], shift[0][LEFT], atol=1e-5)


def test_a_cell_that_is_wide_grows_as_a_square_one_does():
    """A frame as high as it is wide: a cell is half as wide as high, so x is counted in halves."""
    instances = find_instances(annotation((0, LEFT), size=(64, 64)))
    assert instances.cell_width == 0.5
    motion = field(lambda y, x: 0.2 * y, lambda y, x: 0.1 * x)
    np.testing.assert_allclose(fit_instance_motion(motion, instances)[0][LEFT], motion[0][LEFT], atol=0.06)


@pytest.mark.parametrize(
    ("dy", "dx"),
    [
        (lambda y, x: 0.1 * (x - 6.5), lambda y, x: 0.0),  # a shear
        (lambda y, x: 0.1 * (x - 6.5), lambda y, x: -0.1 * (y - 7.5)),  # a turn
        (lambda y, x: 0.1 * (y - 7.5), lambda y, x: -0.1 * (x - 6.5)),  # high and narrow
    ],
)
def test_little_of_what_shears_turns_or_squeezes_is_left(dy, dx):
    """About the middle of a thing as wide as high: a fifth of its energy."""
    square, motion = np.s_[3:13, 2:12], field(dy, dx)
    found = fit_instance_motion(motion, find_instances(annotation((0, square))))[0][square]
    assert np.square(found).mean() < 0.25 * np.square(motion[0][square]).mean()


def test_two_things_keep_two_motions():
    motion = np.zeros([1, *LATENT_GRID, 4], np.float32)  # two waves
    motion[:, :, :15], motion[:, :, 15:] = [1.0, 2.0, 3.0, 4.0], [-5.0, -6.0, -7.0, -8.0]
    found = fit_instance_motion(tf.constant(motion), find_instances(annotation((0, LEFT), (0, RIGHT))))[0].numpy()
    np.testing.assert_allclose(found[LEFT], np.broadcast_to(motion[0, 0, 0], found[LEFT].shape), atol=2e-2)
    np.testing.assert_allclose(found[RIGHT], np.broadcast_to(motion[0, 0, -1], found[RIGHT].shape), atol=2e-2)


def test_a_map_without_things_stays_as_it_is():
    motion = tf.random.stateless_normal([2, *LATENT_GRID, 2], [0, 1])
    found = fit_instance_motion(motion, find_instances(tf.zeros([2, *SIZE, 2])))
    np.testing.assert_allclose(found, motion, rtol=1e-6)


def test_compiled_by_xla_it_is_the_same():
    classes, motion = annotation((0, LEFT), (1, RIGHT)), tf.random.stateless_normal([1, *LATENT_GRID, 2], [0, 1])
    compiled = tf.function(lambda: fit_instance_motion(motion, find_instances(classes)), jit_compile=True)
    np.testing.assert_allclose(compiled(), fit_instance_motion(motion, find_instances(classes)), atol=1e-4)


def test_gradient_of_a_map_is_finite_and_its_thing_has_all_of_it():
    motion, instances = tf.random.stateless_normal([1, *LATENT_GRID, 2], [0, 1]), find_instances(annotation((0, LEFT)))
    with tf.GradientTape() as tape:
        tape.watch(motion)
        moved = fit_instance_motion(motion, instances)[0][LEFT]
    gradient = tape.gradient(moved, motion)[0].numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient[LEFT]).min() > 0
    gradient[LEFT] = 0
    assert np.abs(gradient).max() < 1e-4


@pytest.fixture(scope="module")
def motion_model(motion_config, spec):
    return build_motion(dataclasses.replace(motion_config.model, instance_motion=True), spec)


def test_row_of_a_batch_equals_batch_of_one(motion_model, make_inputs, spec):
    inputs = make_inputs(motion_model, spec, 3, 32, 64)
    # Boxes of foreground: in noise there are no things.
    boxes = np.zeros([3, 32, 64], np.int32)
    for row, where in enumerate((np.s_[8:24, 8:40], np.s_[4:12, 20:28], np.s_[16:32, 32:64])):
        boxes[row][where] = spec.foreground_ids[0]
    inputs["annotation"] = tf.one_hot(boxes, spec.num_classes)
    whole = motion_model(inputs)
    alone = motion_model({name: value[1:2] for name, value in inputs.items()})
    rows = {name: value[1:2] for name, value in whole.items()}
    assert_rounded_alike(alone, rows, fan_ins(motion_model))
    others = {name: value[:1] for name, value in whole.items()}
    assert_far_apart(others, rows, fan_ins(motion_model), ["flow", "flow_backward", "frames"])
