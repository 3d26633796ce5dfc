"""Label map files and arrays: round trips, hand-computed resizes, and every refusal of the bad-input list."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from seg2vid_tf.annotations.color_map import read_color_map
from seg2vid_tf.annotations.label_map import (
    colorize,
    read_label_map,
    resize_label_map,
    shown_classes,
    validate_label_map,
    write_label_map,
)
from seg2vid_tf.annotations.spec import load_spec

CITY = load_spec("cityscapes")
STREET = load_spec("synthetic_street")
IDS = np.array([[0, 1, 2, 3, 18], [11, 12, 13, 255, 0]], np.uint8)


def _save(path, array, **options):
    Image.fromarray(array).save(path, **options)
    return path


def test_write_and_read_are_lossless_and_leave_no_other_file(tmp_path):
    write_label_map(tmp_path / "a.png", IDS)
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.png", CITY), IDS)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "L"


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 5, 18, 255])))
@settings(deadline=None, max_examples=20, derandomize=True)
def test_any_label_map_survives_the_round_trip(tmp_path_factory, label_map):
    path = tmp_path_factory.mktemp("round_trip") / "a.png"
    write_label_map(path, label_map)
    np.testing.assert_array_equal(read_label_map(path, CITY), label_map)


def test_label_set_is_mapped_and_unlisted_ids_are_ignored(tmp_path):
    path = _save(tmp_path / "a.png", np.array([[7, 8, 26, 33, 0, 3]], np.uint8))
    np.testing.assert_array_equal(read_label_map(path, CITY, label_ids="labelIds"), [[0, 1, 13, 18, 255, 255]])
    with pytest.raises(ValueError, match=r"unknown label set 'labelId'.*\['camvid', 'labelIds', 'syn.*'trainIds'\]"):
        read_label_map(path, CITY, label_ids="labelId")


def test_palette_file_gives_its_indices_where_told_so(tmp_path):
    image = Image.fromarray(IDS)
    image = image.convert("P") if image.mode != "P" else image
    image.putpalette(sum(([i, 255 - i, 7] for i in range(256)), []))
    image.save(tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as saved:
        expected = np.asarray(saved)
        assert saved.mode == "P"
    np.testing.assert_array_equal(read_label_map(tmp_path / "p.png", CITY, palette=True), expected)
    np.testing.assert_array_equal(expected, IDS)
    with pytest.raises(ValueError, match="p.png: 8-bit palette PNG, expected 8-bit grey; .*palette=True.* --palette"):
        read_label_map(tmp_path / "p.png", CITY)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: _save(p, np.zeros((4, 4, 3), np.uint8)), "8-bit RGB PNG, expected 8-bit grey"),
        (lambda p: _save(p, np.zeros((4, 4, 4), np.uint8)), "RGB with alpha"),
        (lambda p: _save(p, np.zeros((4, 4, 2), np.uint8)), "grey with alpha"),
        (lambda p: _save(p, np.zeros((4, 4), np.uint16)), "16-bit grey PNG"),
        (lambda p: _save(p, np.zeros((4, 4), bool)), "1-bit grey PNG"),
        (lambda p: _save(p, np.zeros((4, 4), np.uint8), format="JPEG"), "not a PNG file .a JPEG file"),
        (lambda p: p.write_bytes(b"hello"), "not a PNG file .first bytes b'hello'"),
        (lambda p: p.write_bytes(b""), "not a PNG file"),
    ],
)
def test_other_kinds_of_file_are_refused(tmp_path, make, message):
    path = tmp_path / "bad.png"
    make(path)
    with pytest.raises(ValueError, match=f"bad.png: .*{message}.*save the class ids as an 8-bit grey PNG"):
        read_label_map(path, CITY)


def test_missing_truncated_and_huge_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="none.png: no such file"):
        read_label_map(tmp_path / "none.png", CITY)
    noise = np.random.default_rng(0).integers(0, 19, (64, 64), np.uint8)
    data = _save(tmp_path / "whole.png", noise).read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="cut.png: damaged or truncated PNG"):
        read_label_map(tmp_path / "cut.png", CITY)
    (tmp_path / "bomb.png").write_bytes(png_bomb(12000))
    with pytest.raises(ValueError, match="bomb.png: 12000x12000 pixels, expected at most 8192x8192"):
        read_label_map(tmp_path / "bomb.png", CITY)


def png_bomb(side):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    )


def test_unknown_ids_are_named_with_the_way_out(tmp_path):
    path = _save(tmp_path / "a.png", np.array([[0, 24, 33]], np.uint8))
    with pytest.raises(
        ValueError, match=r"a.png: ids \[24, 33\] are not in spec 'cityscapes'.*--label_ids=labelIds, or give"
    ):
        read_label_map(path, CITY)
    with pytest.raises(ValueError, match=r"ids \[77\] are not in spec 'cityscapes' .*--format=own_numbers"):
        read_label_map(_save(tmp_path / "b.png", np.array([[0, 77]], np.uint8)), CITY)
    with pytest.raises(ValueError, match=r"ids \[9\] are not in spec 'synthetic_street' \(0..8, 255 = ignored\)"):
        validate_label_map(np.full((2, 6), 9), STREET)
    with pytest.raises(ValueError, match="masks of 0 and 255, one file a class, .* import_labels.py --format=masks"):
        validate_label_map(np.array([[0, 255]]), load_spec("camvid"))
    with pytest.raises(ValueError, match=r"ids \[-1, 300\]"):
        validate_label_map(np.array([[-1, 0, 300]]), STREET)


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        (np.zeros((4, 6), np.float32), "dtype float32, expected uint8 class ids"),
        (np.zeros((4, 6), bool), "dtype bool"),
        (np.zeros((4, 6, 3), np.uint8), r"shape \[4, 6, 3\].*not a colour picture"),
        (np.zeros((1, 4, 6, 9), np.uint8), r"shape \[1, 4, 6, 9\].*one-hot"),
        (np.zeros((6,), np.uint8), r"shape \[6\]"),
        (np.zeros((0, 6), np.uint8), r"shape \[0, 6\]"),
        (np.zeros((2, 4, 8), np.uint8), "size 4x8 .height x width., expected 4x6"),
    ],
)
def test_arrays_that_are_no_label_map_are_refused(label_map, message):
    with pytest.raises(ValueError, match=f"style_map: .*{message}"):
        validate_label_map(label_map, STREET, (4, 6), name="style_map")


def test_other_integers_are_cast_and_batches_kept():
    out = validate_label_map(np.array([[[0, 8, 255, 1, 2]]], np.int64), STREET, (1, 5))
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, [[[0, 8, 255, 1, 2]]])
    # A label map three pixels wide is told from a colour picture by the size asked for.
    assert validate_label_map(np.zeros((2, 5, 3), np.uint8), STREET, (5, 3)).shape == (2, 5, 3)


def test_what_a_map_shows_is_told_the_largest_first():
    spec = load_spec("synthetic_street")
    label_map = np.full([10, 10], 3, np.uint8)
    label_map[0], label_map[1, :5] = spec.ignore_id, 0
    names = [spec.classes[i].name for i in (3, 0)]
    assert shown_classes(label_map, spec) == f"{names[0]} 85%, ignored 10%, {names[1]} 5%"
    assert shown_classes(label_map, spec, most=1) == f"{names[0]} 85%, ..."


def test_resize_samples_at_pixel_centres():
    row = np.array([[0, 1, 2, 3, 4, 5]], np.uint8)
    # Centres of 3 out pixels over 6 in pixels: 1.0, 3.0, 5.0; of 4: 0.75, 2.25, 3.75, 5.25.
    np.testing.assert_array_equal(resize_label_map(row, (1, 3)), [[1, 3, 5]])
    np.testing.assert_array_equal(resize_label_map(row, (1, 4)), [[0, 2, 3, 5]])
    np.testing.assert_array_equal(resize_label_map(row[:, :2], (2, 4)), [[0, 0, 1, 1]] * 2)
    np.testing.assert_array_equal(resize_label_map(row, (1, 6)), row)
    with pytest.raises(ValueError, match="positive"):
        resize_label_map(row, (0, 4))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5))
@settings(deadline=None, max_examples=25, derandomize=True)
def test_enlarging_and_shrinking_by_one_factor_is_the_identity(height, width, factor):
    label_map = np.random.default_rng(height * 13 + width).integers(0, 9, (2, height, width), np.uint8)
    larger = resize_label_map(label_map, (height * factor, width * factor))
    np.testing.assert_array_equal(larger, label_map.repeat(factor, 1).repeat(factor, 2))
    np.testing.assert_array_equal(resize_label_map(larger, (height, width)), label_map)


def test_read_resizes(tmp_path):
    path = _save(tmp_path / "a.png", np.array([[0, 1, 2, 3]] * 4, np.uint8))
    np.testing.assert_array_equal(read_label_map(path, STREET, (2, 2)), [[1, 3], [1, 3]])


def test_write_refuses_what_is_no_label_map(tmp_path):
    with pytest.raises(ValueError, match=r"received float64 \[2, 2\]"):
        write_label_map(tmp_path / "a.png", np.zeros((2, 2)))
    with pytest.raises(ValueError, match="name it \\*.png"):
        write_label_map(tmp_path / "a.jpg", IDS)
    assert not list(tmp_path.iterdir())


def test_colorize_uses_the_colours_of_the_spec_and_black():
    np.testing.assert_array_equal(
        colorize(np.array([[[0, 13, 255]]], np.uint8), CITY), [[[[128, 64, 128], [0, 0, 142], [0, 0, 0]]]]
    )
    with pytest.raises(ValueError, match=r"ids \[19\]"):
        colorize(np.array([[19]], np.uint8), CITY)


def test_painted_maps_become_ids_by_their_exact_colours(tmp_path):
    spec = load_spec("camvid")
    # Sky, road, lane markings (a class of its own there, road here), van (car), void; sidewalk is painted otherwise.
    colors = [(128, 128, 128), (128, 64, 128), (128, 0, 192), (64, 128, 192), (0, 0, 0), (0, 0, 192)]
    path = tmp_path / "map.png"
    Image.fromarray(np.tile(np.uint8([colors]), (2, 1, 1))).save(path)
    np.testing.assert_array_equal(read_color_map(path, spec, "camvid32"), [[0, 3, 3, 8, 11, 4]] * 2)
    with pytest.raises(
        ValueError, match=r"map.png: 8 pixels of colours .*\(128, 0, 192\) at row 0, column 2.*camvid32"
    ):
        read_color_map(path, spec)
    with pytest.raises(ValueError, match=r"unknown colour set 'x': spec 'camvid' has \['camvid32'\]"):
        read_color_map(path, spec, "x")
    own = np.uint8([[c.color for c in spec.classes]])
    Image.fromarray(own).save(path)
    np.testing.assert_array_equal(read_color_map(path, spec), [range(11)])
    for image, message in (
        (Image.fromarray(np.dstack([own, own[..., :1]]), "RGBA"), "11 pixels are transparent"),
        (Image.fromarray(own[..., 0]), "8-bit grey PNG, expected 8-bit RGB"),
    ):
        image.save(path)
        with pytest.raises(ValueError, match=message):
            read_color_map(path, spec)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match="map.png: "):
        read_color_map(path, spec)
