"""Pose maps: limbs by hand on small grids, drawing order, scores, borders, mirroring, refusals."""

import numpy as np
import pytest

from seg2vid_tf.annotations.label_map import validate_label_map
from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import AnnotationSpec, LabelClass, Skeleton, load_spec

POSE = load_spec("weizmann_pose")
# Three joints, two limbs; the second one starts in the middle of a and b.
SPEC = AnnotationSpec(
    "sticks",
    tuple(LabelClass(i, f"class {i}", (i, i, i), i > 0) for i in range(3)),
    255,
    {},
    Skeleton(("a", "b", "c"), {1: (("a",), ("b",)), 2: (("a", "b"), ("c",))}),
)


def _draw(a, b, c=(0.0, 0.0, 0.0), **options):
    """One 8 x 8 map of joints given as (y, x, score), y and x in pixels."""
    joints = np.array([[a, b, c]], np.float32) / np.array([8, 8, 1], np.float32)
    (drawn,) = draw_pose(joints, SPEC, (8, 8), **options)
    return drawn


def test_a_horizontal_limb_by_hand():
    a, b = (3.5, 1.5, 1.0), (3.5, 5.5, 1.0)  # the centres of pixels (3, 1) and (3, 5)
    expected = np.zeros((8, 8), np.uint8)
    expected[3, 1:6] = 1
    drawn = _draw(a, b, line_width=1)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn, expected)
    # Width 3: the rows above and below, and round ends of one pixel more.
    expected[2:5, 1:6] = 1
    expected[2:5, [0, 6]] = 1
    np.testing.assert_array_equal(_draw(a, b, line_width=3), expected)


def test_a_vertical_limb_between_pixels_takes_both():
    expected = np.zeros((8, 8), np.uint8)
    expected[2:5, 3:5] = 1
    np.testing.assert_array_equal(_draw((2.5, 4.0, 1.0), (4.5, 4.0, 1.0), line_width=1), expected)


def test_later_limbs_cover_earlier_ones_and_ends_lie_in_the_middle():
    drawn = _draw((3.5, 1.5, 1.0), (3.5, 5.5, 1.0), (6.5, 3.5, 1.0), line_width=1)
    expected = np.zeros((8, 8), np.uint8)
    expected[3, 1:6] = 1
    expected[3:7, 3] = 2
    np.testing.assert_array_equal(drawn, expected)


def test_low_scores_leave_their_limbs_out():
    a, b, c = (3.5, 1.5, 1.0), (3.5, 5.5, 1.0), (6.5, 3.5, 0.25)
    assert set(np.unique(_draw(a, b, c, min_score=0.25))) == {0, 1}  # the score must lie above the threshold
    assert set(np.unique(_draw(a, b, c))) == {0, 1, 2}
    # The middle of a and b is only as sure as the less sure of the two.
    assert not _draw(a, (3.5, 5.5, 0.1), (6.5, 3.5, 1.0)).any()


def test_joints_outside_are_clipped():
    drawn = _draw((3.5, -100.0, 1.0), (3.5, 2.5, 1.0), line_width=1)
    assert np.argwhere(drawn).tolist() == [[3, 0], [3, 1], [3, 2]]
    assert not _draw((-50.0, -3.0, 1.0), (1e30, -3.0, 1.0)).any()
    dot = _draw((4.5, 4.5, 1.0), (4.5, 4.5, 1.0), line_width=1)
    assert np.argwhere(dot).tolist() == [[4, 4]]


def test_every_frame_has_its_own_pose_and_maps_are_label_maps():
    joints = np.zeros((2, 17, 3), np.float32)
    joints[1, [5, 7]] = [[0.25, 0.25, 0.9], [0.75, 0.25, 0.9]]  # left shoulder and elbow
    maps = draw_pose(joints, POSE, (16, 32), line_width=2)
    assert not maps[0].any()
    assert [POSE.classes[i].name for i in np.unique(maps[1])] == ["background", "left upper arm"]
    np.testing.assert_array_equal(validate_label_map(maps, POSE, (16, 32)), maps)
    assert draw_pose(joints[:0], POSE, (4, 4)).shape == (0, 4, 4)


def test_drawing_mirrored_joints_is_mirroring_the_map():
    """For a figure whose left and right limbs do not cross: (y, x) of half a person, the other half mirrored."""
    half = {"eye": (0.1, 0.54), "ear": (0.1, 0.58), "shoulder": (0.3, 0.61), "elbow": (0.2, 0.77), "wrist": (0.05, 0.9)}
    half |= {"hip": (0.6, 0.59), "knee": (0.75, 0.63), "ankle": (0.9, 0.66)}
    names = POSE.skeleton.joints
    joints = np.array(
        [[0.13, 0.52, 1], *([*half[n.split("_")[1]], 1] if "left" in n else [0, 0, 1] for n in names[1:])]
    )
    for i, name in enumerate(names):
        if name.startswith("right_"):
            y, x = half[name.removeprefix("right_")]
            joints[i, :2] = y + 0.03, 0.99 - x  # nearly, not quite symmetric
    swapped = [names.index(_other_side(name)) for name in names]
    mirrored = joints[swapped] * [1, -1, 1] + [0, 1, 0]
    drawn, drawn_mirrored = draw_pose(np.stack([joints, mirrored]), POSE, (48, 64), line_width=2.5)
    assert len(np.unique(drawn)) == POSE.num_classes
    np.testing.assert_array_equal(np.array(POSE.mirror_table, np.uint8)[drawn[:, ::-1]], drawn_mirrored)
    assert not np.array_equal(drawn[:, ::-1], drawn_mirrored)


def _other_side(name):
    side, _, rest = name.partition("_")
    return {"left": "right_", "right": "left_"}.get(side, side) + rest


def test_refusals():
    joints = np.zeros((2, 3, 3), np.float32)
    with pytest.raises(ValueError, match="spec 'cityscapes' has no skeleton"):
        draw_pose(joints, load_spec("cityscapes"), (8, 8))
    for wrong in (joints[0], joints[:, :2], joints[..., :2], joints.astype(int)):
        with pytest.raises(ValueError, match=r"expected float \[T, 3, 3\] of \(y, x, score\).*a, b, c"):
            draw_pose(wrong, SPEC, (8, 8))
    for value in (np.nan, np.inf):
        broken = joints.copy()
        broken[1, 2, 0] = value
        with pytest.raises(ValueError, match="frame 1, c is .*set the score of an unknown joint to 0"):
            draw_pose(broken, SPEC, (8, 8))
    for size, width in (((0, 8), 1), ((8, 8), 0), ((8, 8), float("nan"))):
        with pytest.raises(ValueError, match="must be positive"):
            draw_pose(joints, SPEC, size, line_width=width)
