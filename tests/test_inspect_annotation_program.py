"""experiments/inspect_annotation.py as a user starts it."""

import pathlib

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec
from tests.programs import run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / "experiments" / "inspect_annotation.py"


def _run(*arguments):
    return run_python(PROGRAM, *arguments)


def test_it_names_counts_and_draws_the_classes(tmp_path):
    ids = np.full((20, 40), 7, np.uint8)
    ids[:5], ids[5:10, :10] = 23, 26
    Image.fromarray(ids).save(tmp_path / "map.png")
    done = _run(
        f"--label_map={tmp_path}/map.png", "--spec=cityscapes", "--label_ids=labelIds", f"--output={tmp_path}/out.png"
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:4]]
    assert lines == [
        ["0", "road", "background", "550", "pixels", "68.75%"],
        ["10", "sky", "background", "200", "pixels", "25.00%"],
        ["13", "car", "foreground", "50", "pixels", "6.25%"],
    ]
    drawn = np.asarray(Image.open(tmp_path / "out.png"))
    colors = {c.name: c.color for c in load_spec("cityscapes").classes}
    for (y, x), name in (((0, 0), "sky"), ((7, 3), "car"), ((15, 30), "road"), ((7, 53), "road"), ((35, 53), "car")):
        np.testing.assert_array_equal(drawn[y, x], colors[name], err_msg=name)


def test_without_a_spec_it_says_which_ones_fit(tmp_path):
    ids = np.full((32, 64), 11, np.uint8)
    ids[:8], ids[18:], ids[16:20, 10:20] = 23, 7, 26
    ids[30:] = 1  # the ego vehicle, which the label set leaves out
    for name, array, first in (
        ("city", ids, ["--spec=cityscapes --label_ids=labelIds", "--spec=kitti --label_ids=labelIds"]),
        ("camvid", np.select([ids == 23, ids == 11, ids == 7, ids == 26], [0, 1, 3, 8], 11), ["--spec=camvid"]),
    ):
        Image.fromarray(array.astype(np.uint8)).save(tmp_path / "map.png")
        done = _run(f"--label_map={tmp_path}/map.png")
        assert done.returncode == 0 and "5 ids" in done.stdout, name
        lines = done.stdout.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("share of the pixels"))
        found = [line.split("%", 1)[1].strip() for line in lines[start + 1 :]]
        assert found[: len(first)] == first
        # Every spec and every set is there.
        assert {"--spec=sketch", "--spec=camvid --label_ids=cityscapes", "--spec=coco_pose"} <= set(found)
        shares = [float(line.split("%")[0]) for line in lines[start + 1 :]]
        assert sorted(shares, key=lambda share: share < 50) == shares, "what knows few of the ids comes last"
        share = float(lines[start + 1].split("%")[0])
        assert share == (93.75 if name == "city" else 100.0)


def test_painted_maps_and_mistakes(tmp_path):
    spec = load_spec("camvid")
    Image.fromarray(np.uint8([[c.color for c in spec.classes]])).save(tmp_path / "map.png")
    done = _run(f"--label_map={tmp_path}/map.png", "--spec=camvid", "--colors=classes")
    assert done.returncode == 0 and all(c.name in done.stdout for c in spec.classes)
    for arguments, message in (
        (["--spec=camvid"], "8-bit RGB PNG, expected 8-bit grey"),
        (["--colors=classes"], "--colors needs --spec"),
        (["--spec=camvid", "--colors=classes", "--label_ids=cityscapes"], "give --colors, or --label_ids"),
        (["--spec=camvid", "--colors=classes", "--palette"], "leave out palette or colors"),
        (["--spec=camvid", "--colors=mine"], "unknown colour set 'mine'"),
    ):
        failed = _run(f"--label_map={tmp_path}/map.png", *arguments)
        assert failed.returncode == 1 and message in failed.stderr and "Traceback" not in failed.stderr


def test_without_a_spec_it_draws_where_each_number_lies(tmp_path):
    numbers = np.full((16, 32), 3, np.uint8)
    numbers[:4] = 1
    Image.fromarray(numbers).save(tmp_path / "map.png")
    done = _run(f"--label_map={tmp_path}/map.png", f"--output={tmp_path}/out.png")
    assert done.returncode == 0 and f"where each number lies: {tmp_path}/out.png" in done.stdout, done.stderr
    assert np.asarray(Image.open(tmp_path / "out.png")).shape == (120 + 18, 2 * 240 + 8, 3)
