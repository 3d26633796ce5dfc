"""Numbers and colours from every kind of file that keeps them, and none from those that lose some."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.color_map import read_color_map
from seg2vid_tf.annotations.label_map import colorize, read_label_map
from seg2vid_tf.annotations.map_file import read_ids, read_palette, read_rgb
from seg2vid_tf.annotations.spec import load_spec

CITY = load_spec("cityscapes")
IDS = np.repeat(np.repeat(np.array([[0, 1, 2, 255], [10, 13, 18, 0]], np.uint8), 8, 0), 8, 1)
ENDINGS = (".png", ".tif", ".bmp", ".webp")


def _save(image, path, **options):
    image.save(path, **({"lossless": True} if path.suffix == ".webp" else {}), **options)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_numbers_and_colours_come_back(tmp_path, ending):
    path = _save(Image.fromarray(IDS), tmp_path / f"ids{ending}")
    np.testing.assert_array_equal(read_label_map(path, CITY), IDS)
    ids = np.where(IDS == 255, 0, IDS)
    path = _save(Image.fromarray(colorize(ids, CITY)), tmp_path / f"colors{ending}")
    np.testing.assert_array_equal(read_color_map(path, CITY), ids)
    with pytest.raises(ValueError, match=f"colors{ending}: .*(RGB|mode RGB).*8-bit grey"):
        read_ids(path)


@pytest.mark.parametrize("ending", ENDINGS[:3])
def test_palettes_are_read_where_they_are_asked_for(tmp_path, ending):
    image = Image.fromarray(IDS % 19)
    image.putpalette(np.array([c.color for c in CITY.classes], np.uint8).ravel().tolist())
    path = _save(image, tmp_path / f"a{ending}")
    np.testing.assert_array_equal(read_ids(path, allow_palette=True), IDS % 19)
    np.testing.assert_array_equal(read_rgb(path), colorize(IDS % 19, CITY))
    np.testing.assert_array_equal(read_palette(path)[:19], [c.color for c in CITY.classes])
    with pytest.raises(ValueError, match="palette|mode P"):
        read_ids(path)
    mixed = Image.fromarray(IDS % 19)
    mixed.putpalette([v for c in reversed(CITY.classes) for v in c.color])
    with pytest.raises(ValueError, match="whose indices are not the ids that it shows"):
        read_label_map(_save(mixed, tmp_path / f"b{ending}"), CITY, palette=True)


def test_sixteen_bits_and_every_lossless_compression_of_tiff(tmp_path):
    numbers = IDS.astype(np.uint16) * 257
    np.testing.assert_array_equal(
        read_ids(_save(Image.fromarray(numbers), tmp_path / "a.tif"), depths=(8, 16)), numbers
    )
    with pytest.raises(ValueError, match="a.tif: TIFF of mode I;16, expected 8-bit grey"):
        read_ids(tmp_path / "a.tif")
    for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits", "tiff_adobe_deflate"):
        path = _save(Image.fromarray(IDS), tmp_path / f"{compression}.tif", compression=compression)
        np.testing.assert_array_equal(read_ids(path), IDS)


def _jpeg_tiff(path):
    Image.fromarray(IDS).save(path, compression="jpeg")


def _pages(path):
    Image.fromarray(IDS).save(path, save_all=True, append_images=[Image.fromarray(IDS[:8])])


def _inverted(path):
    Image.fromarray(IDS).save(path, tiffinfo={262: 0})


def _large(path):
    Image.fromarray(np.zeros((1, 8193), np.uint8)).save(path)


def _transparent(path):
    Image.fromarray(np.dstack([IDS, IDS, IDS, IDS // 2])).save(path, lossless=True)


REFUSED = {
    "lossy.webp": (lambda path: Image.fromarray(IDS).save(path), "WEBP file whose compression loses pixels"),
    "lossy_with_tags.webp": (
        lambda path: Image.fromarray(np.dstack([IDS] * 3 + [IDS])).save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
        "WEBP file whose compression loses pixels",
    ),
    "jpeg.tif": (_jpeg_tiff, "TIFF file whose compression loses pixels"),
    "pages.tif": (_pages, "2 pages or frames"),
    "inverted.tif": (_inverted, "stored inverted"),
    "large.bmp": (_large, "8193x1 pixels, expected at most"),
    "float.tif": (lambda path: Image.fromarray(IDS.astype(np.float32)).save(path), "TIFF of mode F, expected 8-bit"),
    "transparent.webp": (_transparent, "WEBP of mode RGBA, expected 8-bit grey"),
    "cut.bmp": (lambda path: path.write_bytes(b"BM" + bytes(9)), "damaged or truncated BMP"),
    "jpeg.bmp": (lambda path: Image.fromarray(IDS).save(path, "JPEG"), r"not a PNG file \(a JPEG file\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_loses_numbers_is_refused_by_name(tmp_path, name):
    make, message = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name}: .*{message}"):
        read_ids(tmp_path / name)
