"""Runs of equal numbers in a map: areas are large, so what is done once a run is done for thousands of pixels.

Runs go along the rows and on from row to row.
"""

import numpy as np


def runs_of(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of an array's runs, and how long each is."""
    flat = numbers.reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    return flat[starts], np.diff(starts, append=flat.size)


def from_runs(numbers: np.ndarray, lengths: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The array of such a shape."""
    return np.repeat(numbers, lengths).reshape(shape)
