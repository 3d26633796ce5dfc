"""The noise of ops/noise.py where TensorFlow is not: NumPy alone, the same numbers up to a float32's last bit.

The words are Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), its key and
counter made from (seed, stream) as TensorFlow's stateless operations make them: by one round of Philox over both.
"""

import math

import numpy as np

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = 0x9E3779B9, 0xBB67AE85
# The key by which TensorFlow's StatelessRandomGetKeyCounter stirs a seed.
_STIR = 0x3EC8F720, 0x02461E29
_ROUNDS = 10
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)


def per_example_normal(seeds: np.ndarray, shape, stream: int) -> np.ndarray:
    """Standard normal noise, one seed per row: what ops/noise.py draws, noise_version 2.

    Args:
      seeds: int64 [B], any values.
      shape: shape of one row.
      stream: which of the independent noises of one seed is meant (models/seeds.py).

    Returns:
      float32 [B, *shape].

    Raises:
      ValueError: seeds is not a vector of integers.
    """
    seeds = np.asarray(seeds)
    if not np.issubdtype(seeds.dtype, np.integer) or seeds.ndim != 1:
        raise ValueError(f"seeds must be an int64 vector [B], received {seeds.dtype} {seeds.shape}")
    size = math.prod(shape)
    rows = [_normal(size, int(seed), stream) for seed in seeds]
    return np.array(rows, np.float32).reshape(len(seeds), *shape)


def words(seed: int, stream: int, count: int) -> np.ndarray:
    """uint32 [count]: tf.random.stateless_uniform([count], [seed, stream], None, None, tf.uint32, alg="philox")."""
    mixed = _philox(_parts(seed) + _parts(stream), _STIR)[0]
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    counter = blocks & _LOW, blocks >> _SHIFT, *(np.full_like(blocks, word) for word in mixed[2:])
    return _philox(counter, tuple(int(word) for word in mixed[:2])).ravel()[:count]


def _normal(size, seed, stream):
    """As ops/noise.py makes two normals of two words."""
    pairs = words(seed, stream, 2 * ((size + 1) // 2)).reshape(-1, 2) / 2.0**32
    radius = np.sqrt(-2.0 * np.log(pairs[:, 0] + 2.0**-32))
    angle = 2.0 * math.pi * pairs[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:size]


def _parts(number):
    """The two words of an int64, the low one first, as uint64 [1] each."""
    number &= 0xFFFFFFFFFFFFFFFF
    return tuple(np.array([word], np.uint64) for word in (number & 0xFFFFFFFF, number >> 32))


def _philox(counter, key):
    """Four words uint64 [N] of the counter, two of the key -> uint32 [N,4]."""
    a, b, c, d = counter
    for number in range(_ROUNDS):
        left, right = (np.uint64((k + number * step) & 0xFFFFFFFF) for k, step in zip(key, _WEYL, strict=True))
        first, second = _MULTIPLIERS[0] * a, _MULTIPLIERS[1] * c
        a, b, c, d = (second >> _SHIFT) ^ b ^ left, second & _LOW, (first >> _SHIFT) ^ d ^ right, first & _LOW
    return np.stack([a, b, c, d], axis=1).astype(np.uint32)
