"""Annotation specs: the JSON round trip, old documents, mirror ids, skeletons, and what from_json refuses."""

import dataclasses
import json

import numpy as np
import pytest

from seg2vid_tf.annotations.label_map import colorize, label_set_table
from seg2vid_tf.annotations.spec import AnnotationSpec, load_spec

SPECS = ["camvid", "cityscapes", "coco_pose", "kitti", "sketch", "synthetic_street", "weizmann_pose"]

CLASSES = load_spec("synthetic_street").to_json()["classes"]


@pytest.mark.parametrize("name", SPECS)
def test_json_round_trip(name):
    document = load_spec(name).to_json()
    again = AnnotationSpec.from_json(json.loads(json.dumps(document)))
    assert again == load_spec(name) and again.to_json() == document


@pytest.mark.parametrize("name", SPECS)
def test_colors_tell_the_classes_apart(name):
    spec = load_spec(name)
    ids = np.arange(spec.num_classes, dtype=np.uint8)
    assert len(np.unique(colorize(ids, spec), axis=0)) == spec.num_classes


def test_a_spec_without_mirrors_and_skeleton_is_what_it_was():
    """The document of a run made before there were any: it loads, and is written back the same."""
    document = {
        "name": "old",
        "ignore_id": 255,
        "classes": [{"id": 0, "name": "road", "color": [1, 2, 3], "foreground": False}],
        "label_sets": {"raw": {"7": 0}},
    }
    spec = AnnotationSpec.from_json(document)
    assert spec.mirror_table is None and spec.skeleton is None and spec.classes[0].mirror is None
    assert spec.to_json() == document


def test_label_sets_do_not_change_what_the_ids_mean():
    spec = load_spec("cityscapes")
    assert dataclasses.replace(spec, label_sets={}, color_sets={}) == spec
    assert dataclasses.replace(spec, ignore_id=254, color_sets={}) != spec


def test_camvid_and_cityscapes_know_each_other():
    city, camvid = load_spec("cityscapes"), load_spec("camvid")
    to_city, to_camvid = label_set_table(city, "camvid"), label_set_table(camvid, "cityscapes")
    names = "sky, building, pole, road, sidewalk, vegetation, traffic sign, fence, car, person, rider"
    assert [city.classes[i].name for i in to_city[:11]] == names.split(", ")
    assert to_city[11] == to_city[255] == 255
    assert camvid.ignore_id == 11 and to_camvid[255] == 11
    np.testing.assert_array_equal(to_camvid[to_city[:11]], np.arange(11))
    assert [camvid.classes[i].name for i in camvid.foreground_ids] == ["car", "pedestrian", "bicyclist"]


def test_pose_mirror_ids_swap_left_and_right():
    spec = load_spec("weizmann_pose")
    assert spec.foreground_ids == tuple(range(1, spec.num_classes))
    table = spec.mirror_table
    assert len(table) == 256 and table[0] == 0 and table[255] == 255
    swap = {"left": "right", "right": "left"}

    def mirrored(text, separator):
        first, _, rest = text.partition(separator)
        return swap.get(first, first) + separator + rest if rest else text

    for c in spec.classes:
        assert spec.classes[table[c.id]].name == mirrored(c.name, " ")
    for class_id, ends in spec.skeleton.limbs.items():
        other = spec.skeleton.limbs[table[class_id]]
        assert {frozenset(mirrored(j, "_") for j in end) for end in ends} == {frozenset(end) for end in other}
    assert set(spec.skeleton.limbs) == set(spec.foreground_ids) and len(spec.skeleton.joints) == 17


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_sets": ["labelIds"]}, "not of the form of an annotation spec"),
        ({"label_sets": {"labelIds": [0, 1]}}, "not of the form of an annotation spec"),
        ({"label_sets": {"labelIds": {"7": 77}}}, r"label set 'labelIds' maps to unknown ids \[77\]"),
        ({"classes": [1, 2]}, "a class is an object of id, name, color and foreground, received 1"),
        ({"classes": [dict(CLASSES[0], foreground="false")]}, "foreground must be true or false, received 'false'"),
        ({"classes": [dict(CLASSES[0], color=[1, 2])]}, r"color must be \[red, green, blue\] of 0..255"),
        ({"classes": [dict(CLASSES[0], color=[1, 2, 300])]}, r"color must be \[red, green, blue\] of 0..255"),
        ({"classes": [CLASSES[0], dict(CLASSES[0], id=1)]}, "classes that are called alike"),
        ({"classes": []}, r"class ids must be 0..K-1 in order, received \[\]"),
        ({"ignore_id": 3}, "ignore_id must lie between the last class id and 255, received 3"),
        ({"skeleton": None}, "not of the form of an annotation spec"),
        ({"skeleton": {"joints": ["a"]}}, "not of the form of an annotation spec"),
        ({"skeleton": {"joints": ["a", "a"], "limbs": {}}}, r"joints that come twice: \['a'\]"),
        ({"skeleton": {"joints": ["a"], "limbs": {"9": [["a"], ["a"]]}}}, r"limbs of unknown classes: \[9\]"),
        ({"skeleton": {"joints": ["a"], "limbs": {"1": [["a"], ["b"]]}}}, r"limbs of unknown joints: \['b'\]"),
        ({"skeleton": {"joints": ["a"], "limbs": {"1": [["a"], []]}}}, r"limbs without two ends: \[1\]"),
        ({"skeleton": {"joints": ["a"], "limbs": {"1": [["a"]]}}}, r"limbs without two ends: \[1\]"),
    ],
)
def test_documents_that_are_no_spec_are_refused(change, message, tmp_path):
    document = {**load_spec("synthetic_street").to_json(), **change}
    with pytest.raises(ValueError, match=message):
        AnnotationSpec.from_json(document)
    (tmp_path / "mine.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match=f"mine.json: .*{message}"):
        load_spec(str(tmp_path / "mine.json"))


@pytest.mark.parametrize("mirrors", [{1: 2}, {1: 2, 2: 3, 3: 1}, {1: 40}])
def test_mirror_ids_come_in_pairs(mirrors):
    document = load_spec("synthetic_street").to_json()
    for class_id, mirror in mirrors.items():
        document["classes"][class_id]["mirror"] = mirror
    with pytest.raises(ValueError, match="class 1 has mirror .* come in pairs"):
        AnnotationSpec.from_json(document)


def test_other_documents_are_refused():
    for document in ([], {}, "spec", None):
        with pytest.raises(ValueError, match="not an annotation spec"):
            AnnotationSpec.from_json(document)


def test_colour_sets_survive_json_and_hold_colours():
    spec = load_spec("camvid")
    assert len(spec.color_sets["camvid32"]) == 32
    again = AnnotationSpec.from_json(spec.to_json())
    assert again.color_sets == spec.color_sets
    for wrong, message in (
        ({"300,0,0": 1}, "'300,0,0'"),
        ({"1,2": 1}, "'1,2'"),
        ({"1,2,3": 99}, r"unknown ids \[99\]"),
    ):
        with pytest.raises(ValueError, match=message):
            AnnotationSpec.from_json({**spec.to_json(), "color_sets": {"mine": wrong}})
