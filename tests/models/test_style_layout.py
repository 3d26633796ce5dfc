"""StyleLayout: each cell reads its own place's style, on any grid."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.models.start_frame.style_layout import GRID, StyleLayout


def layer(style_dim, filters):
    rng = np.random.default_rng(0)
    layout = StyleLayout(filters)
    layout(tf.zeros([1, 1, 1, style_dim]), size=[*GRID])
    layout.set_weights([rng.normal(size=w.shape).astype(np.float32) for w in layout.get_weights()])
    return layout


def test_a_vector_is_read_by_every_cell_with_its_own_matrix():
    layout = layer(3, 2)
    style = np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)
    kernel, bias = layout.get_weights()
    expected = (style @ kernel + bias).reshape(2, *GRID, 2)
    np.testing.assert_allclose(layout(style[:, None, None], size=[*GRID]), expected, rtol=1e-5, atol=1e-5)


def test_a_map_changes_only_the_cells_where_it_differs():
    layout = layer(3, 2)
    style = np.tile(np.float32([1.0, -1.0, 0.5]), (1, *GRID, 1))
    np.testing.assert_allclose(
        layout(style, size=[*GRID]), layout(style[:, :1, :1], size=[*GRID]), rtol=1e-5, atol=1e-5
    )
    other = style.copy()
    other[0, 2, 5] = 4.0
    changed = np.abs(layout(other, size=[*GRID]) - layout(style, size=[*GRID])).max(axis=-1)[0] > 1e-4
    np.testing.assert_array_equal(np.argwhere(changed), [[2, 5]])


def test_the_grid_is_resized_to_any_size():
    layout = layer(3, 2)
    style = tf.ones([1, 1, 1, 3])
    assert layout(style, size=[7, 3]).shape == (1, 7, 3, 2)
    twice = layout(style, size=[2 * GRID[0], 2 * GRID[1]]).numpy()
    # Bilinear at pixel centres: the four middle pixels of four cells average to the cells' average.
    np.testing.assert_allclose(
        twice[0, 1:3, 1:3].mean(axis=(0, 1)),
        layout(style, size=[*GRID]).numpy()[0, :2, :2].mean(axis=(0, 1)),
        rtol=1e-4,
    )
