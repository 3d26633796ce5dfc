"""Documents that are almost as a tool writes them: one line names the file, and memory is bounded."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.label_formats import cityscapes_polygons, coco, labelme, painted
from seg2vid_tf.data.label_formats.class_lists import find_class_list, read_class_list
from seg2vid_tf.data.label_formats.identify import identify
from seg2vid_tf.data.label_formats.labelled import NothingLabelled


def _write(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def _coco(root, image=(), category=(), annotation=()):
    image = {"id": 1, "file_name": "a.jpg", "height": 4, "width": 6} | dict(image)
    annotation = {"image_id": 1, "category_id": 1, "segmentation": []} | dict(annotation)
    document = {"images": [image], "categories": [{"id": 1, "name": "car"} | dict(category)]}
    return coco.read(_write(root / "a.json", document | {"annotations": [annotation]}), None)


@pytest.mark.parametrize(
    "change", [{"image": {"file_name": None}}, {"category": {"name": 5}}, {"annotation": {"image_id": []}}]
)
def test_coco_of_another_form(tmp_path, change):
    with pytest.raises(ValueError, match="a.json: not as COCO has it"):
        _coco(tmp_path, **change)


def test_documents_of_other_programs_beside_cocos_are_passed_over(tmp_path):
    for name, document in (("0.json", {"learning_rate": 1}), ("1.json", [])):
        _write(tmp_path / name, document)
    document = {"images": [{"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}], "categories": []}
    _write(tmp_path / "a.json", document | {"annotations": []})
    assert [picture.stem for picture in coco.read(tmp_path, None)] == ["a"]


@pytest.mark.parametrize(
    ("image", "segmentation", "message"),
    [
        ({"width": 10**9}, [], "1000000000x4 pixels, expected 1 to 8192 a side"),
        ({"height": -4}, [], "6x-4 pixels"),
        ({}, {"size": [4, 6], "counts": [10**12]}, "run lengths of 1000000000000 pixels, the picture has 24"),
        ({}, {"size": [4, 6], "counts": [30, -6]}, "run lengths of 24 pixels"),
        ({}, {"size": [4, 6], "counts": ""}, "run lengths of 0 pixels, the picture has 24"),
        ({}, {"size": [4, 6], "counts": "PYd0oc0"}, "run lengths of [0-9]+ pixels, the picture has 24"),
        ({}, {"size": [10**6, 10**6], "counts": [1]}, "a mask of .1000000, 1000000., the picture has .4, 6."),
    ],
)
def test_cocos_sizes_are_those_of_a_picture(tmp_path, image, segmentation, message):
    (picture,) = _coco(tmp_path, image, annotation={"segmentation": segmentation})
    with pytest.raises(ValueError, match=f"a.json: picture 'a.jpg': not as COCO has it .*{message}"):
        picture.load()


@pytest.mark.parametrize("seed", range(3))
def test_compressed_run_lengths_are_those_of_pycocotools(seed):
    mask = pytest.importorskip("pycocotools.mask", reason="writes the masks")
    noise = np.random.default_rng(seed).random((70, 90))
    for drawn in (noise < 0.02, noise < 0.5, noise >= 0, noise < 0, np.tri(70, 90, dtype=bool), noise[:1] < 0.5):
        counts = mask.encode(np.asfortranarray(drawn.astype(np.uint8)))["counts"].decode()
        found = coco.run_length_mask({"size": list(drawn.shape), "counts": counts}, drawn.shape)
        np.testing.assert_array_equal(found, drawn)


def _mask(width):
    buffer = io.BytesIO()
    Image.fromarray(np.ones((1, width), bool)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": 5}, "a label that is no text: 5"),
        ({"label": None}, "a label that is no text: None"),
        ({"group_id": [1]}, "unhashable"),
        ({"shape_type": "mask", "mask": _mask(9000)}, "9000x1 pixels"),
        ({"shape_type": "mask", "mask": "aaaa"}, "cannot identify"),
    ],
)
def test_labelme_of_another_form(tmp_path, change, message):
    shape = {"label": "car", "points": [[0, 0], [3, 3]], "shape_type": "rectangle"} | change
    _write(tmp_path / "a.json", {"shapes": [shape], "imagePath": "a.jpg", "imageHeight": 4, "imageWidth": 6})
    (picture,) = labelme.read(tmp_path, None)
    with pytest.raises(ValueError, match=f"a.json: not as LabelMe writes it .*{message}"):
        picture.load()


def test_polygons_of_another_form(tmp_path):
    _write(tmp_path / "a_polygons.json", {"imgHeight": 4, "imgWidth": 6, "objects": ["x"]})
    with pytest.raises(ValueError, match="a_polygons.json: not as Cityscapes writes it"):
        cityscapes_polygons.read(tmp_path, None)[0].load()


@pytest.mark.parametrize(
    "text",
    ['{"labels": [1, 2]}', '{"labels": []}', "{", "[]", '{"learning_rate": 1}', '{"#ff8800": "accent", "font": 12}'],
)
def test_another_programs_config_is_passed_over(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "maps").mkdir()
    Image.fromarray(np.full((2, 2, 3), (64, 32, 32), np.uint8)).save(tmp_path / "maps/a.png")
    assert find_class_list(tmp_path / "maps") is None
    assert identify(tmp_path / "maps") == "comma10k"


def test_class_lists_of_another_form(tmp_path):
    for document in ({"labels": [{"color": ["a", 1, 2], "name": "x"}]}, {"#ff0000": 5}, {"labels": [1]}):
        with pytest.raises(ValueError, match="config.json: "):
            read_class_list(_write(tmp_path / "config.json", document))
    (tmp_path / "labelmap.txt").write_text("car:1,2,300::\n")
    with pytest.raises(ValueError, match="labelmap.txt: class 'car' of colour .1, 2, 300., expected"):
        read_class_list(tmp_path / "labelmap.txt")


def test_more_colours_than_a_byte_tells_apart_are_refused(tmp_path):
    colors = {(i % 256, i // 256, 7): f"class {i}" for i in range(255)}
    with pytest.raises(ValueError, match="255 colours, at most 254 are read"):
        painted.read(tmp_path, None, colors)
    del colors[254, 0, 7]
    assert painted.read(tmp_path, None, colors) == []


def test_two_documents_of_the_same_pictures_are_told_apart_by_their_user(tmp_path):
    document = {"images": [{"id": 1, "file_name": "a.jpg", "height": 4, "width": 4}], "categories": []}
    for name in ("instances", "panoptic"):
        (tmp_path / f"{name}.json").write_text(json.dumps(document | {"annotations": []}))
    with pytest.raises(ValueError, match=f"instances.json and panoptic.json both .* --images={tmp_path}"):
        coco.read(tmp_path, None)


def test_pictures_that_nobody_labelled_are_no_maps_of_nothing(tmp_path):
    image = {"id": 1, "file_name": "a.jpg", "height": 4, "width": 4}
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], "segmentation": []}
    for annotations, says in (([], "picture 'a.jpg'$"), ([box], "picture 'a.jpg', which has boxes alone")):
        document = {"images": [image], "categories": [{"id": 1, "name": "car"}], "annotations": annotations}
        (tmp_path / "a.json").write_text(json.dumps(document))
        with pytest.raises(NothingLabelled, match=says):
            coco.read(tmp_path / "a.json", None)[0].load()
    for reader, document in (
        (labelme, {"shapes": [], "imagePath": "a.jpg", "imageHeight": 4, "imageWidth": 4}),
        (cityscapes_polygons, {"imgHeight": 4, "imgWidth": 4, "objects": []}),
    ):
        (tmp_path / "a_polygons.json").write_text(json.dumps(document))
        with pytest.raises(NothingLabelled, match="a_polygons.json$"):
            reader.read(tmp_path / "a_polygons.json", None)[0].load()
