"""Files that visitors bring."""

import io

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.web import upload

SPEC, SIZE = load_spec("cityscapes"), (8, 12)


def _file(image, kind="PNG", **more):
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, format=kind, **more)
    return buffer.getvalue()


@pytest.fixture
def label_map():
    ids = np.zeros(SIZE, np.uint8)
    ids[:4], ids[3:6, 4:9] = 10, 13
    return ids


def _palette_file(ids, colors):
    image = Image.fromarray(ids, "P")
    image.putpalette(np.asarray(colors, np.uint8).tobytes())
    return _file(image)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_ids(label_map, kind):
    found, remarks = upload.read_map(_file(label_map, kind), "my map", SPEC, SIZE)
    np.testing.assert_array_equal(found, label_map)
    assert remarks == ["read as class ids (grey)"]


def test_another_size_is_told(label_map):
    found, remarks = upload.read_map(_file(np.kron(label_map, np.ones((2, 2), np.uint8))), "m.png", SPEC, SIZE)
    np.testing.assert_array_equal(found, label_map)
    assert "from 16 x 24 to the model's 8 x 12" in remarks[1]


def test_the_classes_own_colours(label_map):
    colors = colorize(label_map, SPEC)
    for data in (_file(colors), _file(Image.fromarray(colors).quantize(8))):
        found, remarks = upload.read_map(data, "m.png", SPEC, SIZE)
        np.testing.assert_array_equal(found, label_map)
        assert "colours" in remarks[0]
    colors[0, 0] += 1
    found, remarks = upload.read_map(_file(colors), "m.png", SPEC, SIZE)
    np.testing.assert_array_equal(found, label_map)
    assert "1 pixel has a colour of no class" in remarks[1]


def test_a_palette_whose_indices_are_ids(label_map):
    found, remarks = upload.read_map(_palette_file(label_map, [c.color for c in SPEC.classes]), "m.png", SPEC, SIZE)
    np.testing.assert_array_equal(found, label_map)
    assert remarks == ["read as class ids (palette)"]


def test_what_a_file_holds_can_be_said(label_map):
    official = np.where(label_map == 13, 26, np.where(label_map == 10, 23, 7)).astype(np.uint8)
    found, _ = upload.read_map(_file(official), "m.png", SPEC, SIZE, "ids of label set labelIds")
    np.testing.assert_array_equal(found, label_map)
    with pytest.raises(ValueError, match="unknown kind"):
        upload.read_map(_file(official), "m.png", SPEC, SIZE, "tea leaves")


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "m.png"),
        (b"hello", "m.png"),
        (_file(np.zeros(SIZE, np.uint8))[:40], "m.png"),
        (_file(np.full(SIZE, 77, np.uint8)), r"ids \[77\] are not in spec"),
        (_file(np.zeros((*SIZE, 3), np.uint8), "JPEG"), "JPEG"),
        (_file(np.random.default_rng(0).integers(0, 256, (*SIZE, 3)).astype(np.uint8)), "no map painted"),
    ],
    ids=["empty", "text", "cut", "ids", "jpeg", "photo"],
)
def test_wrong_files_are_refused_by_their_owners_name_alone(data, message):
    with pytest.raises(ValueError, match=message) as refusal:
        upload.read_map(data, "../../m.png", SPEC, SIZE)
    assert str(refusal.value).startswith("../../m.png") and "/tmp" not in str(refusal.value)
    assert "upload.png" not in str(refusal.value)


def test_a_file_that_is_too_large_is_not_read():
    with pytest.raises(ValueError, match="expected at most"):
        upload.read_map(bytes(upload.MAX_BYTES + 1), "m.png", SPEC, SIZE)


def test_a_style_picture_is_brought_to_size():
    photo = np.full((20, 30, 3), (10, 200, 30), np.uint8)
    for kind, name in (("PNG", "a.png"), ("JPEG", "a.jpeg"), ("WEBP", "a.webp"), ("PNG", "no ending")):
        found = upload.read_picture(_file(photo, kind), name, SIZE)
        assert found.shape == (*SIZE, 3) and np.abs(found.astype(int) - photo[0, 0]).max() < 12
    with pytest.raises(ValueError, match="^a.png: not a readable"):
        upload.read_picture(b"no picture", "a.png", SIZE)


def test_what_is_wrong_is_told_without_a_programs_flags(label_map):
    photo = _file(colorize(label_map, SPEC), "JPEG")
    unknown, theirs = (_file(np.full_like(label_map, class_id)) for class_id in (99, 33))
    for data, message in (
        (photo, "m.png: not a PNG file (a JPEG file); a label map is"),
        (unknown, "numbers of your own become label maps by the program import_labels.py"),
        (theirs, "choose it beside your file"),
    ):
        with pytest.raises(ValueError) as error:
            upload.read_map(data, "m.png", SPEC, SIZE)
        assert message in str(error.value) and "--" not in str(error.value)
