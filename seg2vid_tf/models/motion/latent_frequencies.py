"""How z's dimensions are numbered, how large they usually are and how widely seeds draw them: NumPy alone.

Each group's part of z is the low frequencies of a map of velocities (latent_map.py), the lowest first, and of each
frequency all of the map's C channels: dimension i is frequency i // C of the frame, half waves down and across; wave
(i % C) // 2 along time, 0 = steady; and dy where i is even, dx where it is odd.
"""

import functools
from collections.abc import Sequence

import numpy as np

LATENT_GRID = (16, 32)
# More dimensions than this go into more waves along time, fewer into lower frequencies of the frame.
_DIMENSIONS_A_WAVE = 256


def map_channels(latent_dim: int, num_frames: int) -> int:
    """Channels of the map whose low frequencies are latent_dim numbers: a pair (dy, dx) for each wave along time.

    Raises:
      ValueError: the motion of num_frames frames has fewer numbers than latent_dim on LATENT_GRID.
    """
    most = 2 * num_frames * LATENT_GRID[0] * LATENT_GRID[1]
    if latent_dim > most:
        raise ValueError(f"a latent of {num_frames} frames has at most {most} dimensions, received {latent_dim}")
    return 2 * min(-(-latent_dim // _DIMENSIONS_A_WAVE), num_frames)


@functools.lru_cache
def frame_frequencies(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lowest frequencies of LATENT_GRID, 0 = constant first.

    Returns:
      half waves down and across, int64 [count] each; the frequencies float32 [count], in half waves a frame's height.
    """
    height, width = LATENT_GRID
    down, across = (k.ravel() for k in np.meshgrid(np.arange(height), np.arange(width), indexing="ij"))
    frequency = np.hypot(down, across * height / width)
    order = np.argsort(frequency, kind="stable")[:count]
    return down[order], across[order], np.float32(frequency[order])


def sampling_stddev(latent_sizes: Sequence[int], num_frames: int, temperature: float, smoothness: float) -> np.ndarray:
    """How widely each dimension of z is drawn when nothing is known of the motion.

    Each as the prior has it, details would bend what is straight: the prior knows how large they are, not which of them
    belong together. So they are drawn narrower, the more so the more often they change across the frame.

    Args:
      latent_sizes: dimensions of each group's part of z.
      num_frames: T.
      temperature: standard deviation of the dimensions that are one motion of the whole frame; below the prior's 1
        fewer motions are drawn, and likelier ones. Source: Kingma and Dhariwal, "Glow" (NeurIPS 2018), section 6.
      smoothness: a detail of frequency f is drawn narrower by (1 + f) ** smoothness; 0: as wide as the rest.

    Returns:
      float32 [sum of latent_sizes].
    """
    parts = []
    for size in latent_sizes:
        channels = map_channels(size, num_frames) or 2  # of no dimensions any number is right
        *_, frequencies = frame_frequencies(-(-size // channels))
        parts.append(np.repeat(temperature * (1.0 + frequencies) ** -smoothness, channels)[:size])
    return np.float32(np.concatenate(parts))


def initial_coefficient_scale(latent_dim: int, num_frames: int) -> np.ndarray:
    """float32 [latent_dim]: how large rendered streets' and Cityscapes' coefficients usually are, in units of velocity.

    1/4 where a motion is the same in the whole clip, details of frame and time so much less.
    """
    channels = map_channels(latent_dim, num_frames)
    *_, frequencies = frame_frequencies(-(-latent_dim // channels))
    usual = 0.25 / np.square(1.0 + np.add.outer(frequencies, 2.0 * (np.arange(channels) // 2))).ravel()
    return np.float32(usual[:latent_dim] * np.sqrt(np.prod(LATENT_GRID)))
