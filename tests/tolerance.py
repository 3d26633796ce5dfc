"""What float32 sums in another order may differ by, on any CPU: from the sums' lengths and sizes, from no machine.

Every instruction set, number of threads and batch size adds in an order of its own. Each addition rounds what it has
come to by at most u = 2**-24 of that, evenly spread: a standard deviation of u / sqrt(3). The partial sums of n terms
of either sign grow as sqrt(k), so the roundings of one sum add up to u sqrt(n / 6) of its size, and two orders differ
by sqrt(2) times that:

    standard deviation of the difference = u sqrt(n / 3) x size

Layers that follow each other add their variances: n is the sum of their fan-ins. Eight standard deviations are allowed.
A wrong row, seed or stream is no rounding: each test that takes its tolerance from here shows a mutated twin, which
differs by at least twenty tolerances.

Measured on a Xeon with AVX-512, 2026-11-29, row of a batch against batch of one, on TensorFlow 2.15 and 2.21: with its
own instructions bit-equal, with AVX2 alone or Eigen up to 0.7 standard deviations a network, 1.6 for both stages, one
behind the other; the nearest twin (a KL of another row) is 240 tolerances away.
"""

import math
from collections.abc import Iterable

import numpy as np

_UNIT = 2.0**-24
_ALLOWED = 8.0  # standard deviations
_FAR = 20.0  # tolerances
# Where two neighbours are as different as can be in a picture in [-1, 1], a pixel of flow moves its brightness so far.
_STEEP = 2.0


def order_tolerance(terms: int, size: float) -> float:
    """How far two orders of summation may lead apart.

    Args:
      terms: of all sums that follow each other.
      size: the largest absolute value that is compared, or that stands between.
    """
    return _ALLOWED * _UNIT * math.sqrt(terms / 3.0) * size


def fan_ins(*networks) -> int:
    """The terms of all sums in built networks: what one output number of each of their kernels is summed from."""
    kernels = [v for network in networks for v in network.trainable_variables if len(v.shape) > 1]
    return sum(math.prod(kernel.shape[:-1]) for kernel in kernels)


def assert_rounded_alike(found: dict, expected: dict, terms: int) -> None:
    """The outputs of one model, computed in two orders.

    Args:
      found, expected: {name: floats}, of the same names. What counts as the size is twice the largest value of
        them all, because one moves another: a pixel of flow the brightness of a frame.
      terms: as of ``order_tolerance``.
    """
    apart, tolerance = _apart(found, expected), order_tolerance(terms, _size(expected))
    assert apart and max(apart.values()) <= tolerance, f"differences {apart}, tolerance {tolerance:.2g}"


def assert_far_apart(twin: dict, expected: dict, terms: int, names: Iterable[str] | None = None) -> None:
    """The outputs of a model that did something else: each of those named is far beyond any rounding.

    Args:
      twin, expected, terms: as of ``assert_rounded_alike``.
      names: all by default.
    """
    apart, tolerance = _apart(twin, expected), order_tolerance(terms, _size(expected))
    near = {name: apart[name] for name in (apart if names is None else names) if not apart[name] > _FAR * tolerance}
    assert apart and not near, f"as near as rounding, twenty tolerances are {_FAR * tolerance:.2g}: {near}"


def _size(outputs):
    return _STEEP * max(float(np.abs(np.asarray(value)).max(initial=0.0)) for value in outputs.values())


def _apart(found, expected):
    assert set(found) == set(expected)
    pairs = {name: (np.asarray(found[name], np.float64), np.asarray(value)) for name, value in expected.items()}
    return {name: float(np.abs(one - other).max(initial=0.0)) for name, (one, other) in pairs.items()}
