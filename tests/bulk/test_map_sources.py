"""Inputs of bulk jobs: which there are, what is read of them, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import colorize, resize_label_map, write_label_map
from seg2vid_tf.bulk.map_sources import FolderMaps, SceneMaps, SplitMaps, Told
from seg2vid_tf.data.drawn_label_map import drawn_label_map
from seg2vid_tf.data.shards import read_clips
from seg2vid_tf.files import sha256_of

SIZE = (32, 64)


@pytest.fixture
def ids():
    label_map = np.zeros(SIZE, np.uint8)
    label_map[:14], label_map[16:24, 20:34] = 6, 8
    return label_map


def test_maps_of_a_folder_are_named_by_where_they_lie(spec, ids, tmp_path):
    for name in ("b.png", "a/label/x.png", "a/image/x.png", ".hidden/y.png"):
        write_label_map(tmp_path / name, ids)
    (tmp_path / "a/notes.txt").write_text("mine")
    maps = FolderMaps(tmp_path, spec, SIZE)
    assert maps.names == ("a/image/x", "a/label/x", "b")
    assert FolderMaps(tmp_path, spec, SIZE, "label/*.png").names == ("a/label/x",)
    given = maps.read("a/label/x")
    np.testing.assert_array_equal(given.label_map, ids)
    assert given.instance_map is None
    assert given.sha256 == sha256_of(tmp_path / "a/label/x.png")
    assert maps.files("b") == [tmp_path / "b.png"]
    with pytest.raises(ValueError, match=r"holds no file '\*.bmp'"):
        FolderMaps(tmp_path, spec, SIZE, "*.bmp")
    Image.fromarray(ids).save(tmp_path / "b.bmp")
    with pytest.raises(ValueError, match=r"two files b\.\*"):
        FolderMaps(tmp_path, spec, SIZE, "b.*")


def test_what_is_told_of_files_is_heeded(spec, ids, tmp_path):
    large = resize_label_map(ids, (96, 192))
    write_label_map(tmp_path / "large.png", large)
    Image.fromarray(colorize(ids, spec)).save(tmp_path / "painted.png")
    write_label_map(tmp_path / "square.png", resize_label_map(ids, (64, 64)))
    plain = FolderMaps(tmp_path, spec, SIZE)
    with pytest.raises(
        ValueError, match=r"large.png is 96 x 192 \(height x width\), the model takes 32 x 64: give --re"
    ):
        plain.read("large")
    with pytest.raises(ValueError, match="painted.png: 8-bit RGB PNG"):
        plain.read("painted")
    painted = FolderMaps(tmp_path, spec, SIZE, told=Told(colors="classes")).read("painted")
    np.testing.assert_array_equal(painted.label_map, ids)
    squeezed = FolderMaps(tmp_path, spec, SIZE, told=Told(resize=True)).read("large")
    np.testing.assert_array_equal(squeezed.label_map, ids)
    boxed = FolderMaps(tmp_path, spec, SIZE, told=Told(resize=True, fit="letterbox")).read("square")
    assert boxed.label_map.shape == SIZE
    assert boxed.content == (slice(0, 32), slice(16, 48))


def test_instance_maps_lie_under_the_same_names(spec, ids, tmp_path):
    write_label_map(tmp_path / "maps/a.png", ids)
    write_label_map(tmp_path / "maps/b.png", ids)
    (tmp_path / "inst").mkdir()
    Image.fromarray(ids.astype(np.uint16) * 100).save(tmp_path / "inst/a.png")
    maps = FolderMaps(tmp_path / "maps", spec, SIZE, instances=tmp_path / "inst")
    np.testing.assert_array_equal(maps.read("a").instance_map, ids.astype(int) * 100)
    with pytest.raises((ValueError, OSError), match="inst/b.png"):
        maps.read("b")


def test_a_split_gives_frame_0_of_each_clip(spec, street_data):
    maps = SplitMaps(street_data / "train", spec, SIZE, instances=True)
    clips = list(read_clips(street_data / "train"))
    assert maps.names == tuple(clip.clip_id for clip in clips)
    for clip in clips:
        given = maps.read(clip.clip_id)
        np.testing.assert_array_equal(given.label_map, clip.label_maps[0])
        np.testing.assert_array_equal(given.instance_map, clip.instance_maps[0])
    assert len({maps.read(name).sha256 for name in maps.names}) == len(maps.names)
    assert all((clip.label_maps[0] != clip.label_maps[-1]).any() for clip in clips), "another frame's would be seen"


def test_scenes_are_what_draw_label_map_draws(spec):
    maps = SceneMaps([7, 3], spec, SIZE, instances=True)
    assert maps.names == ("scene_000007", "scene_000003")
    given = maps.read("scene_000003")
    np.testing.assert_array_equal(given.label_map, drawn_label_map(spec, SIZE, 3))
    assert (given.instance_map > 0).any()
    assert maps.files("scene_000003") == []
