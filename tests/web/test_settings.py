"""What a visitor may ask for."""

import pytest

from seg2vid_tf.web.settings import MAX_FRAMES, MAX_VIDEOS, Settings, read_settings


def test_numbers_of_a_form():
    assert read_settings(7.0, "2", 4, None) == Settings(7, 2, 4, None)
    assert read_settings(0, MAX_VIDEOS, MAX_FRAMES, 0, 0.7).temperature == 0
    assert read_settings(0, 1, 1, 0.7, 0.7).temperature is None, "the model's own needs no saying"


def test_looks_of_a_form():
    assert read_settings(0, 1, 1, None, None, "", None, None) == Settings(0, 1, 1), "nothing was chosen"
    assert read_settings(0, 1, 1, None, None, 5.0, ["car"], 6.0) == Settings(0, 1, 1, None, 5, ("car",), 6)
    with pytest.raises(ValueError, match="style seed: a whole number"):
        read_settings(0, 1, 1, None, None, -1)
    with pytest.raises(ValueError, match="seed of their look: a whole number"):
        read_settings(0, 1, 1, None, None, None, ["car"], None)


def test_a_request_in_words():
    assert Settings(7, 1, 4).in_words() == "seed 7, frames 4"
    asked = Settings(7, 3, 4, 0.5, 2, ("car", "bus"), 33)
    assert asked.in_words() == (
        "seeds 7 to 9, frames 4, temperature 0.5, style seed 2, another look for car, bus (seed 33)"
    )


@pytest.mark.parametrize(
    "values, message",
    [
        ((-1, 1, 1), "seed: a whole number"),
        ((1.5, 1, 1), "received 1.5"),
        ((None, 1, 1), "seed"),
        ((float("nan"), 1, 1), "seed"),
        (("1e999", 1, 1), "seed"),
        ((0, MAX_VIDEOS + 1, 1), "videos: a whole number from 1 to 8, received 9"),
        ((0, 1, MAX_FRAMES + 1), "frames"),
        ((0, 1, 1, "warm"), "temperature"),
        ((0, 1, 1, 3), "temperature: a number from 0 to 2"),
    ],
)
def test_out_of_bounds(values, message):
    with pytest.raises(ValueError, match=message):
        read_settings(*values)
