"""Label Studio's tasks: turned ellipses, tasks without a label, documents of another form."""

import json
import math

import numpy as np
import pytest

from seg2vid_tf.data.label_formats import label_studio
from seg2vid_tf.data.label_formats.labelled import NothingLabelled

HEIGHT, WIDTH = 40, 80


def _tasks(root, *annotations, **task):
    (root / "a.json").write_text(
        json.dumps(
            [{"id": i, "data": {"image": f"{i}.jpg"}, "annotations": a} | task for i, a in enumerate(annotations)]
        )
    )
    return label_studio.read(root, None)


def _ellipse(**value):
    value = {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "ellipselabels": ["car"]} | value
    return {"type": "ellipselabels", "original_width": WIDTH, "original_height": HEIGHT, "value": value}


@pytest.mark.parametrize("degrees", [0, 30, 90, 200])
def test_an_ellipse_is_turned_clockwise_around_its_middle(tmp_path, degrees):
    (picture,) = _tasks(tmp_path, [{"result": [_ellipse(rotation=degrees)]}])
    down, across = np.mgrid[:HEIGHT, :WIDTH] - np.array([HEIGHT / 2, WIDTH / 2])[:, None, None]
    turn = math.radians(degrees)
    along = across * math.cos(turn) + down * math.sin(turn)
    aside = down * math.cos(turn) - across * math.sin(turn)
    radius = np.hypot(along / 16, aside / 4)
    drawn = picture.load().numbers == 1
    assert drawn[radius < 0.8].all() and not drawn[radius > 1.3].any()


def test_tasks_that_nobody_labelled_are_told_from_broken_ones(tmp_path):
    pictures = _tasks(tmp_path, [{"was_cancelled": True, "result": [_ellipse()]}], [], [{"result": []}])
    for number, picture in enumerate(pictures):
        with pytest.raises(NothingLabelled, match=f"a.json: task {number}$"):
            picture.load()


@pytest.mark.parametrize("change", [{"original_width": 10**6}, {"original_height": 0}, {"original_width": "x"}])
def test_sizes_are_bounded(tmp_path, change):
    (picture,) = _tasks(tmp_path, [{"result": [_ellipse() | change]}])
    with pytest.raises(ValueError, match="a.json: task 0: not as Label Studio writes it"):
        picture.load()


def test_documents_of_another_form_are_named(tmp_path):
    with pytest.raises(ValueError, match="a.json: a task that is not as Label Studio writes it"):
        _tasks(tmp_path, [], data=[])
    (picture,) = _tasks(tmp_path, ["x"])
    with pytest.raises(ValueError, match="a.json: task 0: not as Label Studio writes it"):
        picture.load()


ADDRESSES = {
    "/data/upload/1/0fa1bc3d-a.jpg": ("a.jpg", ""),
    "/data/upload/0fa1bc3d-a.jpg": ("0fa1bc3d-a.jpg", ""),
    "upload/12/0fa1bc3d-b-2.png": ("sub/b-2.png", ""),
    "http://localhost:8080/data/upload/3/0fa1bc3d-a.jpg": ("pictures/a.jpg", ""),
    "/data/upload/1/0fa1bc3d-my_photo_1.jpg": ("my photo (1).jpg", ""),
    "/data/local-files/?d=street/name.png": ("street/name.png", "street"),
    "/data/local-files?d=project/street/my%20name.png": ("street/my name.png", "street"),
    "/data/local-files/?d=C%3A%5Cproject%5Cstreet%5Cname.png": ("street/name.png", "street"),
    "/data/local-files/?d=street/100%20 %.png": ("street/100%20 %.png", "street"),
    "s3://bucket/train/street/a b.jpg": ("street/a b.jpg", "street"),
    "gs://bucket/a%20b.jpg": ("a b.jpg", ""),
    "azure-blob://container/street/a.jpg": ("street/a.jpg", "street"),
    "https://host.org/street/a.jpg?X-Amz-Date=20260101&sig=x%2F": ("a.jpg", "street"),
    "/tasks/7/presign/?fileuri=czM6Ly9idWNrZXQvc3RyZWV0L2EuanBn": ("street/a.jpg", "street"),
    "/tasks/7/resolve/?fileuri=gs%3A%2F%2Fbucket%2Fstreet%2Fa.jpg": ("street/a.jpg", "street"),
    "C:\\street\\a.jpg": ("street/a.jpg", "street"),
    "0fa1bc3d-6257be58.jpg": ("0fa1bc3d-6257be58.jpg", ""),
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_picture_of_every_storage_is_found(tmp_path, address):
    name, folder = ADDRESSES[address]
    (tmp_path / "im" / name).parent.mkdir(parents=True)
    (tmp_path / "im" / name).write_bytes(b"")
    (tmp_path / "a.json").write_text(json.dumps([{"id": 1, "data": {"id": "x", "im": address}, "annotations": []}]))
    (picture,) = label_studio.read(tmp_path / "a.json", tmp_path / "im")
    assert picture.image == tmp_path / "im" / name and picture.sequence == folder
    assert picture.stem == picture.image.stem


def test_a_picture_that_is_not_there_is_named_with_what_was_looked_for(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a b.jpg").write_bytes(b"")
    (picture,) = _tasks(tmp_path, [], data={"image": "/data/local-files/?d=street/a%20b.jpg"})
    assert picture.image is None, "a picture of another folder"
    assert picture.wanted == "task 0, street/a%20b.jpg or street/a b.jpg"


def test_the_short_export_and_labels_apart_from_their_shapes(tmp_path):
    sides = {"original_width": WIDTH, "original_height": HEIGHT}
    points = [[0, 0], [50, 0], [50, 50], [0, 50]]
    short = {"id": 4, "image": "/data/upload/1/0fa1bc3d-a.jpg", "lead_time": 3.5, "when": "day"}
    short["tag"] = [{"points": points, "closed": True, "polygonlabels": ["car"], **sides}]
    (tmp_path / "a.json").write_text(json.dumps([short]))
    assert label_studio.is_it([short]) and not label_studio.is_it([{"id": 4, "image": "a.jpg"}])
    apart = [
        {"id": "x", "type": "polygon", "value": {"points": points}, **sides},
        {"id": "x", "type": "labels", "value": {"points": points, "labels": ["car"]}, **sides},
    ]
    for picture in (label_studio.read(tmp_path, None)[0], _tasks(tmp_path, [{"result": apart}])[0]):
        labels = picture.load()
        assert labels.names[1] == "car" and (labels.numbers[:20, :40] == 1).all()
        assert not labels.numbers[22:].any() and not labels.numbers[:, 42:].any()
