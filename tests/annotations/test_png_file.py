"""PNGs of numbers, written fast."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.png_file import grey_png, read_ids_png, read_packed_png, read_rgb_png


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_fast_png_holds_what_was_given(tmp_path, dtype):
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, (7, 13)).astype(dtype)
    (tmp_path / "a.png").write_bytes(grey_png(values[:, ::2]))
    np.testing.assert_array_equal(read_ids_png(tmp_path / "a.png", depths=(8, 16)), values[:, ::2])
    with Image.open(tmp_path / "a.png") as image:
        image.verify()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_packed_colours_are_those_that_are_shown(tmp_path, mode):
    picture = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    Image.fromarray(picture).convert(mode).save(tmp_path / "a.png")
    shown, packed = read_rgb_png(tmp_path / "a.png"), read_packed_png(tmp_path / "a.png")
    assert packed.dtype == np.uint32 and packed.shape == (5, 7)
    for channel in range(3):
        np.testing.assert_array_equal(packed >> (8 * channel) & 255, shown[..., channel])
    with pytest.raises(ValueError, match="8-bit grey PNG, expected 8-bit RGB"):
        (tmp_path / "grey.png").write_bytes(grey_png(picture[..., 0]))
        read_packed_png(tmp_path / "grey.png")
