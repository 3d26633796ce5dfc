"""Palette PNGs: whose indices are the ids, whose colours are, and what says so."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.color_map import read_color_map, read_told_map
from seg2vid_tf.annotations.label_map import read_label_map
from seg2vid_tf.annotations.palette import builtin_contradiction, voc_colors
from seg2vid_tf.annotations.spec import SPEC_DIR, AnnotationSpec, load_spec

CITY, CAMVID = load_spec("cityscapes"), load_spec("camvid")
MINE = AnnotationSpec.from_json(
    {
        "name": "mine",
        "ignore_id": 255,
        "classes": [
            {"id": 0, "name": "ground", "color": [128, 64, 128], "foreground": False},
            {"id": 1, "name": "ball", "color": [220, 20, 60], "foreground": True},
            {"id": 2, "name": "sky", "color": [70, 130, 180], "foreground": False},
        ],
        "label_sets": {"theirs": {"7": 0, "26": 1, "23": 2}},
        "color_sets": {"painted": {"1,2,3": 0, "4,5,6": 1, "7,8,9": 2}},
    }
)
IDS = np.uint8([[0, 1, 2, 0], [2, 2, 1, 0]])


def _save(path, indices, colors):
    image = Image.fromarray(np.asarray(indices, np.uint8), "P")
    image.putpalette(np.asarray(colors, np.uint8).ravel().tolist())
    image.save(path)
    return path


OWN = [c.color for c in MINE.classes]
GREY = [[level] * 3 for level in range(256)]
# The palette, and whether its indices may be the ids.
PALETTES = {
    "the spec's colours in order": (OWN, True),
    "the spec's colours in another order": ([OWN[2], OWN[0], OWN[1]], False),
    "one colour at another index": ([OWN[0], OWN[2], [9, 9, 9]], False),
    "a colour set in another order": ([[4, 5, 6], [1, 2, 3], [7, 8, 9]], False),
    "colours of the tool's own": ([[1, 200, 3], [4, 5, 60], [7, 80, 9]], True),
    "grey levels": (GREY, True),
    "grey levels in another order": ([[2] * 3, [0] * 3, [1] * 3], False),
    "grey levels of another label set": ([[7] * 3, [26] * 3, [23] * 3], None),
    "a ramp to be looked at": ([[0] * 3, [100] * 3, [200] * 3], True),
    "Pascal VOC": (voc_colors(), True),
}


@pytest.mark.parametrize("case", PALETTES)
def test_indices_are_taken_for_ids_where_the_colours_do_not_say_otherwise(tmp_path, case):
    colors, accepted = PALETTES[case]
    path = _save(tmp_path / "p.png", IDS, colors)
    if accepted:
        np.testing.assert_array_equal(read_label_map(path, MINE, palette=True), IDS)
        return
    label_ids = "theirs" if accepted is None else None
    with pytest.raises(ValueError, match="p.png: a palette PNG whose indices are not the ids .*index .*--colors=cl"):
        read_label_map(path, MINE, label_ids=label_ids, palette=True)


def test_colors_read_through_the_palette(tmp_path):
    shuffled = _save(tmp_path / "own.png", (IDS + 1) % 3, [OWN[2], OWN[0], OWN[1]])
    for colors in ("", "classes"):
        np.testing.assert_array_equal(read_color_map(shuffled, MINE, colors), IDS)
    painted = _save(tmp_path / "set.png", IDS, [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    np.testing.assert_array_equal(read_told_map(painted, MINE, colors="painted"), IDS)
    levels = _save(tmp_path / "grey.png", (IDS + 1) % 3, [[2] * 3, [0] * 3, [1] * 3])
    np.testing.assert_array_equal(read_told_map(levels, MINE, colors="grey"), IDS)
    theirs = _save(tmp_path / "theirs.png", IDS, [[7] * 3, [26] * 3, [23] * 3])
    np.testing.assert_array_equal(read_told_map(theirs, MINE, colors="grey", label_ids="theirs"), IDS)
    Image.fromarray(np.repeat(IDS[..., None], 3, -1)).save(tmp_path / "rgb.png")
    np.testing.assert_array_equal(read_told_map(tmp_path / "rgb.png", MINE, (4, 8), colors="grey")[::2, ::2], IDS)
    for options, message in (
        ({"colors": "classes", "label_ids": "theirs"}, "ids or colours"),
        ({"colors": "classes", "palette": True}, "leave out palette"),
        ({"colors": "grey"}, r"\(128, 64, 128\) at row 0, column 0"),
    ):
        with pytest.raises(ValueError, match=message):
            read_told_map(shuffled, MINE, **options)


def test_official_palettes_of_other_ids_are_seen(tmp_path):
    """Cityscapes' colours at the places of labelIds are right as labelIds and wrong as trainIds, and CamVid's in VOC's
    colours are right though some of them are a CamVid class's."""
    labels = {theirs: ours for theirs, ours in CITY.label_sets["labelIds"].items()}
    colors = np.zeros((256, 3), np.uint8)
    for theirs, ours in labels.items():
        colors[theirs] = CITY.classes[ours].color
    path = _save(tmp_path / "p.png", [[7, 8, 11, 26]], colors)
    np.testing.assert_array_equal(read_label_map(path, CITY, label_ids="labelIds", palette=True), [[0, 1, 2, 13]])
    with pytest.raises(ValueError, match="index 7 has the colour .* of class 0, 'road'"):
        read_label_map(path, CITY, palette=True)
    path = _save(tmp_path / "voc.png", [range(12)], voc_colors())
    np.testing.assert_array_equal(read_label_map(path, CAMVID, palette=True), [range(12)])


def test_where_the_spec_is_not_known_the_built_in_ones_are_asked():
    specs = [load_spec(path.stem) for path in SPEC_DIR.glob("*.json")]
    city = np.uint8([c.color for c in CITY.classes])
    for palette, says in (
        (city, ""),
        (np.uint8([c.color for c in load_spec("synthetic_street").classes]), ""),
        (np.uint8([c.color for c in load_spec("coco_pose").classes]), ""),
        (np.roll(city, 1, axis=0), "has the colour"),
        (np.uint8([[2] * 3, [0] * 3, [1] * 3]), "grey level 2"),
        (np.uint8(GREY), ""),
        (voc_colors(), ""),
        (np.random.default_rng(0).integers(0, 256, (9, 3), np.uint8), ""),
    ):
        found = builtin_contradiction(palette, np.arange(min(len(palette), 19)), specs)
        assert (says in found) if says else not found


def test_voc_colors_are_the_development_kits():
    known = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)]
    np.testing.assert_array_equal(voc_colors(7), known)
    assert tuple(voc_colors()[255]) == (224, 224, 192)


def test_two_classes_of_one_colour_cannot_be_told_apart(tmp_path):
    document = MINE.to_json()
    document["classes"][2]["color"] = [220, 20, 60]
    twins = AnnotationSpec.from_json(document)
    Image.fromarray(np.uint8([[[128, 64, 128]]])).save(tmp_path / "p.png")
    with pytest.raises(ValueError, match=r"classes 'ball' and 'sky' have one colour, \(220, 20, 60\)"):
        read_color_map(tmp_path / "p.png", twins)
    document["color_sets"]["painted"]["220, 20, 60"] = 1
    decided = AnnotationSpec.from_json(document)
    assert read_color_map(tmp_path / "p.png", decided, "painted").tolist() == [[0]]
    document["color_sets"]["painted"]["220,20,60"] = 2
    with pytest.raises(ValueError, match=r"color set 'painted': \(220, 20, 60\) is there twice, for ids 1 and 2"):
        AnnotationSpec.from_json(document)
    (tmp_path / "twice.json").write_text('{"name": "a", "name": "b", "ignore_id": 255, "classes": []}')
    with pytest.raises(ValueError, match="twice.json: key 'name' comes twice"):
        load_spec(str(tmp_path / "twice.json"))
