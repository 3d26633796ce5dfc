"""KITTI as it is downloaded, in miniature: raw drives, odometry sequences, the benchmark's stills; broken trees."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.kitti import Kitti

SIZE = (4, 12)


def _save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def tree(tmp_path):
    frame, roads = np.full((*SIZE, 3), 90, np.uint8), np.full(SIZE, 7, np.uint8)
    for name in ("2011_09_26/2011_09_26_drive_0001_sync", "2011_09_28/2011_09_28_drive_0039_sync"):
        for number in range(3):
            _save(tmp_path / f"raw/{name}/image_02/data/{number:010d}.png", frame + np.uint8(number))
            _save(tmp_path / f"maps/{name}/image_02/data/{number:010d}.png", roads)
    for number in range(2):
        _save(tmp_path / f"odometry/sequences/04/image_2/{number:06d}.png", frame)
        _save(tmp_path / f"maps/sequences/04/image_2/{number:06d}.png", roads)
    ids = np.tile(np.array([7, 26, 26, 23, 4, 8], np.uint8), (4, 2))
    colors = {7: (128, 64, 128), 26: (0, 0, 142), 23: (70, 130, 180), 4: (0, 0, 0), 8: (244, 35, 232)}
    for number in (0, 7):
        folder = tmp_path / "semantic/training"
        _save(folder / f"image_2/{number:06d}_10.png", frame)
        _save(folder / f"semantic/{number:06d}_10.png", ids)
        _save(
            folder / f"semantic_rgb/{number:06d}_10.png",
            np.array([colors[i] for i in ids.ravel()], np.uint8).reshape(4, 12, 3),
        )
        _save(
            folder / f"instance/{number:06d}_10.png",
            ids.astype(np.uint16) * 256 + np.tile(np.uint16([0, 1, 2, 0, 0, 0]), (4, 2)),
        )
    return tmp_path


def test_drives_and_sequences_are_clips_with_maps_from_a_folder_of_the_same_form(tree):
    raw = Kitti(tree / "raw", SIZE, layout="raw", labels=tree / "maps")
    assert raw.clip_ids == ("2011_09_26_drive_0001_sync", "2011_09_28_drive_0039_sync")
    clip = raw.read("2011_09_28_drive_0039_sync")
    np.testing.assert_array_equal(clip.frames[:, 0, 0, 0], [90, 91, 92])
    assert (clip.label_maps == 0).all() and clip.instance_maps is None and raw.spec == load_spec("kitti")
    one = Kitti(tree / "raw", SIZE, layout="raw", labels=tree / "maps", sequences=["2011_09_28_drive_0039_sync"])
    assert one.clip_ids == ("2011_09_28_drive_0039_sync",)
    (odometry,) = Kitti(tree / "odometry", SIZE, layout="odometry", labels=tree / "maps")
    assert odometry.clip_id == "04" and len(odometry.frames) == 2


def test_the_benchmarks_stills_by_ids_and_by_colours_are_the_same(tree):
    by_id, by_color = (Kitti(tree / "semantic", SIZE, layout="semantic", painted=painted) for painted in (False, True))
    assert by_id.clip_ids == by_color.clip_ids == ("000000_10", "000007_10")
    for first, other in zip(by_id, by_color, strict=True):
        np.testing.assert_array_equal(first.label_maps[0, 0, :6], [0, 13, 13, 10, 255, 1])
        np.testing.assert_array_equal(first.label_maps, other.label_maps)
        np.testing.assert_array_equal(first.instance_maps[0, 0, :6], [0, 26 * 256 + 1, 26 * 256 + 2, 0, 0, 0])


def test_without_maps_the_frames_are_there_at_their_own_size(tree):
    for layout, name in (("raw", "2011_09_26_drive_0001_sync"), ("odometry", "04"), ("semantic", "000000_10")):
        clip = Kitti(tree / layout, None, layout=layout, labelled=False).read(name)
        assert clip.frames.shape[1:] == (*SIZE, 3) and clip.instance_maps is None
        assert clip.label_maps.shape == clip.frames.shape[:3] and (clip.label_maps == 255).all()


def test_broken_trees_are_refused_by_name(tree):
    maps = {"labels": tree / "maps"}
    for root, options, message in (
        ("raw", {"layout": "stereo", **maps}, "layout must be one of .*received 'stereo'"),
        ("raw", {"layout": "raw"}, "labels: None with layout 'raw'"),
        ("semantic", {"layout": "semantic", **maps}, "semantic brings its maps"),
        ("raw", {"layout": "raw", "painted": True, **maps}, "painted maps belong to layout semantic"),
        ("raw", {"layout": "raw", "sequences": [], **maps}, "no raw sequences ; it has"),
        ("raw", {"layout": "odometry", **maps}, r"no odometry sequences ; it has \[\]"),
        (
            "odometry",
            {"layout": "odometry", "sequences": ["05"], **maps},
            r"no odometry sequences \['05'\]; .*\['04'\]",
        ),
        ("raw", {"layout": "raw", "labels": tree}, "0000000000.png: frame without a map, .*0000000000.png is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            list(Kitti(tree / root, SIZE, **options))
    drive = tree / "raw/2011_09_26/2011_09_26_drive_0001_sync/image_02/data"
    for number in (4, 5, 6):
        for kind in ("raw", "maps"):
            _save(tree / kind / drive.relative_to(tree / "raw") / f"{number:010d}.png", np.zeros(SIZE, np.uint8))
    drives = Kitti(tree / "raw", SIZE, layout="raw", **maps)
    (fault,) = drives.faults().values()
    assert "frame 0000000003 is missing between 0000000002.png and 0000000004.png" in fault
    _save(drive / "0000000001.jpg", np.zeros((*SIZE, 3), np.uint8))
    with pytest.raises(ValueError, match="0000000001.png: frame 1 is there twice, also as 0000000001.jpg"):
        list(Kitti(tree / "raw", SIZE, layout="raw", **maps))
    (drive / "a.png").write_bytes(b"x")
    with pytest.raises(ValueError, match="a.png: frames are called 000000.png"):
        Kitti(tree / "raw", SIZE, layout="raw", **maps)
