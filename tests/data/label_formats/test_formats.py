"""Every format as its tool writes it, imported: the same street, thin and overlapping things, instances.

Files are written by hand in the form that each tool's source or documentation shows; pycocotools writes COCO's masks.
The brush's run lengths are label-studio-converter's own (0.0.59, mask2rle), and LabelMe's shapes were compared with its
shapes_to_label (6.3.1): equal in every pixel.
"""

import base64
import io
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.class_names import ClassNames
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.label_formats import coco, labelme
from seg2vid_tf.data.label_formats.class_lists import find_class_list, read_class_list
from seg2vid_tf.data.label_formats.formats import FORMATS, reader
from seg2vid_tf.data.label_formats.identify import identify
from seg2vid_tf.data.label_formats.label_studio_regions import decode_run_lengths
from seg2vid_tf.data.label_formats.official_colors import official_colors
from seg2vid_tf.data.label_formats.picture_finder import PictureFinder
from seg2vid_tf.data.label_import import import_labels

CITY = load_spec("cityscapes")
IDS = {c.name: c.id for c in CITY.classes}
HEIGHT, WIDTH = 24, 40
SKY, ROAD, CAR, POLE = (IDS[name] for name in ("sky", "road", "car", "pole"))


def street():
    """Sky above road; a car on both; a pole of one pixel's width before the car; the last row not drawn."""
    ids = np.full((HEIGHT, WIDTH), SKY, np.uint8)
    ids[12:] = ROAD
    ids[10:16, 8:20] = CAR
    ids[4:18, 12] = POLE
    ids[-1] = 255
    return ids


# The shapes of the street, in their order: corners as (x, y), both inside.
SHAPES = (
    ("sky", (0, 0), (39, 11)), ("road", (0, 12), (39, 22)), ("car", (8, 10), (19, 15)), ("pole", (12, 4), (12, 17)),
)  # fmt: skip


def _corners(first, last):
    (x1, y1), (x2, y2) = first, last
    return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]


def _picture(folder, name="a.jpg"):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(folder / name)


def _json(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def _png(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def _paint(ids, colors):
    """The street in a set's colours, {name: colour}."""
    picture = np.zeros((*ids.shape, 3), np.uint8)
    for i, name in ((SKY, "sky"), (ROAD, "road"), (CAR, "car"), (POLE, "pole")):
        picture[ids == i] = colors[name]
    return picture


def _labelme(root):
    shapes = [
        {"label": name, "points": _corners(*box), "group_id": None, "shape_type": "polygon", "flags": {}}
        for name, *box in SHAPES
    ]
    shapes[2] |= {"points": [[19.0, 15.0], [8.0, 10.0]], "shape_type": "rectangle"}
    mask = io.BytesIO()
    Image.fromarray(np.ones((14, 1), bool)).save(mask, "PNG")
    shapes[3] |= {
        "shape_type": "mask",
        "points": [[12, 4], [12, 17]],
        "mask": base64.b64encode(mask.getvalue()).decode(),
    }
    document = {"version": "5.4.1", "flags": {}, "shapes": shapes, "imagePath": "a.jpg", "imageData": None}
    _json(root / "a.json", document | {"imageHeight": HEIGHT, "imageWidth": WIDTH})
    _picture(root)


def _polygons(root):
    objects = [{"label": "cargroup" if name == "car" else name, "polygon": _corners(*box)} for name, *box in SHAPES]
    objects.append({"label": "person", "polygon": _corners((0, 0), (39, 22)), "deleted": 1})
    folder = root / "gtFine/train/ulm"
    _json(folder / "a_gtFine_polygons.json", {"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": objects})
    _picture(root / "leftImg8bit/train/ulm", "a_leftImg8bit.png")


def _coco(root, segmentation):
    categories = [{"id": 10 * i, "name": name.title()} for i, (name, *_) in enumerate(SHAPES, 1)]
    annotations = [
        {"id": i, "image_id": 5, "category_id": 10 * i, "iscrowd": 0, "segmentation": segmentation(name, *box)}
        for i, (name, *box) in enumerate(SHAPES, 1)
    ]
    image = {"id": 5, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH}
    _json(
        root / "annotations/instances.json", {"images": [image], "categories": categories, "annotations": annotations}
    )
    _picture(root / "images")


def _box_mask(first, last):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[first[1] : last[1] + 1, first[0] : last[0] + 1] = 1
    return mask


def _coco_polygons(root):
    _coco(root, lambda name, *box: [[value for point in _corners(*box) for value in point]])


def _coco_uncompressed(root):
    def counts(name, *box):
        flat = _box_mask(*box).T.ravel()
        borders = np.flatnonzero(np.diff(np.r_[0, flat, 1 - flat[-1]]))
        return {"size": [HEIGHT, WIDTH], "counts": np.diff(np.r_[0, borders]).tolist()}

    _coco(root, counts)


def _coco_compressed(root):
    mask = pytest.importorskip("pycocotools.mask", reason="writes the masks")

    def counts(name, *box):
        encoded = mask.encode(np.asfortranarray(_box_mask(*box)))
        return {"size": [HEIGHT, WIDTH], "counts": encoded["counts"].decode()}

    _coco(root, counts)


def _panoptic(root):
    ids = street()
    segments = {SKY: 70000, ROAD: 257, CAR: 3, POLE: 4}
    numbers = np.zeros(ids.shape, np.uint32)
    for i, segment in segments.items():
        numbers[ids == i] = segment
    names = {SKY: "sky-other-merged", ROAD: "road", CAR: "car", POLE: "pole"}
    info = [{"id": segment, "category_id": i, "iscrowd": 0} for i, segment in segments.items()]
    _json(
        root / "panoptic.json",
        {
            "images": [{"id": 1, "file_name": "a.jpg", "height": HEIGHT, "width": WIDTH}],
            "categories": [{"id": i, "name": name, "isthing": int(i == CAR)} for i, name in names.items()],
            "annotations": [{"image_id": 1, "file_name": "a.png", "segments_info": info}],
        },
    )
    _png(root / "panoptic/a.png", np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], -1).astype(np.uint8))
    _picture(root)


# Where rows 2 to 4 and columns 3 to 6 of 6 x 8 are brushed.
BRUSH = [0, 0, 0, 192, 57, 27, 254, 75, 0, 191, 255, 124, 2, 255, 253, 240, 11, 255, 248, 140, 0]


def _label_studio(root):
    def result(kind, name, value):
        sides = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
        return {
            "id": name,
            "type": kind,
            "from_name": "tag",
            "to_name": "image",
            **sides,
            "value": {kind: [name]} | value,
        }

    def per_cent(first, last):
        return [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in _corners(first, last)]

    (_, *sky), (_, *road), (_, *car), (_, *pole) = SHAPES
    (x, y), (right, below) = car
    box = {"x": 100 * x / WIDTH, "y": 100 * y / HEIGHT, "rotation": 0}
    box |= {"width": 100 * (right - x) / WIDTH, "height": 100 * (below - y) / HEIGHT}
    results = [
        result("polygonlabels", "Sky", {"points": per_cent(*sky)}),
        {"type": "choices", "value": {"choices": ["day"]}, "from_name": "when", "to_name": "image"},
        result("polygonlabels", "Road", {"points": per_cent(*road)}),
        result("rectanglelabels", "Car", box),
        result("polygonlabels", "Pole", {"points": per_cent(*pole)}),
    ]
    annotations = [{"id": 1, "was_cancelled": True, "result": []}, {"id": 2, "was_cancelled": False, "result": results}]
    task = {"id": 1, "data": {"image": "/data/upload/1/0fa1bc3d-a.jpg"}, "annotations": annotations}
    _json(root / "export.json", [task])
    _picture(root)


def _label_studio_pngs(root):
    for name, *box in SHAPES:
        _png(root / f"task-7-annotation-9-by-1-tag-{name.title()}-0.png", _box_mask(*box) * 255)
    _picture(root, "task-7.jpg")


def _voc_palette(root):
    colors = {"sky": (70, 30, 180), "road": (1, 2, 3), "car": (9, 8, 7), "pole": (100, 100, 0)}
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += [f"{name}:{','.join(map(str, color))}::" for name, color in colors.items()]
    (root / "ImageSets").mkdir(parents=True)
    (root / "labelmap.txt").write_text("\n".join(lines) + "\n")
    image = Image.fromarray(_paint(street(), colors)).quantize(8)
    (root / "SegmentationClass").mkdir()
    image.save(root / "SegmentationClass/a.png")
    objects = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    objects[street() == CAR] = 128, 0, 0
    _png(root / "SegmentationObject/a.png", objects)
    _picture(root / "JPEGImages")


def _camvid(root):
    colors = {name: color for color, name in official_colors("camvid").items()}
    painted = {
        "sky": colors["Sky"],
        "road": colors["Road"],
        "car": colors["SUVPickupTruck"],
        "pole": colors["Column_Pole"],
    }
    _png(root / "LabeledApproved_full/a_L.png", _paint(street(), painted))
    _picture(root / "701_StillsRaw_full", "a.png")


def _a2d2(root):
    _json(
        root / "class_list.json",
        {"#ff0000": "Car 1", "#87ceff": "Sky", "#b432b4": "RD normal street", "#fff68f": "Poles", "#000000": "Ego car"},
    )
    colors = {"sky": (0x87, 0xCE, 0xFF), "road": (0xB4, 0x32, 0xB4), "car": (255, 0, 0), "pole": (0xFF, 0xF6, 0x8F)}
    _png(root / "20180807_145028/label/cam_front_center/1_label_frontcenter_0001.png", _paint(street(), colors))
    _picture(root / "20180807_145028/camera/cam_front_center", "1_camera_frontcenter_0001.png")


def _mapillary(root):
    labels = [
        {"name": f"x--{name}", "readable": name, "color": color, "instances": False, "evaluate": True}
        for name, color in (
            ("Sky", [70, 130, 180]),
            ("Road", [128, 64, 128]),
            ("Car", [0, 0, 142]),
            ("Utility Pole", [0, 0, 80]),
        )
    ] + [
        {"name": "void--unlabeled", "readable": "Unlabeled", "color": [0, 0, 0], "instances": False, "evaluate": False}
    ]
    _json(root / "config.json", {"labels": labels, "version": "1.1", "folder_structure": "", "mapping": "public"})
    colors = {"sky": (70, 130, 180), "road": (128, 64, 128), "car": (0, 0, 142), "pole": (0, 0, 80)}
    (root / "training/labels").mkdir(parents=True)
    Image.fromarray(_paint(street(), colors)).quantize(8).save(root / "training/labels/a.png")
    _picture(root / "training/images")


def _bdd_colors(root):
    colors = {c.name: c.color for c in CITY.classes}
    _png(root / "color_labels/train/a_train_color.png", _paint(street(), colors))
    _picture(root / "images/train")


def _bdd_ids(root):
    _png(root / "labels/train/a_train_id.png", street())
    _picture(root / "images/train")


def _label_ids(dtype=np.uint8):
    table = np.zeros(256, dtype)
    for theirs, ours in CITY.label_sets["labelIds"].items():
        if theirs >= 0:
            table[ours] = theirs
    return table[street()]


def _cityscapes(root):
    _png(root / "gtFine/train/ulm/a_gtFine_labelIds.png", _label_ids())
    _picture(root / "leftImg8bit/train/ulm", "a_leftImg8bit.png")


def _cityscapes_train_ids(root):
    _png(root / "gtFine/train/ulm/a_gtFine_labelTrainIds.png", street())
    _picture(root / "leftImg8bit/train/ulm", "a_leftImg8bit.png")


def _datumaro(root):
    """Its Cityscapes: numbers of its own, whose colours are listed."""
    names = ["sky", "road", "car", "pole"]
    colors = {"sky": (1, 1, 90), "road": (2, 60, 2), "car": (50, 0, 0), "pole": (9, 9, 9)}
    root.mkdir(parents=True, exist_ok=True)
    (root / "label_colors.txt").write_text(
        "".join(f"{' '.join(map(str, colors[n]))} {n}\n" for n in ["void", *names] if n in colors) + "0 0 0 void\n"
    )
    ids = np.select([street() == i for i in (SKY, ROAD, CAR, POLE)], [2, 3, 4, 5], 1).astype(np.uint8)
    _png(root / "gtFine/default/a_gtFine_labelIds.png", ids)
    _png(root / "gtFine/default/a_gtFine_color.png", _paint(street(), colors))
    _picture(root / "imgsFine/leftImg8bit/default", "a_leftImg8bit.png")


def _kitti(root):
    _png(root / "training/semantic/a.png", _label_ids(np.uint16))
    _picture(root / "training/image_2", "a.png")


def _ade20k(root):
    ids = np.select([street() == i for i in (SKY, ROAD, CAR, POLE)], [3, 7, 21, 94], 0).astype(np.uint8)
    _png(root / "annotations/training/a.png", ids)
    _picture(root / "images/training")


def _masks(root):
    for number, (name, *box) in enumerate(SHAPES):
        _png(root / f"masks/{number} {name}/a.png", _box_mask(*box) * 255)
    _picture(root / "photos")


def _masks_by_name(root):
    ids = street()
    for i, name in ((SKY, "sky"), (ROAD, "road"), (CAR, "car"), (POLE, "pole")):
        _png(root / f"a_{name}.png", (ids == i).astype(np.uint8) * 255)
    _picture(root)


# {case: (how it is written, format, whether it is found out by the files, instances)}
CASES = {
    "labelme": (_labelme, "labelme", True, True),
    "cityscapes polygons": (_polygons, "cityscapes_polygons", True, True),
    "coco polygons": (_coco_polygons, "coco", True, True),
    "coco uncompressed": (_coco_uncompressed, "coco", True, True),
    "coco compressed": (_coco_compressed, "coco", True, True),
    "coco panoptic": (_panoptic, "coco", True, True),
    "label studio": (_label_studio, "label_studio", True, True),
    "label studio pngs": (_label_studio_pngs, "label_studio", True, True),
    "voc and cvat": (_voc_palette, "voc", True, True),
    "camvid": (_camvid, "camvid", True, False),
    "a2d2": (_a2d2, "painted", True, False),
    "mapillary": (_mapillary, "painted", True, False),
    "bdd100k colours": (_bdd_colors, "cityscapes_colors", True, False),
    "bdd100k": (_bdd_ids, "bdd100k", True, False),
    "cityscapes": (_cityscapes, "cityscapes", True, False),
    "cityscapes trainIds": (_cityscapes_train_ids, "cityscapes_train_ids", True, False),
    "datumaro's cityscapes": (_datumaro, "cityscapes_colors", True, False),
    "datumaro's cityscapes as ids": (_datumaro, "cityscapes", False, False),
    "kitti": (_kitti, "kitti", True, False),
    "ade20k": (_ade20k, "ade20k", False, False),
    "masks in folders": (_masks, "masks", True, False),
    "masks by name": (_masks_by_name, "masks", True, False),
}


@pytest.mark.parametrize("case", CASES)
def test_every_format_gives_the_same_map(tmp_path, case):
    write, name, found_out, instances = CASES[case]
    write(tmp_path / "in")
    for folder in {path.parent for path in (tmp_path / "in").rglob("*.*")}:
        for litter in (".DS_Store", "Thumbs.db", "._a.json", "._a.png", "._a.jpg"):
            (folder / litter).write_bytes(b"x")
    if found_out:
        assert identify(tmp_path / "in") == name
    pictures = reader(name)(tmp_path / "in", tmp_path / "in/photos" if case == "masks in folders" else None)
    assert len(pictures) == 1 and FORMATS[name].instances == instances
    report = import_labels(pictures, CITY, ClassNames(CITY), tmp_path / "out", instances=instances)
    assert report.written == 1 and not report.without_picture
    (path,) = (tmp_path / "out").glob("*/label/*.png")
    label_map = np.asarray(Image.open(path))
    np.testing.assert_array_equal(label_map, street())
    assert None not in report.ids.values(), report.ids
    assert len(list((tmp_path / "out").glob("*/image/*"))) == 1
    if instances:
        inst = np.asarray(Image.open(path.parent.with_name("inst") / path.name))
        np.testing.assert_array_equal(inst > 0, label_map == CAR)


def test_a_brush_is_decoded_as_the_converter_encodes_it():
    expected = np.zeros((6, 8), bool)
    expected[2:5, 3:7] = True
    np.testing.assert_array_equal(decode_run_lengths(BRUSH, 6 * 8 * 4).reshape(6, 8, 4)[..., 3] > 0, expected)
    with pytest.raises(ValueError, match="run lengths of 192 bytes, the picture has 224"):
        decode_run_lengths(BRUSH, 7 * 8 * 4)
    with pytest.raises(ValueError, match="run lengths that end after [0-9]+ of 192 bytes"):
        decode_run_lengths(BRUSH[:8], 6 * 8 * 4)


def test_labelmes_other_shapes_stay_though_thin(tmp_path):
    shapes = [
        {"label": "a", "points": [[5, 5], [8, 9]], "shape_type": "circle"},
        {"label": "b", "points": [[30, 2], [30, 20]], "shape_type": "line"},
        {"label": "c", "points": [[20, 12]], "shape_type": "point"},
        {"label": "d", "points": [[0, 23], [39, 23]], "shape_type": "polygon"},
    ]
    _json(tmp_path / "a.json", {"shapes": shapes, "imagePath": "a.jpg", "imageHeight": HEIGHT, "imageWidth": WIDTH})
    (picture,) = labelme.read(tmp_path, None)
    labels = picture.load()
    found = {labels.names[i]: np.argwhere(labels.numbers == i) for i in np.unique(labels.numbers)}
    assert found["a"].min(0).tolist() == [0, 0] and found["a"].max(0).tolist() == [10, 10]
    assert len(set(found["b"][:, 1])) == 10 and found["c"].max(0).tolist() == [17, 25] and len(found["d"]) == 40
    assert picture.image is None and len(np.unique(labels.instances)) == 5
    for document, message in (
        ({"shapes": [{}]}, "KeyError"),
        ({"shapes": [{"label": "a", "points": [], "shape_type": "x"}]}, "of kind 'x'"),
    ):
        _json(tmp_path / "a.json", {"imagePath": "a.jpg", "imageHeight": 3, "imageWidth": 3} | document)
        with pytest.raises(ValueError, match=f"a.json: not as LabelMe writes it .*{message}"):
            labelme.read(tmp_path, None)[0].load()


def test_colours_that_no_list_knows_are_ignored_and_counted(tmp_path):
    _voc_palette(tmp_path / "in")
    lines = (tmp_path / "in/labelmap.txt").read_text().splitlines()
    (tmp_path / "in/labelmap.txt").write_text("\n".join(line for line in lines if "road" not in line))
    for palette in (True, False):
        if not palette:
            file = tmp_path / "in/SegmentationClass/a.png"
            Image.open(file).convert("RGB").save(file)
        report = import_labels(reader("voc")(tmp_path / "in", None), CITY, ClassNames(CITY), tmp_path / f"out{palette}")
        (unknown,) = [name for name, i in report.ids.items() if i is None]
        assert unknown == "(no class: colour 1,2,3)" and report.pixels[unknown] == (street() == ROAD).sum()
        label_map = np.asarray(Image.open(tmp_path / f"out{palette}/all/label/a.png"))
        np.testing.assert_array_equal(label_map, np.where(street() == ROAD, 255, street()))


def test_pictures_of_one_name_in_several_folders_are_told_apart(tmp_path):
    for name in ("x/0001.jpg", "y/0001.jpg", "y/masks/0001.png", "z/deep/0001.jpg"):
        _picture((tmp_path / name).parent, pathlib.Path(name).name)
    finder = PictureFinder(None, tmp_path)
    labels = tmp_path / "labels.json"
    assert finder.find("y/0001.jpg", labels) == tmp_path / "y/0001.jpg"
    assert finder.find(r"C:\\photos\\x\\0001.png", labels) == tmp_path / "x/0001.jpg"
    assert finder.find("0001.jpg", tmp_path / "z/deep/0001.json") == tmp_path / "z/deep/0001.jpg"
    assert finder.find("http://host/x/0001.jpg?d=1", labels) == tmp_path / "x/0001.jpg"
    assert finder.find("0002.jpg", labels) is None
    with pytest.raises(ValueError, match="labels.json: its picture may be .*0001.jpg or .*0001.jpg; .*--images"):
        finder.find("0001.jpg", labels)
    assert PictureFinder(tmp_path / "y", tmp_path).find("0001.jpg", labels) == tmp_path / "y/0001.jpg"


def test_files_that_their_names_alone_tell(tmp_path):
    for name, expected in (
        ("annotations/training/ADE_train_00000001.png", "ade20k"),
        ("bdd100k/labels/sem_seg/masks/train/0a0a.png", "bdd100k"),
        ("bdd100k/labels/sem_seg/colormaps/train/0a0a.png", "cityscapes_colors"),
        ("plain/a.png", None),
    ):
        _png(tmp_path / name, street())
        assert identify(tmp_path / name) == expected


def test_of_two_versions_of_a_class_list_the_maps_folder_says_which(tmp_path):
    for version, name in (("v1.2", "Car"), ("v2.0", "Bus")):
        labels = [{"name": name, "readable": name, "color": [0, 0, 142]}]
        _json(tmp_path / f"config_{version}.json", {"labels": labels})
        folder = tmp_path / f"training/{version}/labels"
        _png(folder / "a.png", np.full((2, 2, 3), (0, 0, 142), np.uint8))
        assert list(read_class_list(find_class_list(folder)).values()) == [name]
        assert identify(folder / "a.png") == "painted"


def test_broken_files_are_named(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ValueError, match="bad.json: not a readable JSON document"):
        identify(tmp_path / "bad.json")
    (tmp_path / "labelmap.txt").write_text("# nothing\n")
    with pytest.raises(ValueError, match="labelmap.txt: no class and colour in it"):
        read_class_list(tmp_path / "labelmap.txt")
    _coco_polygons(tmp_path / "in")
    file = tmp_path / "in/annotations/instances.json"
    document = json.loads(file.read_text())
    document["annotations"][0]["category_id"] = 99
    _json(file, document)
    with pytest.raises(ValueError, match="instances.json: picture 'a.jpg': not as COCO has it .99"):
        coco.read(file, tmp_path / "in")[0].load()
    with pytest.raises(ValueError, match="unknown format 'xml'"):
        reader("xml")
