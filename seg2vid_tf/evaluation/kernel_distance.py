"""The kernel distance between two sets of pictures or clips, as any feature extractor sees them: KID, KVD.

The squared maximum mean discrepancy with the cubic polynomial kernel k(x, y) = (x . y / d + 1)^3 over features of
length d (KID: Binkowski et al., "Demystifying MMD GANs", ICLR 2018):

    mean k(real, real') + mean k(made, made') - 2 mean k(real, made)

It is unbiased, so a few dozen pictures will do where the Frechet distance needs more than a feature is long; two sets
of one distribution give 0 on average, and so a negative number as often as not.

Unbiased means: no mean holds a pair that belongs together. A made picture and the real one of its label map, or two
frames of one clip, are more alike than strangers of the two distributions are, so features come in units, as a picture
or a clip, and a pair counts where its units differ. Where each unit has one feature this is Gretton et al.'s (JMLR
2012) statistic for pairs; where the two sets share no unit it is the published KID.

The standard error is a delete-one jackknife over units. KID's usual one is the spread over random subsets: it depends
on the subset's size and on a seed, and a small set has no subsets worth the name. It is right where the distributions
are apart (64 features, 100 pictures: 1.0 times what repeated draws spread), and too wide where they are one (1.5
times).
"""

from collections.abc import Hashable, Mapping

import numpy as np

# So many units or more of each set: without one of them there is still a pair.
MIN_UNITS = 3
_ROWS = 256  # of the kernel's matrix at once


def kernel_distance(real: Mapping[Hashable, np.ndarray], made: Mapping[Hashable, np.ndarray]) -> tuple[float, float]:
    """The squared distance of two sets and its standard error.

    Args:
      real, made: {unit: its features, float [n,d]}; a unit of both sets has the same key.

    Raises:
      ValueError: too few units, or features that are not [n,d] with one d, or not finite.
    """
    for name, units in (("real", real), ("made", made)):
        if len(units) < MIN_UNITS:
            raise ValueError(
                f"the {name} set has {len(units)} pictures or clips, the kernel distance needs {MIN_UNITS}"
            )
    keys = {key: number for number, key in enumerate(dict.fromkeys([*real, *made]))}
    x, y = _stacked("real", real, keys), _stacked("made", made, keys)
    if x[0].shape[1] != y[0].shape[1]:
        raise ValueError(f"features of one length are compared, received {x[0].shape[1]} and {y[0].shape[1]}")
    distance, without = 0.0, np.zeros(len(keys))  # of all, and without each unit
    for weight, one, other in ((1, x, x), (1, y, y), (-2, x, y)):
        (kernels, kernels_of), (pairs, pairs_of) = _kernel_sums(one, other, len(keys)), _pairs(one, other, len(keys))
        distance += weight * kernels / pairs
        without += weight * (kernels - kernels_of) / (pairs - pairs_of)
    spread = np.sum(np.square(without - without.mean()))
    return float(distance), float(np.sqrt(spread * (len(keys) - 1) / len(keys)))


def _stacked(name, units, keys):
    """(features float64 [N,d], the number of each one's unit [N]), in the order of the numbers."""
    order = sorted(units, key=keys.get)
    shapes = {units[key].shape[1:] for key in order}
    if len(shapes) > 1 or len(next(iter(shapes))) != 1 or not all(len(units[key]) for key in order):
        raise ValueError(
            f"the {name} set's features must be [n,d] of one d, received {[units[k].shape for k in order]}"
        )
    features = np.concatenate([units[key] for key in order]).astype(np.float64)
    if not np.isfinite(features).all():
        raise ValueError(f"the {name} set's features hold NaN or infinity")
    return features, np.repeat([keys[key] for key in order], [len(units[key]) for key in order])


def _kernel_sums(one, other, units):
    """The kernel summed over all pairs of different units, and float64 [units]: over those that each unit is in.

    Only sums are kept: a matrix of all units grows with their square, to gigabytes for some ten thousand clips.
    """
    (a, a_units), (b, b_units) = one, other
    present, starts = np.unique(b_units, return_index=True)
    of_each = np.zeros(units)
    total = 0.0
    for first in range(0, len(a), _ROWS):
        rows = slice(first, first + _ROWS)
        kernel = (a[rows] @ b.T / a.shape[1] + 1.0) ** 3
        sums = np.add.reduceat(kernel, starts, axis=1)
        sums[a_units[rows, None] == present] = 0.0
        total += sums.sum()
        of_each[present] += sums.sum(axis=0)
        np.add.at(of_each, a_units[rows], sums.sum(axis=1))
    return total, of_each


def _pairs(one, other, units):
    """How many pairs ``_kernel_sums`` adds up, in all and of each unit."""
    a, b = (np.bincount(numbers, minlength=units).astype(np.float64) for _, numbers in (one, other))
    return a.sum() * b.sum() - a @ b, a * (b.sum() - b) + b * (a.sum() - a)
