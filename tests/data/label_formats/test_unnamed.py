"""Maps of one's own numbers or colours: what is in them gets the names that --map is given."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.label_formats import unnamed

MAP = np.array([[0, 0, 7], [300, 7, 7]], np.uint16)


def _labels(path, colors):
    (picture,) = unnamed.read(path, None, colors)
    labels = picture.load()
    return np.vectorize(labels.names.get)(labels.numbers).tolist()


def test_numbers_grey_of_16_bits_and_palette(tmp_path):
    Image.fromarray(MAP).save(tmp_path / "a.png")
    assert _labels(tmp_path / "a.png", False) == [["0", "0", "7"], ["300", "7", "7"]]
    image = Image.fromarray(np.uint8(MAP % 256), "P")
    image.putpalette([9] * 768)
    image.save(tmp_path / "b.png")
    assert _labels(tmp_path / "b.png", False) == [["0", "0", "7"], ["44", "7", "7"]]


def test_colours_are_named_so_that_no_two_mean_the_same_without_their_signs(tmp_path):
    colors = np.array([[[10, 20, 250], [102, 0, 250]]], np.uint8)
    Image.fromarray(colors).save(tmp_path / "a.png")
    assert _labels(tmp_path / "a.png", True) == [["010-020-250", "102-000-250"]]


@pytest.mark.parametrize("colors", [False, True])
def test_a_photo_is_no_map(tmp_path, colors):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    picture = noise if colors else np.arange(4096, dtype=np.uint16).reshape(64, 64)
    Image.fromarray(picture).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="a.png: [0-9]+ different (colours|numbers), a map has a few"):
        _labels(tmp_path / "a.png", colors)
