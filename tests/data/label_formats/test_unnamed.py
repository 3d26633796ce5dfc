"""Maps of one's own numbers and colours, in the folders that recordings are kept in."""

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.class_names import ClassNames
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.frame_folder import FrameFolder
from seg2vid_tf.data.label_formats.formats import reader
from seg2vid_tf.data.label_import import import_labels

SPEC = load_spec("cityscapes")
FORMATS = {"own_numbers": (np.uint8(1), "1"), "own_colors": (np.uint8([200, 30, 3]), "200-030-003")}


def _save(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.broadcast_to(value, (6, 8, *np.shape(value))).copy()).save(path)


def _imported(root, images, name, out):
    """The names of the clips that the folder's maps become."""
    names = ClassNames(SPEC, {FORMATS[name][1]: "road"})
    report = import_labels(reader(name)(root, images), SPEC, names, out)
    assert None not in report.ids.values()
    return [clip.clip_id for clip in FrameFolder(out, SPEC, None)]


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("label", ["lab/{}/{}.png", "in/{}/label/{}.png"])
def test_sub_folders_stay_sequences(tmp_path, name, label):
    """Frames of equal names, as 0000 in every recording."""
    image = label.replace("lab/", "img/").replace("/label/", "/image/").replace(".png", ".jpg")
    for level, sequence in enumerate("ab"):
        for stem in ("0000", "0001"):
            _save(tmp_path / label.format(sequence, stem), FORMATS[name][0])
            _save(tmp_path / image.format(sequence, stem), np.uint8([level, level, level]))
    root, images = tmp_path / label.split("/")[0], tmp_path / "img" if label.startswith("lab") else None
    assert _imported(root, images, name, tmp_path / "out") == ["a", "b"]
    for level, sequence in enumerate("ab"):
        with Image.open(tmp_path / f"out/{sequence}/image/0001.jpg") as copied:
            assert np.asarray(copied).max() == level, "the picture of its own recording"


def test_pictures_in_the_folder_of_the_labels_are_no_labels(tmp_path):
    for sequence in "ab":
        _save(tmp_path / f"in/numbers/{sequence}/0000.png", np.uint8(1))
        _save(tmp_path / f"in/photos/{sequence}/0000.png", np.uint8([9, 9, 9]))
    assert _imported(tmp_path / "in", tmp_path / "in/photos", "own_numbers", tmp_path / "out") == ["a", "b"]


def test_a_flat_folder_is_one_sequence(tmp_path):
    for stem in ("0000", "0001"):
        _save(tmp_path / f"lab/{stem}.png", np.uint8(1))
        _save(tmp_path / f"img/{stem}.jpg", np.uint8([9, 9, 9]))
    assert _imported(tmp_path / "lab", tmp_path / "img", "own_numbers", tmp_path / "out") == ["all"]
