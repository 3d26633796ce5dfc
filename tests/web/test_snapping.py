"""Colours between those of the classes."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.web.snapping import snap_colors

SPEC = load_spec("cityscapes")
ROAD, BUILDING, SKY, CAR, NONE = 0, 2, 10, 13, 255


def _street():
    label_map = np.full((40, 60), SKY, np.uint8)
    label_map[20:], label_map[8:24, :15], label_map[18:28, 30:44] = ROAD, BUILDING, CAR
    label_map[:3, -6:] = NONE
    return label_map


def test_exact_colours_are_taken_as_they_are():
    label_map = np.resize(np.array([*range(SPEC.num_classes), NONE], np.uint8), (8, 25))
    found, told = snap_colors(colorize(label_map, SPEC), SPEC)
    np.testing.assert_array_equal(found, label_map)
    assert found.dtype == np.uint8 and told == ""


def test_smoothed_edges_become_one_of_the_two_sides():
    """What a paint program does at four times the size, and a browser when it shows it smaller."""
    label_map = _street()
    large = Image.fromarray(colorize(label_map, SPEC)).resize((240, 160), Image.Resampling.NEAREST)
    smooth = np.asarray(large.resize((90, 60), Image.Resampling.BILINEAR))
    found, told = snap_colors(smooth, SPEC)
    assert set(np.unique(found)) == {ROAD, BUILDING, SKY, CAR, NONE}, "no third class between two"
    expected = label_map[(2 * np.arange(60) + 1) * 40 // 120][:, (2 * np.arange(90) + 1) * 60 // 180]
    assert (found != expected).mean() < 0.03
    assert " pixels have a colour of no class" in told


def test_the_class_beside_a_pixel_wins_over_a_closer_colour_from_elsewhere():
    picture = np.zeros((1, 20, 3), np.uint8)
    picture[:, :5], picture[:, 5:] = SPEC.classes[SKY].color, SPEC.classes[ROAD].color
    fence = np.array(SPEC.classes[4].color)
    picture[:, 19], picture[:, 5] = fence, fence + 1
    found, told = snap_colors(picture, SPEC)
    assert found[0, 5] in (SKY, ROAD) and found[0, 19] == 4
    assert told.startswith("1 pixel has a colour of no class") and "(191, 154, 154) to" in told


def test_a_colour_far_from_anything_exact_takes_the_closest():
    picture = np.full((9, 9, 3), SPEC.classes[SKY].color, np.uint8)
    picture[2:7, 2:7] = np.array(SPEC.classes[CAR].color) + 2
    found, _ = snap_colors(picture, SPEC)
    assert found[4, 4] == SKY or found[4, 4] == CAR
    picture = np.full((15, 15, 3), SPEC.classes[SKY].color, np.uint8)
    picture[2:12, 2:12] = np.array(SPEC.classes[CAR].color) + 2
    assert snap_colors(picture, SPEC)[0][7, 7] == CAR


def test_a_photograph_is_refused():
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)
    with pytest.raises(ValueError, match="100 % of its pixels"):
        snap_colors(noise, SPEC)
