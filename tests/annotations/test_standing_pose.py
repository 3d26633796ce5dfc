import numpy as np
import pytest

from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.annotations.standing_pose import standing_pose


@pytest.mark.parametrize("name", ["weizmann_pose", "coco_pose"])
def test_every_limb_shows_in_most_poses(name):
    spec = load_spec(name)
    maps = draw_pose(np.stack([standing_pose(seed) for seed in range(20)]), spec, (64, 64))
    for limb in spec.skeleton.limbs:
        assert (maps == limb).any(axis=(1, 2)).mean() > 0.7, spec.classes[limb].name
    assert 0.03 < (maps > 0).mean() < 0.2, "a person before a background"


def test_a_seed_moves_the_arms_alone_and_keeps_their_lengths():
    one, other = standing_pose(0), standing_pose(1)
    np.testing.assert_array_equal(one, standing_pose(0))
    arms = np.arange(7, 11)
    np.testing.assert_array_equal(np.delete(one, arms, axis=0), np.delete(other, arms, axis=0))
    assert np.abs(one[arms] - other[arms]).max() > 0.02
    for pose in (one, other):
        assert np.linalg.norm(pose[7, :2] - pose[5, :2]) == pytest.approx(0.13)
        assert np.linalg.norm(pose[10, :2] - pose[8, :2]) == pytest.approx(0.12)
    assert one[7, 1] > one[5, 1] and one[8, 1] < one[6, 1], "each arm is held outwards"
