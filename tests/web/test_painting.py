"""What the page sends, and what it must not send."""

import json

import numpy as np
import pytest

from seg2vid_tf.annotations.pose import draw_pose
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.annotations.standing_pose import standing_pose
from seg2vid_tf.web.painting import read_painting, read_reference, write_painting

SPEC, SIZE = load_spec("cityscapes"), (4, 6)


@pytest.fixture
def label_map():
    return np.random.default_rng(0).choice(np.array([0, 2, 10, 13, 255], np.uint8), SIZE)


def test_there_and_back(label_map):
    text = json.dumps(write_painting(label_map, SPEC))
    found = read_painting(text, SPEC, SIZE)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, label_map)
    assert read_reference(text) is None


def test_a_style_picture_comes_along(label_map):
    document = {**write_painting(label_map, SPEC), "reference": "YWJj"}
    assert read_reference(json.dumps(document)) == b"abc"
    with pytest.raises(ValueError, match="style picture is no base64"):
        read_reference(json.dumps({**document, "reference": "%"}))


def test_joints_become_the_map_that_they_draw():
    spec, joints = load_spec("weizmann_pose"), standing_pose(3)
    text = json.dumps(write_painting(draw_pose(joints[None], spec, (64, 64))[0], spec, joints))
    expected = draw_pose(np.round(joints, 4)[None], spec, (64, 64))[0]
    np.testing.assert_array_equal(read_painting(text, spec, (64, 64)), expected)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"surfaces": None}, "surfaces is no base64"),
        ({"surfaces": "AAAA"}, "surfaces: 3 pixels, expected 4 x 6"),
        ({"things": "é"}, "things is no base64"),
        ({"things": "ZGRk" * 8}, r"things: ids \[100\]"),
        ({"joints": []}, "no skeleton"),
    ],
)
def test_what_is_no_painting_is_refused(label_map, change, message):
    with pytest.raises(ValueError, match=message):
        read_painting(json.dumps({**write_painting(label_map, SPEC), **change}), SPEC, SIZE)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 100_000, None])
def test_what_is_no_document_is_refused(text):
    with pytest.raises(ValueError, match="no JSON"):
        read_painting(text, SPEC, SIZE)


@pytest.mark.parametrize(
    "joints", [3, [[0, 0, 1]], [[0, 0]] * 17, [[0, 9, 1]] * 17, [[0, True, 1]] * 17, [["a", 0, 1]] * 17]
)
def test_what_are_no_joints_is_refused(joints):
    with pytest.raises(ValueError, match="expected 17 rows"):
        read_painting(json.dumps({"joints": joints}), load_spec("weizmann_pose"), (64, 64))


def test_a_joint_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="expected 17 rows"):
        read_painting(json.dumps({"joints": [[0, float("nan"), 1]] * 17}), load_spec("weizmann_pose"), (64, 64))
