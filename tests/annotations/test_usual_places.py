"""Which set a map's ids are of, on maps that were not counted, and on drawn ones."""

import pathlib
import warnings

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.doubts import MapWarning, set_doubt, warn_of_doubts
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.annotations.usual_places import better_encoding, encoding_of, scores

DATA = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
CITY, CAMVID = load_spec("cityscapes"), load_spec("camvid")


def _street(spec, sky, building, road, car):
    """A street in miniature: sky above houses, above a road with a car on it."""
    ids = {c.name: c.id for c in spec.classes}
    picture = np.full((64, 128), ids[building], np.uint8)
    picture[:16], picture[40:] = ids[sky], ids[road]
    picture[36:48, 40:60] = ids[car]
    return picture


CITY_STREET, CAMVID_STREET = (_street(spec, "sky", "building", "road", "car") for spec in (CITY, CAMVID))
LABEL_IDS = np.zeros(256, np.uint8)
for _theirs, _ours in CITY.label_sets["labelIds"].items():
    LABEL_IDS[_ours] = _theirs


def test_a_street_is_known_by_its_places():
    for ids, name in ((CITY_STREET, "cityscapes"), (CAMVID_STREET, "camvid"), (LABEL_IDS[CITY_STREET], "labelIds")):
        found = scores(ids)
        assert max(found, key=found.get) == name
        large = scores(ids.repeat(16, 0).repeat(16, 1))
        assert large == pytest.approx(found, abs=0.05), "whatever its size"


def test_ids_of_another_set_are_told_with_its_name():
    assert better_encoding(CAMVID_STREET, CITY, None) == "camvid"
    assert better_encoding(CITY_STREET, CAMVID, None) == "cityscapes"
    assert better_encoding(LABEL_IDS[CITY_STREET], CITY, "trainIds") == "labelIds"
    for ids, spec, label_ids in (
        (CITY_STREET, CITY, None), (CITY_STREET, CITY, "trainIds"), (LABEL_IDS[CITY_STREET], CITY, "labelIds"),
        (CAMVID_STREET, CAMVID, None), (CAMVID_STREET, CITY, "camvid"), (CITY_STREET, load_spec("kitti"), None),
    ):  # fmt: skip
        assert better_encoding(ids, spec, label_ids) == ""
    assert better_encoding(np.where(CITY_STREET == 13, 255, 0), CITY, None) == "", "a mask is of any set"
    assert "'camvid' better than spec 'cityscapes'" in set_doubt(CAMVID_STREET, CITY)
    assert set_doubt(CAMVID_STREET, CITY, "labelIds").endswith("give --label_ids=camvid")
    assert set_doubt(CITY_STREET, CAMVID).endswith("give --label_ids=cityscapes")
    with pytest.warns(MapWarning, match="map.png: its ids fit 'camvid'"):
        warn_of_doubts(CAMVID_STREET, CITY, "map.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_doubts(CITY_STREET, CITY, "map.png")


def test_of_a_spec_of_ones_own_nothing_is_known():
    document = CITY.to_json()
    document["classes"] = document["classes"][:3]
    document["label_sets"] = {}
    mine = type(CITY).from_json(document)
    assert encoding_of(mine, None) is None and set_doubt(CAMVID_STREET, mine) == ""


@pytest.mark.parametrize(
    ("folder", "pattern", "spec", "label_ids", "right"),
    [
        ("cityscapes_pairs_256", "zurich*", CITY, None, "cityscapes"),
        ("camvid_stills", "0006R0*", CAMVID, None, "camvid"),
        ("cityscapes_seq/seq0003", "*", CITY, "labelIds", "labelIds"),
    ],
)
def test_real_maps_that_were_not_counted(folder, pattern, spec, label_ids, right):
    files = sorted((DATA / folder / "label").glob(f"{pattern}.png"))[::5]
    if not files:
        pytest.skip(f"needs ../shared/data/{folder}")
    for file in files:
        ids = np.asarray(Image.open(file))
        assert better_encoding(ids, spec, label_ids) == ""
        wrong = "labelIds" if right != "labelIds" else None
        assert better_encoding(ids, CITY, wrong) == right
