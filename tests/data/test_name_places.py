"""Where a number lies is what is lit on its tile."""

import numpy as np
from PIL import Image

from seg2vid_tf.data import name_places
from seg2vid_tf.data.name_places import place, sheet


def test_a_tile_lights_the_number_on_its_picture(tmp_path):
    Image.fromarray(np.full((60, 120, 3), 200, np.uint8)).save(tmp_path / "photo.png")
    numbers = np.full((60, 120), 7, np.uint16)
    numbers[:30], numbers[45, 3] = 40000, 2
    places = {str(n): (place(numbers, n, tmp_path / "photo.png"), float((numbers == n).mean())) for n in (2, 7, 40000)}
    assert [places[n][0].pixels for n in ("2", "7", "40000")] == [1, 3599, 3600]
    picture = sheet(places)
    assert picture.shape == (18 + 120, 3 * 240 + 2 * 8, 3)
    tiles = [picture[18:, left : left + 240] for left in (0, 248, 496)]  # the largest first
    lit = [tile[..., 0] > tile[..., 2].astype(int) + 50 for tile in tiles]
    np.testing.assert_array_equal(lit[0], np.arange(120)[:, None].repeat(240, 1) < 60)
    np.testing.assert_array_equal(np.argwhere(lit[2]).min(axis=0), (90, 6), "a single pixel stays")
    assert (tiles[0][-1] == 100).all(), "the rest is the picture, dark"


def test_many_numbers_and_pictures_that_cannot_be_read_still_make_a_sheet(monkeypatch, tmp_path):
    monkeypatch.setattr(name_places, "MOST_TILES", 5)
    numbers = np.arange(8, dtype=np.uint8).repeat(8).reshape(8, 8)
    places = {f"{n}\N{SNOWMAN}": (place(numbers, n, tmp_path / "absent.jpg"), 1 / 8) for n in range(8)}
    assert sheet(places).shape == (2 * (240 + 18) + 8, 4 * 240 + 3 * 8, 3)
