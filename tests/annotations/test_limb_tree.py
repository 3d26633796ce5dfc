"""LimbTree: a ring of limbs is one bone, the others hang on it, and what nothing connects is none."""

from seg2vid_tf.annotations.limb_tree import limb_tree
from seg2vid_tf.annotations.spec import load_spec


def names(tree, spec):
    return [{spec.classes[tree.limbs[limb]].name for limb in bone} for bone in tree.bones]


def test_bones_of_a_person():
    spec = load_spec("weizmann_pose")
    tree = limb_tree(spec.skeleton.limbs.items())
    bones = names(tree, spec)
    assert bones[0] == {"hips", "shoulders", "left side", "right side"} and tree.parents[0] == -1
    hangs_on = {min(bone): min(bones[parent]) for bone, parent in zip(bones[1:], tree.parents[1:], strict=True)}
    trunk = min(bones[0])
    assert hangs_on == {
        "neck": trunk,
        "left thigh": trunk,
        "right thigh": trunk,
        "left upper arm": trunk,
        "right upper arm": trunk,
        "left shin": "left thigh",
        "right shin": "right thigh",
        "left forearm": "left upper arm",
        "right forearm": "right upper arm",
    }  # the head, a line between the ears, has no joint with any other


def test_pivots_are_the_ends_at_the_joint_that_is_shared():
    tree = limb_tree([(3, (("wrist",), ("elbow",))), (1, (("shoulder",), ("elbow",))), (2, (("hip",), ("shoulder",)))])
    assert tree.limbs == (1, 2, 3) and tree.bones == ((0,), (1,), (2,)) and tree.parents == (-1, 0, 0)
    assert tree.pivots == (((0, 0), (0, 1)), ((1, 1),), ((2, 1),))
    assert tree.neighbours == (((1,), (2,)), ((), (0,)), ((), (0,)))


def test_a_limb_may_hang_on_the_middle_of_two_joints():
    neck = (("nose",), ("left", "right"))
    tree = limb_tree([(1, (("left",), ("right",))), (2, neck)])
    assert tree.bones == ((0,), (1,)) and tree.parents == (-1, 0) and tree.pivots[1] == ((1, 1),)
