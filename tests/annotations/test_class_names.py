"""Classes by the names that others give them."""

import pytest

from seg2vid_tf.annotations.class_names import ClassNames, plain
from seg2vid_tf.annotations.spec import load_spec

CITY, CAMVID = load_spec("cityscapes"), load_spec("camvid")


def test_case_spaces_signs_and_numbers_do_not_count():
    assert plain("Traffic_Light") == plain("traffic light") == plain("trafficLIGHTS") == "trafficlight"
    assert plain("Car 1") == plain("cars") == "car" and plain("grass") == "grass" and plain("bus") == "bus"


@pytest.mark.parametrize(
    ("spec", "theirs", "ours"),
    [
        (CITY, "Pavement", "sidewalk"), (CITY, "tree", "vegetation"), (CITY, "Pedestrian", "person"),
        (CITY, "cargroup", "car"), (CITY, "LaneMkgsDriv", "road"), (CITY, "column_pole", "pole"),
        (CITY, "MotorcycleScooter", "motorcycle"), (CITY, "Traffic Sign (Front)", "traffic sign"),
        (CAMVID, "Sidewalk", "pavement"), (CAMVID, "vegetation", "tree"), (CAMVID, "Rider", "bicyclist"),
        (CAMVID, "bridge", "building"),
    ],
)  # fmt: skip
def test_synonyms_go_to_the_specs_own_name(spec, theirs, ours):
    assert ClassNames(spec).id_of(theirs) == next(c.id for c in spec.classes if c.name == ours)


def test_void_unknown_and_given_names():
    names = ClassNames(CITY, {"My Car": "car", "moving thing": "ignored", "road": "terrain"})
    assert names.id_of("unlabeled") == names.id_of("") == names.id_of("_background_") == 255
    assert names.id_of("unicorn") is None
    assert [names.id_of(name) for name in ("my_car", "Moving Things", "road")] == [13, 255, 9]
    # On the spec's side, too, another name of a class means it.
    assert ClassNames(CITY, {"4": "pavement", "5": "Tree"}).id_of("4") == 1
    with pytest.raises(ValueError, match="--map=x:y: spec 'cityscapes' has no class 'y'"):
        ClassNames(CITY, {"x": "y"})


def _spec(**names):
    """Cityscapes with other names, {id: name}."""
    document = CITY.to_json()
    for i, name in names.items():
        document["classes"][int(i[1:])]["name"] = name
    return type(CITY).from_json(document)


def test_digits_count_where_a_name_with_them_is_known():
    names = ClassNames(_spec(c8="zone 1", c9="zone 2"), {"Truck 1": "truck", "Truck 2": "ignored", "plot": "Zone_2"})
    assert [names.id_of(name) for name in ("Zone_1", "zone 2", "PLOT", "plot 7")] == [8, 9, 9, 9]
    assert [names.id_of(name) for name in ("truck 1", "Truck-2", "truck", "cars 3")] == [14, 255, 14, 13]
    with pytest.raises(ValueError, match=r"'zones' may be any of \['zone 1', 'zone 2'\] of spec 'cityscapes'"):
        names.id_of("zones")
    with pytest.raises(ValueError, match=r"'truck 3' may be any of \['Truck 1', 'Truck 2'\] of --map"):
        names.id_of("truck 3")
    with pytest.raises(ValueError, match="'zone' may be any of"):
        ClassNames(_spec(c8="zone 1", c9="zone 2"), {"area": "zone"})
    with pytest.raises(ValueError, match="--map: 'bus_1' and another name differ in nothing but case, spaces and sig"):
        ClassNames(CITY, {"Bus 1": "bus", "bus_1": "car"})


def test_letters_beyond_english_count():
    names = ClassNames(_spec(c8="道路a"))
    assert names.id_of("道路A 1") == 8 and names.id_of("人a") is None


def test_a_spec_that_has_two_of_a_row_takes_each_for_itself():
    document = CITY.to_json()
    document["classes"][9]["name"] = "tree"
    both = ClassNames(type(CITY).from_json(document))
    assert both.id_of("tree") == 9 and both.id_of("vegetation") == 8 and both.id_of("plant") == 8
