"""The Cityscapes layout: labelIds become trainIds, 255 becomes "no instance", and only seq* folders count."""

import pathlib

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.cityscapes_seq import cityscapes_seq

DATA = pathlib.Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "cityscapes_seq"


def _write(root):
    for name in ("seq0000", "seq0001", "stills"):
        for kind, array in {
            "image": np.full((4, 6, 3), 100, np.uint8),
            "label": np.tile(np.array([7, 26, 3], np.uint8), (4, 2)),
            "inst": np.tile(np.array([255, 0, 9], np.uint8), (4, 2)),
        }.items():
            folder = root / name / kind
            folder.mkdir(parents=True)
            Image.fromarray(array).save(folder / f"0000.{'jpg' if kind == 'image' else 'png'}")


def test_ids_are_converted_and_stills_left_out(tmp_path):
    _write(tmp_path)
    clips = list(cityscapes_seq(tmp_path, (4, 6)))
    assert [c.clip_id for c in clips] == ["seq0000", "seq0001"]
    np.testing.assert_array_equal(clips[0].label_maps[0, 0, :3], [0, 13, 255])
    np.testing.assert_array_equal(clips[0].instance_maps[0, 0, :3], [0, 1, 10])


def test_sequences_are_chosen_by_name(tmp_path):
    _write(tmp_path)
    assert cityscapes_seq(tmp_path, (4, 6), sequences=["seq0001"]).clip_ids == ("seq0001",)
    with pytest.raises(ValueError, match=r"no sequences \['seq0007'\]"):
        cityscapes_seq(tmp_path, (4, 6), sequences=["seq0007"])
    with pytest.raises(ValueError, match=r"no seq\* folders here"):
        cityscapes_seq(tmp_path / "stills", (4, 6))


def test_real_sequences():
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data/cityscapes_seq")
    folder = cityscapes_seq(DATA, (32, 64), max_length=10)
    assert len(folder) == 12
    clip = next(iter(folder))
    assert clip.frames.shape == (10, 32, 64, 3)
    # The lower middle of a driving scene is road, at least half of it; something is a car (13).
    assert (clip.label_maps[:, 20:26, 24:40] == 0).mean() > 0.5
    assert (clip.label_maps == 13).any() and clip.label_maps[clip.label_maps != 255].max() <= 18
    assert clip.instance_maps.max() <= 255
