"""Limbs: the ends of drawn limbs are found again, and limbs that moved are drawn as a map of the moved pose."""

import math

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.encode import encode_label_map
from seg2vid_tf.annotations.limb_tree import limb_tree
from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import AnnotationSpec, LabelClass, Skeleton
from seg2vid_tf.ops.limbs import (
    blend_logits,
    bone_distance,
    draw_limbs,
    find_limbs,
    find_pivots,
    mean_length,
    moved_ends,
    unlike_behind,
)
from seg2vid_tf.ops.skinning import carried_pivots

SIZE = (64, 64)
LIMBS = {
    1: (("hip",), ("shoulder",)),
    2: (("shoulder",), ("elbow",)),
    3: (("elbow",), ("wrist",)),
    4: (("ear",), ("eye",)),
}
JOINTS = ("hip", "shoulder", "elbow", "wrist", "ear", "eye")
SPEC = AnnotationSpec(
    "arm",
    tuple(LabelClass(i, name, (i, i, i), i > 0) for i, name in enumerate(("wall", "back", "upper", "fore", "head"))),
    255,
    {},
    Skeleton(JOINTS, LIMBS),
)
TREE = limb_tree(LIMBS.items())
# In pixels: a back of 20, an arm of 16 and 10 to the right, a head 8 above the shoulder.
STANDING = {
    **{"hip": (50, 20), "shoulder": (30, 20), "elbow": (30, 36), "wrist": (30, 46)},
    **{"ear": (22, 18), "eye": (22, 22)},
}


def annotation(places, width=3.0, missing=()):
    """One-hot [H,W,5] of a pose in pixels."""
    joints = [[*((np.array(places[j]) + 0.5) / SIZE), 0.0 if j in missing else 1.0] for j in JOINTS]
    return encode_label_map(draw_pose(np.array([joints]), SPEC, SIZE, line_width=width), SPEC)[0]


def raised(by):
    """The arm turned about the shoulder, the forearm twice as far, both counter-clockwise: up is negative y."""
    places = dict(STANDING)
    for joint, start, length, turn in (("elbow", "shoulder", 16, by), ("wrist", "elbow", 10, 2 * by)):
        places[joint] = tuple(np.array(places[start]) + length * np.array([-math.sin(turn), math.cos(turn)]))
    return places


@pytest.mark.parametrize("width", [3.0, 5.0])
def test_the_ends_of_drawn_limbs_are_found_in_their_order(width):
    limbs = find_limbs(annotation(STANDING, width), TREE)
    assert limbs.present.numpy().tolist() == [1, 1, 1, 1]
    assert float(limbs.width) == pytest.approx(width, abs=0.6)
    expected = [[STANDING[end[0]] for end in LIMBS[limb]] for limb in TREE.limbs[:3]]  # the head has no neighbours
    found = limbs.ends[:3].numpy()
    # A later limb covers an end of the one before it, round as it ends itself.
    np.testing.assert_allclose(found[[0, 1], 1], np.array(expected)[[0, 1], 1], atol=1.2 * width)
    found[[0, 1], 1] = np.array(expected)[[0, 1], 1]
    np.testing.assert_allclose(found, expected, atol=1.0)


def test_a_limb_that_is_not_drawn_is_not_present_and_moves_nothing():
    limbs = find_limbs(annotation(STANDING, missing=["wrist"]), TREE)
    assert limbs.present.numpy().tolist() == [1, 1, 0, 1]
    assert bone_distance(tf.constant([[30.0, 42.0]]), limbs, TREE)[0, 2] == 1e3


def test_a_pixel_between_two_bones_belongs_to_both():
    """At the elbow of a bent arm, on the bisector; a pixel within the upper arm belongs to that."""
    places = {**STANDING, "wrist": (14, 36)}
    limbs = find_limbs(annotation(places), TREE)
    points = tf.constant([[29.0, 35.0], [30.0, 26.0]])
    weights = tf.nn.softmax(blend_logits(bone_distance(points, limbs, TREE))).numpy()
    np.testing.assert_allclose(weights[0], [0, 0.5, 0.5], atol=0.2)
    assert weights[1, 1] > 0.95


def test_beyond_the_wrist_there_is_a_hand():
    limbs = find_limbs(annotation(STANDING), TREE)
    hand, beyond = bone_distance(tf.constant([[30.0, 54.0], [30.0, 62.0]]), limbs, TREE)[:, 2]
    # A forearm of 10 goes on for 10.
    assert hand < 0.05 and float(beyond * mean_length(limbs)) == pytest.approx(6.0, abs=1.5)


def test_where_a_picture_is_unlike_what_lies_behind_the_body():
    """A grey wall, in it a shadow, a dark coat and a red hand; far from the bones nothing is asked."""
    picture = np.full((1, 32, 32, 3), 0.2, np.float32)
    nearest = np.full((1, 32, 32, 1), 2.0, np.float32)
    nearest[:, 8:24, 8:24] = 0.1
    picture[:, 10:12, 10:12] = 0.85 * 1.2 - 1.0  # 0.85 of the wall's light
    picture[:, 14:16, 14:16] = -0.8
    picture[:, 18:20, 18:20] = (0.2, -0.3, -0.3)
    difference = unlike_behind(tf.constant(picture), tf.constant(nearest)).numpy()[0, ..., 0]
    assert difference[:7].max() < 1e-5 and difference[12, 9] < 1e-5 and difference[10, 10] < 1e-5
    # No shadow takes more than a fifth of the light: what is left of 0.96 in three channels.
    assert difference[14, 14] == pytest.approx((0.8 * 1.2 - 0.2) * math.sqrt(3), rel=1e-4)
    assert difference[18, 18] == pytest.approx(np.linalg.norm([1.2 - 0.96, 0.7 - 0.96, 0.7 - 0.96]), rel=1e-4)
    everywhere = unlike_behind(tf.constant(picture), tf.zeros_like(nearest))  # a body that leaves no wall to be seen
    np.testing.assert_allclose(everywhere, np.full_like(nearest, 2.0 * math.sqrt(3.0)))


def test_moved_limbs_stay_joined_and_drawn_they_are_the_map_of_the_moved_pose():
    first = find_limbs(annotation(STANDING)[None], TREE)
    turns, shift = tf.constant([[[0.0, 0.6, 1.2]]]), tf.constant([[[0.0, 0.0]]])
    pivots = find_pivots(first, TREE)[:, None]
    carried = carried_pivots(pivots, turns, shift, TREE.parents)
    ends = moved_ends(first, TREE, pivots, carried, turns)
    gap = np.linalg.norm(ends[0, 0, 1, 1] - ends[0, 0, 2, 0])
    assert gap == pytest.approx(np.linalg.norm(first.ends[0, 1, 1] - first.ends[0, 2, 0]), abs=0.5)
    drawn = draw_limbs(ends, first, TREE, SIZE, SPEC.num_classes)[0, 0].numpy()
    np.testing.assert_allclose(drawn.sum(axis=-1), 1.0, atol=1e-5)
    expected = annotation(raised(0.6)).numpy()
    same = (drawn * expected).sum(axis=-1)[expected[..., 0] == 0]
    assert same.mean() > 0.7
