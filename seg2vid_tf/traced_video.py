"""TracedVideo: a long video whose pixels are each sampled once, from the frame that showed them first.

A model makes T frames at a time, each chunk from the last frame of the one before. Were every chunk to resample the
resampled, what is in sight for long would blur: a bilinear sample is a mean. So for each pixel of the newest frame it
is kept which earlier frame, its source, showed it first, and where. The flow of a chunk moves those positions, not the
colours; the colours are sampled once, from the source, cubically. What a chunk uncovers, and its refiner has painted,
has that chunk's last frame for its source. So have the label maps, whose classes are no means of classes either.

NumPy alone: pipeline and client do the same, the one from tensors, the other from what a server answers.
"""

import numpy as np

# Between neighbours whose positions differ by more than this runs an edge: one is no help in finding the other's.
_EDGE = 2.0


class TracedVideo:
    """The frames of N videos so far: where each pixel of the newest ones comes from.

    Args:
      frames: uint8 [N,H,W,3], where the videos start.
      label_maps: uint8 [N,H,W], of these.
    """

    def __init__(self, frames: np.ndarray, label_maps: np.ndarray):
        self._frames, self._label_maps = frames[None], label_maps[None]  # of K sources
        self._source = np.zeros(label_maps.shape, np.int64)
        self._position = np.broadcast_to(_grid(label_maps.shape), (*label_maps.shape, 2))

    def add(
        self, flow: np.ndarray, visibility: np.ndarray, frames: np.ndarray, label_maps: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The next chunk, animated from the newest frame.

        Args:
          flow: float32 [N,T,H,W,2], (dy, dx) in pixels: pixel p of frame t was at p - flow in the newest frame.
          visibility: float32 [N,T,H,W,1], 1 = it was in sight there.
          frames: uint8 [N,T,H,W,3], what the model shows.
          label_maps: uint8 [N,K,H,W], of the last K of these, at least one.

        Returns:
          (frames, label_maps) of the same shapes: from their sources where they are visible, else as they were given.
        """
        shown, classes, steps = [], [], flow.shape[1]
        for step in range(steps):
            source, position = self._traced(flow[:, step])
            visible = visibility[:, step]
            sampled = _sampled(self._frames, source, position)
            shown.append(np.rint(visible * sampled + (1.0 - visible) * frames[:, step]).astype(np.uint8))
            kept = visible[..., 0] >= 0.5
            if step >= steps - label_maps.shape[1]:
                nearest = np.moveaxis(np.rint(position).astype(np.int64), -1, 0)
                found = _at(self._label_maps, source, *nearest)
                classes.append(np.where(kept, found, label_maps[:, step - steps]))
        self._source = np.where(kept, source, len(self._frames))
        self._position = np.where(kept[..., None], position, _grid(kept.shape))
        self._frames = np.concatenate([self._frames, shown[-1][None]])
        self._label_maps = np.concatenate([self._label_maps, classes[-1][None]])
        self._drop_sources_out_of_sight()
        return np.stack(shown, axis=1), np.stack(classes, axis=1)

    def _drop_sources_out_of_sight(self):
        """Or a video of hundreds of chunks would hold as many frames, and look through all of them."""
        used, source = np.unique(self._source, return_inverse=True)
        self._source = source.reshape(self._source.shape)
        self._frames, self._label_maps = self._frames[used], self._label_maps[used]

    def _traced(self, flow):
        """Where the pixels that flow [N,H,W,2] brings come from: source [N,H,W], position [N,H,W,2] inside it.

        Positions are interpolated, but not across an edge, where two neighbours come from places far apart: there those
        on the nearest one's side count alone, each as if its surroundings had moved along with it.
        """
        count, height, width, _ = flow.shape
        last = np.array([height - 1, width - 1], np.float32)
        there = np.clip(_grid((height, width)) - flow, 0.0, last)
        corner = np.minimum(there.astype(np.int64), [height - 2, width - 2])
        share = there - corner
        nearest = np.rint(there).astype(np.int64)
        video = np.arange(count)[:, None, None]
        source = self._source[video, nearest[..., 0], nearest[..., 1]]
        start = self._position[video, nearest[..., 0], nearest[..., 1]]
        position, weights = np.zeros_like(there), np.zeros(there.shape[:-1], np.float32)
        for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
            at = corner + [y, x]
            found = self._position[video, at[..., 0], at[..., 1]]
            weight = np.abs(1 - y - share[..., 0]) * np.abs(1 - x - share[..., 1])
            beside = (self._source[video, at[..., 0], at[..., 1]] == source) & (
                np.abs(found - start).max(axis=-1) <= _EDGE
            )
            weight = (weight * beside).astype(np.float32)
            position += weight[..., None] * (found + (there - at))
            weights += weight
        return source, np.clip(position / weights[..., None], 0.0, last).astype(np.float32)


def _grid(shape):
    """Each pixel's own position, float32 [H,W,2]."""
    return np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in shape[-2:]), indexing="ij"), axis=-1)


def _sampled(frames, source, position):
    """frames uint8 [K,N,H,W,3] at source [N,H,W] and position [N,H,W,2] -> float32 [N,H,W,3] in 0..255.

    Cubic convolution through the pixels (Keys, IEEE Transactions on Acoustics, Speech, and Signal Processing 1981),
    the border repeated.
    """
    below = np.floor(position).astype(np.int64)
    rows, columns = (_cubic_weights(position[..., axis] - below[..., axis]) for axis in (0, 1))
    total = np.zeros((*source.shape, 3), np.float32)
    for i, row in enumerate(rows):
        y = np.clip(below[..., 0] + i - 1, 0, frames.shape[2] - 1)
        for j, column in enumerate(columns):
            x = np.clip(below[..., 1] + j - 1, 0, frames.shape[3] - 1)
            total += (row * column)[..., None] * _at(frames, source, y, x)
    return np.clip(total, 0.0, 255.0)


def _cubic_weights(share):
    """Of the pixels at -1, 0, 1, 2, for a position ``share`` of the way from 0 to 1."""
    square, cube = share**2, share**3
    return (
        (-share + 2 * square - cube) / 2,
        (2 - 5 * square + 3 * cube) / 2,
        (share + 4 * square - 3 * cube) / 2,
        (cube - square) / 2,
    )


def _at(pictures, source, y, x):
    """pictures [K,N,H,W,...] at source, y, x, each [N,H,W]."""
    return pictures[source, np.arange(len(source))[:, None, None], y, x]
