"""Labels become maps: within the output, a copy of the picture each, what nobody labelled left out and named."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.class_names import ClassNames
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.label_formats.labelled import LabelledPicture, Labels, NothingLabelled
from seg2vid_tf.data.label_import import import_labels
from seg2vid_tf.data.label_import_report import html_report

CITY = load_spec("cityscapes")


def _labels():
    return Labels(np.ones((2, 3), np.uint8), {1: "road"})


def _picture(folder, stem="a", sequence="", source="a.json", image="a.jpg", load=_labels):
    path = folder / image
    if not path.exists():
        Image.fromarray(np.full((2, 3, 3), 9, np.uint8)).save(path)
    return LabelledPicture(stem, sequence, path, folder / source, load)


def _import(pictures, out):
    return import_labels(pictures, CITY, ClassNames(CITY), out)


@pytest.mark.parametrize(
    ("sequence", "stem"), [("..", "x"), (".", "x"), ("a/b", "x"), ("", "../x"), ("", ".."), ("", ""), ("s", "a\\b")]
)
def test_nothing_is_written_outside_the_output(tmp_path, sequence, stem):
    pictures = [_picture(tmp_path), _picture(tmp_path, stem, sequence, "b.json", "b.jpg")]
    with pytest.raises(ValueError, match="b.json: '.*' is neither a folder's nor a picture's name"):
        _import(pictures, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jpg", "b.jpg"]


def test_the_picture_is_a_copy(tmp_path):
    picture = _picture(tmp_path)
    assert _import([picture], tmp_path / "out").written == 1
    copy = tmp_path / "out/all/image/a.jpg"
    assert copy.read_bytes() == picture.image.read_bytes() and not copy.samefile(picture.image)


def test_two_labels_of_one_picture_or_two_pictures_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValueError, match="b.json: its picture is .*a.jpg, and so is that of .*a.json"):
        _import([_picture(tmp_path), _picture(tmp_path, "b", source="b.json")], tmp_path / "out")
    with pytest.raises(ValueError, match="b.json: a second picture called 'a' in 'all'"):
        _import([_picture(tmp_path), _picture(tmp_path, source="b.json", image="b.jpg")], tmp_path / "out")


def test_a_picture_that_cannot_be_shown_does_not_end_the_import(tmp_path):
    Image.fromarray(np.zeros((2, 3, 4), np.uint8)).save(tmp_path / "a.png")
    page = html_report("in", _import([_picture(tmp_path, image="a.png")], tmp_path / "out"), CITY)
    assert "a.png: 3x2 pixels of mode RGBA, expected" in page and page.count("<img") == 1


def test_what_nobody_labelled_is_left_out_and_named(tmp_path):
    def nothing():
        raise NothingLabelled("task 7")

    pictures = [_picture(tmp_path), _picture(tmp_path, "b", image="b.jpg", load=nothing)]
    report = _import(pictures, tmp_path / "out")
    assert report.written == 1 and report.unlabelled == ["task 7"]
    assert [p.name for p in (tmp_path / "out/all/image").iterdir()] == ["a.jpg"]
