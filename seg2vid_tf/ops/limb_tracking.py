"""Limbs found again in later frames: the turns of bones whose warped picture is most like the frame.

Frame by frame, each from where the one before it was, by Gauss-Newton steps on the difference in brightness, coarse to
fine: Lucas and Kanade's method for a kinematic chain. Source: Bregler and Malik, "Tracking people with twists and
exponential maps" (CVPR 1998), in two dimensions. Nothing is learned and nothing has a gradient. B clips, L bones.
"""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.image import fold_time, with_border
from seg2vid_tf.ops.skinning import carried_pivots, pixel_grid, positions_after, turned
from seg2vid_tf.ops.warp import warp

# Pixels over which frames are blurred, coarse to fine, and steps at each.
_BLURS, _STEPS = (5, 3), 2
# Standard deviations: of a pixel's brightness, in [-1, 1]; of what a bone turns and the root moves from one frame to
# the next, in radians and pixels.
_NOISE, _TURN, _SHIFT = 0.1, 0.4, 1.5
# Pixels beside each other see the same: so many count as one.
_ALIKE = 20.0
# Of one step, in the same units.
_LARGEST_STEP = 1.0


def track_limbs(
    frames: tf.Tensor, weights: tf.Tensor, certainty: tf.Tensor, pivots: tf.Tensor, parents: Sequence[int]
) -> tuple[tf.Tensor, tf.Tensor]:
    """How bones that frame 0 shows have moved in the frames after it.

    Args:
      frames: float32 [B, T+1, H, W, 3] in [-1, 1].
      weights: float32 [B, H, W, L], by how much each bone moves a pixel of frame 0; of the body's together 1, else 0.
      certainty: float32 [B, H, W] in [0, 1], how sure it is that a pixel is the body's.
      pivots: float32 [B, L, 2] of frame 0.
      parents: of each bone, as of ``carried_pivots``.

    Returns:
      turns float32 [B, T, L] in radians and shift of the root's pivot float32 [B, T, 2] in pixels, since frame 0.
    """
    frames, weights, certainty, pivots = (tf.stop_gradient(v) for v in (frames, weights, certainty, pivots))
    count, pictures = frames.shape[1] - 1, _with_slopes(_blurred(frames))
    chain = _Chain(weights, certainty, pivots, parents)

    # One loop over frames, blurs and steps: its body is written down once.
    def one_more(k, state, last, found):
        frame, level = k // steps, k // _STEPS % len(_BLURS)
        last = tf.where(k % steps == 0, state, last)
        state = chain.step(pictures[level, :, 0, ..., :3], pictures[level, :, frame + 1], state, last)
        here = tf.one_hot(frame, count)[:, None]
        return k + 1, state, last, tf.where(here > 0.0, state[:, None], found)

    steps, start = _STEPS * len(_BLURS), tf.zeros([tf.shape(weights)[0], len(parents) + 2])
    found = tf.repeat(start[:, None], count, axis=1)
    found = tf.while_loop(lambda k, *_: k < count * steps, one_more, (0, start, start, found))[-1]
    return found[..., :-2], found[..., -2:]


class _Chain:
    """Bones and the pixels that they move; a state [B,L+2] is their turns and the root's shift."""

    def __init__(self, weights, certainty, pivots, parents):
        self._certainty, self._pivots, self._parents = certainty, pivots, parents
        self._grid = pixel_grid((tf.shape(weights)[1], tf.shape(weights)[2]))
        self._weights = weights
        self.body = tf.reduce_sum(weights, axis=-1)
        # Whether bone i hangs on bone j, or on one that does, or is it.
        carried_by = np.eye(len(parents), dtype=np.float32)
        for bone, parent in enumerate(parents):
            if parent >= 0:
                carried_by[bone] += carried_by[parent]
        self._beyond = tf.einsum("bhwl,lj->bhwj", weights, carried_by)
        self._is_parent = np.float32([[parent == bone for bone in range(len(parents))] for parent in parents])
        self._precision = np.float32([_TURN**-2] * len(parents) + [_SHIFT**-2] * 2)

    def displacement(self, state):
        """Where the pixels go, [B,H,W,2]."""
        places = self._pivots, carried_pivots(self._pivots, state[:, :-2], state[:, -2:], self._parents)
        places = (tf.expand_dims(tf.expand_dims(v, 1), 1) for v in places)
        moved = positions_after(self._grid[:, :, None], *places, state[:, None, None, :-2])
        return tf.reduce_sum(self._weights[..., None] * (moved - self._grid[:, :, None]), axis=3)

    def slopes(self, state):
        """Of ``displacement`` by each number of the state, [B,H,W,L+2,2]."""
        quarter = state[:, :-2] + 0.5 * math.pi  # a turn moves a point across the way to its pivot
        offset = self._grid[:, :, None] - self._pivots[:, None, None]
        own = turned(offset, tf.broadcast_to(quarter[:, None, None], tf.shape(offset)[:-1]))
        # What a parent's turn does to a child's pivot, it does to all that hangs on it.
        parents = np.maximum(self._parents, 0)
        arms = turned(self._pivots - tf.gather(self._pivots, parents, axis=1), tf.gather(quarter, parents, axis=1))
        carried = tf.einsum("bhwc,bcd,cj->bhwjd", self._beyond, arms, self._is_parent)
        shifted = self.body[..., None, None] * tf.eye(2)
        return tf.concat([self._weights[..., None] * own + carried, shifted], axis=3)

    def step(self, source, target, state, last):
        """One step of Gauss and Newton from a state, towards the pictures and, less, towards the last frame's state."""
        seen = warp(target, -self.displacement(state))
        difference = seen[..., :3] - source
        error = tf.reduce_mean(tf.square(difference), axis=-1)
        certainty = self.body * self._certainty / (_ALIKE * (_NOISE**2 + error))
        slopes = self.slopes(state)
        along = slopes[..., :1] * seen[..., None, 3:6] + slopes[..., 1:] * seen[..., None, 6:]
        weighted = along * certainty[..., None, None]
        towards = tf.einsum("bhwpc,bhwc->bp", weighted, -difference) + self._precision * (last - state)
        curvature = tf.einsum("bhwpc,bhwqc->bpq", weighted, along) + tf.linalg.diag(self._precision)
        step = tf.linalg.solve(curvature, towards[..., None])[..., 0]
        return state + tf.clip_by_value(step, -_LARGEST_STEP, _LARGEST_STEP)


def _blurred(frames):
    """[B,T,H,W,3] -> [levels,B,T,H,W,3], coarse to fine."""
    pictures = fold_time(frames)
    blurred = [tf.nn.avg_pool2d(tf.nn.avg_pool2d(pictures, width, 1, "SAME"), width, 1, "SAME") for width in _BLURS]
    return tf.reshape(tf.stack(blurred), [len(_BLURS), *tf.unstack(tf.shape(frames))])


def _with_slopes(pictures):
    """[...,H,W,3] -> [...,H,W,9]: the pictures, then how they change down and to the right, per pixel."""
    edged = with_border(fold_time(pictures), 1)
    down, right = edged[:, 2:, 1:-1] - edged[:, :-2, 1:-1], edged[:, 1:-1, 2:] - edged[:, 1:-1, :-2]
    slopes = tf.reshape(0.5 * tf.concat([down, right], axis=-1), [*tf.unstack(tf.shape(pictures))[:-1], 6])
    return tf.concat([pictures, slopes], axis=-1)
