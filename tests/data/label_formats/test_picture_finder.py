"""Which picture a label is of: the one that its name and its folder say, and no other of the same name."""

import pytest

from seg2vid_tf.data.label_formats.picture_finder import PictureFinder


def _files(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_another_folders_picture_is_not_taken(tmp_path):
    _files(tmp_path, "s1/0002.jpg", "s2/0001.jpg", "flat/0003.jpg")
    finder, labels = PictureFinder(None, tmp_path), tmp_path / "labels.json"
    assert finder.find("s1/0001.jpg", labels) is None
    assert finder.find("0001.jpg", tmp_path / "s1/0001.json") is None
    assert finder.find("../s2/0001.jpg", tmp_path / "s1/0001.json") == tmp_path / "s2/0001.jpg"
    assert finder.find("0001.jpg", tmp_path / "maps/0001.json") == tmp_path / "s2/0001.jpg"
    assert finder.find("elsewhere/0001.jpg", tmp_path / "s2/0001.json") == tmp_path / "s2/0001.jpg"
    _files(tmp_path, "s1/images/0004.jpg")
    assert PictureFinder(None, tmp_path).find("0004.jpg", tmp_path / "s1/0004.json") == tmp_path / "s1/images/0004.jpg"
    assert PictureFinder(tmp_path / "flat", tmp_path).find("x/y/0003.jpg", labels) == tmp_path / "flat/0003.jpg"


@pytest.mark.parametrize("folders", ["{}", "train/{}/image"])
def test_mirrored_folders_say_which_picture(tmp_path, folders):
    images = [f"im/{folders.format(s)}/0001.jpg" for s in ("seq1", "seq2")]
    _files(tmp_path, *images)
    finder = PictureFinder(tmp_path / "im", tmp_path / "lab")
    for sequence, image in zip(("seq1", "seq2"), images, strict=True):
        near = tmp_path / "lab" / folders.format(sequence).replace("image", "label") / "0001.json"
        assert finder.find("0001.jpg", near) == tmp_path / image
    with pytest.raises(ValueError, match="its picture may be"):
        finder.find("0001.jpg", tmp_path / "lab/seq3/0001.json")


def test_pngs_are_pictures_by_their_stem_where_they_are_no_labels(tmp_path):
    _files(tmp_path, "lab/0001.png", "im/0002.png", "lab/im/0003.png")
    labels = tmp_path / "lab/0001.json"
    assert PictureFinder(tmp_path / "im", tmp_path / "lab").find("0002.jpg", labels) == tmp_path / "im/0002.png"
    inside = PictureFinder(tmp_path / "lab/im", tmp_path / "lab")
    assert inside.find("0003.jpg", labels) == tmp_path / "lab/im/0003.png" and inside.stems() == {"0003"}
    whole = PictureFinder(tmp_path, tmp_path / "lab")
    assert whole.find("0001.jpg", labels) is None and whole.find("0001.png", labels) == tmp_path / "lab/0001.png"
    assert PictureFinder(None, tmp_path / "lab").stems() == set()


def test_map_folders_and_other_files_are_no_pictures_and_hide_none(tmp_path):
    _files(tmp_path, "a.txt", "masks/0001.png", "seg/0001.png", "z/0001.png")
    assert PictureFinder(None, tmp_path).find("0001.png", tmp_path / "labels.json") == tmp_path / "z/0001.png"
