"""Clips cut from recordings, and a source whose maps are brought to another spec: all else is the source's own."""

import pathlib

import numpy as np
import pytest

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipList, ClipSource, Relabelled, parts


@pytest.mark.parametrize(
    ("length", "max_length", "cut"),
    [
        (7, None, {"a": slice(0, 7)}),
        (7, 7, {"a": slice(0, 7)}),
        (7, 3, {"a_00000000": slice(0, 3), "a_00000003": slice(3, 6), "a_00000006": slice(6, 7)}),
        (6, 3, {"a_00000000": slice(0, 3), "a_00000003": slice(3, 6)}),
    ],
)
def test_a_recording_is_cut_into_parts_and_keeps_its_name_where_it_is_not(length, max_length, cut):
    assert parts("a", length, max_length) == cut


class Source(ClipSource):
    spec, clip_ids, settings, remarks = load_spec("synthetic_street"), ("a", "b"), {"reader": "test"}, ("odd",)

    def read(self, clip_id):
        return Clip(clip_id, np.zeros((2, 1, 4, 3), np.uint8), np.tile(np.uint8([0, 1, 3, 255]), (2, 1, 1)))

    def files(self, clip_id):
        return [pathlib.Path(f"{clip_id}.png")]

    def recording(self, clip_id):
        return "both"

    def length(self, clip_id):
        return 2

    def faults(self):
        return {"b": "b.png: cut off"}


def test_relabelled_clips_have_other_ids_and_all_else_of_their_source():
    source, spec = Source(), load_spec("cityscapes")
    relabelled = Relabelled(source, spec, "synthetic_street")
    np.testing.assert_array_equal(relabelled.read("a").label_maps[1], [[0, 1, 5, 255]])
    assert relabelled.spec == spec and relabelled.settings == {"reader": "test", "relabelled_from": "synthetic_street"}
    for name in ("clip_ids", "remarks"):
        assert getattr(relabelled, name) == getattr(source, name)
    for name in ("files", "recording", "length"):
        assert getattr(relabelled, name)("a") == getattr(source, name)("a")
    assert relabelled.faults() == {"b": "b.png: cut off"}


def test_a_list_of_clips_is_known_by_what_they_hold():
    clips, spec = [Source().read(name) for name in ("a", "b")], load_spec("synthetic_street")
    one, same = ClipList(clips, spec), ClipList([Source().read(name) for name in ("a", "b")], spec)
    other = ClipList([clips[0], Clip("b", clips[1].frames + np.uint8(1), clips[1].label_maps)], spec)
    assert one.clip_ids == ("a", "b") and one.read("b") is clips[1]
    assert one.settings == same.settings != other.settings
    with pytest.raises(ValueError, match="clip id 'a' comes twice"):
        ClipList([clips[0], clips[0]], spec)
