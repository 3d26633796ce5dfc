"""Two layers of a painted map."""

import numpy as np

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.web.layers import compose, split

SPEC = load_spec("cityscapes")
ROAD, BUILDING, SKY, PERSON, CAR, NONE = 0, 2, 10, 11, 13, 255


def test_a_thing_taken_away_leaves_no_hole():
    label_map = np.array(
        [
            [SKY, SKY, SKY, SKY, SKY],
            [CAR, CAR, CAR, CAR, CAR],
            [ROAD, CAR, CAR, PERSON, BUILDING],
        ],
        np.uint8,
    )
    surfaces, things = split(label_map, SPEC)
    # The nearest in its row, the left one where both are as near; a row of things takes the row above.
    assert surfaces.tolist() == [[SKY] * 5, [SKY] * 5, [ROAD, ROAD, ROAD, BUILDING, BUILDING]]
    assert things.tolist() == [[NONE] * 5, [CAR] * 5, [NONE, CAR, CAR, PERSON, NONE]]
    np.testing.assert_array_equal(compose(surfaces, things, SPEC), label_map)


def test_ignored_pixels_stay_ignored_and_are_continued_nowhere():
    label_map = np.array([[NONE, CAR, CAR, CAR, ROAD], [NONE, NONE, CAR, NONE, NONE]], np.uint8)
    surfaces, _ = split(label_map, SPEC)
    assert surfaces.tolist() == [[NONE, ROAD, ROAD, ROAD, ROAD], [NONE, NONE, ROAD, NONE, NONE]]


def test_things_alone_have_nothing_behind_them():
    surfaces, things = split(np.full((2, 3), CAR, np.uint8), SPEC)
    assert (surfaces == NONE).all() and (things == CAR).all()
