"""Edges: a step is one line of one pixel, weak edges live by strong ones, flat pictures are blank."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from seg2vid_tf.annotations.sketch import LINE, PAPER, draw_edges
from seg2vid_tf.annotations.spec import load_spec


def _picture(grey):
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=-1)


def test_a_step_is_a_line_one_pixel_wide_wherever_it_runs():
    grey = np.zeros((12, 12))
    grey[:, 6:] = 200
    for picture, where in ((grey, 1), (grey.T, 0)):
        lines = draw_edges(_picture(picture))
        counts = np.count_nonzero(lines == LINE, axis=where)
        np.testing.assert_array_equal(counts, 1)
        assert set(np.nonzero(lines)[where]) <= {5, 6}


def test_a_weak_edge_counts_where_it_goes_on_into_a_strong_one():
    """One step falls from 200 grey levels to 40, strong at its top alone; another of 30 is weak and stands alone."""
    grey = np.full((20, 30), 10)
    grey[:, 8:] += np.linspace(200, 40, 20, dtype=int)[:, None]
    grey[:, 22:] += 30
    options = {"blur": 0.0, "low": 12.0, "high": 50.0}
    lines = draw_edges(_picture(grey), **options)
    assert (lines[:, 6:10] == LINE).any(1).all() and (lines[:, 20:24] == PAPER).all()
    strong_too = draw_edges(_picture(grey), **{**options, "high": 12.0})
    assert np.count_nonzero((strong_too[:, 20:24] == LINE).any(1)) > 15, "the same edge, called strong"


@settings(max_examples=20, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12)))
def test_any_picture_becomes_a_label_map_of_the_spec(grey):
    spec = load_spec("sketch")
    lines = draw_edges(_picture(grey))
    assert lines.dtype == np.uint8 and lines.shape == grey.shape
    assert set(np.unique(lines)) <= {c.id for c in spec.classes} == {PAPER, LINE}
    assert (draw_edges(_picture(np.full_like(grey, 7))) == PAPER).all()


def test_refusals():
    frame = _picture(np.zeros((4, 4)))
    for wrong in (frame[..., 0], frame.astype(np.float32), frame[:1]):
        with pytest.raises(ValueError, match=r"frame must be uint8 \[H, W, 3\] of 2 x 2 or more, received"):
            draw_edges(wrong)
    for options in ({"low": 30.0}, {"low": 0.0}, {"blur": -1.0}):
        with pytest.raises(ValueError, match="expected 0 < low <= high and blur >= 0"):
            draw_edges(frame, **options)
