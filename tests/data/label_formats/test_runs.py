"""Runs of equal numbers, there and back."""

import numpy as np

from seg2vid_tf.data.label_formats.runs import from_runs, runs_of


def test_runs_by_hand():
    numbers, lengths = runs_of(np.array([[7, 7, 7], [7, 0, 9]], np.uint8))
    assert numbers.tolist() == [7, 0, 9] and lengths.tolist() == [4, 1, 1]


def test_any_map_comes_back():
    for dtype in (np.uint8, np.uint16, np.uint32):
        for shape in ((1, 1), (9, 5)):
            numbers = np.random.default_rng(3).integers(0, 3, shape).astype(dtype)
            back = from_runs(*runs_of(numbers), shape)
            np.testing.assert_array_equal(back, numbers)
            assert back.dtype == dtype
