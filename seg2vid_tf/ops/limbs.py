"""Limbs read off pose maps, where the two ends of each limb are, and drawn again where they have come to.

A pose map (annotations/pose.py) is an annotation whose classes are limbs, drawn as lines. A line's main axis and its
extent along it tell its two ends; which of them is which follows from the limbs that it shares joints with. Nothing is
learned and nothing has a gradient. Positions are (y, x) in pixels; N pictures, K limbs, L bones.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.limb_tree import LimbTree
from seg2vid_tf.ops.fill import fill_holes
from seg2vid_tf.ops.skinning import pixel_grid, positions_after, segment_distance

# A limb of fewer pixels, of which others cover the rest, says nothing of its ends.
_LEAST_AREA = 5.0
# The root turns about the middle of its first limb; where that is not there, about that of its others.
_OTHERS = 1e-3
# Pixels that a limb has on average at least: a body that is a dot has no length to measure in.
_SHORTEST = 2.0
# Over which distance one bone's influence goes over into the next one's, in mean lengths of limbs.
_BLEND = 0.17
# Beyond this distance from all bones a picture shows what is behind the body, in mean lengths of limbs.
_BEHIND = 0.8
# How much light a shadow leaves, at least.
_DARKEST_SHADOW = 0.8
# How long a hand is, in lengths of its forearm; a head, of the neck. And how far away is what is not there.
_HAND, _NOWHERE = 1.0, 1e3


class Limbs(NamedTuple):
    """What a pose map shows.

    Fields:
      ends: float32 [..., K, 2, 2], of each limb the two ends in the order of the skeleton.
      present: float32 [..., K], 1 where the limb is there, else 0, and its ends are of no meaning.
      width: float32 [...], of the lines.
    """

    ends: tf.Tensor
    present: tf.Tensor
    width: tf.Tensor


def find_limbs(annotation: tf.Tensor, tree: LimbTree) -> Limbs:
    """The limbs of annotations float32 [..., H, W, C], one-hot in the classes of a spec with a skeleton."""
    maps = tf.gather(tf.stop_gradient(annotation), tf.constant(tree.limbs), axis=-1)
    grid = pixel_grid((tf.shape(maps)[-3], tf.shape(maps)[-2]))
    center = tf.reduce_mean(grid, axis=[0, 1])
    y, x = tf.unstack(grid - center, axis=-1)  # halves of whole numbers: their sums are exact in every order
    powers = tf.stack([tf.ones_like(y), y, x, y * y, y * x, x * x], axis=-1)
    moments = tf.tensordot(maps, powers, [[-3, -2], [0, 1]])  # [..., K, 6]
    area = moments[..., 0]
    present = tf.cast(area >= _LEAST_AREA, tf.float32)
    means = moments[..., 1:] / tf.maximum(area, 1.0)[..., None]
    mean_y, mean_x, yy, yx, xx = tf.unstack(means, axis=-1)
    yy, yx, xx = yy - mean_y**2, yx - mean_y * mean_x, xx - mean_x**2
    angle = 0.5 * tf.atan2(2.0 * yx, yy - xx)
    axis = tf.stack([tf.cos(angle), tf.sin(angle)], axis=-1)
    half_difference = tf.sqrt(tf.square(0.5 * (yy - xx)) + tf.square(yx))
    across = tf.maximum(0.5 * (yy + xx) - half_difference, 0.0)
    # Lines that are long for their width tell it best; a line's variance across is a twelfth of its width's square.
    weight = present * half_difference
    width = tf.reduce_sum(weight * tf.sqrt(12.0 * across), -1) / tf.maximum(tf.reduce_sum(weight, -1), 1e-3)
    width = tf.maximum(width, 1.0)
    middle = tf.stack([mean_y, mean_x], axis=-1)
    ends = _extents(maps, tf.stack([y, x], axis=-1), middle, axis, width) + center
    return Limbs(_in_order(ends, present, tree), present, width)


def _extents(maps, grid, middle, axis, width):
    """Each line's two ends along its axis, [..., K, 2, 2]."""
    along = tf.reduce_sum(grid[:, :, None] * axis[..., None, None, :, :], axis=-1)
    along -= tf.reduce_sum(middle * axis, axis=-1)[..., None, None, :]
    inside = maps > 0.5
    # Round ends: the last pixel's middle is half a width beyond the end, but for a quarter of a pixel.
    beyond = tf.maximum(0.5 * width - 0.25, 0.0)[..., None]
    last = tf.reduce_max(tf.where(inside, along, 0.0), axis=[-3, -2])
    first = tf.reduce_min(tf.where(inside, along, 0.0), axis=[-3, -2])
    reach = tf.stack([tf.minimum(first + beyond, 0.0), tf.maximum(last - beyond, 0.0)], axis=-1)
    return middle[..., None, :] + reach[..., None] * axis[..., None, :]


def _in_order(ends, present, tree):
    """The ends in the skeleton's order: each nearer to the limbs that share its joint."""
    count = len(tree.limbs)
    shares = np.zeros([count, 2, count], np.float32)
    for limb, neighbours in enumerate(tree.neighbours):
        for end, others in enumerate(neighbours):
            shares[limb, end, list(others)] = 1.0
    distances = segment_distance(ends[..., None, :], ends[..., None, None, :, :, :])  # [..., K, 2, K]
    distances *= present[..., None, None, :]
    kept = tf.reduce_sum(distances * shares, axis=[-2, -1])
    swapped = tf.reduce_sum(distances * shares[:, ::-1], axis=[-2, -1])
    return tf.where((swapped < kept)[..., None, None], ends[..., ::-1, :], ends)


def find_pivots(limbs: Limbs, tree: LimbTree) -> tf.Tensor:
    """Where the bones are attached, float32 [..., L, 2]; of a bone that is not there any place."""
    pivots = []
    for bone, at in enumerate(tree.pivots):
        at = at if bone else (*at, *((limb, end) for limb in tree.bones[0][1:] for end in (0, 1)))
        places = tf.stack([limbs.ends[..., limb, end, :] for limb, end in at], axis=-2)
        present = tf.stack([limbs.present[..., limb] for limb, _ in at], axis=-1)
        weight = present * np.float32([1.0 if k < len(tree.pivots[bone]) else _OTHERS for k in range(len(at))])
        total = tf.maximum(tf.reduce_sum(weight, axis=-1, keepdims=True), 1e-9)
        pivots.append(tf.reduce_sum(weight[..., None] * places, axis=-2) / total)
    return tf.stack(pivots, axis=-2)


def mean_length(limbs: Limbs) -> tf.Tensor:
    """Of the limbs that are there, in pixels, float32 [...]: what lengths on this body are measured in."""
    lengths = tf.norm(limbs.ends[..., 1, :] - limbs.ends[..., 0, :] + 1e-6, axis=-1)
    total = tf.reduce_sum(limbs.present * lengths, axis=-1)
    return tf.maximum(total / tf.maximum(tf.reduce_sum(limbs.present, axis=-1), 1.0), _SHORTEST)


def bone_distance(points: tf.Tensor, limbs: Limbs, tree: LimbTree) -> tf.Tensor:
    """How far points [..., P, 2] are from each bone, in mean lengths of limbs: [..., P, L].

    A bone on which none hangs goes on beyond its free end, as a hand does beyond the wrist, where the joints end. A
    bone that is not there is far from everything.
    """
    ends = []
    for limb, beyond in enumerate(_free_ends(tree)):
        end = limbs.ends[..., limb, :, :]
        along = (end[..., 1, :] - end[..., 0, :])[..., None, :]
        ends.append(end + _HAND * np.float32(beyond)[:, None] * along)
    # Between the limbs of a ring lies what they surround.
    between = [pair for bone in tree.bones for pair in itertools.combinations(bone, 2)]
    ends += [tf.reduce_mean(tf.gather(limbs.ends, pair, axis=-3), axis=-2) for pair in between]
    present = tf.concat([limbs.present, *(_both(limbs.present, pair) for pair in between)], axis=-1)
    distances = segment_distance(points[..., None, :], tf.stack(ends, axis=-3)[..., None, :, :, :])
    distances /= mean_length(limbs)[..., None, None]
    distances = tf.where(present[..., None, :] > 0.0, distances, _NOWHERE)
    of_bones = [
        [*bone, *(len(tree.limbs) + k for k, pair in enumerate(between) if pair[0] in bone)] for bone in tree.bones
    ]
    return tf.stack([tf.reduce_min(tf.gather(distances, parts, axis=-1), axis=-1) for parts in of_bones], axis=-1)


def pixel_distance(size: tuple, limbs: Limbs, tree: LimbTree) -> tf.Tensor:
    """``bone_distance`` of every pixel of pictures of a size (height, width), for maps [B]: [B, H, W, L]."""
    distances = bone_distance(tf.reshape(pixel_grid(size), [-1, 2]), limbs, tree)
    return tf.reshape(distances, [-1, *size, len(tree.bones)])


def _both(present, pair):
    return tf.reduce_min(tf.gather(present, pair, axis=-1), axis=-1, keepdims=True)


def _free_ends(tree):
    """For each limb and end 1 or -1, along the limb, where it is the free end of a bone on which none hangs, else 0."""
    free = np.zeros([len(tree.limbs), 2])
    for bone, limbs in enumerate(tree.bones):
        if bone and bone not in tree.parents:
            for limb in limbs:
                ends = [end for end in (0, 1) if (limb, end) not in tree.pivots[bone]]
                free[limb, ends] = [(-1.0, 1.0)[end] for end in ends]
    return free


def unlike_behind(picture: tf.Tensor, nearest: tf.Tensor) -> tf.Tensor:
    """How much a picture differs from what its surroundings would show in the body's place: where the body can be.

    Joints that are guessed lie beside the body now and then; the wall there looks like the rest of the wall, or like
    that in the body's shadow.

    Args:
      picture: float32 [B, H, W, 3] in [-1, 1].
      nearest: float32 [B, H, W, 1], distance from the nearest bone, as ``bone_distance`` gives it.

    Returns:
      float32 [B, H, W, 1], the length of the difference in the three channels; 0 beside the body, and that of black
      from white where the body fills the picture and nothing is known of what is behind.
    """
    known = tf.cast(nearest > _BEHIND, tf.float32)
    behind = 1.0 + fill_holes(picture, known)
    light = tf.reduce_sum((1.0 + picture) * behind, axis=-1, keepdims=True)
    light /= tf.reduce_sum(tf.square(behind), axis=-1, keepdims=True) + 1e-6
    shaded = tf.clip_by_value(light, _DARKEST_SHADOW, 1.0) * behind
    difference = tf.norm(1.0 + picture - shaded + 1e-6, axis=-1, keepdims=True)
    return tf.where(tf.reduce_max(known, axis=[1, 2], keepdims=True) > 0.0, difference, 2.0 * math.sqrt(3.0))


def blend_logits(distances: tf.Tensor) -> tf.Tensor:
    """By how much each bone moves a point, from its distances [..., L]: their softmax is the weights, [..., L]."""
    return -0.5 * tf.square(distances / _BLEND)


def moved_ends(limbs: Limbs, tree: LimbTree, pivots: tf.Tensor, carried: tf.Tensor, turns: tf.Tensor) -> tf.Tensor:
    """Where the ends of all limbs go; limbs of no bone go along with the bones near their middle.

    Args:
      limbs: of maps [B].
      tree: the skeleton's.
      pivots, carried: float32 [B, T, L, 2], before and after.
      turns: float32 [B, T, L].

    Returns:
      float32 [B, T, K, 2, 2].
    """
    own = np.zeros([len(tree.limbs), len(tree.bones)], np.float32)
    for bone, members in enumerate(tree.bones):
        own[list(members), bone] = 1.0
    middles = tf.reduce_mean(limbs.ends, axis=-2)  # [B, K, 2]
    weights = tf.nn.softmax(blend_logits(bone_distance(middles, limbs, tree)))
    weights = tf.where(own.max(axis=1, keepdims=True) > 0, own, weights)
    places = (v[:, :, None, None] for v in (pivots, carried, turns))
    moved = positions_after(limbs.ends[:, None, :, :, None], *places)  # [B, T, K, 2, L, 2]
    # One product of matrices a limb: exchange formats know no einsum of so many dimensions.
    frames, num_limbs = moved.shape[1], len(tree.limbs)
    moved = tf.reshape(tf.transpose(moved, [0, 2, 4, 1, 3, 5]), [-1, num_limbs, len(tree.bones), frames * 4])
    mixed = tf.reshape(weights[:, :, None] @ moved, [-1, num_limbs, frames, 2, 2])
    return tf.transpose(mixed, [0, 2, 1, 3, 4])


def draw_limbs(ends: tf.Tensor, limbs: Limbs, tree: LimbTree, size: tuple, num_classes: int) -> tf.Tensor:
    """The annotation of a skeleton, as ``draw_pose`` draws it but with soft edges: a later limb covers an earlier one.

    Args:
      ends: float32 [B, T, K, 2, 2].
      limbs: of maps [B], which limbs there are and how wide.
      tree: the skeleton's.
      size: (height, width).
      num_classes: C; class 0 is what no limb covers.

    Returns:
      float32 [B, T, H, W, C], of each pixel together 1.
    """
    distances = segment_distance(pixel_grid(size)[:, :, None], ends[:, :, None, None])  # [B, T, H, W, K]
    cover = tf.clip_by_value(0.5 * limbs.width[:, None, None, None, None] + 0.5 - distances, 0.0, 1.0)
    cover = tf.unstack(cover * limbs.present[:, None, None, None], axis=-1)
    left = tf.ones_like(cover[0])
    classes = [tf.zeros_like(left)] * num_classes
    for limb, class_id in reversed(list(enumerate(tree.limbs))):
        classes[class_id] = left * cover[limb]
        left *= 1.0 - cover[limb]
    classes[0] = left
    return tf.stack(classes, axis=-1)
