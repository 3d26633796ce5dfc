"""Masks, one file a class: which of them are of one picture, and which picture that is."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.label_formats import label_studio, masks


def _mask(path, column):
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros((2, 4), np.uint8)
    mask[:, column] = 255
    Image.fromarray(mask).save(path)


def _picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((2, 4, 3), np.uint8)).save(path)


def _columns(picture):
    labels = picture.load()
    return [labels.names[int(number)] for number in labels.numbers[0]]


def test_sequences_do_not_share_their_masks(tmp_path):
    for sequence, column in (("s1", 0), ("s2", 1)):
        _mask(tmp_path / f"lab/{sequence}/car/0001.png", column)
        _mask(tmp_path / f"lab/{sequence}/road/0001.png", 3)
        _picture(tmp_path / f"im/{sequence}/0001.png")
    first, second = masks.read(tmp_path / "lab", tmp_path / "im")
    assert (first.sequence, second.sequence) == ("s1", "s2")
    assert _columns(first) == ["car", "", "", "road"] and _columns(second) == ["", "car", "", "road"]
    assert [p.image for p in (first, second)] == [tmp_path / "im/s1/0001.png", tmp_path / "im/s2/0001.png"]


def test_png_pictures_within_the_masks_folder_are_no_masks(tmp_path, monkeypatch):
    _mask(tmp_path / "in/0001_car.png", 0)
    _picture(tmp_path / "in/photos/0001.png")
    monkeypatch.chdir(tmp_path)
    # The folders are compared, not how they are written.
    (picture,) = masks.read(tmp_path / "in", (tmp_path / "in/../in/photos").relative_to(tmp_path))
    assert picture.image.resolve() == tmp_path / "in/photos/0001.png" and _columns(picture) == ["car", "", "", ""]


def test_two_masks_of_one_class_are_refused(tmp_path):
    for name in ("s1/car/0001.png", "s1/0001_car.png"):
        _mask(tmp_path / name, 0)
    _picture(tmp_path / "s1/0001.jpg")
    with pytest.raises(ValueError, match="a second mask of class 'car' of picture '0001', besides"):
        masks.read(tmp_path, None)


def test_label_studios_masks_find_a_png(tmp_path):
    _mask(tmp_path / "lab/task-7-annotation-9-by-1-tag-Car-0.png", 0)
    _picture(tmp_path / "im/task-7.png")
    (picture,) = label_studio.read(tmp_path / "lab", tmp_path / "im")
    assert picture.image == tmp_path / "im/task-7.png"
