"""Folders of frames: exact values, resizing, numbering, and every way a folder can be wrong."""

import functools
import pathlib
import re

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.frame_folder import FrameFolder
from seg2vid_tf.data.pictures import aspect_crop, exif_orientation, read_frame, resize_frame
from seg2vid_tf.data.shard_writer import write_shards

SPEC = load_spec("synthetic_street")
SIZE = (8, 12)
DATA = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data"


def _only(folder):
    (clip,) = folder
    return clip


def test_lossless_frames_come_back_exactly(tmp_path, make_clip, write_sequence):
    clip = make_clip("walk")
    write_sequence(tmp_path / "walk", clip)
    folder = FrameFolder(tmp_path, SPEC, SIZE)
    assert folder.clip_ids == ("walk",) and len(folder) == 1
    for read in (_only(folder), _only(FrameFolder(tmp_path / "walk", SPEC, SIZE))):
        assert read.clip_id == "walk"
        for name in ("frames", "label_maps", "instance_maps"):
            np.testing.assert_array_equal(getattr(read, name), getattr(clip, name))


def test_frames_shrink_by_area_and_maps_by_nearest(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=1)
    write_sequence(tmp_path / "a", clip)
    read = _only(FrameFolder(tmp_path, SPEC, (4, 6)))
    mean = clip.frames[0].reshape(4, 2, 6, 2, 3).mean((1, 3))
    assert np.abs(read.frames[0] - mean).max() <= 1  # Pillow rounds after each of the two axes
    np.testing.assert_array_equal(read.label_maps[0], clip.label_maps[0, 1::2, 1::2])
    np.testing.assert_array_equal(read.instance_maps[0], clip.instance_maps[0, 1::2, 1::2])


def test_palette_label_maps_give_their_indices(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=1)
    write_sequence(tmp_path / "a", clip)
    image = Image.fromarray(clip.label_maps[0])
    image.putpalette(bytes(range(256)) * 3)
    image.save(tmp_path / "a/label/0000.png")
    np.testing.assert_array_equal(_only(FrameFolder(tmp_path, SPEC, SIZE)).label_maps, clip.label_maps)


def test_jpeg_grey_frames_and_no_instances(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=2, with_instances=False)
    write_sequence(tmp_path / "a", clip, suffix=".jpg")
    Image.fromarray(clip.frames[1, ..., 0]).save(tmp_path / "a/image/0001.jpg", quality=95)
    read = _only(FrameFolder(tmp_path, SPEC, SIZE))
    assert read.instance_maps is None
    np.testing.assert_array_equal(read.frames[1, ..., 0], read.frames[1, ..., 2])


def test_long_runs_are_cut_and_sequences_chosen(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=5)
    for name in ("b", "a"):
        write_sequence(tmp_path / name, clip)
    folder = FrameFolder(tmp_path, SPEC, SIZE, max_length=2, sequences=["b"])
    assert folder.clip_ids == ("b_00000000", "b_00000002", "b_00000004")
    np.testing.assert_array_equal(np.concatenate([c.frames for c in folder]), clip.frames)
    whole = FrameFolder(tmp_path, SPEC, SIZE)
    assert whole.clip_ids == ("a", "b")
    assert [folder.recording("b_00000002"), whole.recording("b")] == ["b", "b"]


def test_prefixes_left_out_are_the_others_of_those_taken(tmp_path, make_clip, write_sequence):
    stems = ["ulm_000000_000019", "ulm_000001_000019", "ulmen_000000_000019", "bonn_000000_000019"]
    write_sequence(tmp_path / "s", make_clip(length=4), stems=stems)
    read = functools.partial(FrameFolder, tmp_path, SPEC, SIZE, stills=True)
    left = {clip_id.removeprefix("s_") for clip_id in read(exclude_prefixes=["ulm"]).clip_ids}
    taken = {clip_id.removeprefix("s_") for clip_id in read(prefixes=["ulm"]).clip_ids}
    assert left == {"ulmen_000000_000019", "bonn_000000_000019"} and taken == set(stems) - left
    with pytest.raises(ValueError, match=r"no frames with prefixes \['Ulm'\]; it has \['bonn_000000', 'ulm_000000'"):
        read(exclude_prefixes=["ulm", "Ulm"])
    with pytest.raises(ValueError, match=r"no frames are left without the prefixes \['ulm', 'ulmen', 'bonn'\]"):
        read(exclude_prefixes=["ulm", "ulmen", "bonn"])
    with pytest.raises(ValueError, match=r"give prefixes \['ulm'\] to take or exclude_prefixes \['bonn'\]"):
        read(prefixes=["ulm"], exclude_prefixes=["bonn"])


@pytest.mark.parametrize(("kind", "says"), [("WEBP", "it holds a WEBP picture"), ("GIF", "it holds a GIF picture")])
def test_a_picture_of_another_kind_behind_its_name_is_told(tmp_path, make_clip, write_sequence, kind, says):
    clip = make_clip(length=1)
    write_sequence(tmp_path / "a", clip, suffix=".jpg")
    Image.fromarray(clip.frames[0]).save(tmp_path / "a/image/0000.jpg", format=kind)
    with pytest.raises(ValueError, match=rf"0000.jpg: not a readable JPEG or PNG frame \({says}, whatever"):
        _only(FrameFolder(tmp_path, SPEC, SIZE))


@pytest.mark.parametrize("ending", [".bmp", ".tif", ".TIFF", ".webp"])
def test_frames_and_maps_of_other_kinds_come_back_exactly(tmp_path, make_clip, write_sequence, ending):
    clip = make_clip(length=2, with_instances=False)
    write_sequence(tmp_path / "a", clip)
    for path in tmp_path.glob("a/*/*.png"):
        with Image.open(path) as image:
            image.save(path.with_suffix(ending), **({"lossless": True} if ending == ".webp" else {}))
        path.unlink()
    read = _only(FrameFolder(tmp_path, SPEC, None))
    np.testing.assert_array_equal(read.frames, clip.frames)
    np.testing.assert_array_equal(read.label_maps, clip.label_maps)


def test_pages_are_no_frame(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=1)
    for ending in (".tif", ".webp"):
        write_sequence(tmp_path / ending / "a", clip)
        page = Image.fromarray(clip.frames[0])
        more = [Image.fromarray(255 - clip.frames[0])]
        page.save(tmp_path / ending / f"a/image/0000{ending}", save_all=True, append_images=more)
        (tmp_path / ending / "a/image/0000.png").unlink()
        with pytest.raises(ValueError, match=rf"0000{ending}: .* on 2 pages, expected"):
            _only(FrameFolder(tmp_path / ending, SPEC, None))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_other_kinds_are_turned_as_their_tag_says_or_left_as_stored(tmp_path, orientation):
    """Pillow turns a TIFF whenever it decodes it, a WebP never."""
    stored = np.arange(6 * 9 * 3, dtype=np.uint8).reshape(6, 9, 3)
    tags = Image.Exif()
    tags[0x0112] = orientation
    for ending in (".png", ".tif", ".webp"):
        path = tmp_path / f"a{ending}"
        Image.fromarray(stored).save(path, exif=tags, **({"lossless": True} if ending == ".webp" else {}))
        assert exif_orientation(path) == orientation
        np.testing.assert_array_equal(read_frame(path, turn=False), stored)
        np.testing.assert_array_equal(read_frame(path), read_frame(tmp_path / "a.png"))


def test_prefixes_are_runs_and_numbers_may_go_up_by_two(tmp_path, make_clip, write_sequence):
    stems = ["x_07", "x_09", "x_11", "y_100", "y_101"]
    write_sequence(tmp_path / "cam", make_clip(length=5), stems)
    clips = list(FrameFolder(tmp_path / "cam", SPEC, SIZE))
    assert [(c.clip_id, len(c.frames)) for c in clips] == [("cam_x", 3), ("cam_y", 2)]


STILLS = ["x_007", "x_030", "x_031", "y_f_5", "y_f_900", "y2_1"]


def test_every_still_is_a_clip_whatever_its_number(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=6)
    write_sequence(tmp_path / "cam", clip, STILLS)
    folder = FrameFolder(tmp_path / "cam", SPEC, SIZE, stills=True)
    read = {c.clip_id: c for c in folder}
    assert list(read) == list(folder.clip_ids) and set(read) == {f"cam_{stem}" for stem in STILLS}
    for i, stem in enumerate(STILLS):
        still = read[f"cam_{stem}"]
        for name in ("frames", "label_maps", "instance_maps"):
            np.testing.assert_array_equal(getattr(still, name), getattr(clip, name)[i : i + 1])
    with pytest.raises(
        ValueError, match="is missing between .*; where these are photographs .* give --stills; of a video, add what"
    ):
        list(FrameFolder(tmp_path / "cam", SPEC, SIZE))
    write_sequence(tmp_path / "cam_y", make_clip(length=1), ["f_5"])
    with pytest.raises(ValueError, match="cam_y: two runs would be called 'cam_y_f_5'"):
        FrameFolder(tmp_path, SPEC, SIZE, stills=True)
    with pytest.raises(ValueError, match="stills are clips of one frame, so max_length=3"):
        FrameFolder(tmp_path / "cam", SPEC, SIZE, stills=True, max_length=3)


def test_recordings_split_by_prefix_share_no_frame(tmp_path, make_clip, write_sequence):
    write_sequence(tmp_path / "cam", make_clip(length=6), STILLS)

    def ids(*prefixes, **options):
        return FrameFolder(tmp_path / "cam", SPEC, SIZE, prefixes=list(prefixes), **options).clip_ids

    assert ids("y", stills=True) == ids("y_f", stills=True) == ("cam_y_f_5", "cam_y_f_900")
    train, validation = ids("x", "y2", stills=True), ids("y", stills=True)
    assert not set(train) & set(validation) and len(train + validation) == 6
    # Runs of consecutive frames are chosen alike.
    assert ids("y2") == ("cam_y2",)
    for wrong, message in ((["x", "z"], r"\['z'\]; it has \['x', 'y2', 'y_f'\]"), ([], r"\[\]; it has")):
        with pytest.raises(ValueError, match=f"no frames with prefixes {message}"):
            ids(*wrong, stills=True)


def test_times_as_names_are_one_clip_and_any_names_with_order_by_name(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=6)
    write_sequence(tmp_path / "tum", clip, [f"130503110{s}.{us}" for s in (2, 3, 4) for us in ("175304", "675195")])
    folder = FrameFolder(tmp_path, SPEC, SIZE)
    assert folder.clip_ids == ("tum",) and "were read as times" in folder.remarks[0]
    np.testing.assert_array_equal(folder.read("tum").frames, clip.frames)
    write_sequence(tmp_path / "hash/a", clip, ["01e", "07", "12b9", "b1-2", "c", "c10"])
    with pytest.raises(ValueError, match="hash/a/image: 'c' has no number in its name.*--stills.*--order=name"):
        FrameFolder(tmp_path / "hash", SPEC, SIZE)
    by_name = FrameFolder(tmp_path / "hash", SPEC, SIZE, order="name", max_length=4)
    assert by_name.clip_ids == ("a_00000000", "a_00000004")
    np.testing.assert_array_equal(np.concatenate([c.frames for c in by_name]), clip.frames)
    stills = FrameFolder(tmp_path / "hash", SPEC, SIZE, stills=True)
    assert stills.clip_ids == ("a_01e", "a_07", "a_12b9", "a_b1-2", "a_c", "a_c10")
    np.testing.assert_array_equal(np.concatenate([c.frames for c in stills]), clip.frames)
    for options, message in (({"order": "time"}, "order must be"), ({"order": "name", "stills": True}, "no order")):
        with pytest.raises(ValueError, match=message):
            FrameFolder(tmp_path / "hash", SPEC, SIZE, **options)


def _renamed(folder, kind, before="", behind=""):
    for path in (folder / kind).iterdir():
        path.rename(path.with_name(f"{before}{path.stem}{behind}{path.suffix}"))


@pytest.mark.parametrize(
    ("image", "label", "flags"),
    [
        ("", "_train_id", {"label_suffix": "_train_id"}),
        ("_rgb", "", {"image_suffix": "_rgb"}),
        ("_leftImg8bit", "_gtFine_labelIds", {"image_suffix": "_leftImg8bit", "label_suffix": "_gtFine_labelIds"}),
    ],
)
def test_maps_and_frames_whose_names_end_otherwise(tmp_path, make_clip, write_sequence, image, label, flags):
    clip = make_clip(length=3, with_instances=False)
    write_sequence(tmp_path / "a", clip, ["x1-2b", "x1-3c", "x2-d4"])
    _renamed(tmp_path / "a", "image", behind=image)
    _renamed(tmp_path / "a", "label", behind=label)
    named = "give " + " ".join(f"--{flag}={value}" for flag, value in flags.items())
    looked = (
        rf"looked for .*a/label/x1-2b{image}.png, the map of .*a/image/x1-2b{image}.png, and found x1-2b{label}.png"
    )
    with pytest.raises(ValueError, match=f"{looked}; {named}$"):
        FrameFolder(tmp_path, SPEC, SIZE, stills=True)
    np.testing.assert_array_equal(
        np.concatenate([c.label_maps for c in FrameFolder(tmp_path, SPEC, SIZE, stills=True, **flags)]), clip.label_maps
    )


def test_files_beside_the_maps_that_a_suffix_names_are_told_of(tmp_path, make_clip, write_sequence):
    write_sequence(tmp_path / "a", make_clip(length=3, with_instances=False))
    _renamed(tmp_path / "a", "label", behind="_ids")
    (tmp_path / "a/label/0000_color.png").write_bytes(b"")
    with pytest.raises(ValueError, match="give --label_suffix, one of _color, _ids$"):
        FrameFolder(tmp_path, SPEC, SIZE)
    (tmp_path / "a/label/0000_color.png").unlink()
    (tmp_path / "a/label/0000_polygons.json").write_bytes(b"{}")
    folder = FrameFolder(tmp_path, SPEC, SIZE, label_suffix="_ids")
    assert len(folder.read("a").frames) == 3
    assert folder.remarks == (f"{tmp_path}/a/label: not read, their names do not end in '_ids': 0000_polygons.json",)
    with pytest.raises(ValueError, match="label: empty folder; .* none of its 4 files ends in '_id'"):
        FrameFolder(tmp_path, SPEC, SIZE, label_suffix="_id")


def test_what_systems_leave_in_folders_is_passed_over(tmp_path, make_clip, write_sequence):
    write_sequence(tmp_path / "a", make_clip(length=3))
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._0001.png"):
        for folder in ("a/image", "a/label", "."):
            (tmp_path / folder / name).write_bytes(b"x")
    (tmp_path / "__MACOSX/a").mkdir(parents=True)
    assert FrameFolder(tmp_path, SPEC, SIZE).clip_ids == ("a",)
    (tmp_path / "a/image/more").mkdir()
    with pytest.raises(ValueError, match="image/more: a folder among files"):
        FrameFolder(tmp_path, SPEC, SIZE)


def test_crop_to_aspect_takes_the_centre(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=1)  # 8 x 12
    write_sequence(tmp_path / "a", clip)
    for size, rows, columns in (
        ((6, 12), slice(1, 7), slice(0, 12)),
        ((8, 8), slice(0, 8), slice(2, 10)),
        ((4, 4), slice(0, 8), slice(2, 10)),
        ((8, 12), slice(0, 8), slice(0, 12)),
    ):
        read = _only(FrameFolder(tmp_path, SPEC, size, crop_to_aspect=True))
        label_map, instance_map = clip.label_maps[0, rows, columns], clip.instance_maps[0, rows, columns]
        if size == (4, 4):
            label_map, instance_map = label_map[1::2, 1::2], instance_map[1::2, 1::2]
        np.testing.assert_array_equal(read.frames[0], resize_frame(clip.frames[0, rows, columns], size))
        np.testing.assert_array_equal(read.label_maps[0], label_map)
        np.testing.assert_array_equal(read.instance_maps[0], instance_map)
    stretched = _only(FrameFolder(tmp_path, SPEC, (8, 8)))
    assert not np.array_equal(stretched.label_maps[0], clip.label_maps[0, :, 2:10])


def test_aspect_crop_by_hand():
    assert aspect_crop((180, 240), (128, 256)) == (slice(30, 150), slice(0, 240))
    assert aspect_crop((5, 4), (2, 4)) == (slice(1, 3), slice(0, 4))  # of three rows too many, one goes above
    assert aspect_crop((1, 100), (1, 1)) == (slice(0, 1), slice(49, 50))
    assert aspect_crop((4, 100), (1, 1000)) == (slice(1, 2), slice(0, 100))


def test_enlarging_blends_instead_of_repeating():
    frame = np.zeros((1, 2, 3), np.uint8)
    frame[:, 1] = 200
    np.testing.assert_array_equal(resize_frame(frame, (1, 4))[0, :, 0], [0, 50, 150, 200])


def test_names_are_ordered_by_number(tmp_path, make_clip, write_sequence):
    clip = make_clip(length=4)
    write_sequence(tmp_path / "a", clip, ["8", "9", "10", "11"])
    np.testing.assert_array_equal(_only(FrameFolder(tmp_path, SPEC, SIZE)).frames, clip.frames)


def test_a_data_set_says_what_its_instance_values_mean(tmp_path, make_clip, write_sequence):
    write_sequence(tmp_path / "a", make_clip(length=1))
    Image.fromarray(np.tile(np.array([0, 3, 255], np.uint8), (8, 4))).save(tmp_path / "a/inst/0000.png")
    read = _only(FrameFolder(tmp_path, SPEC, SIZE, number_instances=lambda values: np.uint16(values % 255)))
    np.testing.assert_array_equal(read.instance_maps[0, 0, :3], [0, 3, 0])


def _unlink(*names):
    return lambda root: [(root / name).unlink() for name in names]


def _touch(name):
    return lambda root: (root / name).write_bytes(b"x")


def _save(name, shape, dtype=np.uint8):
    return lambda root: Image.fromarray(np.zeros(shape, dtype)).save(root / name)


FAULTS = {
    "gap": (_unlink("image/0002.png", "label/0002.png", "inst/0002.png"), "frame 0002 is missing between 0001.png and"),
    "no map": (_unlink("label/0001.png"), "image/0001.png: frame without a map, .*label/0001.png is missing"),
    "no instance map": (_unlink("inst/0003.png"), "image/0003.png: frame without a map, .*inst/0003.png"),
    "no frame": (_unlink("image/0004.png"), "label/0004.png: map without a frame"),
    "two files": (_touch("image/0001.jpg"), "two files for frame '0001'"),
    "two maps": (_touch("label/0001.PNG"), "two files for frame '0001', also 0001.PNG"),
    "same number": (lambda r: [(r / k / "04.png").write_bytes(b"") for k in ("image", "label", "inst")], "there twice"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_names_that_do_not_fit_are_a_fault_of_the_clip_that_holds_them(tmp_path, make_clip, write_sequence, case):
    (break_it, message), root = FAULTS[case], tmp_path / "in"
    write_sequence(root / "a", make_clip(length=6))
    write_sequence(root / "b", make_clip(length=6))
    break_it(root / "a")
    folder = FrameFolder(root, SPEC, SIZE)
    assert set(folder.faults()) == {"a"} and folder.clip_ids == ("a", "b")
    assert re.search(message, folder.faults()["a"])
    with pytest.raises(ValueError, match=message):
        folder.read("a")
    assert len(folder.read("b").frames) == 6
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=message):
        write_shards(folder, out, split="train")
    assert not out.exists(), "told before anything is written"
    manifest = write_shards(folder, out, split="train", max_bad_clips=1)
    assert [bad["clip_id"] for bad in manifest["bad_clips"]] == ["a"] and manifest["num_clips"] == 1
    pieces = FrameFolder(root, SPEC, SIZE, max_length=2)
    assert len(pieces.faults()) == 1, "the rest of a sequence is as good as before"


def test_a_stills_fault_is_its_own(tmp_path, make_clip, write_sequence):
    write_sequence(tmp_path / "cam", make_clip(length=6), STILLS)
    (tmp_path / "cam/label/x_030.png").unlink()
    (tmp_path / "cam/image/y2_1.png").unlink()
    folder = FrameFolder(tmp_path / "cam", SPEC, SIZE, stills=True)
    assert set(folder.faults()) == {"cam_x_030", "cam_y2_1"} and len(folder.clip_ids) == 6


BROKEN_NAMES = {
    "other file": (_touch("image/notes.txt"), "notes.txt: expected .jpg or .jpeg or .png or .bmp or .tif or .tiff or"),
    "map as jpg": (_touch("label/0001.jpg"), "label/0001.jpg: expected .png or .tif or .tiff or .bmp or .webp here"),
    "no number": (lambda r: [(r / k / "end.png").write_bytes(b"") for k in ("image", "label", "inst")], "no number"),
}


@pytest.mark.parametrize("case", BROKEN_NAMES)
def test_what_is_no_frame_and_no_map_is_told_at_once(tmp_path, make_clip, write_sequence, case):
    break_it, message = BROKEN_NAMES[case]
    write_sequence(tmp_path / "a", make_clip(length=6))
    break_it(tmp_path / "a")
    with pytest.raises(ValueError, match=message):
        FrameFolder(tmp_path, SPEC, SIZE)


BROKEN_FILES = {
    "map size": (_save("label/0001.png", (4, 6)), "label/0001.png: 6x4 pixels, but its frame is 12x8"),
    "instance size": (_save("inst/0001.png", (4, 6)), "inst/0001.png: 6x4 pixels"),
    "frame size": (_save("image/0001.png", (4, 6, 3)), "image/0001.png: 6x4 pixels, but 0000.png is 12x8"),
    "RGB map": (_save("label/0001.png", (8, 12, 3)), "label/0001.png: 8-bit RGB PNG"),
    "unreadable": (_touch("image/0001.png"), "image/0001.png: not a readable JPEG or PNG frame"),
    "alpha": (_save("image/0001.png", (8, 12, 4)), "image/0001.png: 12x8 pixels of mode RGBA, expected"),
    "unknown id": (
        lambda r: Image.fromarray(np.full((8, 12), 40, np.uint8)).save(r / "label/0001.png"),
        r"label/0001.png: ids \[40\] are not in spec",
    ),
}


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_files_are_checked_while_reading(tmp_path, make_clip, write_sequence, case):
    break_it, message = BROKEN_FILES[case]
    write_sequence(tmp_path / "a", make_clip(length=3))
    break_it(tmp_path / "a")
    with pytest.raises(ValueError, match=message):
        list(FrameFolder(tmp_path, SPEC, SIZE))


def _held(root, orientation, shape, map_shape):
    """A frame of that shape as stored, bright on its left half, with an EXIF orientation, beside a map."""
    frame = np.zeros((*shape, 3), np.uint8)
    frame[:, : shape[1] // 2] = 250
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("image", "label"):
        (root / "a" / kind).mkdir(parents=True, exist_ok=True)
    Image.fromarray(frame).save(root / "a/image/0000.jpg", exif=exif, quality=95)
    Image.fromarray(np.zeros(map_shape, np.uint8)).save(root / "a/label/0000.png")
    return frame


# Where the bright side, the left one as stored, is seen: of EXIF's eight orientations.
SEEN = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}
PARTS = {"left": np.s_[:, :3], "right": np.s_[:, -3:], "top": np.s_[:3], "bottom": np.s_[-3:]}


@pytest.mark.parametrize("orientation", SEEN)
def test_a_frame_that_was_held_otherwise_is_turned_where_its_map_was_drawn_on_what_is_seen(tmp_path, orientation):
    quarter = orientation > 4
    stored, seen = (8, 12), (12, 8) if quarter else (8, 12)
    _held(tmp_path, orientation, stored, seen)

    def bright(**options):
        (clip,) = FrameFolder(tmp_path, SPEC, None, **options)
        return next(name for name, part in PARTS.items() if clip.frames[0][part].min() > 200)

    assert bright(exif="turn") == SEEN[orientation]
    if orientation == 1 or quarter:
        assert bright() == SEEN[orientation], "the sizes tell"
    else:
        with pytest.raises(ValueError, match="0000.jpg: its EXIF tag .*does not say .*--exif=turn or --exif=ignore"):
            bright()
    _held(tmp_path, orientation, stored, stored)
    assert bright(exif="ignore") == "left"
    if quarter:
        with pytest.raises(ValueError, match="0000.jpg: its EXIF tag .*has the size .*as it is stored: give --exif=ig"):
            bright()
        with pytest.raises(
            ValueError, match="12x8 pixels, but its frame is 8x12 pixels; one of them is turned by a qu"
        ):
            bright(exif="turn")
    _held(tmp_path, orientation, (8, 8), (8, 8))
    if orientation > 1:
        with pytest.raises(ValueError, match="does not say whether it was drawn on what is seen"):
            bright()
    with pytest.raises(ValueError, match="exif must be one of .'turn', 'ignore'., received 'no'"):
        bright(exif="no")


def test_truncated_frame_is_refused(tmp_path, make_clip, write_sequence):
    write_sequence(tmp_path / "a", make_clip(length=2, height=64, width=64))
    data = (tmp_path / "a/image/0001.png").read_bytes()
    (tmp_path / "a/image/0001.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match="image/0001.png: not a readable"):
        list(FrameFolder(tmp_path, SPEC, SIZE))


def test_folders_that_hold_no_sequences_are_refused(tmp_path, make_clip, write_sequence):
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        FrameFolder(tmp_path / "nowhere", SPEC, SIZE)
    with pytest.raises(ValueError, match="no sequences here; expected <sequence>/image"):
        FrameFolder(tmp_path, SPEC, SIZE)
    (tmp_path / "a/image").mkdir(parents=True)
    with pytest.raises(ValueError, match="a/image: empty folder"):
        FrameFolder(tmp_path, SPEC, SIZE)
    (tmp_path / "a/image").rmdir()
    with pytest.raises(ValueError, match="a/image: no such folder; a sequence holds image/ and label/"):
        FrameFolder(tmp_path, SPEC, SIZE)
    write_sequence(tmp_path / "b", make_clip())
    with pytest.raises(ValueError, match=r"no sequences \['c'\]; it has \['a', 'b'\]"):
        FrameFolder(tmp_path, SPEC, SIZE, sequences=["b", "c"])
    with pytest.raises(ValueError, match="is one sequence itself"):
        FrameFolder(tmp_path / "b", SPEC, SIZE, sequences=["b"])
    with pytest.raises(ValueError, match="must be positive"):
        FrameFolder(tmp_path / "b", SPEC, (0, 4))


def test_camvid_is_one_run_counted_by_two():
    if not (DATA / "camvid_15fps").is_dir():
        pytest.skip("needs ../shared/data/camvid_15fps")
    folder = FrameFolder(DATA / "camvid_15fps", load_spec("camvid"), (24, 32), max_length=8)
    assert len(folder) == 9
    first = next(iter(folder))
    assert first.clip_id == "camvid_15fps_00007959" and first.frames.shape == (8, 24, 32, 3)


def test_camvid_stills_split_by_recording():
    if not (DATA / "camvid_stills").is_dir():
        pytest.skip("needs ../shared/data/camvid_stills")
    options = {"stills": True, "crop_to_aspect": True}
    city = load_spec("cityscapes")
    folder = FrameFolder(DATA / "camvid_stills", city, (32, 64), label_ids="camvid", prefixes=["0006R0"], **options)
    assert len(folder) == 101 and all("0006R0_f" in clip_id for clip_id in folder.clip_ids)
    first = next(iter(folder))
    assert first.label_maps.shape == (1, 32, 64)
    assert set(np.unique(first.label_maps)) <= {0, 1, 2, 4, 5, 7, 8, 10, 11, 12, 13, 255}
    # The lower middle of a driving scene is road.
    assert (first.label_maps[0, 28:, 24:40] == 0).mean() > 0.9
    rest = FrameFolder(DATA / "camvid_stills", city, (32, 64), prefixes=["0001TP", "0016E5"], **options)
    assert len(rest) == len(list((DATA / "camvid_stills/image").iterdir())) - 101 and not set(rest.clip_ids) & set(
        folder.clip_ids
    )
