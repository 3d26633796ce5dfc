"""Connected components: small maps by hand, every map of scipy's, a spiral, rows of a batch."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops.components import connected_components


def test_pieces_of_a_small_map():
    """Two classes that touch are two pieces, and so are equal ones that meet at a corner alone."""
    classes = tf.constant([[[0, 0, -1, 1], [-1, 0, 1, 1], [0, -1, -1, 0]]])
    # The last pixel of each, counted from 1: (1, 1) is the 6th, (1, 3) the 8th.
    np.testing.assert_array_equal(connected_components(classes), [[[6, 6, 0, 8], [0, 6, 8, 8], [9, 0, 0, 12]]])


def spiral(side):
    """A path one pixel wide from the corner to the middle, int32 [side,side] of 0 and -1."""
    path = np.full([side, side], -1, np.int32)
    y, x, dy, dx = 0, 0, 0, 1
    path[0, 0] = 0

    def free(y, x):
        return not (0 <= y < side and 0 <= x < side) or path[y, x] < 0

    for _ in range(side * side):
        inside = 0 <= y + dy < side and 0 <= x + dx < side
        if not (inside and free(y + dy, x + dx) and free(y + 2 * dy, x + 2 * dx)):
            dy, dx = dx, -dy
            if not (free(y + dy, x + dx) and free(y + 2 * dy, x + 2 * dx)):
                break
        y, x = y + dy, x + dx
        path[y, x] = 0
    return path


def test_a_long_winding_path_is_one_piece():
    path = spiral(64)
    pieces = connected_components(path[None])[0].numpy()
    assert (path == 0).sum() > 2000
    np.testing.assert_array_equal(pieces, np.where(path == 0, 1 + np.flatnonzero(path == 0).max(), 0))


@pytest.mark.parametrize("compiled", [False, True])
def test_random_maps_have_the_pieces_that_a_flood_fill_finds(compiled):
    classes = np.random.default_rng(0).integers(-1, 2, (3, 16, 24)).astype(np.int32)
    find = tf.function(
        connected_components, jit_compile=compiled, input_signature=[tf.TensorSpec([None, None, None], tf.int32)]
    )
    pieces = find(classes).numpy()
    for own, found in zip(classes, pieces, strict=True):
        np.testing.assert_array_equal(found, flooded(own))
    np.testing.assert_array_equal(find(classes[1:2]), pieces[1:2])


def flooded(classes):
    """The same pieces, one after the other."""
    pieces, size = np.zeros_like(classes), classes.shape
    for last in range(classes.size, 0, -1):
        y, x = np.unravel_index(last - 1, size)
        todo = [(y, x)] if classes[y, x] >= 0 and not pieces[y, x] else []
        while todo:
            y, x = todo.pop()
            pieces[y, x] = last
            for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                if 0 <= v < size[0] and 0 <= u < size[1] and classes[v, u] == classes[y, x] and not pieces[v, u]:
                    todo.append((v, u))
    return pieces
