"""Cityscapes as it is downloaded, in miniature: official names, ids and splits; the real stills; every broken tree."""

import pathlib
import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.data.cityscapes import Cityscapes

SIZE = (4, 8)


def _save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def tree(tmp_path):
    """Two snippets of aachen that follow each other, two of bochum that do not, one of ulm, all with maps; a still."""
    rng = np.random.default_rng(0)
    for split, city, first, count in (
        ("train", "aachen", 0, 60), ("train", "bochum", 5, 30), ("train", "bochum", 100, 30), ("val", "ulm", 0, 30),
    ):  # fmt: skip
        for number in range(first, first + count):
            name = f"{city}_000003_{number:06d}"
            frame = rng.integers(0, 256, (*SIZE, 3), np.uint8)
            _save(tmp_path / f"leftImg8bit_sequence/{split}/{city}/{name}_leftImg8bit.png", frame)
            _save(tmp_path / f"maps/{split}/{city}/{name}_leftImg8bit.png", np.full(SIZE, number % 34, np.uint8))
    name = "aachen_000003_000019"
    still = tmp_path / f"leftImg8bit/train/aachen/{name}_leftImg8bit.png"
    still.parent.mkdir(parents=True)
    shutil.copy(tmp_path / f"leftImg8bit_sequence/train/aachen/{still.name}", still)
    ids = np.tile(np.array([7, 26, 26, 24, 0, 29, 34 - 1, 3], np.uint8), (4, 1))
    _save(tmp_path / f"gtFine/train/aachen/{name}_gtFine_labelIds.png", ids)
    numbers = np.tile(np.array([7, 26000, 26001, 24000, 0, 29, 33, 26], np.uint16), (4, 1))
    _save(tmp_path / f"gtFine/train/aachen/{name}_gtFine_instanceIds.png", numbers)
    return tmp_path


def test_snippets_of_thirty_frames_with_maps_from_a_folder_of_the_same_form(tree):
    train = Cityscapes(tree, SIZE, official_split="train", labels=tree / "maps")
    assert train.clip_ids == (
        "aachen_000003_000000", "aachen_000003_000030", "bochum_000003_000005", "bochum_000003_000100",
    )  # fmt: skip
    clip = train.read("aachen_000003_000030")
    files = sorted((tree / "leftImg8bit_sequence/train/aachen").iterdir())[30:]
    np.testing.assert_array_equal(clip.frames, [np.asarray(Image.open(path)) for path in files])
    table = {7: 0, 8: 1, 11: 2, 33: 18}  # trainIds of road, sidewalk, building, bicycle
    for number in range(30, 60):
        if number % 34 in table:
            assert (clip.label_maps[number - 30] == table[number % 34]).all()
    assert (clip.label_maps[31 - 30] == 16).all() and (clip.label_maps[34 - 30] == 255).all()
    val = Cityscapes(tree, SIZE, official_split="val", labels=tree / "maps")
    assert val.clip_ids == ("ulm_000003_000000",)
    assert not {f for c in val.clip_ids for f in val.files(c)} & {f for c in train.clip_ids for f in train.files(c)}
    chosen = Cityscapes(tree, SIZE, official_split="train", labels=tree / "maps", cities=["bochum"], max_length=10)
    assert chosen.clip_ids[:2] == ("bochum_000003_000005_00000005", "bochum_000003_000005_00000015")
    # Snippets of one sequence follow each other on one drive.
    assert {source.recording(c) for source in (train, chosen) for c in source.clip_ids if "bochum_000003" in c} == {
        "bochum_000003"
    }
    assert pickle.loads(pickle.dumps(chosen)).read(chosen.clip_ids[0]).clip_id == chosen.clip_ids[0]


def test_stills_have_the_official_maps(tree):
    (clip,) = Cityscapes(tree, SIZE, official_split="train", stills=True)
    assert clip.clip_id == "aachen_000003_000019" and len(clip.frames) == 1
    np.testing.assert_array_equal(clip.label_maps[0, 0], [0, 13, 13, 11, 255, 255, 18, 255])
    np.testing.assert_array_equal(clip.instance_maps[0, 0], [0, 26000, 26001, 24000, 0, 0, 0, 0])


def test_official_maps_are_found_by_the_ids_they_are_called_after(tree):
    folder, stem = tree / "gtFine/train/aachen", "aachen_000003_000019"
    train_ids = np.full(SIZE, 13, np.uint8)
    Image.fromarray(train_ids).save(folder / f"{stem}_gtFine_labelTrainIds.png")
    (folder / ".DS_Store").write_bytes(b"x")
    (tree / "leftImg8bit/train/aachen/Thumbs.db").write_bytes(b"x")
    stills = {"official_split": "train", "stills": True}
    (clip,) = Cityscapes(tree, SIZE, **stills, label_ids="trainIds")
    assert (clip.label_maps == 13).all()
    (clip,) = Cityscapes(tree, SIZE, **stills)
    assert set(np.unique(clip.label_maps)) == {0, 11, 13, 18, 255}, "of both, those in labelIds"
    (folder / f"{stem}_gtFine_labelIds.png").unlink()
    (fault,) = Cityscapes(tree, SIZE, **stills).faults().values()
    assert f"no {stem}_gtFine_labelIds.png" in fault and "labelTrainIds.png is there: --label_ids=trainIds" in fault


def test_without_maps_the_frames_are_there_at_their_own_size(tree):
    shutil.rmtree(tree / "maps")
    clips = Cityscapes(tree, None, official_split="train", labelled=False)
    clip = clips.read("bochum_000003_000005")
    assert len(clips) == 4 and clip.frames.shape == (30, *SIZE, 3) and (clip.label_maps == 255).all()
    (still,) = Cityscapes(tree, None, official_split="train", stills=True, labelled=False)
    assert still.instance_maps is None
    with pytest.raises(ValueError, match="crop_to_aspect cuts to the aspect ratio of size, which is None"):
        Cityscapes(tree, None, official_split="train", labelled=False, crop_to_aspect=True)


def test_broken_trees_are_refused_by_name(tree):
    def read(**options):
        clips = Cityscapes(tree, SIZE, **{"official_split": "train", "labels": tree / "maps", **options})
        for clip_id in clips.faults():
            clips.read(clip_id)

    aachen = tree / "leftImg8bit_sequence/train/aachen"
    with pytest.raises(ValueError, match=r"leftImg8bit_sequence/train2: no such folder"):
        read(official_split="train2")
    with pytest.raises(ValueError, match=r"no cities \['ulm'\]; it has \['aachen', 'bochum'\]"):
        read(cities=["aachen", "ulm"])
    with pytest.raises(ValueError, match="000000_leftImg8bit.png: frame without a map, no aachen_000003_000000_gtFine"):
        read(labels=None)
    still = tree / "leftImg8bit/train/aachen/aachen_000003_000019_leftImg8bit.png"
    shutil.copy(still, still.with_suffix(".jpg"))
    with pytest.raises(ValueError, match="000019_leftImg8bit.png: frame 19 is there twice, also as .*000019_leftImg8b"):
        read(stills=True, labels=None)
    (aachen / "aachen_000003_000031_leftImg8bit.png").unlink()
    with pytest.raises(ValueError, match="aachen_000003 has 31 frames from 000000 on, snippets have 30"):
        read()
    (aachen / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match="notes.txt: not called <city>_<sequence>_<frame>_leftImg8bit.png"):
        read()


def test_the_real_stills_under_their_official_names(tmp_path):
    source = pathlib.Path(__file__).resolve().parents[3] / "shared/data/cityscapes_seq/gtfine_stills"
    if not source.is_dir():
        pytest.skip(f"no {source}")
    names = sorted(path.stem for path in (source / "image").iterdir())
    for name in names:
        frame = np.asarray(Image.open(next((source / "image").glob(f"{name}.*"))))
        stem = "_".join(name.split("_")[:3])
        _save(tmp_path / f"leftImg8bit/train/aachen/{stem}_leftImg8bit.png", frame)
        for kind, ending in (("label", "labelIds"), ("inst16", "instanceIds")):
            to = tmp_path / f"gtFine/train/aachen/{stem}_gtFine_{ending}.png"
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(next((source / kind).glob(f"{name}*")), to)
    clips = list(Cityscapes(tmp_path, (64, 128), official_split="train", stills=True))
    assert len(clips) == len(names) == 4
    for clip in clips:
        cars = clip.instance_maps[0][clip.label_maps[0] == 13]
        assert (clip.label_maps[0] == 0).mean() > 0.1, "a street has a road"
        assert set(np.unique(cars) // 1000) <= {0, 26}, "a car's instances begin with its labelId"
