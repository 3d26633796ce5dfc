"""What tools' own packages wrote, imported to the pixel; written/ holds the files, the packages are too large here.

datumaro                  1.13.12, the street of test_formats.py in five formats, exported as
                          findings/datumaro_numbers_and_colors.sh does: without colours, so its lists have none, either
label_studio_converter    0.0.59, brush.mask2rle of the street's masks in an export, converted to JSON_MIN
cityscapes_scripts        2.3.0, maps that json2labelImg.createLabelImage(..., "trainIds") drew of random polygons
"""

import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.class_names import ClassNames
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.label_formats.class_lists import read_class_list
from seg2vid_tf.data.label_formats.formats import reader
from seg2vid_tf.data.label_formats.identify import identify
from seg2vid_tf.data.label_import import import_labels

FILES = pathlib.Path(__file__).with_name("written")
CITY = load_spec("cityscapes")
IDS = {c.name: c.id for c in CITY.classes}
FORMATS = {
    "camvid": "painted", "cityscapes": "cityscapes_colors", "coco_panoptic": "coco", "kitti_segmentation": "kitti",
    "voc_segmentation": "voc",
}  # fmt: skip


def _street():
    ids = np.full((24, 40), IDS["sky"], np.uint8)
    ids[12:] = IDS["road"]
    ids[10:16, 8:20] = IDS["car"]
    ids[4:18, 12] = IDS["pole"]
    return ids


@pytest.mark.parametrize("name", FORMATS)
def test_the_street_comes_back(tmp_path, name):
    shutil.copytree(FILES / "datumaro" / name, tmp_path / "in")
    assert identify(tmp_path / "in") == FORMATS[name]
    pictures = reader(FORMATS[name])(tmp_path / "in", None)
    report = import_labels(pictures, CITY, ClassNames(CITY), tmp_path / "out", instances=True)
    assert report.written == 1 and None not in report.ids.values()
    (label,) = tmp_path.glob("out/*/label/a.png")
    with Image.open(label) as image:
        np.testing.assert_array_equal(np.asarray(image), _street())
    if name in ("coco_panoptic", "voc_segmentation"):
        with Image.open(label.parents[1] / "inst/a.png") as image:
            np.testing.assert_array_equal(np.asarray(image) > 0, _street() == IDS["car"])


def test_label_studios_brushes_come_back(tmp_path):
    Image.new("RGB", (40, 24)).save(tmp_path / "a.jpg")
    pictures = reader("label_studio")(FILES / "label_studio_converter/json_min.json", tmp_path)
    assert import_labels(pictures, CITY, ClassNames(CITY), tmp_path / "out").written == 1
    with Image.open(tmp_path / "out/all/label/a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), _street())


@pytest.mark.parametrize("stem", ["1", "3"])
def test_cityscapes_polygons_are_drawn_as_its_scripts_draw_them(stem):
    """Polygons over each other and the border, groups, deleted ones, license plates."""
    (picture,) = reader("cityscapes_polygons")(FILES / f"cityscapes_scripts/{stem}_gtFine_polygons.json", None)
    labels, names = picture.load(), ClassNames(CITY)
    ids = {number: names.id_of(name) for number, name in labels.names.items()}
    drawn = np.vectorize(ids.get)(labels.numbers)
    with Image.open(FILES / f"cityscapes_scripts/{stem}_trainIds.png") as image:
        np.testing.assert_array_equal(drawn, np.asarray(image))


def test_lists_without_colours_are_pascal_vocs_from_their_first_map_on(tmp_path):
    listed = tmp_path / "label_colors.txt"
    listed.write_text(" sky\n traffic light\n")
    assert read_class_list(listed) == {(128, 0, 0): "sky", (0, 128, 0): "traffic light"}
    listed.write_text(" background\n sky\n")
    assert read_class_list(listed) == {(0, 0, 0): "background", (128, 0, 0): "sky"}
    (tmp_path / "train/semantic_rgb").mkdir(parents=True)
    listed.write_text(" sky\n car\n")
    assert read_class_list(listed) == {(0, 0, 0): "sky", (128, 0, 0): "car"}
    listed.write_text("\n")
    with pytest.raises(ValueError, match="no class and colour"):
        read_class_list(listed)
