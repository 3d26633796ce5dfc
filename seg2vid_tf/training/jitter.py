"""Jitter: a training clip whose later frames are shifted and bent at random, with the exact motion that they then have.

Real cameras pitch and shake, rendered ones do not, and a few real scenes are soon learned by heart. A clip that is bent
anew each time it is seen can only be explained by what its frames show: so the posterior learns to pass on any motion.
"""

import tensorflow as tf

from seg2vid_tf.ops.image import fold_time
from seg2vid_tf.ops.noise import per_example_normal
from seg2vid_tf.ops.occlusion import in_frame_mask
from seg2vid_tf.ops.warp import warp

# Beside the streams of models/seeds.py.
JITTER_STREAM = 1 << 15
# A shift of the whole frame, and half as much at the nodes of this grid, smooth between them.
_GRID = (3, 5)
# The inverse of a displacement is found by so many steps; each takes off all but its slope, a few hundredths.
_INVERSION_STEPS = 3


def random_displacements(seeds: tf.Tensor, num_frames: int, size, pixels) -> tf.Tensor:
    """Smooth displacements: one that grows steadily until frame T, and for each frame another of half its size.

    Args:
      seeds: int64 [B].
      num_frames: T.
      size: (height, width) of the frames.
      pixels: standard deviation of the steady shift in frame T.

    Returns:
      float32 [B,T,H,W,2], (dy, dx) in pixels.
    """
    steps, (rows, columns) = num_frames, _GRID
    drawn = per_example_normal(seeds, [steps + 1, 1 + rows * columns, 2], JITTER_STREAM)
    nodes = drawn[:, :, :1] + 0.5 * drawn[:, :, 1:]
    progress = tf.range(1, steps + 1, dtype=tf.float32)[:, None, None] / steps
    nodes = progress * nodes[:, :1] + 0.5 * nodes[:, 1:]
    grids = tf.reshape(nodes, [-1, rows, columns, 2])
    smooth = tf.image.resize(grids, size, tf.image.ResizeMethod.BICUBIC)
    return pixels * tf.reshape(smooth, tf.concat([[-1, steps], tf.shape(smooth)[1:]], axis=0))


def jittered(batch: dict, displacements: tf.Tensor) -> dict:
    """The batch with frame t's pixel at x + displacements_t(x) brought to x; frame 0 stays.

    Args:
      batch: as ``MotionTrainer.train_step`` takes it.
      displacements: float32 [B,T,H,W,2], (dy, dx) in pixels, smooth.

    Returns:
      A batch of the same names and shapes. What comes from outside the frame repeats its border and is not visible.
    """
    shape = tf.shape(displacements)
    e = fold_time(displacements)

    def along(value, by=e):
        return tf.reshape(warp(fold_time(value), -by), tf.shape(value))

    def nearest(value):
        """What ends at an edge is not mixed across it: whole pixels of displacement."""
        return along(value, tf.round(e))

    frames, label_maps = batch["frames"], batch["label_maps"]
    later = along(frames[:, 1:])
    later_maps = nearest(tf.cast(label_maps[:, 1:, ..., None], tf.float32))[..., 0]
    changed = {
        "frames": tf.concat([frames[:, :1], later], axis=1),
        "label_maps": tf.concat([label_maps[:, :1], tf.cast(later_maps, tf.uint8)], axis=1),
    }
    if "flow" in batch:
        # frame t showed x + e(x) where it shows x now: f'(x) = f(x + e) - e(x), and g'(p) = g(p) - e(p + g'(p)).
        g = fold_time(batch["flow_backward"])
        backward = g
        for _ in range(_INVERSION_STEPS):
            backward = g - warp(e, -backward)
        backward = tf.reshape(backward, shape)
        changed |= {
            "flow": nearest(batch["flow"]) - displacements,
            "flow_backward": backward,
            "visibility": nearest(batch["visibility"]) * in_frame_mask(-displacements),
            "visibility_backward": batch["visibility_backward"] * in_frame_mask(-backward),
        }
    return {**batch, **changed}
