"""Limbs that z turns: what moves and what stays, where the wall shows, and what was drawn is found again."""

import math

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.encode import encode_label_map
from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.models.build import build_motion
from seg2vid_tf.models.motion.limb_latent import count_waves, motion_to_z, z_to_motion

SPEC, SIZE, FRAMES = load_spec("weizmann_pose"), (96, 96), 2
# A person with the arms held out: the right forearm, on the picture's left, from (40, 27) to (40, 14).
PLACES = {
    **{"nose": (26, 48), "left_ear": (25, 51), "right_ear": (25, 45)},
    **{"left_shoulder": (38, 55), "left_elbow": (40, 68), "left_wrist": (40, 81), "left_hip": (62, 53)},
    **{"right_shoulder": (38, 41), "right_elbow": (40, 27), "right_wrist": (40, 14), "right_hip": (62, 43)},
    **{"left_knee": (78, 54), "left_ankle": (92, 54), "right_knee": (78, 42), "right_ankle": (92, 42)},
}
FOREARM = SPEC.class_ids(["right forearm"], "test")[0]


@pytest.fixture(scope="module")
def annotation():
    joints = [PLACES.get(name, (0, 0)) for name in SPEC.skeleton.joints]
    poses = np.array([[[(y + 0.5) / SIZE[0], (x + 0.5) / SIZE[1], 1.0] for y, x in joints]])
    return encode_label_map(draw_pose(poses, SPEC, SIZE), SPEC)


@pytest.fixture(scope="module")
def fresh(limb_config):
    """A model as training starts with it: the body is what is near the bones."""
    return build_motion(limb_config, SPEC)


def bone_of(decoder, class_id):
    limb = decoder.tree.limbs.index(class_id)
    return next(bone for bone, limbs in enumerate(decoder.tree.bones) if limb in limbs)


def turning(decoder, class_id, turns, shift=((0, 0), (0, 0))):
    """The z of one bone's turns at frames 1 and 2."""
    all_turns = np.zeros([1, FRAMES, decoder.num_bones], np.float32)
    all_turns[0, :, bone_of(decoder, class_id)] = turns
    return motion_to_z(tf.constant(all_turns), tf.constant([shift], tf.float32), decoder.waves, SIZE[0])


@pytest.fixture(scope="module")
def lowered(fresh, annotation):
    """A forearm that turns by an eighth and then a quarter, downwards; the wall is bright, the body dark."""
    wall = 1.0 - 2.0 * tf.reduce_max(annotation[..., 1:], axis=-1, keepdims=True)
    start = tf.repeat(wall, 3, axis=-1)
    z = turning(fresh.decoder, FOREARM, [math.pi / 4, math.pi / 2])
    return {name: value[0].numpy() for name, value in fresh.decode(start, annotation, z).items()}


def test_the_limb_moves_about_its_joint_and_everything_else_stays(lowered):
    """13 pixels to the left of the elbow (40, 27), and then 13 pixels below it."""
    moved = lowered["flow_backward"][1]
    np.testing.assert_allclose(moved[40, 15], [12, 12], atol=1.5)
    np.testing.assert_allclose(moved[40, 20], [7, 7], atol=1.5)
    # The trunk, the other forearm, a foot and the wall.
    for y, x in ((50, 43), (40, 75), (90, 54), (10, 80)):
        np.testing.assert_allclose(moved[y, x], [0, 0], atol=1e-3)
    np.testing.assert_allclose(lowered["flow"][1][52, 27], [12, 12], atol=1.5)


def test_there_is_no_gap_at_the_elbow(lowered):
    """Around the joint neighbouring pixels go to neighbouring places."""
    elbow = lowered["flow_backward"][:, 39:42, 24:31]
    assert np.abs(np.diff(elbow, axis=2)).max() < 3.0
    drawn = lowered["annotations"][1]
    assert drawn[50, 27, FOREARM] > 0.9 and drawn[40, 18, FOREARM] == 0.0
    assert np.argwhere(drawn[..., FOREARM] > 0.5)[:, 0].min() == pytest.approx(40, abs=2)  # from the elbow on


def test_the_wall_that_the_limb_leaves_was_hidden_and_the_limb_is_seen(lowered):
    visibility = lowered["visibility"][1, ..., 0]
    assert visibility[40, 18] < 0.3 and visibility[50, 27] > 0.8 and visibility[10, 80] > 0.99
    covered = lowered["visibility_backward"][1, ..., 0]
    assert covered[50, 27] == 0.0 and covered[40, 18] == 1.0 and covered[10, 80] == 1.0
    assert lowered["warped"][1, 50, 27].max() < 0.0 < lowered["warped"][1, 50, 20].min()


def dressed(annotation, width=9):
    """1 where the limbs are, thickened to a body, and else 0: [1,H,W,1]."""
    return tf.nn.max_pool2d(tf.reduce_max(annotation[..., 1:], axis=-1, keepdims=True), width, 1, "SAME")


def test_a_forearm_that_is_guessed_on_bare_wall_takes_none_of_it_along(fresh, annotation):
    """The forearm hangs where its joints are not: of the wall there nothing moves, in light or in the body's shadow."""
    forearm = tf.one_hot(FOREARM, SPEC.num_classes)
    body = dressed(annotation * (1.0 - forearm))
    rows = np.linspace(0.3, 0.5, SIZE[0], dtype=np.float32)[:, None, None]
    for light in (1.0, 0.9):
        wall = (1.0 + rows) * np.where(dressed(annotation * forearm) > 0, light, 1.0) - 1.0
        start = tf.repeat(wall * (1.0 - body) - 0.8 * body, 3, axis=-1)
        outputs = fresh.decode(start, annotation, turning(fresh.decoder, FOREARM, [math.pi / 4, math.pi / 2]))
        below = np.s_[0, 1, 49:56, 20:34]  # where it would come to, below the elbow
        np.testing.assert_allclose(outputs["warped"][below], start[0, 49:56, 20:34], atol=0.05)


def test_an_arm_before_the_trunk_brings_nothing_of_the_wall(fresh, annotation):
    """Its edge is half wall: an arm that is turned until it lies across the chest has no bright rim."""
    arms = SPEC.class_ids(["right forearm", "left forearm", "right upper arm", "left upper arm"], "test")
    trunk = dressed(annotation * (1.0 - tf.reduce_sum(tf.one_hot(arms, SPEC.num_classes), axis=0)), 13)
    body = tf.maximum(dressed(annotation, 5), trunk)
    soft = tf.nn.avg_pool2d(body, 3, 1, "SAME")  # as a camera shows edges
    start = tf.repeat(0.7 - 1.5 * soft, 3, axis=-1)
    upper_arm = SPEC.class_ids(["right upper arm"], "test")[0]
    warped = fresh.decode(start, annotation, turning(fresh.decoder, upper_arm, [2.0, 2.6]))["warped"].numpy()
    chest = np.s_[..., 44:58, 44:54, :]
    assert start.numpy()[chest].max() < -0.79
    assert warped[chest].max() < 0.0  # more coat than wall, which is at 0.7


def test_a_z_of_zeros_stands_still(fresh, annotation):
    start = tf.random.stateless_uniform([1, *SIZE, 3], [0, 1], -1.0, 1.0)
    outputs = fresh.decode(start, annotation, tf.zeros([1, fresh.latent_dim]))
    for name in ("flow", "flow_backward"):
        np.testing.assert_allclose(outputs[name], np.zeros([1, FRAMES, *SIZE, 2]), atol=1e-4)
    np.testing.assert_allclose(outputs["warped"], np.repeat(start[:, None], FRAMES, axis=1), atol=1e-3)
    same = np.asarray(tf.reduce_sum(outputs["annotations"] * annotation[:, None], axis=-1))
    assert same.mean() > 0.98


def test_what_was_drawn_is_found_again(fresh, annotation):
    """Frames that the model itself makes of a textured body before a plain wall."""
    body = tf.reduce_max(annotation[..., 1:], axis=-1, keepdims=True)
    body = tf.nn.max_pool2d(body, 5, 1, "SAME")
    start = body * tf.image.resize(tf.random.stateless_uniform([1, 48, 48, 3], [0, 1], 0.2, 1.0), SIZE) - 0.5
    z = turning(fresh.decoder, FOREARM, [0.2, 0.4], [(0, 0.5), (0, 1)])
    frames = tf.concat([start[:, None], fresh.decode(start, annotation, z)["frames"]], axis=1)
    found = fresh.encode(frames, annotation).mean()
    turns, shift = z_to_motion(found, FRAMES, fresh.decoder.num_bones, SIZE[0])
    bones = [bone_of(fresh.decoder, i) for i in SPEC.class_ids(["right forearm", "left forearm", "hips"], "test")]
    np.testing.assert_allclose(turns[0].numpy()[:, bones], [[0.2, 0, 0], [0.4, 0, 0]], atol=0.1)
    np.testing.assert_allclose(shift[0], [[0, 0.5], [0, 1]], atol=0.3)


def test_a_latent_is_waves_of_turns_and_of_the_shift():
    rng = np.random.default_rng(0)
    turns, shift = (tf.constant(rng.normal(size=[2, 4, size]), tf.float32) for size in (3, 2))
    z = motion_to_z(turns, shift, 4, 50)
    for found, expected in zip(z_to_motion(z, 4, 3, 50), (turns, shift), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-3)
    steady = np.zeros([1, 5], np.float32)
    steady[0, 1], steady[0, 3] = 2.0, 1.0
    turns, shift = z_to_motion(tf.constant(steady), 4, 3, 50)
    np.testing.assert_allclose(turns[0, :, 1], [0.25, 0.5, 0.75, 1.0], rtol=1e-6)  # half a radian a unit, at frame T
    np.testing.assert_allclose(shift[0, :, 0], [0.625, 1.25, 1.875, 2.5], rtol=1e-6)  # a twentieth of 50 pixels
    assert count_waves(24, 10, 2) == 2
    for wrong in (25, 36):
        with pytest.raises(ValueError, match=f"skeleton of 10 bones .* received {wrong}: give 24, say"):
            count_waves(wrong, 10, 2)


def test_a_spec_without_a_skeleton_has_no_limbs(limb_config, spec):
    with pytest.raises(ValueError, match="motion limbs: spec 'synthetic_street' has no skeleton"):
        build_motion(limb_config, spec)
