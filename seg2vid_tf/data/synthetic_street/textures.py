"""Band-limited textures of synthetic_street: the sprite atlas, the noise pyramid and filtered pulse trains.

All lookups take coordinates that are anchored in the world and a footprint (how much of the texture one pixel covers),
and return a pattern whose detail fades with the footprint, so that distant surfaces neither sparkle nor break the
brightness constancy of a moving point. Only correctly rounded operations are used (no vectorised sin, exp or log): the
same bytes on every numpy version.
"""

import dataclasses
import functools

import numpy as np

from seg2vid_tf.data.synthetic_street.sprites import paint_sprites

NOISE_SIZE = 256
FINE, COARSE = 40.0, 5.0  # noise texels per metre
ATLAS_LEVELS = 5


@dataclasses.dataclass(frozen=True)
class Atlas:
    """Every sprite at every mip level in one flat table.

    Attributes:
      names: sprite name -> its index s.
      color: float32 [texels, 4], red, green, blue in [0, 1] and the tint mask.
      covered: bool [texels], whether the texel belongs to the silhouette.
      offset, height, width: int64 [sprites, ATLAS_LEVELS], first texel and size of each level.
      cutout: bool [sprites], whether any texel of the sprite is not covered.
    """

    names: dict[str, int]
    color: np.ndarray
    covered: np.ndarray
    offset: np.ndarray
    height: np.ndarray
    width: np.ndarray
    cutout: np.ndarray


def _halve(sprite: np.ndarray) -> np.ndarray:
    """Mean over 2x2 texels, colours weighted by coverage."""
    cells = sprite.reshape(sprite.shape[0] // 2, 2, sprite.shape[1] // 2, 2, 5)
    weights = cells[..., 4:5] + np.float32(1e-4)
    half = np.empty((cells.shape[0], cells.shape[2], 5), np.float32)
    half[..., :4] = (cells[..., :4] * weights).sum((1, 3)) / weights.sum((1, 3))
    half[..., 4] = cells[..., 4].mean((1, 3))
    return half


@functools.lru_cache(maxsize=1)
def sprite_atlas() -> Atlas:
    """The atlas, built on first use."""
    sprites = paint_sprites()
    rows, offset, height, width, cutout = [], [], [], [], []
    start = 0
    for sprite in sprites.values():
        level = sprite
        cutout.append(bool((sprite[..., 4] < 0.5).any()))
        sizes = []
        for _ in range(ATLAS_LEVELS):
            rows.append(level.reshape(-1, 5))
            sizes.append((start, *level.shape[:2]))
            start += rows[-1].shape[0]
            level = _halve(level) if min(level.shape[:2]) >= 2 else level
        offset.append([s[0] for s in sizes])
        height.append([s[1] for s in sizes])
        width.append([s[2] for s in sizes])
    texels = np.concatenate(rows)
    return Atlas(
        names={name: i for i, name in enumerate(sprites)},
        color=np.ascontiguousarray(texels[:, :4]),
        # Below one half, so that a pole thinner than a pixel stays one unbroken line.
        covered=texels[:, 4] >= 0.34,
        offset=np.array(offset, np.int64),
        height=np.array(height, np.int64),
        width=np.array(width, np.int64),
        cutout=np.array(cutout),
    )


def sample_atlas(atlas: Atlas, entry: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear colours of one sprite level per pixel.

    Args:
      atlas: the sprite atlas.
      entry: int64 [N], sprite * ATLAS_LEVELS + level.
      u, v: float32 [N] in [0, 1].

    Returns:
      float32 [N, 4].
    """
    offset, height, width = (table.take(entry) for table in (atlas.offset, atlas.height, atlas.width))
    x = np.clip(u * width.astype(np.float32) - np.float32(0.5), 0, (width - 1).astype(np.float32))
    y = np.clip(v * height.astype(np.float32) - np.float32(0.5), 0, (height - 1).astype(np.float32))
    x0, y0 = x.astype(np.int64), y.astype(np.int64)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    ax, ay = (x - x0.astype(np.float32))[:, None], (y - y0.astype(np.float32))[:, None]
    row0, row1 = offset + y0 * width, offset + y1 * width
    low = atlas.color.take(row0 + x0, 0)
    low += (atlas.color.take(row0 + x1, 0) - low) * ax
    high = atlas.color.take(row1 + x0, 0)
    high += (atlas.color.take(row1 + x1, 0) - high) * ax
    low += (high - low) * ay
    return low


@functools.lru_cache(maxsize=1)
def _noise_pyramid() -> tuple[np.ndarray, np.ndarray]:
    """(float32 values of all levels, int64 first index of each level); level l is a periodic square of 256 >> l."""
    rng = np.random.Generator(np.random.PCG64(7))
    total = np.zeros((NOISE_SIZE, NOISE_SIZE), np.float32)
    for cells, weight in ((8, 0.30), (16, 0.27), (32, 0.27), (64, 0.30), (128, 0.34), (256, 0.30)):
        lattice = (rng.random((cells, cells)) * 2 - 1).astype(np.float32)
        step = NOISE_SIZE // cells
        position = (np.arange(NOISE_SIZE) % step).astype(np.float32) / np.float32(step)
        smooth = position * position * (3 - 2 * position)
        index = np.arange(NOISE_SIZE) // step
        following = (index + 1) % cells
        rows = lattice[index] + (lattice[following] - lattice[index]) * smooth[:, None]
        total += np.float32(weight) * (rows[:, index] + (rows[:, following] - rows[:, index]) * smooth[None])
    total -= total.mean(dtype=np.float64).astype(np.float32)
    levels, starts = [total], [0]
    while levels[-1].shape[0] > 1:
        level = levels[-1]
        starts.append(starts[-1] + level.size)
        levels.append((level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) * np.float32(0.25))
    return np.concatenate([level.ravel() for level in levels]), np.array(starts, np.int64)


def noise(u: np.ndarray, v: np.ndarray, footprint: np.ndarray) -> np.ndarray:
    """Periodic multi-octave value noise, bilinear on the level that fits the footprint.

    Args:
      u, v: float32 [N], position in texels of the finest level.
      footprint: float32 [N] or scalar, texels per pixel; octaves finer than that are gone.

    Returns:
      float32 [N], mean 0, about [-1, 1].
    """
    table, starts = _noise_pyramid()
    last = starts.size - 1
    level = np.clip(np.frexp(footprint)[1], 0, last).astype(np.int64)
    scale = (np.float32(1) / (1 << np.arange(last + 1)).astype(np.float32)).take(level)
    side = NOISE_SIZE >> level
    start = starts.take(level)
    # Texel centres of a level lie half a coarse texel in; without the shift the pattern would jump between levels.
    x, y = (u + np.float32(0.5)) * scale - np.float32(0.5), (v + np.float32(0.5)) * scale - np.float32(0.5)
    xf, yf = np.floor(x), np.floor(y)
    ax, ay = x - xf, y - yf
    wrap = side - 1
    x0, y0 = xf.astype(np.int64), yf.astype(np.int64)
    x1, y1 = (x0 + 1) & wrap, (y0 + 1) & wrap
    x0 &= wrap
    y0 &= wrap
    row0 = y0 * side + start
    row1 = y1 * side + start
    low = table.take(row0 + x0)
    low += (table.take(row0 + x1) - low) * ax
    high = table.take(row1 + x0)
    high += (table.take(row1 + x1) - high) * ax
    low += (high - low) * ay
    return low


def pulses(t: np.ndarray, width, footprint: np.ndarray) -> np.ndarray:
    """Pulse train of period 1 that is 1 on [k, k + width), box-filtered over ``footprint``.

    Args:
      t: float32 [N], position in periods.
      width: the pulse's share of the period in [0, 1], scalar or [N].
      footprint: float32 [N], periods per pixel.

    Returns:
      float32 [N] in [0, 1].
    """
    span = np.maximum(footprint, np.float32(1e-3))
    low = t - np.float32(0.5) * span
    high = low + span
    low_whole, high_whole = np.floor(low), np.floor(high)
    area = (high_whole - low_whole) * width
    area += np.minimum(high - high_whole, width)
    area -= np.minimum(low - low_whole, width)
    area /= span
    return area


def band(x: np.ndarray, low, high, footprint: np.ndarray) -> np.ndarray:
    """Share of the pixel [x - footprint/2, x + footprint/2] that lies in [low, high]; float32 [N] in [0, 1]."""
    half = np.float32(0.5) * footprint
    area = np.minimum(x + half, high) - np.maximum(x - half, low)
    return np.clip(area / footprint, 0, 1)


def column(color) -> np.ndarray:
    """A colour as float32 [3, 1], to be combined with planar colours [3, N]."""
    return np.array(color, np.float32)[:, None]
