"""Supervisely's JSON: shapes, bitmaps with and without an alpha channel, holes, and where the pictures are."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.label_formats import supervisely
from seg2vid_tf.data.label_formats.identify import identify


def _bitmap(mask, mode="L"):
    image = Image.fromarray(np.uint8(mask) * 255)
    if mode == "RGBA":
        image = Image.merge("RGBA", [*[Image.new("L", image.size, 255)] * 3, image])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode()


def _shape(name, kind, exterior, interior=()):
    return {
        "classTitle": name,
        "geometryType": kind,
        "points": {"exterior": exterior, "interior": [list(hole) for hole in interior]},
    }


def _project(root, objects):
    """The file of the labels of a picture of 10 x 20."""
    for folder in ("ann", "img"):
        (root / "street" / folder).mkdir(parents=True)
    Image.new("RGB", (20, 10)).save(root / "street/img/a.jpg")
    (root / "meta.json").write_text(json.dumps({"classes": [], "tags": []}))
    file = root / "street/ann/a.jpg.json"
    file.write_text(json.dumps({"size": {"height": 10, "width": 20}, "objects": objects}))
    return file


def test_a_project_a_data_set_and_a_file_are_read(tmp_path):
    file = _project(tmp_path, [_shape("road", "rectangle", [[19, 9], [0, 5]])])
    for root, sequence in ((tmp_path, "street"), (tmp_path / "street", ""), (file.parent, ""), (file, "street")):
        assert identify(root) == "supervisely"
        (picture,) = supervisely.read(root, None)
        assert (picture.stem, picture.sequence) == ("a", sequence)
        assert picture.image == tmp_path / "street/img/a.jpg"
    labels = picture.load()
    expected = np.zeros((10, 20), int)
    expected[5:] = 1
    np.testing.assert_array_equal(labels.numbers, expected)
    assert labels.names == {0: "", 1: "road"} and labels.instances.max() == 1


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_bitmaps_and_holes_lie_above_what_was_drawn_before(tmp_path, mode):
    mask = np.zeros((3, 4), bool)
    mask[:, 1:3] = True
    bitmap = {"classTitle": "car", "geometryType": "bitmap", "bitmap": {"data": _bitmap(mask, mode), "origin": [5, 2]}}
    ring = _shape("wall", "polygon", [[10, 0], [19, 0], [19, 9], [10, 9]], [[[12, 2], [17, 2], [17, 7], [12, 7]]])
    labels = supervisely.read(_project(tmp_path, [_shape("sky", "rectangle", [[0, 0], [19, 9]]), bitmap, ring]), None)
    labels = labels[0].load()
    names = np.vectorize(labels.names.get)(labels.numbers)
    assert (names[2:5, 6:8] == "car").all() and (names == "car").sum() == 6
    assert (
        (names[4:6, 14:16] == "sky").all() and (names[:, 10:12] == "wall").all() and (names[2, 12:18] == "wall").all()
    )
    assert len(np.unique(labels.instances)) == 3


def test_kinds_of_objects_that_are_not_read_are_named(tmp_path):
    graph = {"classTitle": "person", "geometryType": "graph", "nodes": {}}
    (picture,) = supervisely.read(_project(tmp_path, [graph]), None)
    with pytest.raises(ValueError, match="a.jpg.json: objects of kind 'graph' are not read; those that are: bitmap, "):
        picture.load()


@pytest.mark.parametrize(
    "change",
    [
        {"classTitle": None},
        {"points": {}},
        {"geometryType": "bitmap", "bitmap": {"data": "no", "origin": [0, 0]}},
    ],
)
def test_another_form_is_refused_with_the_files_name(tmp_path, change):
    (picture,) = supervisely.read(
        _project(tmp_path, [_shape("sky", "polygon", [[0, 0], [9, 9], [0, 9]]) | change]), None
    )
    with pytest.raises(ValueError, match="a.jpg.json: not as Supervisely writes it"):
        picture.load()
